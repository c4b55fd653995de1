"""Panel -> HistoryBacktest: what the loop would have proposed on past dates, and how it forecast.

At every date a fit sees what was known then and nothing later. What was spent afterwards is played
through it, and its forecast of outcome and lift is held against what came in.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.backtesting.history_record import HistoryBacktest
from adbudget.errors import InputError
from adbudget.forecasting.forecasts import forecast
from adbudget.loop.campaigns import money_by_cell
from adbudget.loop.limiting import limits_of_cells
from adbudget.loop.promises import judge, promises_of
from adbudget.loop.proposing import propose
from adbudget.loop.rehearsing import rehearse
from adbudget.loop.settings import LoopSettings
from adbudget.panel.cutting import panel_until
from adbudget.panel.findings import blocked
from adbudget.panel.integrity import check_data
from adbudget.panel.panel import Panel
from adbudget.plan import Limits

if TYPE_CHECKING:
    from adbudget.model.fit import Fit

LEAST_DAYS = 182  # of a history, before a first date
MONTH_DAYS = 28
INTERVAL = (0.05, 0.95)


def backtest(
    panel: Panel,
    *,
    seed: int,
    dates: int = 6,
    every: int | None = None,
    horizon: int | None = None,
    settings: LoopSettings | None = None,
    limits: Limits | None = None,
    draws: int = 1000,
    cores: int | None = None,
) -> HistoryBacktest:
    """Walk forward through a history: what would have been proposed, and how well it was forecast.

    A proposal that nobody carried out has no outcome, and cannot be scored by one. What can be
    scored is whether the model that makes the proposals foresees what comes: the outcome of what
    was really spent, and the lift of the moves that were really made. Both are held against what
    was seen. Controls to come are not told to the forecast, as nobody knew them.

    Parameters
    ----------
    panel : from :func:`adbudget.read_panel`, weekly or daily
    seed : of every fit and forecast
    dates : on how many past dates to stand; the last one leaves the horizon to be seen
    every : periods from one date to the next; 28 days when None
    horizon : periods that are forecast from each date; 28 days when None
    settings : what the loop may do; the defaults for the period of the panel when None. Nothing is
        explored
    limits : what plans may be, as :func:`adbudget.loop.run_cycle` takes them
    draws : kept draws per chain of every fit
    cores : of the sampler; all when None

    Returns
    -------
    HistoryBacktest

    Raises
    ------
    InputError : an argument is out of range, or the history is too short for one date
    FitError : the sampler could not run

    Examples
    --------
    >>> walk = ab.backtest(single, seed=1, dates=1, draws=100)
    >>> list(walk.accounts.columns[:4])
    ['date', 'account', 'forecast', 'low']
    """
    from adbudget.model.fit import fit

    if not isinstance(panel, Panel):
        raise InputError(
            f"backtest needs a Panel; got {type(panel).__name__}. Make one with read_panel(frame)."
        )
    if panel.period not in ("daily", "weekly"):
        raise InputError(f"a loop learns from days or weeks; this panel is {panel.period}.")
    settings = LoopSettings(period=panel.period) if settings is None else settings
    if settings.period != panel.period:
        raise InputError(
            f"settings are for a {settings.period} panel and this one is {panel.period}. Pass "
            f"LoopSettings(period={panel.period!r})."
        )
    month = round(MONTH_DAYS / settings.period_days)
    ahead = month if horizon is None else horizon
    settings = replace(settings, exploration=0.0)
    accounts, moves, notes = [], [], []
    for end in _ends(panel, dates, month if every is None else every, ahead):
        known = panel_until(panel, end)
        fitted = fit(known, seed=seed, draws=draws, cores=cores, progress=False)
        told, moved = _one_date(panel, end, fitted, settings, limits, ahead, seed)
        accounts += told
        moves += moved
        if not fitted.health.ok:
            why = " ".join(fitted.health.problems)
            notes.append(f"{known.dates[-1]}: the fit cannot be trusted, nothing moves. {why}")
        notes += _new_cells(panel, known, end, ahead)
    return HistoryBacktest(
        period=panel.period,
        horizon=ahead,
        outcome_name=panel.outcome_name,
        accounts=pd.DataFrame(accounts),
        moves=pd.DataFrame(moves),
        notes=tuple(notes),
        seed=seed,
    )


def _ends(panel: Panel, dates: int, every: int, horizon: int) -> list[int]:
    """How many periods are known at each date, the earliest first."""
    for name, value, high in (
        ("dates", dates, 200),
        ("every", every, 366),
        ("horizon", horizon, 52),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
            raise InputError(f"{name} must be a whole number from 1 to {high}; got {value!r}.")
    last, least = panel.n_periods - horizon, round(LEAST_DAYS / panel.period_days)
    ends = [last - every * i for i in range(dates) if last - every * i >= least]
    if not ends:
        raise InputError(
            f"a walk through a history needs {least} periods before its first date and "
            f"{horizon} after it; this panel has {panel.n_periods}. Shorten the horizon, or wait."
        )
    return ends[::-1]


def _one_date(
    panel: Panel,
    end: int,
    known: "Fit",
    settings: LoopSettings,
    limits: Limits | None,
    horizon: int,
    seed: int,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of accounts and rows of cells of one date."""
    date: Any = pd.Timestamp(known.panel.dates[-1])
    current = known.current_spend.reindex(known.draws.cells)
    held = blocked(check_data(known.panel))
    within = limits_of_cells(
        limits,
        settings,
        current,
        change=settings.change,
        least={},
        opened={},
        caution={},
        fixed=held,
    )
    rng = np.random.default_rng(seed)
    draft = propose(known, current, current, within, settings, rng, held)
    rehearsal = rehearse(known.draws, current, draft.plan, settings)
    spent = _spent(panel, known.panel, end, horizon)
    promised = {
        one["account"]: one
        for one in promises_of(known, current, spent, horizon=horizon, seed=seed)
    }
    told = forecast(known, horizon, spent, seed=seed, by_channel=False).draws["outcome"].sum("date")
    rows = []
    for a, account in enumerate(panel.accounts):
        if account not in known.panel.accounts:
            continue
        seen = panel.outcome[a, end : end + horizon]
        if not np.isfinite(seen).all():
            continue
        drawn = told.sel(account=account).to_numpy()
        low, high = np.quantile(drawn, INTERVAL)
        worth = rehearsal.accounts.loc[account]
        recent = panel.outcome[a, max(end - horizon, 0) : end]
        rows.append(
            {
                "date": date,
                "account": account,
                "forecast": float(drawn.mean()),
                "low": float(low),
                "high": float(high),
                "seen": float(seen.sum()),
                "inside": bool(low <= seen.sum() <= high),
                "as_before": float(np.nanmean(recent)) * horizon,
                **_lift(promised.get(account), panel, horizon),
                "plan_gain": float(worth["value_mean"]) / settings.horizon,
                "plan_gain_low": float(worth["value_low"]) / settings.horizon,
                "plan_gain_high": float(worth["value_high"]) / settings.horizon,
            }
        )
    moved = _moved(date, current, rehearsal.plan, spent)
    ended = known.panel.last < known.panel.n_periods - 1  # nobody would move their budgets
    gone = {account for account, over in zip(known.panel.accounts, ended, strict=True) if over}
    return rows, [row for row in moved if row["account"] not in gone]


def _lift(promise: dict[str, Any] | None, panel: Panel, horizon: int) -> dict[str, Any]:
    """What was forecast and seen of the moves that were really made."""
    one = None if promise is None else judge("", promise, panel, horizon)
    if one is None:
        return {
            "lift": 0.0,
            "lift_sd": 0.0,
            "lift_seen": np.nan,
            "lift_seen_sd": np.nan,
            "verdict": "",
        }
    return {
        "lift": one.promised,
        "lift_sd": one.promised_sd,
        "lift_seen": one.seen,
        "lift_seen_sd": one.seen_sd,
        "verdict": one.verdict,
    }


def _spent(panel: Panel, known: Panel, end: int, horizon: int) -> pd.DataFrame:
    """Spend that was then made in the cells that were known: account, channel, date, spend."""
    frame = panel.to_frame()
    dates = pd.to_datetime(panel.dates[end : end + horizon])
    cells = known.cells
    grid = pd.MultiIndex.from_tuples(
        [(a, c, date) for a, c in cells for date in dates], names=["account", "channel", "date"]
    )
    spend: Any = frame.set_index(["account", "channel", "date"])["spend"]
    spend.index = spend.index.set_levels(pd.to_datetime(spend.index.levels[2]), level=2)
    return spend.reindex(grid, fill_value=0.0).reset_index()


def _moved(
    date: pd.Timestamp, current: pd.Series, plan: pd.Series, spent: pd.DataFrame
) -> list[dict[str, Any]]:
    after: Any = spent.groupby(["account", "channel"])["spend"].mean()
    then, wanted = money_by_cell(after), money_by_cell(plan)
    return [
        {
            "date": date,
            "account": account,
            "channel": channel,
            "spend": money,
            "proposed": wanted[account, channel],
            "spent": then[account, channel],
        }
        for (account, channel), money in money_by_cell(current).items()
    ]


def _new_cells(panel: Panel, known: Panel, end: int, horizon: int) -> list[str]:
    """What was spent afterwards in cells that no fit of then could know."""
    old = set(known.cells.tolist())
    after = panel.spend[..., end : end + horizon].sum(axis=-1)
    new = [
        f"{panel.accounts[a]} / {panel.channels[c]}"
        for a, c in np.argwhere(after > 0)
        if panel.accounts[a] in known.accounts and (panel.accounts[a], panel.channels[c]) not in old
    ]
    if not new:
        return []
    return [
        f"{known.dates[-1]}: spend of {', '.join(new[:5])} began afterwards and is not foreseen."
    ]
