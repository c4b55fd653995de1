"""One cycle on a simulated platform: nothing drastic, nothing lost, nothing twice, all said."""

import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from adbudget import InputError, load_policy
from adbudget.errors import PlatformError
from adbudget.loop import LoopSettings, open_state, run_cycle
from adbudget.loop.cycle import PROPOSED, REVIEWED
from adbudget.loop.learning import Learned, can_stand
from adbudget.loop.state import DONE, GIVEN_UP
from adbudget.platforms.platform import BudgetOrder
from tests.loop.conftest import SETTINGS
from tests.loop.helpers import OPEN, POLICY, Network, simulated, standing, totals

WAITS = load_policy(
    OPEN
    | {"constraints": OPEN["constraints"] | {"approval_limit": 1, "approval_expires": "3 days"}}
)


def cycle(platform, state, seed=1, **options):
    options = {"now": platform.now, "settings": SETTINGS, "apply": True} | options
    policy = options.pop("policy", POLICY)
    return run_cycle(
        None, platform, policy, state, rng=np.random.default_rng(seed), cores=1, **options
    )


def made_changes(state):
    words = state.ledger.entries(kind="confirmation")
    made = words[words["verdict"] == "confirmed"]
    return {payload["change"] for payload in made["payload"]}


def promised_changes(state):
    promises = state.ledger.entries(kind="promise")
    return {change for payload in promises["payload"] for change in payload["changes"]}


def noon(platform):
    platform.advance(hours=12)
    return platform


@pytest.fixture
def state(learned, tmp_path):
    shutil.copy(learned[0], tmp_path / "loop.db")
    with open_state(tmp_path / "loop.db") as opened:
        yield opened


@pytest.fixture
def platform():
    return noon(simulated())


def test_a_dry_run_says_what_it_would_do_and_writes_nothing_but_what_it_learned(learned):
    _, report = learned
    assert report.dry
    assert report.applied is None
    assert report.learned.startswith("fitted: 18 periods")
    assert report.until == "2025-03-31"
    assert list(report.table["campaign"].str.slice(-2).unique()) == ["01", "02"]
    assert (report.table["decided"] != report.table["budget"]).any()
    assert (report.table["used_up"] == 24).any()
    assert {"account_01", "account_02"} >= set(report.prices["account"])
    assert (report.prices["price"] != 0).all()


def test_the_margin_is_asked_for_until_it_is_stated_and_then_all_is_fitted_again(
    learned, platform, state
):
    assumed = "Margin 100% assumed: all revenue counts as earned."
    assert any(note.startswith(assumed) for note in learned[1].notes)
    stated = cycle(platform, state, settings=replace(SETTINGS, margin=0.4), apply=False)
    assert stated.learned.startswith("fitted")
    assert not any("Margin" in note for note in stated.notes)
    assert (state.fit().panel.margin == 0.4).all()
    with pytest.raises(InputError, match="margin must be a share"):
        cycle(platform, state, settings=replace(SETTINGS, margin=40), apply=False)


def test_what_is_decided_is_what_stands_and_every_account_keeps_its_total(platform, state):
    before = totals(platform)
    report = cycle(platform, state)
    now = standing(platform)
    for row in report.table.to_dict("records"):
        assert now[f"{row['account']}::{row['campaign']}"] == round(100 * row["set_now"])
    assert all(totals(platform)[account] <= before[account] for account in before)
    moved = report.table[report.table["decided"] != report.table["budget"]]
    assert set(moved["state"]) == {"made"}
    assert ((moved["decided"] / moved["budget"] - 1).abs() <= 0.2 + 0.01).all()
    assert state.ledger.verify().ok
    assert state.ledger.open_changes().empty
    assert state.cycles()[-1].step == DONE
    assert report.learned.startswith("unchanged")


def test_the_same_inputs_and_seed_give_the_same_report(learned, tmp_path):
    reports = []
    for name in ("one", "two"):
        shutil.copy(learned[0], tmp_path / name)
        with open_state(tmp_path / name) as state:
            reports.append(cycle(noon(simulated()), state))
    assert reports[0].as_dict() == reports[1].as_dict()
    pd.testing.assert_frame_equal(reports[0].table, reports[1].table)


def test_moves_promise_and_the_promise_stands_in_the_ledger(platform, state):
    report = cycle(platform, state)
    promises = state.ledger.entries(kind="promise")
    moved = report.table[report.table["set_now"] != report.table["budget"]]
    assert {one["account"] for one in promises["payload"]} == set(moved["account"])
    first = promises["payload"].iloc[0]
    assert len(first["dates"]) == SETTINGS.horizon
    assert first["dates"][0] == "2025-03-31"
    assert len(first["lift"]) == len(first["without"]) == SETTINGS.horizon


def test_what_was_moved_rests_until_it_can_have_been_seen(platform, state):
    first = cycle(platform, state)
    platform.advance(days=2)
    second = cycle(platform, state)
    moved = first.table["set_now"] != first.table["budget"]
    now = second.table
    assert (now.loc[moved, "decided"] == now.loc[moved, "budget"]).all()


def test_a_new_week_updates_the_fit_and_a_restated_one_is_read_again(platform, state):
    cycle(platform, state)
    platform.advance(days=7)
    report = cycle(platform, state)
    assert report.learned.startswith("updated: Updated with 2 new outcome(s)")
    assert report.until == "2025-04-07"


def test_killed_while_it_applies_it_is_finished_by_the_next_run_and_nothing_is_made_twice(
    platform, state
):
    class Killed(BaseException):
        """What SIGKILL does to a process, as far as Python can tell."""

    def kill(name, _order):
        if name == "set_budget" and len(network.sent) == 2:
            raise Killed
        return ""

    network = Network(platform, kill)
    with pytest.raises(Killed):
        cycle(network, state, now=platform.now)
    left = state.unfinished()
    assert left is not None
    assert left.step == REVIEWED
    sent = len(network.sent)
    again = Network(platform, lambda *_: "")
    report = cycle(again, state, now=platform.now + timedelta(minutes=5))
    assert report.resumed
    assert report.key == left.key
    assert state.cycles()[-1].step == DONE
    assert state.ledger.open_changes().empty
    assert len(state.ledger.entries(kind="run")) == 1
    keys = [order.key for order in (*network.sent, *again.sent)]
    assert len(keys) - len(set(keys)) <= 1  # the one that was on its way
    assert sent == 2


def test_a_campaign_that_does_not_answer_stays_open_and_holds_up_nobody_else(platform, state):
    deaf: list[str] = []

    def silent(name, order):
        if name == "set_budget" and not deaf:
            deaf.append(order.campaign)
        return "before" if name == "set_budget" and order.campaign in deaf else ""

    first = cycle(Network(platform, silent), state, now=platform.now)
    assert first.applied.count("unknown") == 1
    assert state.cycles()[-1].step == DONE
    (waits,) = [one for one in first.applied.changes if one.state == "unknown"]
    assert waits.unit in set(state.ledger.open_changes()["unit"])
    platform.advance(days=7)
    second = cycle(platform, state)
    assert not second.resumed
    assert {one.change: one.state for one in second.applied.changes}[waits.change] == "made"
    assert state.ledger.kept([f"confirm:{waits.change}"])
    assert state.ledger.open_changes().empty


def test_killed_after_its_review_was_logged_it_is_finished_and_not_decided_again(platform, state):
    class Killed(BaseException):
        """What SIGKILL does to a process, as far as Python can tell."""

    class DiesBeforeItsNote(Network):
        def performance(self, since, until, *, by_hour=False):
            if by_hour:
                raise Killed
            return super().performance(since, until)

    with pytest.raises(Killed):
        cycle(DiesBeforeItsNote(platform, lambda *_: ""), state, now=platform.now)
    assert state.unfinished().step == PROPOSED
    assert len(state.ledger.open_changes())
    platform.advance(hours=1)
    report = cycle(platform, state)
    assert report.resumed
    assert len(state.ledger.entries(kind="run")) == 1
    assert promised_changes(state) == made_changes(state) != set()
    tried = state.cycles()[-1].facts["tried"]
    assert {unit: standing(platform)[unit] for unit in tried} == {
        unit: minor for unit, (minor, _) in tried.items()
    }


def test_what_is_approved_later_is_promised_and_rests_from_when_it_is_made(platform, state):
    first = cycle(platform, state, policy=WAITS)
    assert (first.table["set_now"] == first.table["budget"]).all()
    assert promised_changes(state) == set()
    platform.advance(days=2)
    for item in state.ledger.pending(platform.now)["item"]:
        state.ledger.approve(item, who="anna", at=platform.now)
    second = cycle(platform, state)
    moved = {one.unit for one in second.applied.changes if one.state == "made"}
    wanted = first.table[first.table["decided"] != first.table["budget"]]
    assert moved == {f"{row.account}::{row.campaign}" for row in wanted.itertuples()}
    assert promised_changes(state) == made_changes(state) != set()
    platform.advance(days=5)  # a week after the decision, and not after the move
    third = cycle(platform, state)
    rests = [f"{row.account}::{row.campaign}" in moved for row in third.table.itertuples()]
    assert (third.table.loc[rests, "decided"] == third.table.loc[rests, "budget"]).all()


def test_killed_before_it_was_reviewed_it_is_given_up_and_decided_anew(platform, state):
    down = Network(platform, lambda name, _: "before" if name == "budgets" else "")
    with pytest.raises(PlatformError):
        cycle(down, state, now=platform.now)
    assert state.unfinished() is not None
    platform.advance(hours=1)
    report = cycle(platform, state)
    assert not report.resumed
    assert state.unfinished() is None
    assert [one.step for one in state.cycles()] == [GIVEN_UP, DONE]


def test_a_cycle_that_is_done_is_not_done_again_under_its_name(platform, state):
    cycle(platform, state, key="monday")
    before = standing(platform)
    with pytest.raises(InputError, match="cycle 'monday' is done already"):
        cycle(platform, state, key="monday")
    assert standing(platform) == before


def test_the_kill_switch_stops_everything_and_says_so(platform, state):
    state.ledger.set_kill(True, who="boss", at=platform.now - timedelta(hours=1), reason="stop")
    before = standing(platform)
    report = cycle(platform, state)
    assert standing(platform) == before
    assert set(report.table["verdict"]) <= {"blocked", "auto"}
    assert report.applied is not None
    assert report.applied.changes == ()


def test_a_budget_that_somebody_changes_while_it_is_decided_is_not_overwritten(platform, state):
    by_hand = {}

    def meddle(name, _order):
        if name == "set_budget" and not by_hand:
            one = platform.budgets()[-1]
            order = BudgetOrder(
                key="hand",
                account=one.account,
                channel=one.channel,
                campaign=one.campaign,
                currency=one.currency,
                based_on_minor=one.daily_minor,
                daily_minor=one.daily_minor + 500,
                at=platform.now,
            )
            by_hand[f"{one.account}::{one.campaign}"] = one.daily_minor + 500
            platform.set_budget(order)
        return ""

    before = totals(platform)
    report = cycle(Network(platform, meddle), state, now=platform.now)
    ((unit, minor),) = by_hand.items()
    states = {one.unit: one.state for one in report.applied.changes}
    if unit in states:
        assert states[unit] in ("conflict", "unfunded")
    assert standing(platform)[unit] == minor
    extra = {account: 500 if unit.startswith(account) else 0 for account in before}
    assert all(totals(platform)[a] <= before[a] + extra[a] for a in before)


def test_with_nothing_to_explore_monitored_cells_keep_what_is_set(platform, state):
    """A budget that was raised by hand is not cut back to what was spent lately."""
    one = platform.budgets()[0]
    platform.set_budget(
        BudgetOrder(
            key="hand",
            account=one.account,
            channel=one.channel,
            campaign=one.campaign,
            currency=one.currency,
            based_on_minor=one.daily_minor,
            daily_minor=round(one.daily_minor * 1.4),
            at=platform.now,
        )
    )
    settings = LoopSettings(history_days=133, restate_days=28, exploration=0.0)
    report = cycle(platform, state, settings=settings)
    row = report.table.iloc[0]
    assert row["budget"] == round(one.daily_minor * 1.4) / 100
    assert (report.table["explored"] == 0).all()
    if "Monitor" in row["reason"]:
        assert row["decided"] == row["budget"]


def test_the_instant_needs_a_time_zone(platform, state):
    with pytest.raises(InputError, match="now must have a time zone"):
        cycle(platform, state, now=platform.now.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("how", "problems", "stands"),
    [
        ("updated", (), True),
        ("updated", ("41 of 4000 draws diverged.",), False),
        ("fitted", ("r-hat is 1.2.",), True),  # there is nothing better to be had
        ("unchanged", ("r-hat is 1.2.",), True),
    ],
)
def test_an_update_that_cannot_be_trusted_is_fitted_anew(state, how, problems, stands):
    fit = state.fit()
    ill = replace(fit, health=replace(fit.health, problems=problems))
    assert can_stand(Learned(fit=ill, how=how, why="")) == stands
