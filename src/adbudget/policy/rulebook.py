"""The records of a policy, each with how a file writes it: plain values in, exact values out.

A field reads its own value, so ``TypeAdapter(Policy)`` makes and checks all of them at once; a
record built in Python is checked by the same rules. Knows nothing of campaigns or ledgers.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass as plain_dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, Strict, ValidationInfo, WithJsonSchema
from pydantic.dataclasses import dataclass

from adbudget.display.page import Listed
from adbudget.ledger.entry import digest
from adbudget.money import CURRENCIES_OF, Money, parse_money
from adbudget.policy import values
from adbudget.policy.language import Trigger, parse_trigger
from adbudget.policy.metrics.registry import METRICS, beyond, target_words

# Defaults are validated too: they are given as a file writes them, for the JSON Schema.
CONFIG = ConfigDict(extra="forbid", validate_default=True)
TEXT_OR_NUMBER = ["string", "number"]
Severity = Literal["info", "warning", "critical"]


@plain_dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A value of the file together with its place, for fields whose messages need to name it."""

    value: Any
    where: str


def _written(
    parse: Callable[..., Any],
    meaning: str,
    examples: list[Any],
    *made: type,
    **options: Any,
) -> tuple[PlainValidator, WithJsonSchema]:
    """How a field's value is read, unless it is ``made`` already, and what its schema says."""

    def read(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, made):
            return value
        return parse(value, str(info.field_name), **options)

    schema = {"type": TEXT_OR_NUMBER, "description": meaning, "examples": examples}
    return PlainValidator(read), WithJsonSchema(schema)


def _read_confidence(value: Any, where: str) -> Decimal:
    share = values.parse_share(value, where)
    if not Decimal("0.5") <= share < 1:
        raise values.unreadable(value, where, "at least 50% and below 100%, such as 95%")
    return share


def _read_target(value: Any) -> Decimal:
    """A cost in money, another target as a number or percentage; never more than can be."""
    if not isinstance(value, Written):
        return value if isinstance(value, Decimal) else parse_money(value, "a target").amount
    metric = target_words()[value.where]
    is_money = METRICS[metric].unit.money != 0
    if isinstance(value.value, str) and "%" in value.value and not is_money:
        amount = values.parse_share(value.value, value.where, most=None)
    else:
        money = parse_money(value.value, value.where)
        amount = money.amount
        if amount <= 0 or (money.currency and not is_money):
            wanted = (
                "an amount above 0, such as $50" if is_money else "a number above 0, such as 2.5"
            )
            raise values.unreadable(value.value, value.where, wanted)
    if why := beyond(metric, amount):
        raise values.PolicyError(f"{value.where}: {why}; got {value.value!r}.")
    return amount


def _read_currency(value: Any) -> str:
    is_code = isinstance(value, str) and re.fullmatch("[A-Z]{3}", value)
    if not is_code and value != "" and value not in CURRENCIES_OF:
        raise values.unreadable(value, "currency", "an ISO code such as EUR")
    return value


def _read_trigger(value: Any) -> Trigger:
    if isinstance(value, Trigger):
        return value
    where = value.where if isinstance(value, Written) else "a rule"
    return parse_trigger(value.value if isinstance(value, Written) else value, where=where)


def _read_curve(value: Any) -> dict[Decimal, Decimal]:
    if not isinstance(value, Mapping) or not value:
        raise values.unreadable(value, "curve", "a mapping such as {0: 30%, 1: 60%, 7: 100%}")
    curve = {}
    for age, share in value.items():
        days = values.parse_duration(age, f"curve: the age {age!r}")
        curve[Decimal(str(days / timedelta(days=1)))] = values.parse_share(share, f"curve: {age}")
    ages = sorted(curve)
    if [curve[age] for age in ages] != sorted(curve.values()):
        raise values.unreadable(value, "curve", "shares that rise with the days")
    return {age: curve[age] for age in ages}


def _as_written(value: Any) -> Any:
    """Default of a field, in the form in which a file writes it."""
    return Field(default=value)


Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^\S(.*\S)?$")]
Amount = Annotated[
    Money,
    *_written(parse_money, "Money per day.", ["$100", 100, "EUR 1,000"], Money),
]
Share = Annotated[Decimal, *_written(values.parse_share, "A share.", ["25%", 0.25])]
Multiple = Annotated[Decimal, *_written(values.parse_multiple, "A multiple.", ["3x", 3])]
Days = Annotated[
    timedelta,
    *_written(values.parse_duration, "A time; bare numbers are days.", [7, "48 hours"], timedelta),
]
Hours = Annotated[
    timedelta,
    *_written(
        values.parse_duration,
        "A time; bare numbers are hours.",
        [48, "2 days"],
        timedelta,
        bare="hours",
    ),
]
AnyBound = Annotated[
    values.Bound,
    *_written(
        values.parse_bound,
        "Money per day, or a share of the total.",
        ["40% of total", "$100 minimum"],
        values.Bound,
    ),
]
SpendOfTarget = Annotated[
    Money | Decimal,
    *_written(
        values.parse_spend, "Money, or a multiple of the target.", ["5x", "$250"], Money, Decimal
    ),
]
TotalChange = Annotated[
    values.Bound,
    *_written(
        values.parse_change,
        "Change of the total in a day.",
        [0, "5%", "-$500", "at_most 0"],
        values.Bound,
    ),
]
AnyAction = Annotated[
    values.BudgetMove | values.StatusAction,
    *_written(
        values.parse_action,
        "What the rule does.",
        ["increase_budget_15%", "decrease_budget_$50"],
        values.BudgetMove,
        values.StatusAction,
    ),
]
Confidence = Annotated[Decimal, *_written(_read_confidence, "A probability.", ["95%", 0.95])]
Target = Annotated[Decimal, PlainValidator(_read_target)]
Currency = Annotated[
    str,
    PlainValidator(_read_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "title": "Currency"}),
]
Condition = Annotated[
    Trigger, PlainValidator(_read_trigger), WithJsonSchema({"type": "string", "title": "Trigger"})
]
Curve = Annotated[
    Mapping[Decimal, Decimal],
    PlainValidator(_read_curve),
    WithJsonSchema(
        {
            "type": "object",
            "description": "Days since the spend -> share of its conversions reported by then.",
            "additionalProperties": {"type": TEXT_OR_NUMBER},
            "examples": [{"0": "30%", "1": "60%", "7": "100%"}],
        }
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Rule:
    """One rule: when its trigger fires, its action is carried out within cap and floor.

    Attributes
    ----------
    name : different from every other rule's
    trigger : when it fires
    action : what it then does
    cap, floor : of the campaign's budget; None sets none
    rest : so long after it has moved a campaign it does not move it again; None: as the policy says
    """

    name: Name
    trigger: Condition
    action: AnyAction
    cap: AnyBound | None = None
    floor: AnyBound | None = None
    rest: Days | None = None

    @property
    def cuts(self) -> bool:
        """Whether it lowers budgets."""
        return isinstance(self.action, values.BudgetMove) and self.action.direction == "decrease"


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class AlertRule:
    """One alert: when its trigger fires somebody is told; no money moves.

    Attributes
    ----------
    type : anomaly, opportunity, risk or another name
    trigger : when it speaks
    action : what it asks for, e.g. "alert_human"; never a move of money
    severity : how loudly
    cooldown : the same alert on the same campaign stays silent this long
    """

    type: Name
    trigger: Condition
    action: Name
    severity: Severity = "warning"
    cooldown: Hours = _as_written("24 hours")


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Constraints:
    """What holds whatever the rules say. Budgets are per day; defaults are those of b2c.

    Attributes
    ----------
    max_single_campaign : cap of every campaign; None sets none
    min_campaign_budget : no cut goes below; None sets none
    monthly_cap : what the month may cost over all campaigns; None sets none
    new_campaign_test_budget : what campaigns younger than ``test_period`` are meant to keep
    observation_period, test_period : ages; a file writes the first at its top
    pause_threshold_hours : this long past the trigger of a cutting rule, a pause is recommended
    emergency_pause : CPL above this multiple of its target pauses at once
    emergency_min_spend : and not before so much was spent; money, or a multiple of the target
    max_pauses, max_paused_share : campaigns, and share of the running budget, that may be paused
        at once in a day; beyond, every such pause waits for a person
    outage_drop : results that fall by this share over a whole account or channel at once are an
        outage of tracking
    cadence : so long after any change of a campaign's budget no rule changes it again
    rest : so long after a rule has moved a campaign it does not move it again; None: the
        observation period, or the days that the figures cover when those are more
    learning_edit : a larger edit, as a share of the budget, restarts a platform's learning
    total_budget_change : by how much the total shall change in a day, or change at most
    max_daily_change : largest move of a campaign in one day, as a share of its opening budget
    rebalance_limit : largest move of a campaign that no rule moves, as a share of its budget
    approval_limit : a change above it waits for a person
    approval_expires : how long what waits for a person stands, and how long an ordered change may
        take to be made; None: as :attr:`patience` says
    rejection_rest : how long a move that was rejected or rolled back is not asked for again
    material_change : a figure that has changed by more ends that rest
    step : a smaller move is pointed out
    max_data_age : older figures move nothing
    max_paused, min_utilization, near_cap : soft limits, told and never enforced
    """

    max_single_campaign: AnyBound | None = None
    min_campaign_budget: Amount | None = None
    monthly_cap: Amount | None = None
    new_campaign_test_budget: Amount | None = None
    observation_period: Days = _as_written("48 hours")
    test_period: Days = _as_written("48 hours")
    pause_threshold_hours: Hours = _as_written("48 hours")
    emergency_pause: Multiple = _as_written("3x")
    emergency_min_spend: SpendOfTarget = _as_written("5x")
    max_pauses: Annotated[int, Strict(), Field(ge=0)] = 3
    max_paused_share: Share = _as_written("30%")
    outage_drop: Share = _as_written("40%")
    cadence: Days = _as_written("1 day")
    rest: Days | None = None
    learning_edit: Share = _as_written("20%")
    total_budget_change: TotalChange = _as_written(0)
    max_daily_change: Share = _as_written("25%")
    rebalance_limit: Share = _as_written("10%")
    approval_limit: Amount = _as_written(500)
    approval_expires: Hours | None = None
    rejection_rest: Days = _as_written("7 days")
    material_change: Share = _as_written("25%")
    step: Amount = _as_written(50)
    max_data_age: Hours = _as_written("48 hours")
    max_paused: Annotated[int, Strict(), Field(ge=1)] = 5
    min_utilization: Share = _as_written("80%")
    near_cap: Share = _as_written("90%")

    @property
    def pause_threshold(self) -> timedelta:
        """``pause_threshold_hours`` by the name of what it is."""
        return self.pause_threshold_hours

    @property
    def patience(self) -> timedelta:
        """How long what waits stands: as stated, else the cadence; a day where there is none."""
        return self.approval_expires or self.cadence or timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class PlatformLimits:
    """What a platform allows and does, whatever the rules say.

    Attributes
    ----------
    changes_per_hour : edits of one budget; None: any number
    min_budget : smallest daily budget of a campaign; None: any
    day_multiple : a day may cost so many times the highest budget that was set on it
    """

    changes_per_hour: Annotated[int, Strict(), Field(ge=1)] | None = None
    min_budget: Amount | None = None
    day_multiple: Multiple | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Attribution:
    """How late conversions are reported.

    Attributes
    ----------
    curve : days since the spend -> share of the conversions reported by then, both rising
    mature_at : figures with a smaller share reported lower no budget
    window : days that the figures of a row cover at most
    """

    curve: Curve
    mature_at: Share = _as_written("90%")
    window: Days = _as_written("7 days")


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG, repr=False)
class Policy(Listed):
    """A policy, checked: made by :func:`adbudget.load_policy`.

    Attributes
    ----------
    preset : "b2c" or "b2b", where settings the file leaves out come from
    currency : ISO code or sign the amounts are in; "" when the file does not say
    timezone : of the day that the daily limit counts in
    targets : by word of the trigger language, e.g. {"target_cpl": Decimal(50)}
    confidence_threshold : probability that comparisons of CPL need; None lets figures decide
    combine : "first" or "compound"
    four_eyes : whoever makes a run does not approve it
    identity : "stated" believes who decides; "login" and "database" ask the system or the database
    rules, alerts : in file order
    constraints : what holds whatever the rules say
    attribution : None when conversions are reported at once
    platforms : by name, over those of :mod:`adbudget.policy.presets`
    total_budget : what all budgets are to add up to; None: as ``total_budget_change`` says
    campaigns, document : the campaign table, where the file holds it; the file as plain JSON values

    Examples
    --------
    >>> policy.combine, [rule.name for rule in policy.rules], policy.confidence, len(policy.hash)
    ('first', ['scale_winners', 'reduce_losers'], None, 64)
    """

    preset: Literal["b2c", "b2b"] = "b2c"
    currency: Currency = ""
    timezone: Name = "UTC"
    targets: dict[str, Target] = Field(default_factory=dict)
    confidence_threshold: Confidence | None = None
    combine: Literal["first", "compound"] = "first"
    four_eyes: Annotated[bool, Strict()] = False
    identity: Literal["stated", "login", "database"] = "stated"
    rules: tuple[Rule, ...] = ()
    constraints: Constraints = Field(default_factory=Constraints)
    alerts: tuple[AlertRule, ...] = ()
    attribution: Attribution | None = None
    platforms: dict[Name, PlatformLimits] = Field(default_factory=dict)
    total_budget: Amount | None = None
    campaigns: tuple[dict[str, Any], ...] = ()
    document: dict[str, Any] = Field(default_factory=dict)

    @property
    def confidence(self) -> float | None:
        """``confidence_threshold`` as :func:`adbudget.policy.language.evaluate` takes it."""
        return None if self.confidence_threshold is None else float(self.confidence_threshold)

    @property
    def hash(self) -> str:
        """SHA-256 of ``document``."""
        return digest(self.document)
