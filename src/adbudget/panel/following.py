"""Panel + rows of later periods -> the longer Panel, after the checks of ``read_panel``.

New rows continue what is known: the same accounts, channels, controls and calendar, from the period
after each account's last one. Rows of earlier periods may take the place of those that are known,
where the caller says so: outcomes arrive late and are corrected.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.panel.arrays import last_true, span
from adbudget.panel.calendar import PERIOD_DAYS, period_number
from adbudget.panel.checks import check_controls_known, check_no_duplicates, one_row_per_date
from adbudget.panel.forms import Records, read_records
from adbudget.panel.holidays import HOLIDAY, holiday_control
from adbudget.panel.opened import AsTold
from adbudget.panel.panel import Panel
from adbudget.panel.restated import (
    REFIT,
    Restated,
    check_cells_kept,
    check_within,
    restated_notes,
)
from adbudget.tables.currencies import currency_of_accounts
from adbudget.tables.messages import Note, account_names, dates_text, every_quoted, quoted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Later:
    """Rows of later periods, on a grid that begins where the panel's does.

    Attributes
    ----------
    spend : (account, channel, period) NaN where not recorded
    outcome : (account, period) NaN where not observed
    control_values : (account, control, period)
    recorded : (account, period) whether any row of the account says anything
    """

    dates: np.ndarray
    spend: np.ndarray
    outcome: np.ndarray
    control_values: np.ndarray
    recorded: np.ndarray
    notes: tuple[Note, ...]


def follow(
    panel: Panel,
    data: Any,
    outcome: Any = None,
    *,
    columns: Any = None,
    channels: Any = None,
    holidays: Any = None,
    missing_spend: str = "error",
    restated: Restated = "error",
) -> Panel:
    """The panel with the rows of later periods behind its own.

    An account may stay as it is, and a channel without a row in the new periods has stopped.

    Parameters
    ----------
    panel : what is known
    data, outcome, columns, channels, holidays, missing_spend : as in
        :func:`adbudget.read_panel`, one period is enough; or ``data`` is a Panel
    restated : "replace" lets rows of periods that are known take the place of the old ones, value
        by value: what they do not give stays; "error" refuses them

    Returns
    -------
    Panel, whose notes end with those about the new rows; the note "restated" says what was replaced

    Raises
    ------
    InputError : the new rows overlap the old ones and ``restated`` does not allow it, leave a gap,
        do not fit the calendar, or hold accounts, channels, controls or money the panel does not
        know
    """
    if not isinstance(missing_spend, str) or missing_spend not in ("error", "zero"):
        raise InputError(f"missing_spend must be 'error' or 'zero'; got {missing_spend!r}.")
    if restated not in ("error", "replace"):
        raise InputError(f"restated must be 'error' or 'replace'; got {restated!r}.")
    if isinstance(data, Panel):
        if outcome is not None or columns or channels or holidays is not None:
            raise InputError(
                "the new rows are a Panel already, so outcome, columns, channels and holidays "
                "have no effect: give them to read_panel instead."
            )
        later = _of_panel(panel, data)
    else:
        later = _of_tables(panel, data, outcome, columns, channels, holidays)
    _check_follows(panel, later, restated)
    longer = _joined(panel, later, missing_is_zero=missing_spend == "zero")
    check_cells_kept(panel, longer)
    return replace(longer, notes=(*longer.notes, *restated_notes(panel, longer)))


def _of_tables(panel: Panel, data, outcome, columns, channels, holidays) -> _Later:
    controls = [name for name in panel.controls if holidays is None or name != HOLIDAY]
    told = AsTold(columns=columns, channels=channels, controls=controls or None)
    records = read_records(data, outcome, told)
    notes = list(records.notes)
    check_no_duplicates(records)
    by_date = one_row_per_date(records)
    check_controls_known(by_date, records.controls)
    accounts = by_date.rows.accounts
    _check_names(panel, accounts, records.channels, records.outcome_name)
    _check_currency(panel, records, accounts)
    days = np.concatenate([by_date.date, records.spend.date])
    _check_calendar(panel, days)
    dates = _grid(panel, days.max())
    of_account = np.array([panel.accounts.index(name) for name in accounts])
    of_channel = np.array([panel.channels.index(name) for name in records.channels])
    rows, begin = by_date.rows, period_number(panel.dates[:1], panel.period)[0]
    at = (of_account[rows.account], period_number(by_date.date, panel.period) - begin)
    spent = records.spend
    where = (of_account[spent.rows.account], of_channel[spent.channel])
    when = period_number(spent.date, panel.period) - begin
    _check_not_before(panel, [(at[0], at[1]), (where[0], when)])
    spend, observed = _empty(panel, dates, panel.n_channels), _empty(panel, dates)
    spend[(*where, when)] = spent.spend
    observed[at] = by_date.outcome
    control_values = _empty(panel, dates, len(panel.controls))
    values = dict(zip(records.controls, by_date.control_values, strict=True))
    for name, column in values.items():
        control_values[at[0], panel.controls.index(name), at[1]] = column
    if holidays is not None:
        _check_has_holidays(panel)
        place = (panel.accounts, dates, panel.period, tuple(values), notes)
        counts = holiday_control(holidays, *place)
        control_values[:, panel.controls.index(HOLIDAY)] = counts[:, 0]
    return _Later(
        dates=dates,
        spend=spend,
        outcome=observed,
        control_values=control_values,
        recorded=np.isfinite(observed) | np.isfinite(spend).any(axis=1),
        notes=tuple(notes),
    )


def _of_panel(panel: Panel, new: Panel) -> _Later:
    _check_names(panel, new.accounts, new.channels, new.outcome_name)
    of_account = np.array([panel.accounts.index(name) for name in new.accounts])
    for name in ("unit_value", "margin"):
        if (getattr(new, name) != getattr(panel, name)[of_account]).any():
            raise InputError(f"the new rows have another {name} than the fit. {REFIT}")
    if new.currency != tuple(panel.currency[a] for a in of_account):
        raise InputError(f"the new rows have other currencies than the fit. {REFIT}")
    if new.period != panel.period or set(new.controls) != set(panel.controls):
        raise InputError(
            f"the fit is {panel.period} with controls {every_quoted(panel.controls)}; the new rows "
            f"are {new.period} with {every_quoted(new.controls)}. Read them alike."
        )
    _check_calendar(panel, new.dates)
    dates = _grid(panel, new.dates[-1])
    begin = int(np.diff(period_number(np.array([panel.dates[0], new.dates[0]]), panel.period))[0])
    if begin < 0:
        a = new.accounts[int(np.argmin(new.first))]
        raise _overlap(a, panel.dates[panel.last[panel.accounts.index(a)]], new.dates[:1])
    of_channel = np.array([panel.channels.index(name) for name in new.channels])
    of_control = [new.controls.index(name) for name in panel.controls]
    spend, outcome = _empty(panel, dates, panel.n_channels), _empty(panel, dates)
    control_values = _empty(panel, dates, len(panel.controls))
    known = new.exists[:, :, None] & new.in_record[:, None]
    place = slice(begin, begin + new.n_periods)
    spend[np.ix_(of_account, of_channel, np.arange(dates.size)[place])] = np.where(
        known, new.spend, np.nan
    )
    outcome[of_account, place] = new.outcome
    control_values[of_account, :, place] = new.control_values[:, of_control]
    recorded = np.zeros(outcome.shape, dtype=bool)
    recorded[of_account, place] = new.in_record
    return _Later(
        dates=dates,
        spend=spend,
        outcome=outcome,
        control_values=control_values,
        recorded=recorded,
        notes=new.notes,
    )


def _joined(panel: Panel, later: _Later, *, missing_is_zero: bool) -> Panel:
    """Old arrays, then new ones; what lies between a channel's rows must be there."""
    n_old, n_all = panel.n_periods, later.dates.size
    period = np.arange(n_all)
    is_new = period > panel.last[:, None]
    given = np.isfinite(later.spend)
    # A channel of the account is recorded up to its last old period, so a gap begins after it.
    due = is_new[:, None] & span(given | (period == panel.last[:, None])[:, None]) & ~given
    due &= given.any(axis=-1, keepdims=True)
    notes = list(later.notes)
    if due.any() and not missing_is_zero:
        a, c, _ = np.argwhere(due)[0]
        raise InputError(
            f"spend is missing between the history and the new rows, or between new rows: account "
            f"{panel.accounts[a]!r}, channel {panel.channels[c]!r} on "
            f"{dates_text(later.dates[due[a, c]])}. If missing means that nothing was spent, pass "
            "missing_spend='zero'; otherwise add the true spend."
        )
    pad = [(0, n_all - n_old)]
    spend = np.pad(panel.spend, [(0, 0), (0, 0), *pad])
    outcome = np.pad(panel.outcome, [(0, 0), *pad], constant_values=np.nan)
    controls = np.pad(panel.control_values, [(0, 0), (0, 0), *pad], constant_values=np.nan)
    last = np.where(
        later.recorded.any(axis=1), n_all - 1 - later.recorded[:, ::-1].argmax(axis=1), panel.last
    )
    last = np.maximum(last, panel.last)
    notes += _stopped_notes(panel, is_new[:, None] & given, last)
    spend = np.where(given, later.spend, spend)
    return replace(
        panel,
        dates=later.dates,
        spend=spend,
        live=span(spend > 0),
        outcome=np.where(is_new | np.isfinite(later.outcome), later.outcome, outcome),
        control_values=np.where(
            is_new[:, None] | np.isfinite(later.control_values), later.control_values, controls
        ),
        last=last,
        last_spend=np.maximum(panel.last_spend, last_true(is_new[:, None] & given)),
        notes=(*panel.notes, *notes),
    )


def _stopped_notes(panel: Panel, given: np.ndarray, last: np.ndarray) -> list[Note]:
    """Channels that spent in the last old period and have no new row.

    ``given`` : (account, channel, period) bool, spend of a new period is given.
    """
    grew = last > panel.last
    spent = panel.spend[np.arange(panel.n_accounts), :, panel.last] > 0
    silent = spent & ~given.any(axis=-1) & grew[:, None]
    return [
        Note(
            kind="stopped",
            account=panel.accounts[a],
            channel=panel.channels[c],
            message=f"Account {panel.accounts[a]!r}, channel {panel.channels[c]!r}: no spend value "
            "in the new rows; read as stopped.",
        )
        for a, c in np.argwhere(silent)
    ]


def _empty(panel: Panel, dates: np.ndarray, *between: int) -> np.ndarray:
    return np.full((panel.n_accounts, *between, dates.size), np.nan)


def _grid(panel: Panel, end: np.datetime64) -> np.ndarray:
    """The panel's calendar, continued to the period that holds ``end``."""
    bounds = period_number(np.array([panel.dates[-1], end]), panel.period)
    more = np.arange(1, max(int(np.diff(bounds)[0]), 0) + 1)
    if panel.period == "monthly":
        months = panel.dates[-1].astype("datetime64[M]") + more.astype("timedelta64[M]")
        added = months.astype("datetime64[D]")
    else:
        step = int(PERIOD_DAYS[panel.period])
        added = panel.dates[-1] + (more * step).astype("timedelta64[D]")
    return np.concatenate([panel.dates, added])


def _check_names(panel: Panel, accounts: tuple, channels: tuple, outcome_name: str) -> None:
    for kind, names, known in (
        ("account", accounts, panel.accounts),
        ("channel", channels, panel.channels),
    ):
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(
                f"the new rows have {kind}(s) the fit does not know: {quoted(unknown)}; it has "
                f"{every_quoted(known)}. If they are spelled differently, correct them. If they "
                f"are new, an update cannot add them. {REFIT}"
            )
    if outcome_name != panel.outcome_name:
        raise InputError(
            f"the outcome of the new rows is {outcome_name!r}, that of the fit "
            f"{panel.outcome_name!r}. Name the column: columns={{'outcome': "
            f"{panel.outcome_name!r}}}, or rename it."
        )


def _check_currency(panel: Panel, records: Records, accounts: tuple[str, ...]) -> None:
    stated = currency_of_accounts(None, records.currency_columns, accounts)
    known = dict(zip(panel.accounts, panel.currency, strict=True))
    other = [n for n, code in zip(accounts, stated, strict=True) if code and code != known[n]]
    if other:
        raise InputError(
            f"the new rows of {account_names(other)} are in another currency than the fit "
            f"({known[other[0]] or 'not stated'}). Convert them, or refit. {REFIT}"
        )


def _check_calendar(panel: Panel, days: np.ndarray) -> None:
    if panel.period != "weekly":
        return
    off = (days - panel.dates[0]).astype(np.int64) % 7 != 0
    if off.any():
        raise InputError(
            f"the weeks of the fit begin like {panel.dates[-1]}, every 7 days; the new rows have "
            f"{dates_text(days[off])}. Aggregate them to the same weeks."
        )


def _check_has_holidays(panel: Panel) -> None:
    if HOLIDAY not in panel.controls:
        raise InputError(
            f"the fit has no control {HOLIDAY!r}, so holidays= has nothing to add. Leave it out."
        )


def _check_not_before(panel: Panel, places: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """No row may lie before the panel's first period: there is no place for it."""
    for account, period in places:
        early = period < 0
        if early.any():
            a = account[early][0]
            raise _overlap(panel.accounts[a], panel.dates[panel.last[a]], panel.dates[:1])


def _check_follows(panel: Panel, later: _Later, restated: Restated) -> None:
    if not later.recorded.any():
        raise InputError("the new rows hold no value. Pass at least one later period.")
    for a in np.flatnonzero(later.recorded.any(axis=1)):
        last, name = int(panel.last[a]), panel.accounts[a]
        is_old = np.arange(later.dates.size) <= last
        overlap, beyond = later.recorded[a] & is_old, later.recorded[a] & ~is_old
        if overlap.any() and restated == "error":
            raise _overlap(name, panel.dates[last], later.dates[overlap])
        check_within(panel, int(a), later.dates[overlap])
        first = int(beyond.argmax()) if beyond.any() else last
        if first > last + 1:
            raise InputError(
                f"the history of account {name!r} ends on {panel.dates[last]} and its new rows "
                f"begin on {later.dates[first]}: {first - last - 1} period(s) are missing between "
                f"them. Add the rows of {dates_text(later.dates[last + 1 : first])}."
            )
    spends = np.nan_to_num(later.spend).any(axis=-1) & ~panel.exists
    if spends.any():
        a, c = np.argwhere(spends)[0]
        raise InputError(
            f"account {panel.accounts[a]!r} has never used channel {panel.channels[c]!r}, and the "
            f"new rows spend on it: an update cannot add a cell. {REFIT}"
        )


def _overlap(account: str, last: Any, dates: np.ndarray) -> InputError:
    return InputError(
        f"the new rows of account {account!r} overlap its history, which ends on {last}: "
        f"{dates_text(dates)}. Pass only later periods, or let corrected rows take the place of "
        "the old ones: restated='replace'."
    )
