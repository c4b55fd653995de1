"""Tables of spend and outcome -> Panel, checked once: nothing after it checks again."""

# ``takes`` fills in what is not given: every key of the options is there.
# pyright: reportTypedDictNotRequiredAccess=false

from collections.abc import Sequence
from dataclasses import fields
from typing import Unpack

import numpy as np

from adbudget.errors import InputError
from adbudget.options import takes
from adbudget.panel.arrays import make_arrays, similar_name_notes
from adbudget.panel.calendar import PERIOD_DAYS, checked_freq, make_calendar
from adbudget.panel.checks import (
    check_controls_known,
    check_enough_periods,
    check_no_duplicates,
    check_none_later,
    check_outcome_size,
    one_row_per_date,
)
from adbudget.panel.forms import read_records
from adbudget.panel.holidays import HOLIDAY, holiday_control
from adbudget.panel.integrity import without_values_out_of_line
from adbudget.panel.opened import AsTold
from adbudget.panel.options import PanelOptions
from adbudget.panel.panel import Panel
from adbudget.panel.resampled import check_one_period, checked_resample, resampled
from adbudget.panel.unit_value import read_margin, read_unit_value
from adbudget.tables.currencies import currency_of_accounts
from adbudget.tables.frames import FrameLike
from adbudget.tables.instants import as_moment


@takes(PanelOptions)
def read_panel(
    data: FrameLike | Sequence[FrameLike],
    outcome: FrameLike | Sequence[FrameLike] | str | None = None,
    **options: Unpack[PanelOptions],
) -> Panel:
    """Read spend and outcome tables, check everything, and put them on one calendar.

    Three forms are read: two long tables, ``data`` (account, channel, date, spend) and ``outcome``
    (account, date, one KPI); one long table with the outcome repeated on each channel row; one
    wide table (account, date, outcome, one column of spend per channel). Exports of ad platforms
    and shops are recognised by their titles and read as their layout says. The tables are never
    changed, and the order of their rows and columns does not matter.

    Parameters
    ----------
    data : pandas or polars frame with the spend, or a list of them, such as one per platform.
        Without an account column it is one account
    outcome : frame with the outcome, a list of them, or the name of the outcome column of ``data``
    columns : mapping from role (account, channel, date, spend, outcome, currency) to your column;
        by default each has the name of its role, the outcome also revenue, sales or
        conversion_value
    channels : the spend columns of a wide table; by default those whose names end in "spend". In
        a long table, the channels to keep
    controls : columns of the outcome's table that move it besides advertising: promotions, prices
    holidays : country whose public holidays become the control ``holiday``, such as "DE" or
        "DE-BY", or mapping from account to country; see
        :func:`adbudget.panel.holidays.calendar_controls`
    layout : name of a layout of :mod:`adbudget.tables.layout`, the path of a .toml file of one, or
        "none"; recognised by the titles of each table by default
    channel_of : mapping from a channel, campaign or pattern with * to the channel its rows are
        summed to; "-" leaves them out. In any case, the first that fits holds
    account_of : the same for accounts
    duplicates : "error", or "sum" when several rows of one account, channel and date are its
        parts; then an outcome on channel rows is summed, too
    decimal : "." or ",", the decimal sign of numbers that are text in a column that does not show
        it, such as 1.234; refused by default
    dayfirst : whether 03/04/2024 is the third of April; decided by the column by default
    resample : "weekly" or "monthly" sums days or weeks to that period; only whole ones are kept
    freq : "daily", "weekly" or "monthly"; detected by default
    currency : code such as "EUR", or mapping from account to code; by default the currency column
    value_per_unit : money per outcome unit, or mapping from account; needed for a KPI that counts
    margin : share of the outcome's money that is contribution margin, or mapping from account
    missing_spend : "error", or "zero" when a missing value between two others means no spend
    out_of_line : "keep" rows with a value far out of line, or "mask" them: leave them out of the
        fit; see :func:`adbudget.panel.integrity.check_data`
    today : the day the tables are read on, a date or "2026-03-01": rows of later periods are
        refused, and a period that is not over is found; not looked at when None

    Returns
    -------
    Panel

    Raises
    ------
    InputError : anything in the tables or arguments that cannot be used; says what to change

    Examples
    --------
    >>> panel = ab.read_panel(spend, revenue, currency="EUR", margin=0.4)
    >>> panel.period, panel.n_accounts, panel.channels
    ('weekly', 5, ('search', 'shopping'))
    """
    missing_spend, holidays = options["missing_spend"], options["holidays"]
    if not isinstance(missing_spend, str) or missing_spend not in ("error", "zero"):
        raise InputError(f"missing_spend must be 'error' or 'zero'; got {missing_spend!r}.")
    out_of_line, day = options["out_of_line"], options["today"]
    if not isinstance(out_of_line, str) or out_of_line not in ("keep", "mask"):
        raise InputError(f"out_of_line must be 'keep' or 'mask'; got {out_of_line!r}.")
    stated_period = checked_freq(options["freq"])
    today = "" if day is None else as_moment(day, "today").date().isoformat()
    period = checked_resample(options["resample"])
    told = AsTold(**{one.name: options[one.name] for one in fields(AsTold) if one.init})
    records = read_records(data, outcome, told)
    notes = list(records.notes)
    accounts = records.outcome.rows.accounts
    check_no_duplicates(records)
    outcome_records = one_row_per_date(records)
    if period is not None:
        zero = missing_spend == "zero"
        records, outcome_records = resampled(
            records, outcome_records, period, notes, missing_is_zero=zero
        )
    elif missing_spend != "zero":
        check_one_period(records, outcome_records)
    check_enough_periods(outcome_records)
    check_controls_known(outcome_records, records.controls)
    outcome_days = _days_by_account(outcome_records.rows.account, outcome_records.date, accounts)
    spend_days = _days_by_account(records.spend.rows.account, records.spend.date, accounts)
    calendar = make_calendar(outcome_days, spend_days, stated_period, notes)
    check_none_later(records, outcome_records, calendar.period, today)
    arrays = make_arrays(
        records, outcome_records, calendar, missing_is_zero=missing_spend == "zero", notes=notes
    )
    check_outcome_size(arrays.outcome, accounts)
    control_names, control_values = records.controls, arrays.control_values
    if holidays is not None:
        at = (accounts, calendar.dates, calendar.period, control_names, notes)
        control_values = np.concatenate([control_values, holiday_control(holidays, *at)], axis=1)
        control_names = (*control_names, HOLIDAY)
    notes += similar_name_notes(accounts, "account")
    notes += similar_name_notes(records.channels, "channel")
    panel = Panel(
        accounts=accounts,
        channels=records.channels,
        controls=control_names,
        period=calendar.period,
        period_days=PERIOD_DAYS[calendar.period],
        dates=calendar.dates,
        spend=arrays.spend,
        live=arrays.live,
        outcome=arrays.outcome,
        control_values=control_values,
        outcome_name=records.outcome_name,
        unit_value=read_unit_value(options["value_per_unit"], records.outcome_name, accounts),
        margin=read_margin(options["margin"], accounts, notes),
        currency=currency_of_accounts(options["currency"], records.currency_columns, accounts),
        first=arrays.first,
        last=arrays.last,
        last_spend=arrays.last_spend,
        today=today,
        notes=tuple(notes),
    )
    return without_values_out_of_line(panel) if out_of_line == "mask" else panel


def _days_by_account(
    account: np.ndarray | None, date: np.ndarray, accounts: tuple[str, ...]
) -> dict[str, np.ndarray]:
    codes = np.asarray(account)
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(accounts) + 1))
    days = date[order]
    return {name: days[edges[i] : edges[i + 1]] for i, name in enumerate(accounts)}
