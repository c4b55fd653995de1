"""The promises of the control: budgets do not oscillate, shortage never silences a deal."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from adbudget import InputError
from adbudget.pacing.daily.daily_budgets import fill_level
from adbudget.synthetic.flights import SimulatedDeal, SimulatedFlight, simulate_delivery
from benchmarks.bench_pacing_control import campaign, controls, figures, plan_of, relative, run
from benchmarks.pacing_controls import PacingControl, RemainingOverDays, complete

N_DAYS = 28
WEEK = (1.2, 1.2, 1.2, 1.2, 1.2, 0.5, 0.5)


def one(capacity=2_000.0, **changes) -> SimulatedDeal:
    usual = SimulatedDeal(
        deal="d0", channel="video", seller="s0", budget=28_000.0, capacity=capacity, noise=0.2
    )
    return replace(usual, **changes)


def fly(*deals, control=None, seed=0, **options) -> SimulatedFlight:
    return simulate_delivery(deals, control or PacingControl(), n_days=N_DAYS, seed=seed, **options)


# The level --------------------------------------------------------------------------------------


def test_days_that_can_take_less_than_the_level_are_made_up_by_the_others():
    expected = np.array([[10.0], [2.0], [10.0]])
    np.testing.assert_allclose(fill_level(np.array([12.0]), expected, 1.25), [5.0])


def test_a_deal_short_of_traffic_is_ordered_a_little_more_than_its_best_day():
    expected = np.array([[10.0], [2.0], [10.0]])
    np.testing.assert_allclose(fill_level(np.array([30.0]), expected, 1.25), [12.5])


@given(
    arrays(float, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(0.01, 1e5)),
    st.floats(0.01, 0.999),
)
def test_the_level_turns_the_traffic_into_what_is_left(expected, part):
    left = part * expected.sum(axis=0)
    level = fill_level(left, expected, 1.25)
    np.testing.assert_allclose(np.minimum(expected, level).sum(axis=0), left, rtol=1e-9)


# Promises ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_shortage_never_drives_an_order_to_zero(seed):
    flight = fly(one(capacity=150), seed=seed)  # 15% of what it should take
    planned = 28_000 / N_DAYS
    assert flight.ordered.min() >= 0.1 * planned
    assert flight.ordered.min() >= 150  # and never below its traffic, so it delivers all it can
    np.testing.assert_allclose(flight.spend.sum(), flight.available.sum(), rtol=0.05)


def test_a_deal_without_any_traffic_is_ordered_a_tenth_of_its_plan_until_the_end():
    silent = one(outages=tuple(range(60)))
    flight = simulate_delivery([silent], PacingControl(), n_days=60, seed=0)
    assert flight.spend.sum() == 0
    assert flight.ordered.min() == pytest.approx(0.1 * 28_000 / 60)


@pytest.mark.parametrize("seed", range(5))
def test_a_deal_that_was_out_for_a_week_delivers_again_and_catches_up(seed):
    flight = fly(one(outages=tuple(range(5, 12))), seed=seed)
    assert flight.ordered[5:12].min() > 0.1 * 28_000 / N_DAYS
    assert flight.left < 0.01


def test_shortage_never_takes_the_last_money_of_a_deal():
    short = one(deal="d0", capacity=1e-6, noise=0.0)
    deals = (short, one(deal="d1"), one(deal="d2", worth=0.04))
    control = PacingControl(plan=plan_of(deals), approves=True, cycle_days=2)
    flight = fly(*deals, control=control)
    assert flight.budget[0] > 0
    assert flight.budget[0] < 28_000  # though it does give
    assert flight.ordered[:, 0].min() > 0


def reversals(flight: SimulatedFlight) -> np.ndarray:
    """(deal,) share of days on which a daily budget turns from rising to falling or back."""
    step = np.diff(np.log(flight.ordered[:-2]), axis=0)  # the last two days settle the account
    return (step[1:] * step[:-1] < 0).mean(axis=0)


@pytest.mark.parametrize("seed", range(5))
def test_daily_budgets_do_not_oscillate(seed):
    deals = (one(), one(deal="d1", capacity=900), one(deal="d2", weekday=WEEK))
    own = fly(*deals, seed=seed)
    common = fly(*deals, control=RemainingOverDays(), seed=seed)
    assert reversals(own).max() < 0.25
    assert reversals(own).mean() < reversals(common).mean() / 2
    steps = np.abs(np.diff(np.log(own.ordered[:-2]), axis=0))
    assert steps.max() <= np.log(1.3) + 1e-9


def test_in_steady_traffic_an_order_once_set_is_kept():
    flight = fly(one(noise=0.0), imprecision=0.0)
    np.testing.assert_allclose(flight.ordered[:, 0], 1_000)
    assert flight.left == pytest.approx(0, abs=1e-9)


def test_a_shock_dies_out_without_swinging_back():
    flight = fly(one(noise=0.0, outages=(6, 7)), imprecision=0.0)
    after = flight.ordered[8:-2, 0]
    assert (np.diff(after) >= -1e-9).all()
    assert after[-1] == pytest.approx(26_000 / 26, rel=0.2)
    assert flight.left + flight.overspent < 0.005


def test_weekends_are_expected_rather_than_chased():
    deal = one(capacity=1_200, weekday=WEEK, noise=0.0)
    flight = fly(deal, imprecision=0.0)
    common = fly(deal, imprecision=0.0, control=RemainingOverDays())
    weekend = np.arange(N_DAYS) % 7 >= 5
    assert flight.spend[weekend].max() == pytest.approx(600)
    assert flight.left < common.left / 10  # which has too little time left on the last weekend
    swing = flight.ordered[7:-2].std() / flight.ordered[7:-2].mean()
    assert swing < 0.04


@settings(max_examples=25)
@given(st.floats(0.2, 4), st.floats(0, 0.6), st.floats(0, 0.2), st.integers(0, 10**6))
def test_no_flight_overspends_by_more_than_a_little(ample, noise, outage, seed):
    flight = fly(one(capacity=ample * 1_000, noise=noise, outage_chance=outage), seed=seed)
    assert flight.overspent < 0.02
    assert (flight.ordered >= 0).all()


def test_incomplete_figures_are_completed_from_what_earlier_days_have_shown():
    class Asking(PacingControl):
        __slots__ = ()

        def order(self, morning):
            seen.append(complete(morning))
            return PacingControl.order(self, morning)

    seen: list[np.ndarray] = []
    flight = fly(one(noise=0.0), control=Asking(), imprecision=0.0, reported=(0.8, 0.95))
    np.testing.assert_allclose(seen[-1], flight.spend[:-1], rtol=1e-9)


def test_a_plan_of_other_deals_is_refused():
    control = PacingControl(plan=plan_of((one(), one(deal="d1"))))
    with pytest.raises(InputError, match="2 deals and the simulation 1"):
        fly(one(), control=control)


# Proof ------------------------------------------------------------------------------------------


def test_over_flights_the_control_is_better_than_none_and_than_common_practice():
    results = relative(run(20, first=1_000))  # other flights than those the documents report
    own = results["adbudget"]
    for other in ("no control", "remaining / days"):
        for figure, sign in (("missed", -1), ("volatility", -1), ("value", 1), ("overspent", -1)):
            gain = sign * (own[figure] - results[other][figure])
            error = gain.std(ddof=1) / np.sqrt(gain.size)
            assert gain.mean() > 2 * error, (other, figure)


def test_where_every_deal_can_take_its_money_the_control_does_no_harm():
    missed, common, value = [], [], []
    for seed in range(10):
        deals = tuple(replace(deal, capacity=deal.budget / 14) for deal in campaign(seed))
        named = controls(deals)
        own = figures(fly(*deals, control=named["adbudget"], seed=seed))
        other = figures(fly(*deals, control=named["remaining / days"], seed=seed))
        missed.append(own["missed"])
        common.append(other["missed"])
        value.append(own["value"] / other["value"])
    assert np.mean(missed) < np.mean(common)
    assert np.mean(value) > 0.99
