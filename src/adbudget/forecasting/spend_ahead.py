"""A plan as callers write it -> spend of every account, channel and period to come."""

import numpy as np
import pandas as pd
import xarray as xr

from adbudget.draws import SpendLike, aligned_spend
from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.plan import Plan
from adbudget.tables.dates import read_dates
from adbudget.tables.messages import Note, Rows, dates_text, quoted
from adbudget.tables.named_columns import checked_frame
from adbudget.tables.roles import column_of
from adbudget.tables.values import check_not_negative, read_numbers

PlanLike = Plan | SpendLike | pd.DataFrame
NAMES = ("account", "channel", "date")


def spend_ahead(
    plan: PlanLike | None, panel: Panel, current: pd.Series, dates: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """Spend per period of a plan.

    Parameters
    ----------
    plan : see :func:`adbudget.forecast`
    panel : names and cells
    current : spend per period that stands, by (account, channel)
    dates : (period,) label days of the periods to come

    Returns
    -------
    (account, channel, period) account currency, 0 where there is no cell; and notes

    Raises
    ------
    InputError : a cell or a date is unknown or missing, or a spend negative
    """
    if plan is None:
        plan = current
    if isinstance(plan, pd.DataFrame):
        if plan.index.nlevels == 2:
            return _path(plan, panel, dates), []
        return _dated(plan, panel, current, dates)
    if isinstance(plan, xr.DataArray) and "date" in plan.dims:
        if set(plan.dims) != set(NAMES):
            raise InputError(f"plan must have dims {NAMES}; got {plan.dims}.")
        plan = plan.transpose(*NAMES).to_series().dropna()
    if isinstance(plan, pd.Series) and plan.index.nlevels == 3:
        table = plan.rename("spend").rename_axis(NAMES).reset_index()
        return _dated(table, panel, current, dates)
    constant = _aligned(plan.spend if isinstance(plan, Plan) else plan, panel)
    return np.repeat(constant[..., None], dates.size, axis=2), []


def _aligned(spend: SpendLike, panel: Panel) -> np.ndarray:
    return np.nan_to_num(aligned_spend(spend, panel.accounts, panel.channels, panel.cells))


def _path(plan: pd.DataFrame, panel: Panel, dates: np.ndarray) -> np.ndarray:
    """One column per period, as :func:`adbudget.simulate` takes it."""
    if plan.shape[1] != dates.size:
        raise InputError(
            f"the plan has {plan.shape[1]} columns, one per period, but {dates.size} period(s) are "
            "to be forecast. Give as many, or a table with the columns account, channel, date and "
            "spend."
        )
    return np.stack([_aligned(plan.iloc[:, t], panel) for t in range(dates.size)], axis=2)


def _dated(
    plan: pd.DataFrame, panel: Panel, current: pd.Series, dates: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """A spend holds from its date until the next one of its cell; before the first, today's."""
    frame = checked_frame(plan, "plan", (*NAMES, "spend"))
    rows = Rows(table="the plan", labels=frame.index)
    account, channel = _cells_of(frame, panel)
    told: list[Note] = []
    days = read_dates(column_of(frame, "date"), "date", rows, told)
    spend = read_numbers(column_of(frame, "spend"), "spend", rows)
    if np.isnan(spend).any():
        raise InputError(
            f"the plan has no spend in {rows.numbered(np.isnan(spend))}. Use 0 for a channel that "
            "is off, and leave out rows that change nothing."
        )
    check_not_negative(spend, "spend", rows)
    between = np.isin(days, dates) | (days < dates[0]) | (days > dates[-1])
    if not between.all():
        raise InputError(
            f"the plan names days inside a {panel.period} period in {rows.numbered(~between)}: "
            f"{dates_text(days[~between])}. Budgets begin with a period: {dates_text(dates)}."
        )
    _refuse_repeated(account, channel, days, rows)
    path = np.full((panel.n_accounts, panel.n_channels, dates.size), np.nan)
    path[..., 0] = _aligned(current, panel)
    for i in np.argsort(days, kind="stable"):
        if days[i] <= dates[-1]:
            path[account[i], channel[i], max(np.searchsorted(dates, days[i]), 0)] = spend[i]
    for t in range(1, dates.size):
        path[..., t] = np.where(np.isnan(path[..., t]), path[..., t - 1], path[..., t])
    return path, _notes(account, channel, days, panel, dates) + [note.message for note in told]


def _cells_of(frame: pd.DataFrame, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Positions of each row's account and channel."""
    account = pd.Index(panel.accounts).get_indexer(pd.Index(frame["account"].astype(str)))
    channel = pd.Index(panel.channels).get_indexer(pd.Index(frame["channel"].astype(str)))
    known = (account >= 0) & (channel >= 0)
    known &= panel.exists[account, channel]
    if not known.all():
        pairs = frame.loc[~known, ["account", "channel"]].itertuples(index=False, name=None)
        raise InputError(
            f"the plan names cells the fit does not know: {quoted(dict.fromkeys(pairs))}. Only "
            "channels that an account has used can be forecast."
        )
    return account, channel


def _refuse_repeated(account, channel, days: np.ndarray, rows: Rows) -> None:
    table = pd.DataFrame({"account": account, "channel": channel, "day": days})
    twice = table.duplicated(keep=False).to_numpy()
    if twice.any():
        raise InputError(
            f"the plan names a cell twice on one day, in {rows.numbered(twice)}. Keep one of them."
        )


def _notes(account, channel, days, panel: Panel, dates: np.ndarray) -> list[str]:
    """Which cells keep today's spend, and which budgets begin too late to count."""
    notes = []
    silent = panel.exists.copy()
    silent[account, channel] = False
    if silent.any():
        left = [(panel.accounts[a], panel.channels[c]) for a, c in np.argwhere(silent)]
        notes.append(
            f"{len(left)} cell(s) that the plan does not name keep their current spend: "
            f"{quoted(left)}."
        )
    late = days > dates[-1]
    if late.any():
        notes.append(
            f"{late.sum()} budget(s) of the plan begin after the last forecast period, "
            f"{dates[-1]}, and do not count."
        )
    return notes
