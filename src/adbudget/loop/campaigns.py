"""Standing budgets <-> cells of the fit, and the tables that a policy reads of them.

A cell is a channel of an account; a platform may run several campaigns in it. A plan's change of a
cell is shared by its campaigns in proportion to what they have. Knows no plan and no ledger.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from adbudget.loop.sources import today_of
from adbudget.money import digits_of
from adbudget.platforms.platform import Performance, StandingBudget
from adbudget.policy.target_rows import whole_units

KEY = ["account", "channel", "campaign"]
WINDOW_DAYS = 7
FIGURES = ("spend", "impressions", "clicks", "conversions", "revenue")


def money_of(budget: StandingBudget) -> float:
    """Daily budget in account currency."""
    return budget.daily_minor / 10 ** digits_of(budget.currency)


def minor_of(budget: StandingBudget, money: float | None) -> int:
    """Money a day as minor units of a budget's currency; what stands when there is none."""
    return budget.daily_minor if money is None else round(money * 10 ** digits_of(budget.currency))


def current_spend(
    budgets: Sequence[StandingBudget], cells: pd.Index, period_days: int
) -> pd.Series:
    """What is set, per period, by cell; 0 for a cell whose campaigns are all paused."""
    total = pd.Series(0.0, index=cells)
    for one in budgets:
        cell = (one.account, one.channel)
        if cell in total.index and not one.paused:
            total[cell] += money_of(one) * period_days
    return total


def least_spend(budgets: Sequence[StandingBudget], cells: pd.Index, period_days: int) -> pd.Series:
    """Least that a platform takes, per period, by cell."""
    least = pd.Series(0.0, index=cells)
    for one in budgets:
        cell = (one.account, one.channel)
        if cell in least.index and not one.paused and one.minimum_minor:
            least[cell] += one.minimum_minor / 10 ** digits_of(one.currency) * period_days
    return least


def targets_of(
    budgets: Sequence[StandingBudget],
    current: pd.Series,
    plan: pd.Series,
    reasons: dict[tuple[str, str], str],
    probabilities: dict[tuple[str, str], float],
) -> pd.DataFrame:
    """A plan as the targets that a policy takes: whole minor units, no account above its plan.

    Parameters
    ----------
    budgets : as they stand
    current, plan : spend per period by cell
    reasons, probabilities : by cell
    """
    rows, now, then = [], money_by_cell(current), money_by_cell(plan)
    for one in budgets:
        cell = (one.account, one.channel)
        if one.paused or not now.get(cell, 0.0) > 0:
            continue
        wanted = one.daily_minor * then[cell] / now[cell]
        if abs(wanted - one.daily_minor) < 0.5:
            continue
        rows.append(
            {
                "campaign_id": one.campaign,
                "account": one.account,
                "minor": wanted,
                "based_minor": one.daily_minor,
                "digits": digits_of(one.currency),
                "reason": reasons.get(cell, ""),
                "probability": probabilities.get(cell, np.nan),
            }
        )
    if not rows:
        return pd.DataFrame(columns=["campaign_id", "account", "target_budget", "based_on"])
    table = pd.DataFrame(rows)
    pool = np.unique(table["account"].to_numpy(), return_inverse=True)[1]
    table["minor"] = whole_units(table["minor"].to_numpy(float), pool)
    scale = 10.0 ** table["digits"]
    return table.assign(
        target_budget=table["minor"] / scale, based_on=table["based_minor"] / scale
    ).drop(columns=["minor", "based_minor", "digits"])


def money_by_cell(spend: pd.Series) -> dict[tuple[str, str], float]:
    """A Series by (account, channel) as a plain mapping."""
    cells: list[Any] = spend.index.tolist()
    return dict(zip(cells, spend.astype(float).tolist(), strict=True))


def _started(
    budgets: Sequence[StandingBudget],
    frame: pd.DataFrame,
    known: Collection[tuple[str, str]],
    now: datetime,
) -> list[str | None]:
    """Since when each campaign is there, as far as the reports show it; None is long ago.

    One without a row, in a cell that was never learned from, has not begun to spend.
    """
    first: Any = frame.groupby(KEY)["date"].min()
    days, begin = first.to_dict(), frame["date"].min()
    started: list[str | None] = []
    for one in budgets:
        day = days.get(one.unit)
        if day is None:
            started.append(None if (one.account, one.channel) in known else now.isoformat())
        else:
            late = min(day.to_pydatetime(), now.replace(tzinfo=None))  # a clock may have gone back
            started.append(None if day <= begin else late.isoformat(timespec="seconds"))
    return started


def policy_tables(
    budgets: Sequence[StandingBudget],
    performance: Performance,
    known: Collection[tuple[str, str]],
    now: datetime,
    zones: Sequence[tzinfo] = (UTC,),
) -> pd.DataFrame:
    """Campaigns as a policy reads them: budgets, age, and the platform's figures of a week.

    Parameters
    ----------
    budgets : as they stand
    performance : of some weeks by day, longer than a campaign counts as new
    known : cells that the fit knows
    now : the instant
    zones : time zones of the accounts
    """
    table = pd.DataFrame(
        {
            "campaign_id": [one.campaign for one in budgets],
            "account": [one.account for one in budgets],
            "channel": [one.channel for one in budgets],
            "budget": [money_of(one) for one in budgets],
            "currency": [one.currency for one in budgets],
            "status": ["paused" if one.paused else "active" for one in budgets],
        }
    )
    frame = performance.frame
    table["started_at"] = _started(budgets, frame, known, now)
    last = pd.Timestamp(today_of(performance.complete_until, zones) - timedelta(days=1))
    recent = frame[frame["date"].between(last - pd.Timedelta(days=WINDOW_DAYS - 1), last)]
    figures = [name for name in FIGURES if name in recent.columns]
    sums: Any = recent.groupby(KEY)[figures].sum()
    summed = sums.reset_index()
    summed = summed.rename(columns={"campaign": "campaign_id"})
    table = table.merge(summed, on=["account", "channel", "campaign_id"], how="left")
    table["days"] = float(WINDOW_DAYS)
    # A platform whose clock runs ahead tells of nothing later than now all the same.
    table["updated_at"] = min(performance.reported_at, now).isoformat()
    return table
