"""CycleReport: what one cycle learned, decided and made. A record; computes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.loop.applying import Applied, unit_of_budget
from adbudget.loop.promises import Judged
from adbudget.plain_json import to_plain
from adbudget.platforms.platform import StandingBudget
from adbudget.policy.plan import PolicyPlan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CycleReport(Shown):
    """What a cycle did.

    Attributes
    ----------
    key, at : its name and instant
    dry : nothing was written to platform and ledger
    resumed : an earlier run of it was killed, and this one finished it
    plans : one per currency, as the policy reviewed it
    applied : what became of every change; None when it was dry
    until : the day after the last whole period that was known; None when it was only resumed
    learned : how the fit of now came about, in one sentence; "" when it was only resumed
    healthy : whether the fit can be trusted; where it cannot, nothing moves
    table : one row per campaign: account, channel, campaign, currency, budget, wanted, decided,
        set_now (what may be set before anybody approves), verdict, state (what became of it),
        explored (money a day of the cell that is there to learn from), used_up (hour of the day
        at which the budget is used up; 24 is midnight, NaN: not, or nobody knows), unspent (money a
        day that is left over), reason
    rehearsal : frame by account, see :class:`adbudget.loop.rehearsing.Rehearsal`
    prices : what the limits that bind cost the plan, see
        :attr:`adbudget.optimizer.Proposal.shadow_prices`
    judged : promises of earlier cycles that were held against what was seen
    exploration_cost : what exploring is expected to cost, money per period
    regret : currency -> money per period that the best step leaves on the table for want of
        knowledge, see :func:`adbudget.decision.regret.regret`; empty where the fit is not healthy
    notes : what is worth knowing

    Examples
    --------
    >>> cycle.dry, "decided" in cycle.table
    (False, True)
    >>> list(cycle.as_dict())[:3]
    ['key', 'at', 'dry']
    """

    key: str
    at: datetime
    dry: bool
    resumed: bool
    plans: tuple[PolicyPlan, ...]
    applied: Applied | None
    until: str | None = None
    learned: str = ""
    healthy: bool = True
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    rehearsal: pd.DataFrame = field(default_factory=pd.DataFrame)
    prices: pd.DataFrame = field(default_factory=pd.DataFrame)
    judged: tuple[Judged, ...] = ()
    exploration_cost: float = 0.0
    regret: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        columns = ["account", "channel", "campaign", "budget", "decided", "verdict", "state"]
        return Page(
            title=f"Cycle {self.key}{' (dry)' if self.dry else ''}: "
            f"{counted(len(self.table), 'campaign')}",
            facts=[
                ("learned", self.learned),
                ("fit", "healthy" if self.healthy else "NOT healthy"),
            ],
            next=(".table  .rehearsal  .applied  .judged  .notes",),
            **table_of(self.table, [name for name in columns if name in self.table.columns]),
        )

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "key": self.key,
            "at": self.at.isoformat(),
            "dry": self.dry,
            "resumed": self.resumed,
            "until": self.until,
            "learned": self.learned,
            "healthy": self.healthy,
            "campaigns": _records(self.table),
            "accounts": _records(self.rehearsal.reset_index()),
            "prices": _records(self.prices),
            "changes": []
            if self.applied is None
            else [
                {"unit": one.unit, "state": one.state, "reason": one.reason}
                for one in self.applied.changes
            ],
            "promises": [
                {"account": one.account, "verdict": one.verdict, "periods": one.periods}
                for one in self.judged
            ],
            "exploration_cost": self.exploration_cost,
            "regret": dict(self.regret),
            "notes": list(self.notes),
        }


def campaign_table(
    budgets: Sequence[StandingBudget],
    plans: Sequence[PolicyPlan],
    wanted: Mapping[tuple[str, str], float],
    explored: Mapping[tuple[str, str], float],
    states: Mapping[str, str],
    hours: pd.DataFrame,
) -> pd.DataFrame:
    """One row per campaign, as :class:`CycleReport` holds it.

    Parameters
    ----------
    budgets : as they stood
    plans : the policy's word
    wanted : (account, campaign) -> daily budget the plan asked for
    explored : cell -> money a day that is there to learn from
    states : unit -> what became of its change
    hours : from :func:`adbudget.loop.within_day.rehearse_day`
    """
    calls = {call.campaign_id: call for plan in plans for call in plan.calls}
    days = dict(zip(hours.index.tolist(), hours[["used_up", "unspent"]].to_numpy(), strict=True))
    rows = []
    for one in budgets:
        unit = unit_of_budget(one)
        if (call := calls.get(unit)) is None:
            continue
        now = float(call.current_budget)
        used_up, unspent = days.get(one.unit, (np.nan, np.nan))
        rows.append(
            {
                "account": one.account,
                "channel": one.channel,
                "campaign": one.campaign,
                "currency": one.currency,
                "budget": now,
                "wanted": wanted.get((one.account, one.campaign), now),
                "decided": float(call.recommended_budget),
                "set_now": float(call.budget_now),
                "verdict": call.verdict,
                "state": states.get(unit, ""),
                "explored": explored.get((one.account, one.channel), 0.0),
                "used_up": used_up,
                "unspent": unspent,
                "reason": call.rationale,
            }
        )
    return pd.DataFrame(rows)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [to_plain(row) for row in table.to_dict("records")]
