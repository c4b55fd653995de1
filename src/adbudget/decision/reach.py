"""Proposal -> findings: where a plan leaves the spend that the history has seen."""

from adbudget.optimizer import Proposal
from adbudget.optimizer.problem import OBSERVED
from adbudget.panel.findings import Finding, make_finding

STOPPED, BEYOND = "stopped_at_observed", "beyond_observed"


def check_reach(proposal: Proposal) -> tuple[Finding, ...]:
    """Where a plan leaves, or would leave, the spend that the history has seen.

    Parameters
    ----------
    proposal : from :func:`adbudget.optimize`

    Returns
    -------
    tuple of Finding, in the order of the cells: "stopped_at_observed" where the best plan stands at
        the highest spend of the history, "beyond_observed" where it lies above; empty when the
        curves know of no history
    """
    draws, spend = proposal.draws, proposal.plan.spend
    if draws.highest_spend is None:
        return ()
    findings = []
    highest = draws.highest_spend[draws.exists]
    for i, (account, channel) in enumerate(spend.index):
        planned, seen = float(spend.iloc[i]), float(highest[i])
        held = proposal.at_limit.iloc[i].startswith(OBSERVED)
        if planned > seen * (1 + 1e-9):
            kind, it = BEYOND, f"spend of {planned:,.2f} is above all its history has seen"
            so = f"(at most {seen:,.2f}), so the curve there is assumed"
        elif held and planned > proposal.current.spend.iloc[i]:
            kind, it = STOPPED, "the plan would go above the highest spend of its history"
            so = f"({seen:,.2f}), where the curve is assumed, and stops there"
        else:
            continue
        named = f"{account}/{channel}"
        findings.append(
            make_finding(kind, account, (channel,), "spend", planned, seen, named, f"{it} {so}")
        )
    return tuple(findings)
