"""Made-up flights: what traffic, outages, orders and late reports do."""

import numpy as np
import pytest

from adbudget import InputError
from adbudget.synthetic.flights import Morning, Orders, SimulatedDeal, simulate_delivery
from benchmarks.pacing_controls import FixedDailyBudget, NoControl, RemainingOverDays


def calm(deal="d0", budget=28_000.0, capacity=2_000.0, **changes) -> SimulatedDeal:
    usual = {"channel": "video", "seller": "s0", "noise": 0.0} | changes
    return SimulatedDeal(deal=deal, budget=budget, capacity=capacity, **usual)


def fly(control, *deals, n_days=28, seed=0, **options):
    usual = {"imprecision": 0.0, "reported": ()} | options
    return simulate_delivery(deals, control, n_days=n_days, seed=seed, **usual)


class Remembering(RemainingOverDays):
    def __init__(self) -> None:
        self.mornings: list[Morning] = []

    def order(self, morning: Morning) -> Orders:
        self.mornings.append(morning)
        return super().order(morning)


def test_a_calm_deal_with_room_spends_its_daily_budget_and_ends_on_target():
    flight = fly(FixedDailyBudget(), calm())
    np.testing.assert_allclose(flight.spend, 1_000)
    assert flight.left == flight.overspent == flight.volatility == 0


def test_a_deal_spends_no_more_than_its_traffic():
    flight = fly(FixedDailyBudget(), calm(capacity=600))
    np.testing.assert_allclose(flight.spend, 600)
    assert flight.left == pytest.approx(0.4)


def test_without_control_a_deal_spends_all_traffic_until_its_money_is_gone():
    flight = fly(NoControl(), calm())
    np.testing.assert_allclose(flight.spend[:14, 0], 2_000)
    np.testing.assert_allclose(flight.spend[14:, 0], 0)


def test_remaining_over_days_makes_up_for_an_outage():
    flight = fly(RemainingOverDays(), calm(outages=(3, 4)))
    np.testing.assert_allclose(flight.spend[:3, 0], 1_000)
    np.testing.assert_allclose(flight.spend[3:5, 0], 0)
    np.testing.assert_allclose(flight.spend[5:, 0], 25_000 / 23)


def test_weekdays_shape_traffic_and_are_learned_from_the_weeks_before():
    week = (1.2, 1.2, 1.2, 1.2, 1.2, 0.5, 0.5)
    control = Remembering()
    flight = fly(control, calm(weekday=week, capacity=900), n_days=14)
    np.testing.assert_allclose(flight.available[:, 0], 900 * np.tile(week, 2))
    np.testing.assert_allclose(control.mornings[0].weekday, [week])


def test_figures_arrive_late_and_in_part_and_are_final_then():
    control = Remembering()
    fly(control, calm(capacity=10_000), n_days=6, reported=(0.9, 0.98))
    fourth = control.mornings[3]
    share = fourth.spend[:, 0] / (fourth.ordered[:, 0])
    np.testing.assert_allclose(share[[1, 2]], [0.98, 0.9])
    assert fourth.final.tolist() == [True, False, False]
    np.testing.assert_allclose(fourth.reports[:, 0, 0] / fourth.spend[0, 0], [0.9, 0.98])
    assert np.isnan(fourth.reports[1, 2, 0])


def test_the_same_money_brings_less_when_it_buys_more_of_a_days_traffic():
    thin = fly(FixedDailyBudget(), calm(capacity=10_000))
    thick = fly(FixedDailyBudget(), calm(capacity=1_000))
    assert thin.spend.sum() == pytest.approx(thick.spend.sum())
    np.testing.assert_allclose(thin.value, 0.02 * 1_000 * 1.45)
    np.testing.assert_allclose(thick.value, 0.02 * 1_000)


def test_counts_have_the_mean_and_the_variance_of_their_expectation():
    flight = fly(FixedDailyBudget(), *(calm(f"d{i}") for i in range(200)), n_days=20)
    assert flight.outcomes.mean() == pytest.approx(flight.value.mean(), rel=0.02)
    assert flight.outcomes.var() == pytest.approx(flight.value.mean(), rel=0.06)
    assert (flight.outcomes == np.rint(flight.outcomes)).all()


def test_rare_outcomes_are_mostly_none():
    rare = [calm(f"d{i}", worth=1e-4) for i in range(200)]
    flight = fly(FixedDailyBudget(), *rare, n_days=20)
    zeros = np.exp(-flight.value[0, 0])
    assert (flight.outcomes == 0).mean() == pytest.approx(zeros, abs=0.02)


def test_outages_come_as_often_and_last_as_long_as_they_should():
    deals = [calm(f"d{i}", outage_chance=0.02, outage_days=3.0) for i in range(100)]
    out = fly(NoControl(), *deals, n_days=200, seed=3).available == 0
    begins = (~out[:-1] & out[1:]).sum()
    assert out[1:].sum() / begins == pytest.approx(3.0, rel=0.12)
    assert begins / (~out[:-1]).sum() == pytest.approx(0.02, rel=0.12)


def test_the_same_seed_gives_the_same_days_to_every_control():
    deals = [calm(f"d{i}", noise=0.3, outage_chance=0.05) for i in range(3)]
    one = fly(NoControl(), *deals, seed=5)
    other = fly(FixedDailyBudget(), *deals, seed=5)
    np.testing.assert_array_equal(one.available, other.available)
    assert not np.array_equal(one.available, fly(NoControl(), *deals, seed=6).available)


class Wrong:
    def __init__(self, daily, budget) -> None:
        self.daily, self.budget = daily, budget

    def order(self, morning: Morning) -> Orders:
        return Orders(daily=np.array(self.daily), budget=np.array(self.budget))


@pytest.mark.parametrize(
    ("daily", "budget", "complaint"),
    [
        ([-1.0], [28_000.0], "on day 0 its daily"),
        ([np.nan], [28_000.0], "on day 0 its daily"),
        ([1.0, 2.0], [28_000.0], "one amount of 0 or more per deal"),
        ([1.0], [28_001.0], "from 28000.00 to 28001.00"),
    ],
)
def test_orders_that_make_no_sense_are_refused(daily, budget, complaint):
    with pytest.raises(InputError, match=complaint):
        fly(Wrong(daily, budget), calm())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"budget": 0.0}, "budget of deal 'd0'"),
        ({"capacity": np.inf}, "capacity of deal 'd0'"),
        ({"noise": -0.1}, "noise of deal 'd0'"),
        ({"autocorrelation": 1.0}, "autocorrelation of deal 'd0'"),
        ({"weekday": (1.0,) * 6}, "7 weights of mean 1"),
        ({"weekday": (2.0,) * 7}, "7 weights of mean 1"),
    ],
)
def test_deals_that_cannot_be_are_refused_by_name(change, complaint):
    with pytest.raises(InputError, match=complaint):
        calm(**change)


def test_a_flight_needs_deals_of_different_names_and_two_days():
    with pytest.raises(InputError, match="name of its own"):
        fly(NoControl(), calm(), calm())
    with pytest.raises(InputError, match="at least one"):
        fly(NoControl())
    with pytest.raises(InputError, match="n_days"):
        fly(NoControl(), calm(), n_days=1)
    with pytest.raises(InputError, match="reported"):
        fly(NoControl(), calm(), reported=(0.0,))
