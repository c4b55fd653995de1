"""Built-in checks of every campaign -> where they strike, and how surely.

What fires is written in the trigger language, so it is exact and can be read. Where counts are
given, a drop or a rate is worth a pause only when they show that it is real, and worth telling only
when they make it likely. Knows nothing of alerts sent before.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from adbudget.errors import InputError
from adbudget.policy.language import Firing, evaluate, parse_trigger
from adbudget.policy.metrics.registry import counts_of_results
from adbudget.policy.readings.posterior import prob_cost_below, prob_rate_ratio_above
from adbudget.policy.readings.readings import Readings


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyLimits:
    """When the built-in checks strike.

    Attributes
    ----------
    ctr_drop : fall of the click-through rate within a day, as a share of it
    ctr_high : click-through rate that is too good to be true ...
    cvr_low : ... when so few of the clicks convert
    drop_certainty : posterior probability that a drop is real, before a pause is suggested
    quality_certainty : the same of many clicks and few conversions
    worth_telling : posterior probability below which chance is the better explanation
    change_certainty : posterior probability that a jump of a cost is as large as its alert says
    """

    ctr_drop: float = 0.5
    ctr_high: float = 0.10
    cvr_low: float = 0.01
    drop_certainty: float = 0.99
    quality_certainty: float = 0.95
    worth_telling: float = 0.95
    change_certainty: float = 0.99

    def __post_init__(self) -> None:
        for limit in fields(self):
            name, value = limit.name, getattr(self, limit.name)
            if not 0 < value < 1:
                raise InputError(f"{name} must be in (0, 1); got {value}. For 50%, pass 0.5.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anomaly:
    """One built-in check, done for every campaign.

    Attributes
    ----------
    type : "ctr_drop", "click_quality" or "no_impressions"
    trigger : what fired, as text
    firing : where the figures say so, with their evidence
    struck : (campaign,) bool, to be told
    real : (campaign,) bool, struck, and sure enough to suggest what the check suggests
    probability : (campaign,) that it is real; NaN when there are no counts
    """

    type: str
    trigger: str
    firing: Firing
    struck: np.ndarray
    real: np.ndarray
    probability: np.ndarray


def find_anomalies(readings: Readings, limits: AnomalyLimits) -> tuple[Anomaly, ...]:
    """Every built-in check of every campaign.

    Without counts a drop is struck and not real, because it depends on volume what a drop means;
    rates that do not go together are real.
    """
    drop = f"ctr_change < -{_percent(limits.ctr_drop)} in 24h"
    quality = f"ctr > {_percent(limits.ctr_high)} and cvr < {_percent(limits.cvr_low)}"
    fell = _Counted(prob=_prob_ctr_fell, certainty=limits.drop_certainty, without_counts=False)
    bad = _Counted(
        prob=_prob_clicks_are_bad, certainty=limits.quality_certainty, without_counts=True
    )
    return (
        _check("ctr_drop", drop, readings, limits, fell),
        _check("click_quality", quality, readings, limits, bad),
        _no_impressions(readings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """How counts decide whether a check is real, and what is real without any."""

    prob: Callable[[Readings, AnomalyLimits], np.ndarray]
    certainty: float
    without_counts: bool


def _percent(share: float) -> str:
    return f"{float(100 * share):.10g}%"


def _check(
    type_: str, text: str, readings: Readings, limits: AnomalyLimits, counted: _Counted
) -> Anomaly:
    firing = evaluate(parse_trigger(text, where=f"check {type_!r}"), readings, targets={})
    probability = np.full(len(readings), np.nan)
    if firing.fired.any():
        probability = np.where(firing.fired, counted.prob(readings, limits), np.nan)
    unknown = np.isnan(probability)
    sure = np.where(unknown, counted.without_counts, probability >= counted.certainty)
    return Anomaly(
        type=type_,
        trigger=text,
        firing=firing,
        struck=firing.fired & (unknown | sure | (probability >= limits.worth_telling)),
        real=firing.fired & sure,
        probability=probability,
    )


def _prob_ctr_fell(readings: Readings, limits: AnomalyLimits) -> np.ndarray:
    """Posterior probability that the click-through rate is below that of the day before."""
    clicks, shown = (
        (readings.daily(name, 1), readings.daily(name, 0)) for name in ("clicks", "impressions")
    )
    return prob_rate_ratio_above(np.ones(len(readings)), clicks, shown)


def _prob_clicks_are_bad(readings: Readings, limits: AnomalyLimits) -> np.ndarray:
    """Posterior probability of the less certain of the two: many clicks, few results.

    Leads are results too: clicks that bring leads are good ones, however few of them buy.
    """
    shown, clicks = (readings.metric(name) for name in ("impressions", "clicks"))
    conversions = np.fmax(*(readings.metric(name) for name in counts_of_results()))
    per_click = np.full(len(readings), 1 / limits.ctr_high)  # impressions, as a cost of a click
    per_conversion = np.full(len(readings), 1 / limits.cvr_low)
    many_clicks = prob_cost_below(per_click, clicks, shown)
    few_conversions = 1 - prob_cost_below(per_conversion, conversions, clicks)
    return np.minimum(many_clicks, few_conversions)


def _no_impressions(readings: Readings) -> Anomaly:
    """Campaigns that should run and were never shown."""
    text = "impressions == 0"
    trigger = parse_trigger(text, where="check 'no_impressions'")
    firing = evaluate(trigger, readings, targets={})
    struck = firing.fired & (readings.status == "active") & (readings.budget_minor > 0)
    struck &= ~(readings.metric("age_days") < 1)  # one that has just begun has not been shown yet
    return Anomaly(
        type="no_impressions",
        trigger=text,
        firing=firing,
        struck=struck,
        real=struck,
        probability=np.full(len(readings), np.nan),
    )
