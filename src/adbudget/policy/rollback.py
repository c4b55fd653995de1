"""Proposals that undo a run -> the same with verdicts. A rollback is a change like others.

The guardrails of the policy hold for it too: the kill switch, the daily limit, caps, floors and
approvals. It stands or falls as a whole, because undoing half of a plan would not balance.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from adbudget.errors import LedgerError
from adbudget.ledger.entry import NEEDS_APPROVAL, Entry
from adbudget.money import digits_of, in_digits
from adbudget.policy.circumstances import MOST_RUNS, RUN
from adbudget.policy.daily_limit import day_bounds
from adbudget.policy.presets import in_currency
from adbudget.policy.rulebook import Policy
from adbudget.tables.units import split_unit

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

Pairs = list[tuple[str, Entry]]


def rollback_review(policy: Policy, ledger: "Ledger", at: datetime) -> Callable[[Pairs], Pairs]:
    """Review for :meth:`adbudget.ledger.Ledger.rollback`.

    Parameters
    ----------
    policy : its guardrails hold
    ledger : for the opening budgets of the day, the kill switch and the total of the last run
    at : moment of the rollback, with time zone

    Returns
    -------
    Function from proposals to proposals with verdict "auto", "needs_approval" or "blocked", the
    same for all of them, and a rationale that says why

    Raises
    ------
    LedgerError : the ledger holds no run of a policy
    """
    breaches = edit_check(policy, ledger, at)
    kill_on = ledger.kill_state().on

    def judge(proposals: Pairs) -> Pairs:
        digits = digits_of(proposals[0][1].currency)
        own = in_currency(policy, proposals[0][1].currency)
        found = breaches(proposals)
        if kill_on:
            found.insert(0, "the kill switch is on")
        if found:
            return [(key, _with(entry, "blocked", found[0])) for key, entry in proposals]
        limit = own.constraints.approval_limit.minor(digits, "approval_limit")
        if all(abs(_change(entry)) <= limit for _, entry in proposals):
            return [(key, _with(entry, "auto", "")) for key, entry in proposals]
        cuts = [key for key, entry in proposals if _change(entry) < 0]
        return [
            (key, _with(entry, NEEDS_APPROVAL, "", cuts if _change(entry) > 0 else []))
            for key, entry in proposals
        ]

    return judge


def edit_check(policy: Policy, ledger: "Ledger", at: datetime) -> Callable[[Pairs], list[str]]:
    """Which guardrails proposals of a person would break: what :meth:`Ledger.edit` asks for.

    Parameters and errors as :func:`rollback_review`.

    Returns
    -------
    Function from proposals to one sentence for each guardrail that one of them breaks
    """
    zone = ZoneInfo(policy.timezone)
    openings = ledger.opening_budgets(at.astimezone(zone).date(), zone)
    runs = ledger.entries(kind=RUN, last=MOST_RUNS)
    payloads = [payload for payload in runs["payload"] if "figures" in payload]
    if not payloads:
        raise LedgerError("the ledger holds no run of a policy, so there is nothing to roll back.")

    def breaches(proposals: Pairs) -> list[str]:
        figures = _figures_of(proposals, payloads)
        digits = digits_of(proposals[0][1].currency)
        total = in_digits(figures["total_minor"], figures["exponent"], digits)
        return [
            breach
            for _, entry in proposals
            if entry.new_minor is not None
            and (breach := _breach(policy, entry, openings, total, digits)) is not None
        ]

    return breaches


def _figures_of(proposals: Pairs, payloads: list[Any]) -> Mapping[str, Any]:
    """Figures of the last run about the accounts of the proposals; of any where none is."""
    scopes = {split_unit(entry.unit)[0] for _, entry in proposals}
    own = [each for each in payloads if scopes & set(each.get("scopes", [""]))]
    return (own or payloads)[-1]["figures"]


def _change(entry: Entry) -> int:
    assert entry.old_minor is not None
    assert entry.new_minor is not None
    return entry.new_minor - entry.old_minor


def _with(entry: Entry, verdict: str, why: str, funded_by: list[str] | None = None) -> Entry:
    rationale = f"{entry.rationale}; blocked: {why}" if why else entry.rationale
    payload = dict(entry.payload) | ({"funded_by": funded_by} if funded_by else {})
    return replace(entry, verdict=verdict, rationale=rationale, payload=payload)


def _breach(
    policy: Policy, entry: Entry, openings: dict[str, int], total: int, digits: int
) -> str | None:
    """Say which guardrail one proposal would break, if any."""
    limits, change = policy.constraints, _change(entry)
    budget = entry.old_minor + change if entry.old_minor is not None else 0
    low, high = day_bounds(policy, [entry.unit], np.array([entry.old_minor or 0]), openings)
    if not low[0] <= budget <= high[0]:
        return f"{entry.unit} would move by more than {limits.max_daily_change:.0%} in a day"
    if change > 0 and limits.max_single_campaign is not None:
        where = "constraints: max_single_campaign"
        if budget > limits.max_single_campaign.minor(total, digits, where, up=False):
            return f"{entry.unit} would pass max_single_campaign"
    least = limits.min_campaign_budget
    floor = 0 if least is None else least.minor(digits, "constraints: min_campaign_budget")
    if change < 0 and budget < floor:
        return f"{entry.unit} would fall below min_campaign_budget"
    return None
