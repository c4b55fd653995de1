"""One run after another: what stands, what changes, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.decision.decisions import decide
from adbudget.decision.previous import changes, directions
from adbudget.decision.thresholds import Needed, Thresholds
from adbudget.errors import InputError
from adbudget.optimizer import optimize
from adbudget.plan import Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import hand_made, random_world, spend_of

FIXED, MEAN_ONLY = Limits(total="fixed"), Risk(aversion=0.0)
ANY_SHARE = Thresholds(max_wrong_share=1.0)
few = settings(max_examples=25)


def pair(n_right, n_draws=100):
    """The first channel is the better one in so many of the draws, in no order."""
    good, bad = [[400.0, 20.0]], [[350.0, 400.0]]
    order = np.random.default_rng(0).permutation(n_draws)
    draws = hand_made(np.array([good if k < n_right else bad for k in order]))
    return optimize(draws, spend_of(draws, 100, 100), FIXED, MEAN_ONLY)


def as_frame(*decisions):
    return pd.DataFrame(
        {
            "account": "account 0",
            "channel": ["channel 0", "channel 1"],
            "decision": decisions,
        }
    )


def actions(decisions):
    return [str(call.action) for call in decisions.calls]


@pytest.mark.parametrize(
    ("n_right", "previous", "wanted"),
    [
        (77, None, ["monitor", "monitor"]),
        (77, ["monitor", "monitor"], ["monitor", "monitor"]),
        (77, ["increase", "reduce"], ["increase", "reduce"]),
        (77, ["reduce", "increase"], ["monitor", "monitor"]),
        (74, ["increase", "reduce"], ["monitor", "monitor"]),
        (80, ["monitor", "monitor"], ["increase", "reduce"]),
    ],
)
def test_a_call_enters_at_the_bar_and_leaves_at_a_lower_one(n_right, previous, wanted):
    before = None if previous is None else as_frame(*previous)
    assert actions(decide(pair(n_right), ANY_SHARE, previous=before)) == wanted


def test_the_bar_a_call_had_to_pass_is_stated():
    decisions = decide(pair(77), ANY_SHARE, previous=as_frame("increase", "monitor"))
    assert [call.prob_needed for call in decisions.calls] == [0.75, 0.8]


def test_a_lower_bar_than_the_one_to_leave_by_counts_for_both():
    lax = Thresholds(prob=0.6, max_wrong_share=1.0)
    decisions = decide(pair(65), lax, previous=as_frame("increase", "reduce"))
    assert [call.prob_needed for call in decisions.calls] == [0.6, 0.6]


@few
@given(st.integers(0, 10_000))
def test_repeating_a_run_after_itself_changes_nothing(seed):
    draws, today = random_world(seed)
    proposal = optimize(draws, today, FIXED)
    first = decide(proposal)
    frame = pd.DataFrame(
        {
            "account": [call.account for call in first.calls],
            "channel": [call.channel for call in first.calls],
            "decision": actions(first),
        }
    )
    again = decide(proposal, previous=frame)
    called = [action != "monitor" for action in actions(first)]
    kept = [a == b for a, b in zip(actions(again), actions(first), strict=True)]
    assert all(kept[i] for i in np.flatnonzero(called))
    assert again.expected_wrong_share <= 0.10 + 1e-9, "what stands may be wrong as well"


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (as_frame("increase", "raise"), "unknown decision 'raise'"),
        (as_frame("increase", "reduce").drop(columns="decision"), "columns account, channel"),
        (pd.concat([as_frame("increase", "reduce")] * 2), "more than once"),
        ("decisions.csv", "frame of decisions"),
    ],
)
def test_a_previous_run_that_cannot_be_read_is_refused(frame, said):
    with pytest.raises(InputError, match=said):
        directions(frame, pair(80).plan.spend.index)


def test_a_first_run_that_decided_nothing_is_no_trouble():
    nothing = as_frame("increase", "reduce").iloc[:0]
    assert directions(nothing, pair(80).plan.spend.index).tolist() == [0, 0]


HELD = {"account": "account 0", "channels": ["channel 0"]}
FACTS = {"asked": {"limits": {"change": 0.3}}, "data_hash": "today", "health": {"ok": True}}


@pytest.mark.parametrize(
    ("n_right", "then", "why"),
    [
        (95, {"data_hash": "yesterday"}, "new data"),
        (95, {"asked": {"limits": {"change": 0.1}}}, "new limits"),
        (95, {}, "borderline"),  # same data, same limits: only the draws differ
        (82, {"data_hash": "yesterday"}, "borderline"),  # .82 +- .04 against .80
        (95, {"health": {"ok": False}}, "fit not healthy"),
        (95, {"findings": [HELD | {"decides": True}]}, "findings"),
        (95, {"data_hash": "yesterday", "findings": [HELD | {"decides": False}]}, "new data"),
    ],
)
def test_a_changed_decision_says_why(n_right, then, why):
    before = as_frame("monitor", "reduce")
    before.attrs = FACTS | then
    found = changes(decide(pair(n_right), ANY_SHARE).calls, before, FACTS)
    assert found == [
        {
            "account": "account 0",
            "channel": "channel 0",
            "before": "monitor",
            "after": "increase",
            "why": why,
        }
    ]


def test_the_bar_rises_with_the_share_of_prior_to_never():
    share = np.array([0.2, 0.95, 0.975, 0.99, 1.0])
    needed = Needed.by(Thresholds(), share, np.zeros(5, int)).of(np.ones(5))
    np.testing.assert_allclose(needed[:4], [0.8, 0.8, 0.9, 0.96])
    assert needed[4] > 1


def test_no_share_of_prior_matters_to_who_allows_any():
    needed = Needed.by(Thresholds(max_prior_share=1.0), np.array([1.0]), np.zeros(1, int))
    assert needed.of(np.ones(1)) == [0.8]
