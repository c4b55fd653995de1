"""Changes are made once, cuts first, raises as far as they are paid for, whatever gets lost."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from adbudget import open_ledger
from adbudget.errors import PlatformError
from adbudget.ledger.entry import Entry
from adbudget.loop.applying import apply_changes, told
from adbudget.platforms.platform import BudgetOrder
from tests.loop.helpers import Network, order_changes, simulated, standing, totals

SWAP = [1.2, 0.9, 0.95, 0.9, 1.2, 0.95]


@pytest.fixture
def ledger():
    with open_ledger(":memory:") as opened:
        yield opened


@pytest.fixture
def platform():
    return simulated()


def by_state(applied):
    return {one.unit: one.state for one in applied.changes}


def changed(platform, before):
    return {name: minor - before[name] for name, minor in standing(platform).items()}


def test_cuts_are_made_before_the_raises_they_pay_for_and_all_is_confirmed(ledger, platform):
    order_changes(ledger, platform, SWAP)
    before = totals(platform)
    network = Network(platform, lambda *_: "")
    applied = apply_changes(ledger, network, now=platform.now)
    assert applied.count("made") == len(applied.changes) == 6
    signs = [np.sign(order.daily_minor - order.based_on_minor) for order in network.sent]
    assert signs == sorted(signs)
    assert ledger.open_changes().empty
    assert totals(platform) == before
    assert not applied.differs
    assert told(applied.changes[0]).endswith("made")


def test_asked_whether_it_would_be_made_nothing_is_written_anywhere(ledger, platform):
    order_changes(ledger, platform, SWAP)
    before, head = standing(platform), ledger.head()
    applied = apply_changes(ledger, platform, now=platform.now, apply=False)
    assert applied.count("valid") == 6
    assert standing(platform) == before
    assert ledger.head() == head


def test_a_second_pass_has_nothing_to_do(ledger, platform):
    order_changes(ledger, platform, SWAP)
    apply_changes(ledger, platform, now=platform.now)
    before = standing(platform)
    assert apply_changes(ledger, platform, now=platform.now).changes == ()
    assert standing(platform) == before


def test_a_lost_answer_is_asked_for_at_once_and_nothing_is_sent_twice(ledger, platform):
    order_changes(ledger, platform, SWAP)
    network = Network(platform, lambda name, _: "after" if name == "set_budget" else "")
    applied = apply_changes(ledger, network, now=platform.now)
    assert applied.count("made") == 6
    assert len(network.sent) == 6


def test_an_unheard_cut_holds_the_raise_until_the_next_pass_knows(ledger, platform):
    order_changes(ledger, platform, SWAP)
    before = standing(platform)
    silent = Network(platform, lambda name, _: "" if name == "budgets" else "after")
    first = apply_changes(ledger, silent, now=platform.now)
    assert set(by_state(first).values()) == {"unknown", "waits"}
    assert all(change <= 0 for change in changed(platform, before).values())
    second = apply_changes(ledger, platform, now=platform.now)
    assert second.count("made before") == 4
    assert second.count("made") == 2
    assert totals(platform) == {
        account: sum(m for name, m in before.items() if name.startswith(account))
        for account in totals(platform)
    }


def test_what_never_arrived_is_sent_again_with_the_same_key(ledger, platform):
    order_changes(ledger, platform, SWAP)
    lost = Network(platform, lambda name, _: "before" if name == "set_budget" else "")
    apply_changes(ledger, lost, now=platform.now)
    network = Network(platform, lambda *_: "")
    applied = apply_changes(ledger, network, now=platform.now)
    assert applied.count("made") == 6
    assert {order.key for order in lost.sent} <= {order.key for order in network.sent}


def test_a_budget_somebody_else_has_changed_is_a_conflict_and_its_raise_is_not_made(
    ledger, platform
):
    order_changes(ledger, platform, [1.2, 0.8, 1.0, 1.0, 1.0, 1.0])
    raised, cut = platform.budgets()[:2]
    byhand = BudgetOrder(
        key="by hand",
        account=cut.account,
        channel=cut.channel,
        campaign=cut.campaign,
        currency=cut.currency,
        based_on_minor=cut.daily_minor,
        daily_minor=cut.daily_minor + 100,
        at=platform.now,
    )
    platform.set_budget(byhand)
    before = totals(platform)
    applied = apply_changes(ledger, platform, now=platform.now)
    assert sorted(by_state(applied).values()) == ["conflict", "unfunded"]
    assert totals(platform) == before
    assert ledger.open_changes().empty
    words = ledger.entries(kind="confirmation")
    assert words["verdict"].tolist() == ["sent", "withdrawn", "withdrawn"]
    assert standing(platform)[f"{raised.account}::{raised.campaign}"] == raised.daily_minor


def test_a_raise_is_made_as_far_as_its_cuts_were(ledger, platform):
    order_changes(ledger, platform, [1.3, 0.9, 0.8, 1.0, 1.0, 1.0])
    refused = platform.budgets()[1]
    platform.pause(refused.account, refused.channel, refused.campaign)
    before, total = standing(platform), totals(platform)
    applied = apply_changes(ledger, platform, now=platform.now)
    raised = next(one for one in applied.changes if one.new_minor > one.old_minor)
    assert sorted(by_state(applied).values()) == ["made", "made", "refused"]
    assert raised.old_minor < raised.stands_minor < raised.new_minor
    assert sum(changed(platform, before).values()) == 0
    assert totals(platform) == total
    confirmed = ledger.entries(kind="confirmation", unit=raised.unit)
    assert confirmed["new_minor"].tolist()[-1] == raised.stands_minor


def test_a_clock_that_went_back_dates_no_word_before_its_change(ledger, platform):
    order_changes(ledger, platform, SWAP)
    applied = apply_changes(ledger, platform, now=platform.now - timedelta(days=2))
    assert applied.count("made") == 6
    assert (ledger.entries(kind="confirmation")["at"] == ledger.entries(kind="run")["at"][0]).all()


def test_the_kill_switch_stops_before_the_next_write(ledger, platform):
    order_changes(ledger, platform, SWAP)
    before = standing(platform)

    def stop(name, _order):
        if name == "set_budget" and len(network.sent) == 2:
            ledger.set_kill(True, who="boss", at=platform.now, reason="stop")
        return ""

    network = Network(platform, stop)
    applied = apply_changes(ledger, network, now=platform.now)
    assert applied.count("made") == 2
    assert applied.count("stopped") == 4
    assert sum(change != 0 for change in changed(platform, before).values()) == 2
    ledger.set_kill(False, who="boss", at=platform.now, reason="go")
    assert apply_changes(ledger, platform, now=platform.now).count("made") == 4


def test_a_campaign_the_platform_does_not_have_stays_open_and_is_named(ledger, platform):
    order_changes(ledger, platform, SWAP)
    other = simulated(seed=4)
    applied = apply_changes(ledger, _Renamed(other), now=platform.now)
    assert applied.count("not here") == 6
    assert "has no campaign" in applied.changes[0].reason
    assert len(ledger.open_changes()) == 6


class _Renamed(Network):
    """Nothing here is called as the ledger calls it."""

    def __init__(self, platform) -> None:
        super().__init__(platform, lambda *_: "")

    def budgets(self):
        return ()


WHEN = st.sampled_from(["", "", "before", "after"])


@settings(max_examples=25)
@given(st.lists(WHEN, min_size=0, max_size=30), st.permutations(SWAP))
def test_whatever_gets_lost_every_change_is_made_once_and_no_account_ever_spends_more(
    losses, factors
):
    platform = simulated()
    with open_ledger(":memory:") as ledger:
        order_changes(ledger, platform, factors)
        wanted = {row["unit"]: row["new_minor"] for row in ledger.open_changes().to_dict("records")}
        limit, script = totals(platform), iter(losses)

        def lossy(_name, _order):
            now = totals(platform)
            assert all(now[account] <= limit[account] for account in limit)
            return next(script, "")

        network = Network(platform, lossy)
        for _ in range(40):
            try:
                apply_changes(ledger, network, now=platform.now)
            except PlatformError:
                continue
            if ledger.open_changes().empty:
                break
            platform.advance(hours=1)
        assert ledger.open_changes().empty
        assert {unit: standing(platform)[unit] for unit in wanted} == wanted
        assert ledger.verify().ok
        kept = ledger.entries(kind="confirmation")
        assert (kept["verdict"] == "confirmed").sum() == len(wanted)


@pytest.mark.parametrize("first_made", [True, False])
def test_the_rest_of_a_move_is_made_whether_its_first_part_was_or_not(ledger, platform, first_made):
    """What the part that was not made should have moved stays where it is."""
    unit, stands = next(iter(standing(platform).items()))
    facts = {
        "kind": "change",
        "at": platform.now,
        "who": "adbudget",
        "unit": unit,
        "currency": platform.budgets()[0].currency,
        "run_id": "run",
        "verdict": "auto",
    }
    amounts = {"old_minor": stands, "new_minor": stands + 100}
    ledger.append(Entry(**facts, **amounts), key="first")
    amounts = {"old_minor": stands + 100, "new_minor": stands + 300}
    rest = facts | amounts | {"kind": "recommendation", "verdict": "needs_approval"}
    ledger.append(Entry(**rest, payload={"paid_by": {"": "2.00"}}), key="rest")
    if first_made:
        apply_changes(ledger, platform, now=platform.now)
    ledger.approve("rest", who="Ann", at=platform.now)
    applied = apply_changes(ledger, platform, now=platform.now)
    assert [one.state for one in applied.changes] == ["made"]
    assert standing(platform)[unit] == stands + (300 if first_made else 200)
    assert ledger.known_budgets()[unit] == standing(platform)[unit]
