"""A decided case and its calls -> the figures at the foot of a plan.

Knows nothing of terminals. Money is Decimal.
"""

from collections import Counter
from typing import Any

import numpy as np

from adbudget.money import exact
from adbudget.policy.calls import Case
from adbudget.policy.plan import Recommendation

ASSUMPTION = (
    "every campaign keeps its CPL as its budget changes and spends its budget; campaigns that are "
    "paused or have no CPL are left out"
)


def summarize(case: Case, calls: tuple[Recommendation, ...]) -> dict[str, Any]:
    """Totals, projection, counts; see :class:`adbudget.policy.plan.PolicyPlan`."""
    exponent, change = case.readings.exponent, case.outcome.change
    before = int(case.readings.budget_minor.sum())
    verdicts = Counter(call.verdict for call in calls)
    actions = Counter(call.action for call in calls)
    flags = Counter(flag for call in calls for flag in call.flags)
    return {
        "total_before": exact(before, exponent),
        "total_after": exact(before + int(change.sum()), exponent),
        "net_change": exact(int(change.sum()), exponent),
        "moved": exact(int(change[change > 0].sum()), exponent),
        "banked": exact(_banked(case), exponent),
        "unplaced": exact(case.balance.unplaced, exponent),
        "total_now": sum((call.budget_now for call in calls), exact(0, exponent)),
        **_projection(case),
        "n_campaigns": len(calls),
        **{f"n_{name}": actions[name] for name in ("increase", "decrease", "hold", "pause")},
        **{f"n_{name}": verdicts[name] for name in ("auto", "needs_approval", "blocked")},
        "n_rule_fired": int(case.fired.any.sum()),
        "flags": dict(sorted(flags.items())),
        "kill_switch": case.circumstances.kill_on,
    }


def _banked(case: Case) -> int:
    """Minor units that were cut and given to nobody, because the total may be less."""
    at_most = case.policy.constraints.total_budget_change.at_most
    return max(-int(case.outcome.change.sum()), 0) if at_most else 0


def _projection(case: Case) -> dict[str, Any]:
    """CPL of all campaigns together before and after, with what was assumed."""
    readings = case.readings
    cpl = readings.cost_of_result(case.policy.targets)
    counted = np.isfinite(cpl) & (cpl > 0) & (readings.status == "active")
    before = _blended(readings.budget_minor, cpl, counted)
    after = _blended(case.balance.budget, cpl, counted & ~case.guard.emergency)
    change = None if before is None or after is None else 100 * (after / before - 1)
    return {
        "projected_cpl_before": before,
        "projected_cpl_after": after,
        "projected_cpl_change": change,
        "projected_cpl_assumption": ASSUMPTION,
    }


def _blended(budget: np.ndarray, cpl: np.ndarray, counted: np.ndarray) -> float | None:
    leads = (budget[counted] / cpl[counted]).sum()
    return float(budget[counted].sum() / leads) if leads > 0 else None
