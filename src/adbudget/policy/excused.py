"""Rules that lower budgets, judged once more as if every result were reported.

Results come days after the spend that won them, so a campaign looks dearer than it is. A cut that
would not be made on complete figures is not made on young ones either, and a pause needs proof
that they will not excuse it. Knows nothing of money or balancing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from adbudget.policy.emergency import PROOF
from adbudget.policy.firing import Fired
from adbudget.policy.language import evaluate
from adbudget.policy.maturity import maturity, reported_by
from adbudget.policy.metrics.registry import METRICS, counts_of_results
from adbudget.policy.readings.figures import Figures
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy

RESULTS = (*counts_of_results(), "revenue")  # what arrives late


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Complete:
    """What the cutting rules would say of complete figures.

    Attributes
    ----------
    excused : (campaign,) bool, past a cutting rule's trigger by what is reported, and not past any
        with what is still to come
    proven : (campaign,) bool, a cutting rule fires on complete figures as surely as a pause needs:
        with the policy's confidence and no less than 95%, where results are counted; without a
        confidence in the policy the figures decide
    """

    excused: np.ndarray
    proven: np.ndarray


def judge_complete(policy: Policy, readings: Readings, fired: Fired) -> Complete:
    """Judge every cutting rule on complete figures.

    Parameters
    ----------
    policy, readings : checked
    fired : what the rules said of the figures as reported
    """
    complete = completed(policy, readings)
    past, still, proven = (np.zeros(len(readings), bool) for _ in range(3))
    for rule, firing in zip(policy.rules, fired.firings, strict=True):
        if not rule.cuts:
            continue
        whole = firing
        if complete is not readings:
            whole = evaluate(
                rule.trigger, complete, targets=policy.targets, confidence=policy.confidence
            )
        past |= firing.fired
        still |= firing.fired & whole.fired
        proven |= firing.fired & whole.fired & _sure(policy, whole.probability)
    return Complete(excused=past & ~still & ~fired.planned, proven=proven)


def _sure(policy: Policy, probability: np.ndarray) -> np.ndarray:
    """(campaign,) bool, as sure as a pause needs; what no count can judge is."""
    if policy.confidence is None:
        return np.ones(probability.shape, bool)
    return np.isnan(probability) | (probability >= max(policy.confidence, PROOF))


def completed(policy: Policy, readings: Readings) -> Readings:
    """Readings as they will be once every result is reported, by the policy's attribution curve."""
    about = policy.attribution
    if about is None:
        return readings
    share = maturity(about, readings)
    past = readings.history
    if past is not None:
        age = (np.datetime64(readings.as_of.date(), "D") - past.day).astype(np.int64).clip(min=0)
        reported = reported_by(about, age)
        past = replace(past, figures=_scaled(past.figures, reported))
    return replace(readings, figures=_scaled(readings.figures, share), history=past)


def _scaled(figures: Figures, share: np.ndarray) -> Figures:
    """Figures with every count of results, and what is worked out from them, as of share 1."""
    share = np.where(share > 0, share, 1.0)  # of nothing nothing follows
    values: Mapping[str, np.ndarray] = {
        name: _at_most(name, value * share ** _power(name))
        for name, value in figures.values.items()
    }
    return replace(figures, values=values)


def _power(metric: str) -> int:
    """How a metric grows with the share of results that is in: to which power."""
    about = METRICS[metric]
    if about.numerator and about.denominator:
        return _power(about.numerator) - _power(about.denominator)
    return -1 if metric in RESULTS else 0


def _at_most(metric: str, value: np.ndarray) -> np.ndarray:
    most = METRICS[metric].most
    return value if most is None else np.minimum(value, most)
