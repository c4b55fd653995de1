"""Trigger + readings -> which campaigns it fires for, how surely, and on which figures.

Knows nothing of actions or budgets to move.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adbudget.errors import PolicyError
from adbudget.policy.language.conditions import ConditionTruth, Evaluator
from adbudget.policy.language.environment import Environment
from adbudget.policy.language.trigger import (
    Number,
    Trigger,
    check_confidence,
    check_currency,
    check_targets,
    exact_targets,
)
from adbudget.policy.metrics.registry import with_parts

if TYPE_CHECKING:
    from adbudget.policy.readings.readings import Readings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Firing:
    """Where one trigger holds.

    Attributes
    ----------
    fired : (campaign,) bool
    by_figures : (campaign,) bool, the figures say so, as surely as asked for or not
    reason : (campaign,) why it did not fire although it could not be judged, or was not sure
        enough; None where it fired or is simply not the case
    probability : (campaign,) posterior probability behind the comparison of cpl or cpa; NaN when
        unknown (no counts), or when the trigger has no such comparison
    evidence : figures it looked at, by how they are called ("cpl", "cpl 1 day before",
        "target_cpl") -> (campaign,) float, NaN where unknown
    """

    fired: np.ndarray
    by_figures: np.ndarray
    reason: np.ndarray
    probability: np.ndarray
    evidence: Mapping[str, np.ndarray]

    def evidence_of(self, campaign: int) -> dict[str, float]:
        """Figures of one campaign, by position; unknown ones left out."""
        return {
            label: float(figures[campaign])
            for label, figures in self.evidence.items()
            if np.isfinite(figures[campaign])
        }


def evaluate(
    trigger: Trigger,
    readings: "Readings",
    *,
    targets: Mapping[str, Number],
    confidence: float | None = None,
) -> Firing:
    """Evaluate one trigger for every campaign at once. Strict as written, exact at ties.

    Where a figure that the trigger names is unknown, it does not fire and says so, whatever the
    other figures say.

    Parameters
    ----------
    targets : by word: {"target_cpl": Decimal("50")}
    confidence : in (0, 1); comparisons of cpl or cpa then also need this posterior probability
        (Gamma-Poisson, Jeffreys prior), and a campaign that spent without a conversion has a
        cost above any threshold. Without counts the figures decide. None: they always do

    Raises
    ------
    PolicyError : a target is missing or no number, the trigger is in another currency, or (with
        ``confidence``) its cpl cannot be judged

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 2.6 (Poisson with exposure).
    """
    check_targets(trigger, targets)
    check_currency(trigger, readings.currency)
    if confidence is not None:
        if not 0 < confidence < 1:
            raise PolicyError(f"confidence must be in (0, 1); got {confidence}. For 95%, 0.95.")
        check_confidence(trigger)
    environment = Environment(
        readings=readings, targets=exact_targets(targets), metrics=with_parts(trigger.metrics)
    )
    truth = Evaluator(environment=environment, confidence=confidence).condition(trigger.tree)
    reason = _reasons(truth, len(readings), confidence)
    known = np.ones(len(readings), dtype=bool)
    for gap in truth.gaps:
        known &= ~gap.where
    return Firing(
        fired=truth.proven & known,
        by_figures=truth.holds & known,
        reason=reason,
        probability=np.where(known & np.isfinite(truth.probability), truth.probability, np.nan),
        evidence=environment.evidence(),
    )


def _reasons(truth: ConditionTruth, n_campaigns: int, confidence: float | None) -> np.ndarray:
    """Why each campaign could not be judged or was not sure enough: (campaign,) text or None."""
    reason = np.full(n_campaigns, None, dtype=object)
    for place in np.flatnonzero(truth.holds & ~truth.proven):
        probability = truth.probability[place]
        known = f"probability {probability:.3f}" if np.isfinite(probability) else "one of several"
        reason[place] = f"not sure enough: {known}, needs {float(confidence or 0):g}"
    for gap in reversed(truth.gaps):  # the first figure that is missing is the one named
        reason[gap.where] = gap.reason
    return reason
