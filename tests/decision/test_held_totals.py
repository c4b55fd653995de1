"""Totals that are spent: who is held by them, and what a little more would earn."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.decision.decisions import decide
from adbudget.draws import Health
from adbudget.optimizer import optimize
from adbudget.plan import Group, Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import hand_made, random_world, spend_of

MEAN_ONLY = Risk(aversion=0.0)


def decided(draws, today, limits=None, health=None):
    return decide(optimize(draws, today, limits or Limits(), MEAN_ONLY), health=health)


def one_channel(*weights):
    """One account with one channel that spends 100; each weight is one draw of 20."""
    draws = hand_made(
        np.array([[[weight]] for weight in weights for _ in range(20 // len(weights))])
    )
    return draws, spend_of(draws, 100)


def test_the_only_channel_of_an_account_is_held_by_its_total_and_not_balanced():
    # w * 100 / (100 + 100)^2 = 3.32 for the next unit of spend
    decisions = decided(*one_channel(1328.0))
    (call,) = decisions.calls
    assert call.reason_code == "held_by_total"
    assert call.reason == (
        "Monitor, held by today's total of the account (EUR 100 a week): one more EUR would bring "
        "3.32 (3.32 to 3.32), more than the 1.00 it costs, over 99% likely to pay."
    )
    assert decisions.elsewhere.tolist() == [1.0], "there is nowhere else"


def test_what_a_tenth_more_would_earn_can_be_worked_out_on_paper():
    draws, today = one_channel(1328.0, 1200.0)
    (held,) = decided(draws, today).held_totals
    gains = [weight * (110 / 210 - 0.5) - 10 for weight in (1328.0, 1200.0)]
    assert (held.pool, held.accounts, held.currency) == ("account 0", ("account 0",), "EUR")
    assert (held.total, held.added) == pytest.approx((100, 10), rel=1e-5)
    assert held.gain == pytest.approx(np.mean(gains), rel=1e-4)
    assert (held.gain_low, held.gain_high) == pytest.approx(sorted(gains), rel=1e-4)
    assert (held.price, held.price_low, held.price_high) == pytest.approx((3.16, 3.0, 3.32))
    assert held.channels == ("channel 0",)


def test_more_money_that_may_not_pay_is_too_uncertain_and_holds_no_total():
    draws = hand_made(np.array([[[800.0]]] * 13 + [[[200.0]]] * 7))
    decisions = decided(draws, spend_of(draws, 100))
    (call,) = decisions.calls
    assert (call.reason_code, decisions.held_totals) == ("too_uncertain", ())
    assert call.reason.startswith("Monitor, too uncertain: more money here is 65% likely to pay; ")
    assert call.reason.endswith("against the 1.00 it costs.")


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(total="free", change=0.02), "held_by_limit"),
        (Limits(fixed=("channel 0",)), "fixed"),
        (Limits(upper=106.0), "held_by_total"),
    ],
)
def test_the_limit_that_holds_is_the_one_that_is_named(limits, code):
    (call,) = decided(*one_channel(1328.0), limits).calls
    assert call.reason_code == code


def test_a_group_that_is_full_is_the_limit_and_the_total_is_that_of_the_others():
    draws = hand_made(np.full((20, 1, 2), [1328.0, 800.0]))
    brand = Group(name="brand", channels=("channel 0",), maximum=100.0)
    decisions = decided(draws, spend_of(draws, 100, 100), Limits(groups=(brand,)))
    assert [call.reason_code for call in decisions.calls] == ["held_by_limit", "held_by_total"]
    (held,) = decisions.held_totals
    assert held.channels == ("channel 1",)


def test_free_totals_hold_nobody():
    decisions = decided(*one_channel(1328.0), Limits(total="free"))
    assert decisions.calls[0].reason_code == "pays"
    assert decisions.held_totals == ()


def test_a_total_that_somebody_set_is_not_called_todays():
    draws = hand_made(np.full((20, 1, 2), 1328.0))
    now = spend_of(draws, 100, 100)
    for call in decided(draws, now, Limits(budget=200.0)).calls:
        assert call.reason.startswith("Monitor, held by the total of the account (EUR 200 a week)")


def test_a_pool_is_held_as_a_whole():
    draws = hand_made(np.full((20, 2, 1), 1328.0))
    decisions = decided(draws, spend_of(draws, 100, 100), Limits(pool="currency"))
    (held,) = decisions.held_totals
    assert (held.pool, held.accounts, held.total) == ("EUR", ("account 0", "account 1"), 200.0)
    assert "held by today's total of EUR (EUR 200 a week)" in decisions.calls[0].reason


def test_two_channels_that_could_both_use_more_are_held_and_have_each_other():
    draws = hand_made(np.full((20, 1, 2), 800.0))  # the next unit of either brings 2.00
    decisions = decided(draws, spend_of(draws, 100, 100))
    assert [call.reason_code for call in decisions.calls] == ["held_by_total"] * 2
    assert decisions.elsewhere == pytest.approx([2.0, 2.0])


def test_what_is_fixed_is_no_place_where_money_can_go():
    draws = hand_made(np.full((20, 1, 2), 800.0))
    limits = Limits(fixed=("channel 1",))
    first, second = decided(draws, spend_of(draws, 100, 100), limits).calls
    assert "more than the 1.00 it costs" in first.reason
    assert second.reason_code == "fixed"


def test_a_cell_of_which_nothing_is_known_is_given_no_more():
    draws, today = one_channel(1328.0)
    health = Health(
        rhat_max=1.0,
        ess_bulk_min=1e3,
        ess_tail_min=1e3,
        divergences=0,
        n_draws=4000,
        prior_share=pd.Series(1.0, index=draws.cells),
        fit_r2=pd.Series(dtype=float),
    )
    assert decided(draws, today, health=health).held_totals == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["fixed", "at_most"]), st.booleans())
def test_totals_that_hold_are_spent_and_more_would_pay(seed, total, pooled):
    draws, today = random_world(seed)
    limits = Limits(total=total, pool="currency" if pooled else None)
    decisions = decide(optimize(draws, today, limits))
    spent = decisions.proposal.plan.spend
    for held in decisions.held_totals:
        members = spent[spent.index.get_level_values(0).isin(held.accounts)]
        assert members.sum() == pytest.approx(held.total, rel=1e-5)
        assert 0 < held.added <= 0.1 * held.total * (1 + 1e-6)
        assert held.gain > 0
        assert held.gain_low <= held.gain <= held.gain_high
        assert held.price > 1
    codes = [call.reason_code for call in decisions.calls]
    if "held_by_total" in codes:
        assert decisions.held_totals
    for call in decisions.calls:
        if call.reason_code == "held_by_total":
            likely = re.search(r"costs, (over )?(\d+)% likely to pay", call.reason)
            assert likely, call.reason
            assert int(likely[2]) >= 80


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["at_most", "free"]))
def test_an_account_with_one_channel_has_no_elsewhere(seed, total):
    draws, today = random_world(seed, n_accounts=2, n_channels=1)
    proposal = optimize(draws, today, Limits(total=total))
    assert proposal.hurdle.tolist() == [1.0, 1.0]
    assert all("elsewhere" not in call.reason for call in decide(proposal).calls)
