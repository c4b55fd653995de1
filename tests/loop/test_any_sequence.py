"""Over any sequence of plans, faults, people and kills, what must hold holds."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adbudget import load_policy, open_ledger
from adbudget.errors import AdbudgetError, PlatformError
from adbudget.loop.applying import apply_changes
from adbudget.platforms.platform import BudgetOrder
from adbudget.policy.apply import apply_policy
from tests.loop.helpers import Network, simulated, standing, table_of, totals

LIMIT, FLOOR = 0.25, 20.0
POLICY = load_policy(
    {
        "currency": "EUR",
        "constraints": {
            "max_daily_change": "25%",
            "approval_limit": 100,
            "total_budget_change": 0,
            "min_campaign_budget": FLOOR,
            "cadence": 0,
            "rest": 0,
        },
    }
)
FACTOR = st.floats(0.5, 1.6)
LOST = st.sampled_from(["", "", "", "before", "after"])


class AnySequence(RuleBasedStateMachine):
    """A platform, its ledger, a network that loses things, and people."""

    @initialize(locked=st.integers(0, 5))
    def begin(self, locked):
        self.platform = simulated()
        self.ledger = open_ledger(":memory:")
        self.losses: list[str] = []
        self.network = Network(self.platform, self.lose)
        self.locked = list(standing(self.platform))[locked]
        self.limit = totals(self.platform)
        self.by_hand = 0
        self.opening = standing(self.platform)
        self.killed = False
        self.now = self.platform.now

    def lose(self, _name, _order):
        assert not self.killed or _name != "set_budget"
        return self.losses.pop() if self.losses else ""

    @rule(factors=st.lists(FACTOR, min_size=6, max_size=6))
    def plan(self, factors):
        table = table_of(self.platform)
        table["locked"] = [
            f"{row.account}::{row.campaign_id}" == self.locked for row in table.itertuples()
        ]
        targets = table[["campaign_id", "account"]].assign(
            target_budget=(table["budget"] * factors).round(2), based_on=table["budget"]
        )
        apply_policy(POLICY, table, targets=targets, ledger=self.ledger, as_of=self.platform.now)

    @rule(losses=st.lists(LOST, max_size=8))
    def make(self, losses):
        self.losses = list(losses)
        with suppress(PlatformError):
            apply_changes(self.ledger, self.network, now=self.platform.now)
        self.losses = []

    @rule(
        factors=st.lists(FACTOR, min_size=6, max_size=6),
        place=st.integers(0, 5),
        losses=st.lists(LOST, max_size=8),
    )
    def makes_a_plan_that_somebody_has_overtaken(self, factors, place, losses):
        """The one thing that happens between a decision and its writing."""
        self.plan(factors)
        self.changes_by_hand(place, 300)
        self.make(losses)

    @rule(yes=st.booleans(), place=st.integers(0, 5))
    def rules_on_what_waits(self, yes, place):
        waiting = self.ledger.pending(self.platform.now)
        if waiting.empty:
            return
        item = waiting["item"].iloc[place % len(waiting)]
        try:
            if yes:
                self.ledger.approve(item, who="anna", at=self.platform.now)
            else:
                self.ledger.reject(item, who="anna", at=self.platform.now, reason="no")
        except AdbudgetError:
            pass  # it no longer stands, or the kill switch is on

    @rule(on=st.booleans())
    def switches(self, on):
        self.killed = on
        self.ledger.set_kill(on, who="boss", at=self.platform.now, reason="drill")

    @rule(place=st.integers(0, 5), change=st.integers(-500, 500))
    def changes_by_hand(self, place, change):
        one = self.platform.budgets()[place]
        if f"{one.account}::{one.campaign}" == self.locked or one.daily_minor + change < 2500:
            return
        self.by_hand += 1
        answer = self.platform.set_budget(
            BudgetOrder(
                key=f"hand {self.by_hand}",
                account=one.account,
                channel=one.channel,
                campaign=one.campaign,
                currency=one.currency,
                based_on_minor=one.daily_minor,
                daily_minor=one.daily_minor + change,
                at=self.platform.now,
            )
        )
        if answer.status == "made":
            self.limit[one.account] += change

    @rule(hours=st.integers(1, 30))
    def passes(self, hours):
        self.platform.advance_to(self.platform.now + timedelta(hours=hours))

    @invariant()
    def no_account_spends_more_than_people_gave_it(self):
        if hasattr(self, "platform"):
            now = totals(self.platform)
            assert all(now[account] <= self.limit[account] for account in now)

    @invariant()
    def locked_campaigns_are_untouched_and_floors_hold(self):
        if hasattr(self, "platform"):
            now = standing(self.platform)
            assert now[self.locked] == self.opening[self.locked]
            for unit, minor in now.items():
                assert minor >= min(100 * FLOOR, self.opening[unit])

    @invariant()
    def nothing_is_made_twice_and_the_ledger_is_whole(self):
        if hasattr(self, "platform"):
            words = self.ledger.entries(kind="confirmation")
            made = words[words["verdict"] == "confirmed"]
            assert made["key"].is_unique
            keys = [order.key for order in self.network.sent]
            answers = {key: self.platform.answer_of(key) for key in keys}
            assert all(one is None or one.key == key for key, one in answers.items())
            assert self.ledger.verify().ok

    def teardown(self):
        if hasattr(self, "ledger"):
            self.ledger.close()


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=12, stateful_step_count=14)
