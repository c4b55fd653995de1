"""The policy around the model: limits before the search, verdicts after it."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget import CurveDraws, Limits, PolicyError, decide, load_policy, optimize
from adbudget.decision.guard import PolicyGuard
from adbudget.policy.review import Cells, limits_of, review
from adbudget.reporting.policy import verdicts_told
from adbudget.synthetic import WorldSpec, synthesize
from tests.policy.worked import example

WEEK = 7
CELLS = pd.MultiIndex.from_tuples(
    [("shop", "search"), ("shop", "social"), ("shop", "video")], names=["account", "channel"]
)


def spend(*per_week) -> pd.Series:
    return pd.Series(per_week, index=CELLS, dtype=float)


def cells(roas, per_day=(2000.0, 3000.0, 5000.0)) -> Cells:
    n = len(per_day)
    return Cells(
        account=["shop"] * n,
        channel=["search", "social", "video"][:n],
        currency=["USD"] * n,
        spend=np.array(per_day),
        roas=np.array(roas, dtype=float),
        cpl=np.full(n, np.nan),
    )


def judged(roas, decisions, then, policy=None) -> pd.DataFrame:
    chosen = policy or example()
    return review(chosen, cells(roas), decisions, np.array(then), as_of=datetime(2026, 3, 2))


def test_constraints_become_limits_per_period_of_the_panel():
    limits = limits_of(example(), None, spend(14_000, 1_000, 500), WEEK)
    assert limits.total == "fixed"
    assert set(limits.change.values()) == {(0.25, 0.25)}
    assert limits.lower == {
        ("shop", "search"): 700,
        ("shop", "social"): 700,
        ("shop", "video"): 500,  # below the floor of $100 a day already: not cut, not forced up
    }
    assert limits.upper == {
        ("shop", "search"): 14_000,  # above 40% already: not raised, not forced down
        ("shop", "social"): 6_200,
        ("shop", "video"): 6_200,
    }


def test_limits_of_the_caller_are_narrowed_and_never_widened():
    given = Limits(
        change={("shop", "search"): 0.1, ("shop", "social"): (0.5, 0.2)},
        lower={("shop", "search"): 13_900},
        upper=3_000,
        step=50,
    )
    limits = limits_of(example(), given, spend(14_000, 1_000, 500), WEEK)
    assert limits.change[("shop", "search")] == (0.1, 0.1)
    assert limits.change[("shop", "social")] == (0.25, 0.2)
    assert limits.change[("shop", "video")] == (0.25, 0.25)
    assert limits.lower[("shop", "search")] == 13_900
    assert set(limits.upper.values()) == {3_000}
    assert limits.step == 50


def test_a_channel_that_is_off_is_not_switched_on_by_a_cap():
    limits = limits_of(example(), None, spend(14_000, 1_000, 0), WEEK)
    assert ("shop", "video") not in limits.upper


def test_a_free_total_contradicts_a_fixed_one():
    with pytest.raises(PolicyError, match=r'limits\.total is "free"'):
        limits_of(example(), Limits(total="free"), spend(1, 2, 3), WEEK)
    with pytest.raises(PolicyError, match="total_budget_change is 5% of total"):
        limits_of(example(total_budget_change="5%"), None, spend(1, 2, 3), WEEK)


def test_changes_above_the_approval_limit_wait_with_what_they_pay_for():
    frame = judged([2, 2, 2], ["increase", "monitor", "reduce"], [2500.0, 3000, 4500])
    assert frame["verdict"].tolist() == ["auto", "auto", "auto"]
    frame = judged([2, 2, 2], ["increase", "increase", "reduce"], [2300.0, 3300.01, 4399.99])
    assert frame["verdict"].tolist() == ["needs_approval"] * 3


def test_a_move_beyond_a_guardrail_is_blocked():
    frame = judged([2, 2, 2], ["increase", "reduce", "increase"], [2501.0, 2250.0, 5249.0])
    assert frame["verdict"].tolist()[0] == "blocked"  # more than 25%
    assert frame["verdict"].tolist()[2] == "blocked"  # above 40% of the account


def test_rules_fire_on_the_returns_of_the_model_and_disagreement_is_told():
    frame = judged([5, 5, 1], ["increase", "reduce", "monitor"], [2100.0, 2900, 5000])
    assert frame["rule_fired"].tolist() == ["boost_roas", "boost_roas", ""]
    assert frame["disagreement"].tolist()[0] == ""
    assert "The model says reduce, the rule boost_roas says increase" in frame["disagreement"][1]


def test_accounts_of_another_currency_than_the_policy_are_refused():
    with pytest.raises(PolicyError, match=r"policy's amounts are in €"):
        judged([5, 5, 1], ["monitor"] * 3, [2000.0, 3000, 5000], load_policy("target_cpl: €50"))


def test_a_search_under_a_policy_stays_within_its_guardrails():
    rng = np.random.default_rng(0)
    draws = CurveDraws(
        accounts=("shop",),
        channels=("search", "social", "video"),
        weights=rng.gamma(5, 200, (200, 1, 3, 1, 1)) * np.array([3, 1, 0.3])[:, None, None],
        scale=np.array([[2000.0, 3000.0, 5000.0]]),
        carry_in=np.ones((1, 3, 1)),
        retention=np.zeros(1),
        half_saturation=np.ones(1),
        unit_value=np.ones(1),
        margin=np.ones(1),
        currency=("USD",),
        period_days=1,
    )
    now = spend(2000, 3000, 5000)
    limits = PolicyGuard.of(example()).limits(None, draws, now)
    decisions = decide(optimize(draws, now, limits))
    then = np.array([call.recommended_spend for call in decisions.calls])
    assert then.sum() == pytest.approx(10_000, abs=0.01)
    assert (np.abs(then - now.to_numpy()) <= 0.25 * now.to_numpy() + 0.01).all()
    assert (then != now.to_numpy()).any(), "a search that moves nothing would show little"


@pytest.fixture(scope="module")
def world():
    spec = WorldSpec(n_accounts=1, n_channels=3, n_periods=(100, 100))
    return synthesize(spec, 5)


def test_recommend_under_a_policy_gains_verdict_and_rule(world):
    policy = (
        "rules:\n"
        '  - {name: never, trigger: "roas > 0", action: decrease_budget_5%}\n'
        "constraints: {approval_limit: 1}\n"
    )
    bold = ab.Thresholds(prob=0.5, max_wrong_share=1.0, max_prior_share=1.0, min_change=0.0)
    options = {"currency": "USD", "seed": 1, "thresholds": bold, "progress": False}
    frame = ab.recommend(world.spend, world.outcome, policy=policy, **options)
    assert list(frame.columns)[-2:] == ["verdict", "rule_fired"]
    assert set(frame["rule_fired"]) == {"never"}
    total = frame[["current_spend", "recommended_spend"]].sum()
    assert total.iloc[0] == pytest.approx(total.iloc[1])
    moved = frame["decision"] != "monitor"
    assert moved.any(), "a table without calls would test little"
    assert set(frame.loc[moved, "verdict"]) <= {"needs_approval"}
    raised = frame["decision"] == "increase"
    against = f"{raised.sum()} call{'' if raised.sum() == 1 else 's'} against a rule"
    assert against in verdicts_told(frame) or not raised.any()
    assert "needs approval: " in verdicts_told(frame)
    assert len(frame.attrs["disagreements"]) == raised.sum()
    assert frame.loc[raised, "reason"].str.contains("the rule never says reduce").all()
