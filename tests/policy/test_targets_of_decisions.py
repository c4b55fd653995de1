"""The model's decisions as targets: from `recommend` to reviewed, logged changes on one road."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

import adbudget as ab
from adbudget import InputError, apply_policy, load_policy, open_ledger
from adbudget.policy.apply import rerun
from adbudget.policy.target_rows import whole_units
from tests.policy.test_targets import AT, POLICY as SWAPS

POLICY = load_policy(SWAPS)


def campaigns(**columns):
    base = {
        "campaign_id": ["brand", "generic", "feed", "old"],
        "account": ["north"] * 4,
        "channel": ["search", "search", "social", "social"],
        "budget": [100.0, 33.33, 120.0, 10.0],
        "status": ["active", "active", "active", "paused"],
    }
    return pd.DataFrame(base | columns)


def decisions(search=1100.0, social=1040.0, **columns):
    """Per week: search stands at 1,000 and social at 1,200."""
    base = {
        "account": ["north", "north"],
        "channel": ["search", "social"],
        "decision": ["increase", "reduce"],
        "current_spend": [1000.0, 1200.0],
        "recommended_spend": [search, social],
        "prob_gain": [0.93, 0.91],
        "reason": ["more", "less"],
    }
    return pd.DataFrame(base | columns)


def applied(table, **given):
    given = {"as_of": AT, "policy": POLICY, "campaigns": campaigns()} | given
    return apply_policy(given.pop("policy"), given.pop("campaigns"), targets=table, **given)


def test_every_active_campaign_of_a_channel_goes_the_way_of_its_spend():
    """Search +10%: 110.00 and 36.66 (36.663); social -13.3%: 104.00. The paused one stays."""
    plan = applied(decisions())
    assert [str(call.recommended_budget) for call in plan.calls] == [
        "110.00",
        "36.66",
        "104.00",
        "10.00",
    ]
    assert plan.calls[0].rationale.endswith("more.")
    assert plan.calls[0].probability == pytest.approx(0.93)


def test_a_channel_that_is_monitored_asks_for_nothing():
    plan = applied(decisions(search=1000.0, social=1200.0, decision=["monitor"] * 2))
    assert [call.rule_fired for call in plan.calls] == [""] * 4


def test_it_is_logged_stopped_and_replayed_as_any_plan(tmp_path):
    with open_ledger(tmp_path / "book.db") as ledger:
        plan = applied(decisions(), ledger=ledger)
        assert ledger.replay(plan.run_id, rerun).identical
        assert set(ledger.open_changes()["unit"]) == {
            "north::brand",
            "north::generic",
            "north::feed",
        }
    with open_ledger(tmp_path / "stopped.db") as ledger:
        ledger.set_kill(True, who="ann", at=AT, reason="no")
        applied(decisions(), ledger=ledger)
        assert ledger.open_changes().empty


@pytest.mark.parametrize("days", [1, 3, 40])
def test_the_same_decisions_are_not_carried_out_twice(days):
    """+10% of a week that ended on 1 March, made on the 2nd, is no +21% later."""
    table, old = campaigns(), decisions(data_through=["2026-03-01"] * 2)
    with open_ledger(":memory:") as ledger:
        plan = applied(old, ledger=ledger)
        ledger.confirm(*ledger.open_changes()["change"], who="ann", at=AT)
        table["budget"] = [float(call.recommended_budget) for call in plan.calls]
        later = AT + timedelta(days=days)
        again = applied(old, ledger=ledger, campaigns=table, as_of=later)
        assert [call.recommended_budget for call in again.calls] == [
            call.recommended_budget for call in plan.calls
        ]
        assert "no longer the one" in again.calls[0].rationale
        day = f"{later:%Y-%m-%d}"  # decided anew, on what came in since
        fresh = decisions(data_through=[day] * 2)
        newer = applied(fresh, ledger=ledger, campaigns=table, as_of=later + timedelta(days=2))
        assert newer.calls[0].recommended_budget > plan.calls[0].recommended_budget


@pytest.mark.parametrize(
    ("table", "given", "words"),
    [
        (decisions(channel=["serch", "social"]), {}, "move channels that no active campaign"),
        (decisions(current_spend=[0.0, 1200.0]), {}, "spend nothing today"),
        (decisions(channel=["search", "search"]), {}, "decided twice"),
        (decisions(currency=["USD", "USD"]), {}, "'USD', the campaigns in EUR"),
        (decisions(), {"campaigns": campaigns().drop(columns="channel")}, "column channel"),
        (
            decisions(account=["north", "south"]),
            {"campaigns": campaigns().drop(columns="account")},
            "no column account",
        ),
        (decisions(recommended_spend=[np.nan, 1100.0]), {}, "recommended_spend"),
    ],
)
def test_what_cannot_be_used_is_named(table, given, words):
    with pytest.raises(InputError, match=words):
        applied(table, **given)


def test_without_a_column_account_the_decisions_of_one_account_are_enough():
    plan = applied(decisions(), campaigns=campaigns().drop(columns="account"), account="north")
    assert str(plan.calls[0].recommended_budget) == "110.00"


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e7)), min_size=1, max_size=12),
)
def test_no_pool_gets_more_than_its_amounts_and_loses_less_than_a_unit(rows):
    pool = np.unique([one for one, _ in rows], return_inverse=True)[1]
    amounts = np.array([amount for _, amount in rows])
    whole = whole_units(amounts, pool)
    assert (np.abs(whole - amounts) <= 1 + 1e-6 * amounts).all()
    got, asked = np.bincount(pool, whole), np.bincount(pool, amounts)
    slack = 1e-6 + 1e-8 * asked
    assert (got <= asked + slack).all()
    assert (got > asked - 1 - slack).all()


def test_the_frame_of_a_fit_is_taken_as_it_is(noisy_fit):
    lax = ab.Thresholds(prob=0.55, max_wrong_share=0.45)
    frame = noisy_fit.recommend(thresholds=lax)
    asked = (frame["recommended_spend"] - frame["current_spend"]).to_numpy() / 7
    assert np.count_nonzero(asked) >= 2
    table = frame[["account", "channel", "currency"]].assign(
        campaign_id=[f"c{i}" for i in range(len(frame))],
        budget=(frame["current_spend"] / 7).round(2),
    )
    free = load_policy(
        {
            "currency": "EUR",
            "rules": [],
            "constraints": {
                "max_daily_change": "50%",
                "approval_limit": 1_000_000,
                "total_budget_change": 0,
            },
        }
    )
    plan = apply_policy(free, table, targets=frame, as_of=AT)
    made = [float(call.recommended_budget - call.current_budget) for call in plan.calls]
    assert made == pytest.approx(asked, abs=0.02)
