"""Plans stay inside the spend that history has seen, unless told otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import InfeasibleError, InputError
from adbudget.optimizer import optimize
from adbudget.plan import Limits
from tests.optimizer.hand_made import hand_made, random_world, spend_of

FIXED = Limits(total="fixed")


def good_and_bad(highest, **changes):
    """The first channel's next unit brings 1.00 and the second's 0.05, at 100 each."""
    draws = hand_made(np.full((20, 1, 2), [400.0, 20.0]), highest_spend=np.array([highest]))
    return draws, spend_of(draws, *changes.get("today", (100, 100)))


def test_a_raise_stops_at_the_highest_spend_of_the_history():
    proposal = optimize(*good_and_bad([112.0, 100.0]), FIXED)
    assert proposal.plan.spend.tolist() == [112.0, 88.0]
    assert proposal.at_limit.iloc[0] == "highest observed spend of 112.00"


def test_a_cut_may_go_below_all_that_history_has_seen():
    # nothing spent brings nothing: below the lowest spend the curve is held at both ends
    proposal = optimize(*good_and_bad([130.0, 100.0]), FIXED)
    assert proposal.plan.spend.tolist() == [130.0, 70.0]


def test_beyond_observed_lifts_the_limit():
    limits = Limits(total="fixed", beyond_observed=True)
    assert optimize(*good_and_bad([112.0, 100.0]), limits).plan.spend.tolist() == [130.0, 70.0]


@pytest.mark.parametrize("highest", [80.0, 100.0])
def test_todays_spend_is_always_allowed(highest):
    proposal = optimize(*good_and_bad([highest, highest]), FIXED)
    assert proposal.holds
    assert proposal.may_hold.all()


def test_a_history_nobody_knows_limits_nothing():
    assert optimize(*good_and_bad([np.nan, np.nan]), FIXED).plan.spend.tolist() == [130.0, 70.0]


def test_a_budget_that_only_unseen_spend_could_use_up_names_the_history_and_the_way_out():
    limits = Limits(total="fixed", budget=250.0)
    with pytest.raises(InfeasibleError) as error:
        optimize(*good_and_bad([112.0, 110.0]), limits)
    assert set(error.value.conflict) == {"highest observed spend", "total of account 0"}
    assert "at most 222.00 over 2 cells; Limits(beyond_observed=True) lifts this" in str(
        error.value
    )
    lifted = Limits(total="fixed", budget=250.0, beyond_observed=True)
    assert optimize(*good_and_bad([112.0, 110.0]), lifted).plan.spend.sum() == pytest.approx(250)


def test_a_history_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"highest_spend must have shape \(1, 2\)"):
        good_and_bad([1.0, 2.0, 3.0])


def test_beyond_observed_is_yes_or_no():
    with pytest.raises(InputError, match="beyond_observed must be True or False; got 1"):
        Limits(beyond_observed=1)


@settings(max_examples=25)
@given(
    st.integers(0, 10_000),
    st.floats(0.5, 2.0),
    st.sampled_from(["fixed", "at_most", "free"]),
    st.sampled_from([0.3, 2.0, None]),
    st.sampled_from([None, 5.0]),
)
def test_no_plan_leaves_the_history(seed, reach, total, change, step):
    draws, today = random_world(seed)
    highest = reach * today.to_numpy().reshape(draws.scale.shape)
    seen = hand_made(
        draws.weights[:, :, :, 0],
        scale=draws.scale,
        half_saturation=draws.half_saturation,
        highest_spend=highest,
    )
    plan = optimize(seen, today, Limits(total=total, change=change, step=step)).plan.spend
    assert (plan <= np.maximum(highest.ravel(), today) * (1 + 1e-9)).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_least_a_cell_may_spend_keeps_its_own_limits(seed):
    draws, today = random_world(seed)
    proposal = optimize(draws, today, Limits(change=0.2, lower=0.9 * today))
    np.testing.assert_allclose(proposal.least_spend, 0.9 * today)
