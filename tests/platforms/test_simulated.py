"""Facts about the simulated platform: it behaves as platforms do, and its truth is known."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import InputError, PlatformError
from adbudget.platforms import PlatformRules, SimulatedPlatform, daily_spec
from adbudget.synthetic import WorldSpec, synthesize
from tests.platforms.conftest import SMALL, budget_of, order_for

FIRST = date(2026, 3, 2)  # the day after the history
AFTER = (FIRST, date(2027, 3, 2))
WHOLE = (date(2020, 1, 1), date(2030, 1, 1))
FULL = PlatformRules(unspent=0.0, headroom=(50.0, 50.0), minimum=1.0)  # all of a budget is spent


def made(rules: PlatformRules | None = None, spec: WorldSpec = SMALL) -> SimulatedPlatform:
    return SimulatedPlatform(spec, 3, rules=rules)


def set_to(platform: SimulatedPlatform, factor: float, number: int = 0, **facts):
    """Multiply one budget."""
    budget = platform.budgets()[number]
    return platform.set_budget(order_for(budget, round(budget.daily_minor * factor), **facts))


def spend_of(platform: SimulatedPlatform, day: date, number: int = 0) -> float:
    unit = platform.budgets()[number].unit
    frame = platform.performance(day, day).frame
    return float(frame.loc[frame["campaign"] == unit[2], "spend"].sum())


# --- its history and its truth


def test_its_history_is_the_world_and_budgets_are_what_was_spent_of_late():
    platform = made()
    platform.advance(hours=5)
    reported = platform.performance(WHOLE[0], FIRST - timedelta(days=1)).frame
    world = synthesize(SMALL, 3)
    keys = ["account", "channel", "date"]
    both = reported.merge(world.spend, on=keys, suffixes=("", "_true"))
    assert len(both) == len(reported) == len(world.spend)
    np.testing.assert_allclose(both["spend"], both["spend_true"], atol=0.005)
    late = world.spend[world.spend["date"] > world.spend["date"].max() - pd.Timedelta(days=28)]
    mean = late.groupby(["account", "channel"])["spend"].mean()
    for budget in platform.budgets():
        assert budget.daily_minor / 100 == pytest.approx(
            mean[(budget.account, budget.channel)], abs=0.51
        )


def test_the_outcome_feed_is_the_worlds_outcome():
    platform = made()
    platform.advance(days=3)
    feed = platform.outcome(*WHOLE)
    world = synthesize(SMALL, 3)
    old = feed.frame[feed.frame["date"] <= world.outcome["date"].max()].reset_index(drop=True)
    pd.testing.assert_frame_equal(old, world.outcome, check_dtype=False)
    assert feed.complete_until == platform.now - timedelta(days=1)  # six hours late, by whole days
    assert feed.frame["date"].max() == pd.Timestamp(FIRST) + pd.Timedelta(days=1)


def test_the_true_best_split_earns_more_than_what_stands():
    frozen, best = made(FULL), made(FULL)
    now = pd.Series(
        {(b.account, b.channel): b.daily_minor / 100 for b in best.budgets()}, dtype=float
    )
    plan = best.truth.optimal(now, change=0.5)
    for number, budget in enumerate(best.budgets()):
        factor = plan[(budget.account, budget.channel)] / now[(budget.account, budget.channel)]
        assert set_to(best, factor, number).status == "made"
    totals = []
    for platform in (frozen, best):
        platform.advance(days=150)
        totals.append(platform.outcome(FIRST + timedelta(days=60), AFTER[1]).frame["revenue"].sum())
    promised = 89 * (best.truth.total(plan) - best.truth.total(now))
    assert totals[1] - totals[0] == pytest.approx(promised, rel=0.15)
    assert best.world.spend.equals(frozen.world.spend)


def test_only_daily_worlds_are_taken_and_any_can_be_made_daily():
    weekly = WorldSpec(n_accounts=2, n_channels=2, n_periods=26)
    with pytest.raises(InputError, match="daily"):
        SimulatedPlatform(weekly)
    spec = daily_spec(weekly, date(2026, 1, 5))
    assert (spec.period, spec.n_periods, spec.last_date) == ("daily", 182, "2026-01-04")
    assert SimulatedPlatform(spec).now.date() == date(2026, 1, 5)


# --- the same orders give the same figures


@given(
    hours=st.lists(st.floats(0.01, 40), min_size=1, max_size=12),
    orders=st.lists(st.tuples(st.integers(0, 3), st.floats(0.5, 2.0)), min_size=12, max_size=12),
)
@settings(max_examples=15)
def test_how_the_clock_is_moved_makes_no_difference(hours, orders):
    events = []
    stepped, replayed = made(), made()
    stepped.journal = lambda event: events.append(json.loads(json.dumps(event)))
    for span, (number, factor) in zip(hours, orders, strict=False):
        stepped.advance(hours=span / 2)
        stepped.performance(*AFTER)  # looking changes nothing
        stepped.advance(hours=span / 2)
        set_to(stepped, factor, number)
    for event in events:
        replayed.replay(event)
    replayed.advance_to(stepped.now)
    assert replayed.budgets() == stepped.budgets()
    for by_hour in (False, True):
        one, other = (p.performance(*AFTER, by_hour=by_hour) for p in (stepped, replayed))
        pd.testing.assert_frame_equal(one.frame, other.frame)
    pd.testing.assert_frame_equal(stepped.outcome(*AFTER).frame, replayed.outcome(*AFTER).frame)


def test_a_journal_of_another_world_is_refused():
    events = []
    platform = made()
    platform.journal = lambda event: events.append(dict(event))
    set_to(platform, 1.1)
    with pytest.raises(PlatformError, match="another world"):
        SimulatedPlatform(SMALL, 4).replay(events[0])


def test_an_order_that_cannot_be_kept_is_not_made():
    platform = made()

    def broken(event) -> None:
        raise PlatformError("the disk is full", retryable=True)

    before = platform.budgets()
    platform.journal = broken
    order = order_for(before[0], 99_999)
    with pytest.raises(PlatformError, match="disk is full"):
        platform.set_budget(order)
    assert platform.budgets() == before
    assert platform.answer_of(order.key) is None


# --- spend


def test_hours_add_up_to_the_day_to_the_cent():
    platform = made()
    platform.advance(hours=13.7)
    set_to(platform, 3.0)
    platform.advance(days=2)
    days = platform.performance(*AFTER).frame
    hours = platform.performance(*AFTER, by_hour=True).frame
    for name in ("spend", "impressions", "clicks", "conversions"):
        sums = hours.groupby(["account", "channel", "date"])[name].sum()
        np.testing.assert_allclose(sums.to_numpy(), days[name].to_numpy(), atol=1e-6)
    cents = hours["spend"] * 100
    np.testing.assert_allclose(cents, cents.round(), atol=1e-6)


def test_a_day_spends_its_budget_and_never_more_than_the_highest():
    platform = made(FULL)
    budget = platform.budgets()[0].daily_minor / 100
    platform.advance(days=1, hours=12)  # the second day stands at noon
    set_to(platform, 2.0)
    platform.advance(hours=6)
    set_to(platform, 0.25)
    platform.advance(days=2)
    assert spend_of(platform, FIRST) == pytest.approx(budget)
    assert spend_of(platform, FIRST + timedelta(days=1)) == pytest.approx(2 * budget)
    assert spend_of(platform, FIRST + timedelta(days=2)) == pytest.approx(budget / 2, abs=0.011)


def test_budgets_are_not_always_spent():
    platform = made(PlatformRules(unspent=0.1))
    budgets = {b.campaign: b.daily_minor / 100 for b in platform.budgets()}
    platform.advance(days=60, hours=3)
    frame = platform.performance(*AFTER).frame
    share = frame["spend"] / frame["campaign"].map(budgets)
    assert share.max() <= 1.0
    assert 0.8 < share.mean() < 0.92


def test_a_campaign_spends_no_more_than_its_traffic_allows():
    platform = made(PlatformRules(headroom=(2.0, 2.0)))
    platform.advance(hours=1)
    usual = platform.budgets()[0].daily_minor / 100
    assert set_to(platform, 50.0).status == "made"
    platform.advance(days=2)
    assert usual < spend_of(platform, FIRST + timedelta(days=1)) < 5 * usual


def test_a_paused_campaign_spends_nothing_and_goes_on_when_it_runs_again():
    platform = made(FULL)
    budget = platform.budgets()[0]
    platform.pause(*budget.unit)
    assert budget_of(platform, budget.unit).paused
    platform.advance(days=1)
    platform.pause(*budget.unit, paused=False)
    platform.advance(days=1, hours=3)
    assert spend_of(platform, FIRST) == 0
    assert spend_of(platform, FIRST + timedelta(days=1)) == budget.daily_minor / 100


def test_traffic_has_a_shape_over_the_day():
    platform = made()
    platform.advance(days=1, hours=3)
    hours = platform.performance(FIRST, FIRST, by_hour=True).frame
    by_hour = hours.groupby("hour")["spend"].sum()
    assert len(by_hour) == 24
    assert by_hour.max() > 2 * by_hour.min() > 0


# --- edits and learning


def test_only_so_many_edits_are_taken_within_any_hour():
    platform = made(PlatformRules(edits_per_hour=2))
    assert platform.budgets()[0].edits_left == 2
    assert [set_to(platform, 1.01).status for _ in range(2)] == ["made", "made"]
    refused = set_to(platform, 1.01)
    assert (refused.status, refused.reason) == ("refused", "too many edits in this hour")
    assert set_to(platform, 1.01, number=1).status == "made"  # another budget
    assert platform.budgets()[0].edits_left == 0
    platform.advance(hours=1)
    assert platform.budgets()[0].edits_left == 2
    assert set_to(platform, 1.01).status == "made"


@pytest.mark.parametrize(
    ("factors", "learns"), [([1.19], False), ([1.21], True), ([0.79], True), ([1.15, 1.15], True)]
)
def test_a_large_step_within_a_day_starts_learning(factors, learns):
    platform = made(PlatformRules(learning_days=3))
    for factor in factors:
        set_to(platform, factor)
    until = platform.budgets()[0].learning_until
    assert until == (platform.now + timedelta(days=3) if learns else None)
    platform.advance(days=3)
    assert platform.budgets()[0].learning_until is None


def test_small_steps_on_different_days_do_not_start_learning():
    platform = made()
    for _ in range(3):
        set_to(platform, 1.15)
        platform.advance(days=1)
    assert platform.budgets()[0].learning_until is None


def test_a_campaign_that_learns_earns_less():
    calm, learning = (made(replace(FULL, learning_loss=loss)) for loss in (0.0, 0.5))
    outcome = []
    for platform in (calm, learning):
        set_to(platform, 1.5)
        platform.advance(days=6)
        outcome.append(platform.outcome(FIRST, AFTER[1]).frame)
    less = outcome[0]["revenue"] - outcome[1]["revenue"]
    mine = outcome[0]["account"] == calm.budgets()[0].account
    assert (less[mine] > 0).all()
    assert (less[~mine] == 0).all()


# --- reports


def test_spend_is_reported_late_and_the_watermark_says_how_far():
    platform = made(replace(FULL, delay_hours=5))
    platform.advance(hours=9.5)
    report = platform.performance(FIRST, FIRST, by_hour=True)
    assert report.complete_until == platform.start + timedelta(hours=4)
    assert report.reported_at == platform.now
    assert sorted(set(report.frame["hour"])) == [0, 1, 2, 3]
    before = platform.performance(FIRST, FIRST).frame["spend"].sum()
    platform.advance(days=1)
    assert platform.performance(FIRST, FIRST).frame["spend"].sum() > 2 * before > 0


def test_conversions_of_a_day_only_rise_until_they_are_complete():
    platform = made()
    platform.advance(days=1, hours=3)
    seen = []
    for _ in range(35):
        frame = platform.performance(FIRST, FIRST).frame
        seen.append(frame[["conversions", "revenue", "spend"]].sum())
        platform.advance(days=1)
    seen = pd.DataFrame(seen)
    assert (seen["conversions"].diff().dropna() >= 0).all()
    assert seen["conversions"].iloc[0] < 0.8 * seen["conversions"].iloc[-1]
    assert len(set(seen["conversions"].iloc[31:])) == 1
    assert len(set(seen["spend"])) == 1  # spend is right at once


def test_campaigns_claim_more_than_they_bring():
    honest, proud = (made(PlatformRules(claimed=share)) for share in (0.0, 0.5))
    claims = [p.performance(*WHOLE).frame["revenue"].sum() for p in (honest, proud)]
    assert claims[1] > 1.2 * claims[0]


def test_an_outcome_that_matures_rises_too():
    platform = made(PlatformRules(outcome_maturity_days=3.0))
    platform.advance(days=2)
    young = platform.outcome(FIRST, FIRST).frame["revenue"].sum()
    platform.advance(days=40)
    assert young < 0.7 * platform.outcome(FIRST, FIRST).frame["revenue"].sum()


def test_cells_that_come_late_or_stop_have_rows_only_while_they_live():
    spec = replace(SMALL, n_accounts=6, late_start_share=0.3, stopped_share=0.3)
    platform = SimulatedPlatform(spec, 1)
    world = synthesize(spec, 1)
    rows = platform.performance(*WHOLE).frame.groupby(["account", "channel"]).size()
    lived = world.spend.groupby(["account", "channel"]).size()
    last = pd.Timestamp("2026-03-01")
    ended = world.spend.groupby(["account", "channel"])["date"].max() < last
    assert (rows[lived.index] - lived).isin([0, -1]).all()  # the last day is still on its way
    stopped = {(b.account, b.channel) for b in platform.budgets() if b.paused}
    assert stopped == set(ended.index[ended])
    assert stopped


def test_currencies_without_cents_have_whole_budgets():
    platform = SimulatedPlatform(replace(SMALL, currency="JPY"), 1)
    platform.advance(days=1, hours=3)
    spend = platform.performance(FIRST, FIRST).frame["spend"]
    assert (spend == spend.round()).all()
    assert platform.budgets()[0].minimum_minor == 5


@pytest.mark.parametrize(
    "wrong",
    [{"edits_per_hour": 0}, {"headroom": (3.0, 2.0)}, {"unspent": 1.5}, {"delay_hours": 1.5}],
)
def test_rules_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        PlatformRules(**wrong)
    with pytest.raises(InputError, match="no rule"):
        PlatformRules.from_dict({"speed": 1})
