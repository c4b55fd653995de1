from dataclasses import replace

import numpy as np
import pytest

from adbudget.errors import InfeasibleError, InputError
from adbudget.forecasting import forecast, reach_target
from adbudget.forecasting.target import search_total
from adbudget.optimizer.totals import Splits
from adbudget.plan import Group, Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import hand_made, spend_of

WIDE = Limits(change=0.9, beyond_observed=True)


def test_the_cheapest_total_is_where_the_curve_meets_the_target():
    """100 x / (100 + x) brings 60 at 150."""
    found = search_total(lambda x: 100 * x / (100 + x) >= 60, 0.0, 1000.0, most_wanted=False)
    assert found == pytest.approx(150, abs=1.0)
    assert found >= 150


def test_the_most_that_keeps_a_roas_is_where_it_falls_below():
    """(50 + 100 x / (100 + x)) / x is 1 where x^2 - 50 x - 5000 = 0: at 100."""
    found = search_total(
        lambda x: (50 + 100 * x / (100 + x)) / x >= 1, 1.0, 1000.0, most_wanted=True
    )
    assert found == pytest.approx(100, abs=1.0)
    assert found <= 100


@pytest.mark.parametrize("most_wanted", [True, False])
def test_an_end_that_will_do_is_taken_and_none_is_none(most_wanted):
    assert search_total(lambda x: True, 2.0, 9.0, most_wanted=most_wanted) == (2, 9)[most_wanted]
    assert search_total(lambda x: False, 2.0, 9.0, most_wanted=most_wanted) is None


def splits(weights, spend, limits, accounts=("account 0",)):
    draws = hand_made(weights)
    return Splits.of(draws, spend_of(draws, *spend), limits, Risk(aversion=0.0), accounts)


def test_two_like_channels_share_every_total_alike():
    found = splits([[[300.0, 300.0]]], (100.0, 100.0), Limits(change=0.5, beyond_observed=True))
    assert (found.total(found.least), found.total(found.most)) == (100.0, 300.0)
    np.testing.assert_allclose(found.at(240.0), [120.0, 120.0], rtol=1e-4)
    np.testing.assert_array_equal(found.at(20.0), found.least)


def test_slopes_of_the_best_split_are_equal():
    """400 and 100 times x / (x + 100): (100 + x1) / (100 + x2) = 2, so 200 splits 166.7 / 33.3."""
    found = splits([[[400.0, 100.0]]], (100.0, 100.0), WIDE)
    np.testing.assert_allclose(found.at(200.0), [500 / 3, 100 / 3], rtol=1e-3)


def test_other_accounts_are_held():
    found = splits([[[300.0, 300.0], [300.0, 300.0]]], (100.0, 50.0, 70.0, 80.0), WIDE)
    np.testing.assert_allclose(found.at(180.0)[2:], [70.0, 80.0])
    assert found.total(found.at(180.0)) == pytest.approx(180.0)


def test_a_group_narrows_the_totals():
    group = Group(name="brand", channels=("channel 0",), minimum=90.0)
    limits = Limits(change=0.5, beyond_observed=True, groups=(group,))
    found = splits([[[300.0, 300.0]]], (100.0, 100.0), limits)
    assert found.total(found.least) == pytest.approx(140.0)


def test_a_step_keeps_totals_on_its_multiples():
    limits = Limits(change=0.5, beyond_observed=True, step=10.0)
    found = splits([[[300.0, 300.0]]], (100.0, 100.0), limits)
    assert found.total(found.at(233.0)) == pytest.approx(230.0)


def test_limits_that_state_a_total_are_refused():
    with pytest.raises(InputError, match="total is what is searched for"):
        splits([[[300.0, 300.0]]], (100.0, 100.0), Limits(budget=100.0))


def test_the_plan_reaches_the_target_and_hardly_anything_cheaper_does(money):
    now = forecast(money, 8).over_horizon()
    aim = float(np.quantile(now, 0.45))
    reached = reach_target(money, outcome=aim, probability=0.8)
    assert reached.probability >= 0.8
    assert reached.forecast.probability(at_least=aim) == reached.probability
    assert reached.spend == pytest.approx(reached.plan.spend.sum())
    cheaper = forecast(money, 8, plan=reached.plan.spend * 0.98)
    assert cheaper.probability(at_least=aim) < 0.8
    assert f"{reached.spend:,.2f} per period" in reached.reason


def test_surer_costs_more(money):
    aim = float(np.quantile(forecast(money, 8).over_horizon(), 0.4))
    spent = [reach_target(money, outcome=aim, probability=p).spend for p in (0.6, 0.75, 0.85)]
    assert spent[0] <= spent[1] <= spent[2]
    assert spent[0] < spent[2]


def test_out_of_reach_names_the_best_there_is(money):
    most = forecast(money, 8, plan=money.current_spend * 1.3).over_horizon()
    with pytest.raises(
        InfeasibleError, match=r"with a probability of 80%: the best of them"
    ) as told:
        reach_target(money, outcome=float(most.max() * 2))
    assert told.value.conflict == ("outcome",)
    assert "reaches it with 0%; with 80% it reaches" in str(told.value)


def test_a_roas_is_kept_by_the_most_that_may_be_spent_or_by_the_least(money):
    now = forecast(money, 8).over_horizon("roas")
    aim = float(np.quantile(now, 0.3))
    most = reach_target(money, roas=aim, probability=0.6)
    least = reach_target(money, roas=aim, probability=0.6, spend="least")
    assert most.probability >= 0.6
    assert least.probability >= 0.6
    assert least.spend == pytest.approx(0.7 * least.current_spend)
    assert most.spend > least.spend


def test_a_cpa_is_of_what_is_counted(counted, money):
    now = forecast(counted, 8).over_horizon("cpa")
    reached = reach_target(counted, cpa=float(np.quantile(now, 0.6)), probability=0.5)
    assert reached.forecast.probability("cpa", at_most=reached.target) == reached.probability >= 0.5
    with pytest.raises(InputError, match="no cost per unit"):
        reach_target(money, cpa=3.0)


def test_one_account_is_searched_and_the_others_stay(money):
    name = money.panel.accounts[1]
    aim = float(np.quantile(forecast(money, 8).over_horizon(account=name), 0.4))
    reached = reach_target(money, outcome=aim, probability=0.7, account=name)
    others = reached.plan.spend.drop(name, level="account")
    np.testing.assert_array_equal(others, reached.current.spend.drop(name, level="account"))
    assert reached.forecast.probability(at_least=aim, account=name) == reached.probability
    assert set(reached.to_frame().columns) == {
        *("account", "channel", "current_spend", "spend", "change_pct")
    }


def test_money_of_two_currencies_is_not_added_up(money):
    mixed = replace(money, panel=replace(money.panel, currency=("EUR", "USD", "EUR")))
    with pytest.raises(InputError, match=r"several currencies, \['EUR', 'USD'\]"):
        reach_target(mixed, outcome=1.0)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "give exactly one target"),
        ({"outcome": 1.0, "roas": 2.0}, "give exactly one target"),
        ({"outcome": -1.0}, "outcome must be a number above 0"),
        ({"outcome": 1.0, "probability": 80}, "probability must be in"),
        ({"outcome": 1.0, "spend": "half"}, "spend must be"),
        ({"outcome": 1.0, "account": "nobody"}, "there is no account 'nobody'"),
    ],
)
def test_questions_that_are_unclear_are_refused(asked, told, money):
    with pytest.raises(InputError, match=told):
        reach_target(money, **asked)
