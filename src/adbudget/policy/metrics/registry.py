"""Every metric of a campaign, one entry each; everything else about metrics is read from here.

An entry makes a metric a column of campaign tables, a word of triggers (with ``_change`` and,
where it has one, ``target_``), a key of policy files and a line of the documentation. Its parts
stand above it. Knows nothing of tables, grammar or policies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from adbudget.policy.metrics.units import COUNT, DAYS, MONEY, MONEY_PER_COUNT, RATIO, Unit

TARGET = "target"
CHANGE = "_change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure a campaign may have.

    Attributes
    ----------
    unit : what it is measured in
    meaning : one line for people
    numerator, denominator : metrics it is the quotient of; None when it is no quotient
    times : factor on the quotient (cost per thousand impressions: 1000)
    factors : two metrics it is the product of; None when it is no product
    percent : shown as a percentage
    negative : may be below 0
    most : largest possible value; None sets none
    target : a policy may set ``target_...`` for it
    in_tables : a table may give it; otherwise it is always worked out
    cost_of_result : money per lead or conversion: its posterior judges it, and a campaign far
        above its target is paused
    """

    unit: Unit
    meaning: str
    numerator: str | None = None
    denominator: str | None = None
    times: int = 1
    factors: tuple[str, str] | None = None
    percent: bool = False
    negative: bool = False
    most: float | None = None
    target: bool = False
    in_tables: bool = True
    cost_of_result: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """Metrics it is worked out from; () when it is only ever given."""
        if self.factors:
            return self.factors
        return (self.numerator, self.denominator) if self.numerator and self.denominator else ()

    @property
    def formula(self) -> str:
        """What it is worked out from, in words; "" when it is only ever given."""
        if self.factors:
            return " x ".join(self.factors)
        return f"{self.quotient} / {self.denominator}" if self.numerator else ""

    @property
    def quotient(self) -> str:
        """What stands above the line."""
        return f"{self.times} {self.numerator}" if self.times != 1 else str(self.numerator)


def _rate(meaning: str, numerator: str, denominator: str) -> Metric:
    """A share of one count in another: at most 1, shown as a percentage, with a target."""
    return Metric(
        unit=RATIO,
        meaning=meaning,
        numerator=numerator,
        denominator=denominator,
        percent=True,
        most=1,
        target=True,
    )


def _cost(meaning: str, denominator: str, *, times: int = 1, of_result: bool = False) -> Metric:
    """Money spent per count, with a target."""
    return Metric(
        unit=MONEY_PER_COUNT,
        meaning=meaning,
        numerator="spend",
        denominator=denominator,
        times=times,
        target=True,
        cost_of_result=of_result,
    )


def _of_plan(meaning: str) -> Metric:
    """Spend against what was planned; may be above 1."""
    return Metric(
        unit=RATIO,
        meaning=meaning,
        numerator="spend",
        denominator="planned_spend",
        percent=True,
    )


METRICS: dict[str, Metric] = {
    "budget": Metric(unit=MONEY, meaning="budget per day"),
    "spend": Metric(unit=MONEY, meaning="money spent"),
    "leads": Metric(unit=COUNT, meaning="leads counted"),
    "conversions": Metric(unit=COUNT, meaning="sales or other outcomes counted"),
    "revenue": Metric(unit=MONEY, meaning="value of the conversions", negative=True),  # refunds
    "impressions": Metric(unit=COUNT, meaning="times shown"),
    "clicks": Metric(unit=COUNT, meaning="times clicked"),
    "days": Metric(unit=DAYS, meaning="days the figures of a row cover; 1 when not given"),
    "planned_spend": Metric(
        unit=MONEY,
        meaning="what was to be spent",
        factors=("budget", "days"),
        in_tables=False,
    ),
    "month_spend": Metric(unit=MONEY, meaning="money spent since the month began"),
    "monthly_cap": Metric(unit=MONEY, meaning="money that the month may cost"),
    "age_days": Metric(unit=DAYS, meaning="days since `started_at`", in_tables=False),
    "days_since_change": Metric(
        unit=DAYS,
        meaning="days since the budget last changed, by `changed_at` or the ledger",
        in_tables=False,
    ),
    "cpl": _cost("cost per lead", "leads", of_result=True),
    "cpa": _cost("cost per acquisition", "conversions", of_result=True),
    "roas": Metric(
        unit=RATIO,
        meaning="return on ad spend",
        numerator="revenue",
        denominator="spend",
        negative=True,
        target=True,
    ),
    "ctr": _rate("click-through rate", "clicks", "impressions"),
    "cvr": _rate("conversion rate of clicks", "conversions", "clicks"),
    "cpc": _cost("cost per click", "clicks"),
    "cpm": _cost("cost per thousand impressions", "impressions", times=1000),
    "spend_pace": _of_plan("spend against what was planned: 150% is half too much"),
    "utilization": _of_plan("share of the planned spend that was spent"),
}


def quotients() -> tuple[str, ...]:
    """Metrics that are one metric per another."""
    return tuple(name for name, metric in METRICS.items() if metric.numerator)


def table_columns() -> tuple[str, ...]:
    """Metrics that a campaign table may give."""
    return tuple(name for name, metric in METRICS.items() if metric.in_tables)


def costs_of_result() -> tuple[str, ...]:
    """Costs per conversion, the one that counts first."""
    return tuple(name for name, metric in METRICS.items() if metric.cost_of_result)


def counts_of_results() -> tuple[str, ...]:
    """What results are counted as, one for each cost of a result."""
    return tuple(METRICS[name].parts[1] for name in costs_of_result())


def target_words() -> dict[str, str]:
    """Words for the targets of a policy: {"target_cpl": "cpl"}."""
    return {f"{TARGET}_{name}": name for name, metric in METRICS.items() if metric.target}


def figure_words() -> tuple[str, ...]:
    """Every word of a trigger that is a number."""
    return (*METRICS, TARGET, *target_words(), *(name + CHANGE for name in METRICS))


def with_parts(metrics: Iterable[str]) -> tuple[str, ...]:
    """The metrics and everything they are worked out from."""
    found: dict[str, None] = {}
    waiting = list(metrics)
    while waiting:
        name = waiting.pop()
        found[name] = None
        waiting += METRICS[name].parts
    return tuple(found)


def beyond(name: str, value: float | Fraction | Decimal) -> str:
    """What to say of a value that is more than a metric can be; "" when it is not."""
    most = METRICS[name].most
    if most is None or value <= most:
        return ""
    hint = f"; for {float(value):g} percent write {float(value):g}%" if value <= 100 * most else ""
    return f"{name} is a share, at most {most:.0%}{hint}"


def words_table() -> str:
    """The metrics as a Markdown table, for the documentation."""
    rows = ["| word | meaning | unit | worked out from | target |", "|---|---|---|---|---|"]
    for name, metric in METRICS.items():
        unit = "percentage" if metric.percent else str(metric.unit)
        target = f"`{TARGET}_{name}`" if metric.target else ""
        rows.append(f"| `{name}` | {metric.meaning} | {unit} | {metric.formula} | {target} |")
    return "\n".join(rows)
