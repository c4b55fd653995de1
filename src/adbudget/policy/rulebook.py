"""Policy: a policy file understood. Records only; knows nothing of files, campaigns or ledgers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from adbudget.money import Money
from adbudget.policy.language import Trigger
from adbudget.policy.values import Action, Bound, BudgetMove


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the file.

    Attributes
    ----------
    name : different from every other rule's
    trigger : when it fires
    action : what it then does
    cap, floor : of the campaign's budget; None sets none
    """

    name: str
    trigger: Trigger
    action: Action
    cap: Bound | None = None
    floor: Bound | None = None

    @property
    def cuts(self) -> bool:
        """Whether it lowers budgets."""
        return isinstance(self.action, BudgetMove) and self.action.direction == "decrease"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One alert of the file.

    Attributes
    ----------
    type : anomaly, opportunity, risk or another name
    trigger : when it speaks
    action : what it asks for, e.g. "alert_human"; never a move of money
    severity : "info", "warning" or "critical"
    cooldown : the same alert on the same campaign stays silent this long
    """

    type: str
    trigger: Trigger
    action: str
    severity: str
    cooldown: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What holds whatever the rules say. Budgets are per day.

    Attributes
    ----------
    max_single_campaign : cap of every campaign; None sets none
    min_campaign_budget : no cut goes below; None sets none
    new_campaign_test_budget : what campaigns younger than ``test_period`` are meant to keep
    observation_period, test_period : ages
    pause_threshold : this long past the trigger of a cutting rule, a pause is recommended
    emergency_pause : CPL above this multiple of its target pauses at once
    total_budget_change : by how much the total shall change
    max_daily_change : largest move of a campaign in one day, as a share of its opening budget
    rebalance_limit : largest move of a campaign that no rule moves, as a share of its budget
    approval_limit : a change above it waits for a person
    step : a smaller move is pointed out
    max_data_age : older figures move nothing
    max_paused, min_utilization, near_cap : soft limits, told and never enforced
    """

    max_single_campaign: Bound | None
    min_campaign_budget: Money | None
    new_campaign_test_budget: Money | None
    observation_period: timedelta
    test_period: timedelta
    pause_threshold: timedelta
    emergency_pause: Decimal
    total_budget_change: Bound
    max_daily_change: Decimal
    rebalance_limit: Decimal
    approval_limit: Money
    step: Money
    max_data_age: timedelta
    max_paused: int
    min_utilization: Decimal
    near_cap: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """How late conversions are reported.

    Attributes
    ----------
    ages : days since the spend, rising
    shares : share of the conversions reported by then, rising
    mature_at : figures with a smaller share reported lower no budget
    """

    ages: tuple[Decimal, ...]
    shares: tuple[Decimal, ...]
    mature_at: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy, checked: made by :func:`adbudget.load_policy`.

    Attributes
    ----------
    preset : "b2c" or "b2b", where settings the file leaves out come from
    currency : ISO code or sign the amounts are in; "" when the file does not say
    timezone : of the day that the daily limit counts in
    targets : by word of the trigger language, e.g. {"target_cpl": Decimal(50)}
    confidence_threshold : probability that comparisons of CPL need; None lets figures decide
    combine : "first" or "compound"
    rules, alerts : in file order
    constraints : what holds whatever the rules say
    attribution : None when conversions are reported at once
    document : the file as plain JSON values, enough to load the same policy again
    hash : SHA-256 of ``document``
    """

    preset: str
    currency: str
    timezone: str
    targets: Mapping[str, Decimal]
    confidence_threshold: Decimal | None
    combine: Literal["first", "compound"]
    rules: tuple[Rule, ...]
    constraints: Constraints
    alerts: tuple[AlertRule, ...]
    attribution: Attribution | None
    document: Mapping[str, Any]
    hash: str

    @property
    def confidence(self) -> float | None:
        """``confidence_threshold`` as :func:`adbudget.policy.language.evaluate` takes it."""
        return None if self.confidence_threshold is None else float(self.confidence_threshold)
