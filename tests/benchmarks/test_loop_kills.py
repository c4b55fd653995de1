"""The audit of the killed loop sees what it is there to see."""

import pytest

from adbudget.loop import open_state
from adbudget.loop.applying import apply_changes, unit_of_budget
from adbudget.loop.state import Cycle
from adbudget.platforms.platform import BudgetOrder
from adbudget.platforms.state import open_state as open_journal
from benchmarks.loop_kills.audit import audited
from benchmarks.loop_kills.processes import run_command
from tests.loop.helpers import WORLD, order_changes, simulated, standing

UNSEEN = "the fit is lost"  # there is none here


@pytest.fixture
def stage(tmp_path):
    """A platform that keeps a journal, and a loop whose cycle was reviewed."""
    platform = simulated()
    journal = open_journal(tmp_path / "platform.db", {"world": WORLD.to_dict()})
    platform.journal = journal.append
    start = standing(platform)
    with open_state(tmp_path / "loop.db") as state:
        order_changes(state.ledger, platform, [1.2, 0.9, 0.95, 1.0, 1.0, 1.0])
        state.keep_cycle(Cycle(key="one", at=platform.now, step="done", facts={}))

        def audit():
            return audited(tmp_path / "loop.db", tmp_path / "platform.db", platform, start)[0]

        yield platform, state, audit
    journal.close()


def by_hand(platform, key, more):
    one = platform.budgets()[0]
    platform.set_budget(
        BudgetOrder(
            key=key,
            account=one.account,
            channel=one.channel,
            campaign=one.campaign,
            currency=one.currency,
            based_on_minor=one.daily_minor,
            daily_minor=one.daily_minor + more,
            at=platform.now,
        )
    )
    return unit_of_budget(one)


def test_changes_that_are_made_and_not_promised_are_the_only_thing_wrong(stage):
    platform, state, audit = stage
    apply_changes(state.ledger, platform, now=platform.now)
    wrong = audit()
    assert UNSEEN in wrong
    assert len([one for one in wrong if "promised 0" in one]) == 3
    assert len(wrong) == 5  # and that nothing at all was promised


def test_what_is_open_is_seen(stage):
    _, _, audit = stage
    assert sum("is open" in one for one in audit()) == 3


def test_a_change_that_is_made_twice_is_seen(stage):
    platform, state, audit = stage
    apply_changes(state.ledger, platform, now=platform.now)
    unit = by_hand(platform, f"{state.ledger.entries(kind='change')['key'].iloc[-1]}:1", 500)
    wrong = " ".join(audit())
    assert "was made 2 times" in wrong
    assert f"{unit} stands at" in wrong
    assert "spends" in wrong


def test_an_order_that_the_ledger_does_not_know_is_seen(stage):
    platform, _, audit = stage
    by_hand(platform, "unknown:1", -500)
    wrong = " ".join(audit())
    assert "unknown was made and never decided" in wrong
    assert "unknown was made and not confirmed" in wrong


def test_a_confirmation_of_what_was_not_made_is_seen(stage):
    platform, state, audit = stage
    for change in state.ledger.open_changes()["change"]:
        state.ledger.confirm(change, who="anna", at=platform.now)
    assert sum("was confirmed and not made" in one for one in audit()) == 3


def test_a_command_runs_in_a_process_of_its_own(tmp_path):
    assert run_command(["--version"], tmp_path).code == 0
    assert run_command(["loop", "once", "--no-such-option"], tmp_path).code == 2
