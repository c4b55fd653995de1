"""Where a plan leaves the spend of the history, it is said."""

import numpy as np

import adbudget as ab
from adbudget.decision.reach import check_reach
from tests.optimizer.hand_made import hand_made, spend_of


def reach_of(limits, *, highest=(115.0, 150.0)):
    """At 100 each, the first channel wants more and the second less."""
    draws = hand_made(np.full((20, 1, 2), [400.0, 20.0]), highest_spend=np.array([highest]))
    return ab.optimize(draws, spend_of(draws, 100, 100), limits)


def test_a_plan_that_stands_at_the_highest_spend_of_the_history_is_said_to_stop_there():
    proposal = reach_of(ab.Limits(total="fixed"))
    assert proposal.plan.spend.tolist() == [115.0, 85.0]
    (found,) = check_reach(proposal)
    assert (found.kind, found.channels) == ("stopped_at_observed", ("channel 0",))
    assert (found.value, found.limit) == (115.0, 115.0)
    assert "above the highest spend of its history (115.00)" in found.message


def test_a_plan_above_the_history_is_said_to_be_there():
    proposal = reach_of(ab.Limits(total="fixed", beyond_observed=True))
    (found,) = check_reach(proposal)
    assert (found.kind, found.value, found.limit) == ("beyond_observed", 130.0, 115.0)


def test_a_plan_within_the_history_has_nothing_to_say():
    assert check_reach(reach_of(ab.Limits(total="fixed"), highest=(140.0, 150.0))) == ()
    unknown = hand_made(np.full((20, 1, 2), [400.0, 20.0]))
    assert check_reach(ab.optimize(unknown, spend_of(unknown, 100, 100))) == ()
