"""Every word of the trigger language: metrics with their units and parts, targets, durations.

Knows nothing of grammar or readings.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from adbudget.policy.language.units import COUNT, DAYS, MONEY, MONEY_PER_COUNT, RATIO, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure a campaign may have.

    Attributes
    ----------
    unit : what it is measured in
    meaning : one line for people
    numerator, denominator : metrics it is the quotient of; None when it is not derived
    times : factor on the quotient (cost per thousand impressions: 1000)
    """

    unit: Unit
    meaning: str
    numerator: str | None = None
    denominator: str | None = None
    times: int = 1


METRICS = {
    "budget": Metric(unit=MONEY, meaning="budget per day"),
    "spend": Metric(unit=MONEY, meaning="money spent"),
    "conversions": Metric(unit=COUNT, meaning="leads, sales or other outcomes counted"),
    "revenue": Metric(unit=MONEY, meaning="value of the conversions"),
    "impressions": Metric(unit=COUNT, meaning="times shown"),
    "clicks": Metric(unit=COUNT, meaning="times clicked"),
    "days": Metric(unit=DAYS, meaning="days the figures cover"),
    "planned_spend": Metric(unit=MONEY, meaning="budget x days: what was to be spent"),
    "age_days": Metric(unit=DAYS, meaning="days since the campaign started"),
    "cpl": Metric(
        unit=MONEY_PER_COUNT,
        meaning="cost per lead",
        numerator="spend",
        denominator="conversions",
    ),
    "cpa": Metric(
        unit=MONEY_PER_COUNT,
        meaning="cost per acquisition",
        numerator="spend",
        denominator="conversions",
    ),
    "roas": Metric(
        unit=RATIO,
        meaning="return on ad spend",
        numerator="revenue",
        denominator="spend",
    ),
    "ctr": Metric(
        unit=RATIO,
        meaning="click-through rate",
        numerator="clicks",
        denominator="impressions",
    ),
    "cvr": Metric(
        unit=RATIO,
        meaning="conversion rate of clicks",
        numerator="conversions",
        denominator="clicks",
    ),
    "cpc": Metric(
        unit=MONEY_PER_COUNT,
        meaning="cost per click",
        numerator="spend",
        denominator="clicks",
    ),
    "cpm": Metric(
        unit=MONEY_PER_COUNT,
        meaning="cost per thousand impressions",
        numerator="spend",
        denominator="impressions",
        times=1000,
    ),
    "spend_pace": Metric(
        unit=RATIO,
        meaning="spend against what was planned: 150% is half too much",
        numerator="spend",
        denominator="planned_spend",
    ),
    "utilization": Metric(
        unit=RATIO,
        meaning="share of the planned spend that was spent",
        numerator="spend",
        denominator="planned_spend",
    ),
}
DERIVED = tuple(name for name, metric in METRICS.items() if metric.numerator)

TARGET = "target"
TARGET_OF = {f"target_{name}": name for name in ("cpl", "cpa", "roas", "cpc", "cpm", "ctr", "cvr")}
CHANGE = "_change"
RATES = ("cpl", "cpa")  # judged by their posterior probability when a policy asks for confidence

AND, OR, NOT, IN, FOR = "and", "or", "not", "in", "for"
KEYWORDS = (AND, OR, NOT, IN, FOR)
DAYS_IN = {  # as (numerator, denominator) of a day
    **dict.fromkeys(("h", "hour", "hours"), (1, 24)),
    **dict.fromkeys(("d", "day", "days"), (1, 1)),
    **dict.fromkeys(("w", "week", "weeks"), (7, 1)),
}

FIGURE_WORDS = (*METRICS, TARGET, *TARGET_OF, *(name + CHANGE for name in METRICS))


def with_parts(metrics: Iterable[str]) -> tuple[str, ...]:
    """The metrics and everything they are derived from."""
    found: dict[str, None] = {}
    waiting = list(metrics)
    while waiting:
        name = waiting.pop()
        found[name] = None
        parts = (METRICS[name].numerator, METRICS[name].denominator)
        waiting += ["budget", "days"] if name == "planned_spend" else [p for p in parts if p]
    return tuple(found)
