"""PolicyPlan and Recommendation: what a run recommends. Records; knows nothing of how."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.plain_json import to_plain
from adbudget.tables.messages import Note
from adbudget.tables.units import split_unit

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["auto", "needs_approval", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What to do with one campaign, and why. Money is account currency per day, exact.

    Attributes
    ----------
    campaign_id : as in the table; "account::name" where it says whose the campaign is
    current_budget, recommended_budget : of today, and after everything is approved
    change_pct : percent of the current budget; inf when it is zero
    action : what happens to the campaign; one that is paused keeps its budget
    rule_fired : names of the rules that decide, joined by " + "; "rebalance" for a move no rule
        asked for; "emergency_pause", "test_budget", "monthly_cap", or the built-in check that asks
        for a pause; "" when nothing did
    rationale : one or two sentences a buyer can read aloud
    confidence : "high" for a rule, "medium" or "low" for a rebalance; "low" also for a rule whose
        posterior probability is below 80%; "" when nothing decided
    probability : posterior probability that the rate is truly past the threshold; None when
        unknown
    verdict : auto, needs_approval, or blocked (a guardrail stopped what a rule wanted)
    budget_now : what may be set before anybody approves: the recommended budget when auto, the
        current one otherwise, and in between for a move that is partly paid by moves that wait
    group_id : linked group that waits for approval, "" when none
    funded_by : campaigns whose cuts pay for this raise, and how much each
    waits_for : those of them whose cuts wait for approval; one rejected cancels this raise
    flags : why the move is not what the rule asked for, and other facts worth a look
    """

    campaign_id: str
    current_budget: Decimal
    recommended_budget: Decimal
    change_pct: float
    action: Literal["increase", "decrease", "hold", "pause"]
    rule_fired: str
    rationale: str
    confidence: str
    probability: float | None
    verdict: Verdict
    budget_now: Decimal
    group_id: str
    funded_by: Mapping[str, Decimal]
    waits_for: tuple[str, ...]
    flags: tuple[str, ...]


COLUMNS = tuple(each.name for each in fields(Recommendation))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PolicyPlan(Shown):
    """What a policy recommends for a campaign table.

    Attributes
    ----------
    calls : one Recommendation per campaign, in the order of the table
    alerts : Alert records, most severe first
    summary : total_before, total_after, net_change, banked, projected_cpl_change (percent) and the
        assumption behind it, counts of calls and verdicts, flags of the whole table
    metrics : the five figures teams watch, as far as the ledger knows them
    notes : what is worth knowing about the tables
    at : moment of the run
    run_id : the same for the same policy, tables, moment and circumstances; "" without a ledger
    currency, exponent : of every amount; minor units are 10**-exponent

    Examples
    --------
    >>> plan = ab.apply_policy(policy, campaigns, as_of="2026-03-02")
    >>> plan.summary["net_change"]
    Decimal('0.00')
    >>> plan.recommendations.set_index("campaign_id").loc["A", "rule_fired"]
    'scale_winners'
    >>> plan.of("A").rule_fired, list(plan.table().columns[:2]), list(plan.as_dict())[:2]
    ('scale_winners', ['campaign_id', 'current_budget'], ['run_id', 'at'])
    """

    calls: tuple[Recommendation, ...]
    alerts: tuple[Any, ...]
    summary: Mapping[str, Any]
    metrics: Mapping[str, Any]
    notes: tuple[Note, ...]
    at: datetime
    run_id: str
    currency: str
    exponent: int

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        counts = Counter(str(call.verdict) for call in self.calls)
        told = ", ".join(f"{n:,} {verdict}" for verdict, n in counts.items())
        columns = ("campaign_id", "action", "verdict", "current_budget", "recommended_budget")
        return Page(
            title=f"Policy plan for {counted(len(self.calls), 'campaign')} "
            f"at {self.at:%Y-%m-%d %H:%M}",
            facts=[("verdicts", told), ("alerts", f"{len(self.alerts):,}")],
            next=(".recommendations  .table()  .alerts  .summary  .of(campaign_id)",),
            **table_of(self.recommendations, columns),
        )

    @cached_property
    def recommendations(self) -> "pd.DataFrame":
        """One row per campaign, a column per field of Recommendation; money is Decimal."""
        import pandas as pd

        rows = {name: [getattr(call, name) for call in self.calls] for name in COLUMNS}
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def table(self) -> "pd.DataFrame":
        """Recommendations in plain columns: text for lists and money, so that files can hold them.

        Money is exact text such as "988.89"; lists are joined by ", ". Where accounts are known, a
        column says whose each campaign is.
        """
        table = self.recommendations.copy()
        whose, names = zip(*map(split_unit, table["campaign_id"]), strict=True)
        if any(whose):
            table["campaign_id"] = list(names)
            table.insert(0, "account", list(whose))
        for name in ("current_budget", "recommended_budget", "budget_now"):
            table[name] = [str(amount) for amount in table[name]]
        for name in ("waits_for", "flags"):
            table[name] = [", ".join(names) for names in table[name]]
        table["funded_by"] = [
            ", ".join(f"{name or 'new money'} {amount}" for name, amount in paid.items())
            for paid in table["funded_by"]
        ]
        table.attrs |= {"run_id": self.run_id, "currency": self.currency}
        table.attrs |= {"summary": to_plain(self.summary), "metrics": to_plain(self.metrics)}
        return table

    def as_dict(self) -> dict[str, Any]:
        """The whole plan as JSON values; money is exact text, what is infinite is null."""
        return {
            "run_id": self.run_id,
            "at": self.at.isoformat(),
            "currency": self.currency,
            "recommendations": [to_plain(call) for call in self.calls],
            "alerts": [alert.as_dict() for alert in self.alerts],
            "summary": to_plain(self.summary),
            "metrics": to_plain(self.metrics),
            "notes": [note.message for note in self.notes],
        }

    def of(self, campaign_id: str) -> Recommendation:
        """The call on one campaign, by its whole name, or its own where no other is called so.

        Raises
        ------
        KeyError : no such campaign, or several of different accounts
        """
        found = [call for call in self.calls if call.campaign_id == campaign_id]
        found = found or [c for c in self.calls if split_unit(c.campaign_id)[1] == campaign_id]
        if len(found) != 1:
            raise KeyError(campaign_id)
        return found[0]
