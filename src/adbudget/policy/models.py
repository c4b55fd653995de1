"""Shape of a policy file as pydantic models: which keys there are and what each may hold.

Plain values go in, exact values come out; triggers stay text. Knows nothing of presets,
campaigns or how a rule is carried out. Unknown keys are refused.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)

from adbudget.policy import values

TEXT_OR_NUMBER = ["string", "number"]


def _written(
    parse: Callable[..., Any], meaning: str, examples: list[Any], **options: Any
) -> tuple[PlainValidator, WithJsonSchema]:
    """What a field needs: how its value is read, and what its JSON Schema says."""

    def read(value: Any, info: ValidationInfo) -> Any:
        return parse(value, str(info.field_name), **options)

    schema = {"type": TEXT_OR_NUMBER, "description": meaning, "examples": examples}
    return PlainValidator(read), WithJsonSchema(schema)


def _read_ratio(value: Any, where: str) -> Decimal:
    if isinstance(value, str) and "%" in value:
        return values.parse_share(value, where, most=None)
    money = values.parse_money(value, where)
    if money.currency or money.amount <= 0:
        raise values.unreadable(value, where, "a number above 0, such as 2.5")
    return money.amount


def _read_target_money(value: Any, where: str) -> values.Money:
    money = values.parse_money(value, where)
    if money.amount <= 0:
        raise values.unreadable(value, where, "an amount above 0, such as $50")
    return money


def _read_confidence(value: Any, where: str) -> Decimal:
    share = values.parse_share(value, where)
    if not Decimal("0.5") <= share < 1:
        raise values.unreadable(value, where, "at least 50% and below 100%, such as 95%")
    return share


def _read_curve(value: Any) -> dict[Decimal, Decimal]:
    if not isinstance(value, dict) or not value:
        raise values.unreadable(value, "curve", "a mapping such as {0: 30%, 1: 60%, 7: 100%}")
    curve = {}
    for age, share in value.items():
        days = values.parse_duration(age, f"curve: the age {age!r}")
        curve[Decimal(str(days / timedelta(days=1)))] = values.parse_share(share, f"curve: {age}")
    ages = sorted(curve)
    if [curve[age] for age in ages] != sorted(curve.values()):
        raise values.unreadable(value, "curve", "shares that rise with the days")
    return curve


_money = _written(values.parse_money, "Money per day.", ["$100", 100, "EUR 1,000"])
_cost = _written(_read_target_money, "Money per result.", ["$50", 50])
_share = _written(values.parse_share, "A share.", ["25%", 0.25])
_bound = _written(
    values.parse_bound, "Money per day, or a share of the total.", ["40% of total", "$100 minimum"]
)
_change = _written(values.parse_change, "Change of the total.", [0, "5%", "-$500"])
_ratio = _written(_read_ratio, "A number or a percentage.", [2.5, "2%"])
_confidence = _written(_read_confidence, "A probability.", ["95%", 0.95])
_days = _written(values.parse_duration, "A time; bare numbers are days.", [7, "48 hours"])
_hours = _written(
    values.parse_duration, "A time; bare numbers are hours.", [48, "2 days"], bare="hours"
)
_multiple = _written(values.parse_multiple, "A multiple.", ["3x", 3])
_action = _written(
    values.parse_action, "What the rule does.", ["increase_budget_15%", "decrease_budget_$50"]
)

_curve = (
    PlainValidator(_read_curve),
    WithJsonSchema(
        {
            "type": "object",
            "description": "Days since the spend -> share of its conversions reported by then.",
            "additionalProperties": {"type": TEXT_OR_NUMBER},
            "examples": [{"0": "30%", "1": "60%", "7": "100%"}],
        }
    ),
)

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^\S(.*\S)?$")]
Cost = Annotated[values.Money, *_cost]
Amount = Annotated[values.Money, *_money]
Share = Annotated[Decimal, *_share]
Ratio = Annotated[Decimal, *_ratio]
Days = Annotated[timedelta, *_days]
Hours = Annotated[timedelta, *_hours]
AnyBound = Annotated[values.Bound, *_bound]


def _as_written(value: Any) -> Any:
    """Default of a field, in the form in which a file writes it."""
    return Field(default=value)


class _Strict(BaseModel):
    # Defaults are validated too: they are given as a file writes them, for the JSON Schema.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


class RuleModel(_Strict):
    """One rule: when its trigger fires, its action is carried out within cap and floor."""

    name: Name
    trigger: str
    action: Annotated[values.BudgetMove | values.StatusAction, *_action]
    cap: AnyBound | None = None
    floor: AnyBound | None = None


class ConstraintsModel(_Strict):
    """What holds whatever the rules say."""

    max_single_campaign: AnyBound | None = None
    min_campaign_budget: Amount | None = None
    new_campaign_test_budget: Amount | None = None
    test_period: Days | None = None
    pause_threshold_hours: Hours = _as_written("48 hours")
    emergency_pause: Annotated[Decimal, *_multiple] = _as_written("3x")
    total_budget_change: Annotated[values.Bound, *_change] = _as_written(0)
    max_daily_change: Share = _as_written("25%")
    rebalance_limit: Share = _as_written("10%")
    approval_limit: Amount | None = None
    step: Amount | None = None
    max_data_age: Hours = _as_written("48 hours")
    max_paused: Annotated[int, Field(ge=1)] = 5
    min_utilization: Share = _as_written("80%")
    near_cap: Share = _as_written("90%")


class AlertModel(_Strict):
    """One alert: when its trigger fires somebody is told; no money moves."""

    type: Name
    trigger: str
    action: Name
    severity: Literal["info", "warning", "critical"] | None = None
    cooldown: Hours = _as_written("24 hours")


class AttributionModel(_Strict):
    """How late conversions are reported: days since the spend -> share reported by then."""

    curve: Annotated[dict[Decimal, Decimal], *_curve]
    mature_at: Share = _as_written("90%")


class PolicyModel(_Strict):
    """A whole policy file."""

    preset: Literal["b2c", "b2b"] = "b2c"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    timezone: Name = "UTC"
    target_cpl: Cost | None = None
    target_cpa: Cost | None = None
    target_cpc: Cost | None = None
    target_cpm: Cost | None = None
    target_roas: Ratio | None = None
    target_ctr: Ratio | None = None
    target_cvr: Ratio | None = None
    observation_period: Days | None = None
    confidence_threshold: Annotated[Decimal, *_confidence] | None = None
    combine: Literal["first", "compound"] = "first"
    rules: list[RuleModel] = []
    constraints: ConstraintsModel = Field(default_factory=ConstraintsModel)
    alerts: list[AlertModel] = []
    attribution: AttributionModel | None = None
