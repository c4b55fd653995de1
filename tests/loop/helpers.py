"""A small platform with known truth, a ledger, and a network that loses what it is told to."""

from collections.abc import Callable

import pandas as pd

from adbudget import load_policy
from adbudget.errors import PlatformError
from adbudget.loop.applying import unit_of_budget
from adbudget.money import digits_of, exact
from adbudget.platforms.platform import BudgetOrder, OrderAnswer
from adbudget.platforms.rules import PlatformRules
from adbudget.platforms.simulated import SimulatedPlatform
from adbudget.policy.apply import apply_policy
from adbudget.synthetic import WorldSpec

WORLD = WorldSpec(
    n_accounts=2, n_channels=3, n_periods=140, period="daily", noise=0.1, unused_share=0.0
)
OPEN = {
    "currency": "EUR",
    "constraints": {
        "max_daily_change": "60%",
        "approval_limit": 1_000_000,
        "total_budget_change": 0,
        "cadence": 0,
    },
}
POLICY = load_policy(OPEN | {"constraints": OPEN["constraints"] | {"max_daily_change": "25%"}})


def simulated(seed: int = 3, **rules) -> SimulatedPlatform:
    return SimulatedPlatform(WORLD, seed, rules=PlatformRules(**rules))


def table_of(platform) -> pd.DataFrame:
    """Campaigns as a policy reads them."""
    rows = [
        {
            "campaign_id": one.campaign,
            "account": one.account,
            "budget": float(exact(one.daily_minor, digits_of(one.currency))),
            "currency": one.currency,
        }
        for one in platform.budgets()
    ]
    return pd.DataFrame(rows)


def order_changes(ledger, platform, factors, policy=None, at=None):
    """A run that wants every budget times a factor, money kept in each account."""
    table = table_of(platform)
    targets = table[["campaign_id", "account"]].assign(
        target_budget=(table["budget"] * factors).round(2), based_on=table["budget"]
    )
    return apply_policy(
        load_policy(policy or OPEN),
        table,
        targets=targets,
        ledger=ledger,
        as_of=at or platform.now,
    )


def standing(platform) -> dict[str, int]:
    return {unit_of_budget(one): one.daily_minor for one in platform.budgets()}


def totals(platform) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in platform.budgets():
        total[one.account] = total.get(one.account, 0) + one.daily_minor
    return total


class Network:
    """A platform behind a network: ``fails`` says of every call whether and when it is lost.

    ``fails(name, order)`` gives "" (arrives and answers), "before" (never arrives) or "after"
    (done, and the answer is lost).
    """

    def __init__(self, platform, fails: Callable[[str, BudgetOrder | None], str]) -> None:
        self.platform, self.fails, self.sent = platform, fails, []

    @property
    def name(self) -> str:
        return self.platform.name

    @property
    def now(self):
        return self.platform.now

    def budgets(self):
        return self._through("budgets", None, self.platform.budgets)

    def performance(self, since, until, *, by_hour=False):
        return self.platform.performance(since, until, by_hour=by_hour)

    def outcome(self, since, until):
        return self.platform.outcome(since, until)

    def answer_of(self, key: str) -> OrderAnswer | None:
        return self._through("answer_of", None, lambda: self.platform.answer_of(key))

    def set_budget(self, order: BudgetOrder, *, validate_only: bool = False) -> OrderAnswer:
        self.sent.append(order)
        return self._through(
            "set_budget",
            order,
            lambda: self.platform.set_budget(order, validate_only=validate_only),
        )

    def _through(self, name, order, call):
        when = self.fails(name, order)
        if when == "before":
            raise PlatformError("the network was down.", retryable=True)
        answer = call()
        if when == "after":
            raise PlatformError("the answer was lost.", retryable=True)
        return answer
