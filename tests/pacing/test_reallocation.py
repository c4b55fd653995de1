"""Moves of money between deals: the worked cases, who may give and take, and verdicts."""

from decimal import Decimal

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings, strategies as st

from adbudget import InputError, PolicyError, load_policy
from adbudget.pacing.moves.move_rules import MoveRules
from adbudget.pacing.moves.reallocation import propose_moves
from tests.pacing.moving import amounts, deal, delivery_table, flight, measured, moves, plan_table

D1 = deal("D1", 40_000, 12_000, 1.0)
D2 = deal("D2", 40_000, 26_000, 3.0)


# The worked cases -------------------------------------------------------------------------------


def test_half_way_12000_move_from_a_deal_with_16000_to_spare_to_one_12000_short():
    plan, delivery, measures = flight(D1, D2)
    np.testing.assert_allclose(measures.projected_minor, [24_000_00, 52_000_00])
    moved = propose_moves(plan, delivery, measures)
    (move,) = moved.moves
    assert (move.source, move.target, move.amount) == ("D1", "D2", Decimal("12000.00"))
    assert move.verdict == "auto"
    assert {c.deal: c.next_minor for c in moved.changes} == {"D1": 28_000_00, "D2": 52_000_00}


def test_with_a_maximum_of_45000_for_the_seller_of_d2_5000_move():
    moved = moves(D1 | {"seller_maximum": None}, D2 | {"seller_maximum": 45_000})
    assert amounts(moved) == {("D1", "D2"): 5_000}


def test_without_outcomes_nothing_moves_into_an_overspender_by_itself():
    idle, hungry = deal("idle", 50_000, 0), deal("hungry", 50_000, 60_000)
    moved = moves(idle, hungry)
    assert [move.verdict for move in moved.moves] == ["needs_approval"]
    assert all(change.now_minor == change.budget_minor for change in moved.changes)
    assert "no outcomes" in moved.moves[0].reason


def test_two_deals_that_want_the_only_10000_of_a_donor_receive_10000_together():
    moved = moves(
        deal("donor", 40_000, 15_000, 1.0),  # projects to 30,000
        deal("one", 40_000, 25_000, 3.0),  # projects to 50,000
        deal("two", 40_000, 25_000, 2.5),
    )
    assert sum(amounts(moved).values()) == 10_000
    assert {move.source for move in moved.moves} == {"donor"}


# Who gives, who takes ---------------------------------------------------------------------------


def test_money_that_works_better_with_the_donor_stays_there():
    moved = moves(deal("D1", 40_000, 12_000, 3.0), deal("D2", 40_000, 26_000, 1.0))
    assert moved.moves == ()
    assert moved.held["D2"] == "money works better with the donors"


def test_of_two_deals_the_one_whose_money_works_best_is_served_first():
    moved = moves(
        deal("donor", 40_000, 15_000, 1.0),
        deal("fair", 40_000, 25_000, 2.0),
        deal("good", 40_000, 25_000, 4.0),
    )
    assert amounts(moved) == {("donor", "good"): 10_000}


def test_money_goes_to_the_same_channel_first_even_if_it_works_better_elsewhere():
    moved = moves(
        deal("donor", 40_000, 15_000, 1.0),
        deal("same", 40_000, 24_000, 2.0),
        deal("other", 40_000, 25_000, 4.0, channel="display"),
    )
    assert amounts(moved) == {("donor", "same"): 8_000, ("donor", "other"): 2_000}
    assert {move.target: move.stage for move in moved.moves} == {
        "same": "within_channel",
        "other": "across_channels",
    }


def test_money_stays_in_its_campaign():
    moved = moves(D1, D2 | {"campaign": "another"})
    assert moved.moves == ()
    assert moved.held == {
        "D1": "nobody in its campaign can take more of its money",
        "D2": "nobody in its campaign can give it more",
    }


@pytest.mark.parametrize("locked", ["D1", "D2"])
def test_a_locked_deal_neither_gives_nor_takes(locked):
    by_argument = moves(D1, D2, locked={locked})
    rows = [row | {"locked": row["deal"] == locked} for row in (D1, D2)]
    for moved in (by_argument, moves(*rows)):
        assert moved.moves == ()
        assert moved.held[locked] == "it is locked"


def test_a_channel_keeps_its_minimum():
    rows = [row | {"channel_minimum": None} for row in (D1, D2)]
    rows[0] |= {"channel_minimum": 33_000}
    rows[1] |= {"channel": "display"}
    assert amounts(moves(*rows)) == {("D1", "D2"): 7_000}


def test_a_deal_keeps_its_own_minimum_and_maximum():
    assert amounts(moves(D1 | {"minimum": 35_000}, D2)) == {("D1", "D2"): 5_000}
    assert amounts(moves(D1, D2 | {"maximum": 43_500})) == {("D1", "D2"): 3_500}


def test_a_deal_without_any_delivery_keeps_a_tenth_of_what_it_has_left():
    rules = MoveRules(max_share=1.0)
    moved = moves(deal("idle", 50_000, 0), deal("hungry", 50_000, 60_000), rules=rules)
    assert amounts(moved) == {("idle", "hungry"): 45_000}


def test_at_most_the_set_share_of_a_campaign_moves_in_a_cycle():
    moved = moves(D1, D2, rules=MoveRules(max_share=0.1))
    assert amounts(moved) == {("D1", "D2"): 8_000}


def test_a_move_below_the_minimum_is_not_made():
    hungry = deal("D2", 40_000, 20_049, 3.0)  # projects to 40,098
    assert moves(D1, hungry).moves == ()
    assert amounts(moves(D1, hungry, rules=MoveRules(minimum=Decimal(98)))) == {("D1", "D2"): 98}


def test_a_flight_that_is_over_gives_what_it_left_and_takes_nothing():
    over = deal("over", 20_000, 10_000, 1.0)
    plan = plan_table(over, D2)
    plan.loc[plan["deal"] == "over", "end"] = "2026-04-10"
    moved = propose_moves(*measured(plan, delivery_table(over, D2)))
    assert amounts(moved) == {("over", "D2"): 10_000}


def test_an_uncertain_projection_moves_nothing():
    table = delivery_table(D1, D2)
    swing = np.where(np.arange(len(table)) % 2, 1.9, 0.1)  # days vary by 95%
    plan, delivery, measures = measured(plan_table(D1, D2), table.assign(spend=table.spend * swing))
    assert measures.prob_over[1] < 0.95
    careful = MoveRules(sure_of_pace=0.95)
    assert propose_moves(plan, delivery, measures, rules=careful).moves == ()


# Verdicts ---------------------------------------------------------------------------------------


def test_a_move_that_may_well_be_wrong_waits_for_a_person():
    moved = moves(deal("D1", 40_000, 12_000, 0.20), deal("D2", 40_000, 26_000, 0.23))
    (move,) = moved.moves
    assert move.probability is not None
    assert 0.5 < move.probability < 0.8
    assert move.verdict == "needs_approval"
    assert move.group_id == "moves::D1"


def test_the_kill_switch_blocks_every_move():
    moved = moves(D1, D2, kill_on=True)
    assert [move.verdict for move in moved.moves] == ["blocked"]
    assert all(change.next_minor == change.budget_minor for change in moved.changes)


def test_the_policy_bounds_the_day_and_asks_for_approval_of_large_changes():
    policy = load_policy("constraints: {max_daily_change: 20%, approval_limit: 700}")
    (move,) = moves(D1, D2, policy=policy).moves
    assert move.amount == 8_000  # 20% of 40,000
    assert move.verdict == "needs_approval"  # 800 a day over the ten days that are left
    relaxed = load_policy("constraints: {max_daily_change: 20%, approval_limit: 800}")
    assert moves(D1, D2, policy=relaxed).moves[0].verdict == "auto"


def test_the_approval_limit_of_the_preset_is_scaled_to_the_currency():
    dear = [row | {"currency": "JPY", "budget": 100 * row["budget"]} for row in (D1, D2)]
    dear = [row | {"_spent": 100 * row["_spent"]} for row in dear]
    policy = load_policy("constraints: {max_daily_change: 10%}")
    (move,) = moves(*dear, policy=policy).moves
    assert move.amount == 400_000  # 40,000 yen a day: far more than 500, and below 50,000
    assert move.verdict == "auto"
    twice = load_policy("constraints: {max_daily_change: 20%}")
    assert moves(*dear, policy=twice).moves[0].verdict == "needs_approval"


def test_a_currency_without_a_usual_limit_wants_one_from_the_policy():
    rows = [row | {"currency": "BYN"} for row in (D1, D2)]
    with pytest.raises(PolicyError, match=r"approval_limit.*BYN"):
        moves(*rows, policy=load_policy("constraints: {max_daily_change: 10%}"))


def test_the_daily_limit_counts_from_the_budget_of_the_morning():
    policy = load_policy("constraints: {max_daily_change: 20%, approval_limit: 5000}")
    moved = moves(D1, D2, policy=policy, openings={"D2": 36_000_00})
    assert amounts(moved) == {("D1", "D2"): 3_200}  # up to 43,200


def test_a_policy_in_another_currency_is_refused():
    policy = load_policy("{currency: USD, constraints: {approval_limit: 500}}")
    with pytest.raises(PolicyError, match="USD"):
        moves(D1, D2, policy=policy)


def test_moves_that_wait_and_share_a_deal_are_one_group():
    moved = moves(
        deal("a", 40_000, 15_000),
        deal("b", 40_000, 24_000),
        deal("c", 40_000, 15_000, channel="display"),
        deal("d", 40_000, 29_000, channel="display"),
    )
    assert len({move.group_id for move in moved.moves}) == 1
    assert sum(change.next_minor - change.budget_minor for change in moved.changes) == 0


# Curves -----------------------------------------------------------------------------------------


def marginal(video: float, display: float) -> xr.DataArray:
    draws = np.random.default_rng(0).normal(1, 0.05, (200, 1, 2)) * [video, display]
    coords = {"account": ["main"], "channel": ["video", "display"]}
    return xr.DataArray(draws, dims=("draw", "account", "channel"), coords=coords)


def test_curves_overrule_observed_outcomes_between_channels():
    rows = [D1 | {"account": "main"}, D2 | {"account": "main", "channel": "display"}]
    (move,) = moves(*rows, marginal=marginal(1.0, 2.0)).moves
    assert (move.basis, move.verdict) == ("curves", "auto")
    assert moves(*rows, marginal=marginal(2.0, 1.0)).moves == ()
    assert moves(*rows).moves[0].basis == "conversions"


def test_within_a_channel_curves_leave_the_word_to_outcomes():
    rows = [D1 | {"account": "main"}, D2 | {"account": "main"}]
    (move,) = moves(*rows, marginal=marginal(1.0, 1.0)).moves
    assert move.probability is not None
    assert move.probability > 0.95


def test_a_campaign_with_a_deal_without_a_curve_goes_by_its_outcomes():
    covered = [D1 | {"account": "main"}, D2 | {"account": "main", "channel": "display"}]
    partly = [row | {"deal": f"{row['deal']}b", "campaign": "b"} for row in covered]
    partly[0] |= {"channel": "radio"}
    moved = moves(*covered, *partly, marginal=marginal(1.0, 2.0)).moves
    assert {move.target: move.basis for move in moved} == {"D2": "curves", "D2b": "conversions"}


def test_marginal_values_without_their_axes_are_refused():
    with pytest.raises(InputError, match="dims"):
        moves(D1, D2, marginal=np.ones((10, 1, 2)))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("minimum", 0), ("max_share", 0), ("keep_share", 0), ("sure_of_pace", 0.4)],
)
def test_rules_out_of_range_are_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        MoveRules(**{setting: value})


@st.composite
def half_flights(draw) -> list[dict]:
    """Two to seven deals with bounds of all kinds, in two channels and two campaigns."""
    rows = []
    for i in range(draw(st.integers(2, 7))):
        budget = draw(st.integers(1_000, 60_000))
        bounds = {
            "minimum": draw(st.none() | st.integers(0, budget)),
            "maximum": draw(st.none() | st.integers(budget, 2 * budget)),
        }
        spent = 10 * draw(st.integers(0, budget // 8))
        campaign = draw(st.sampled_from("cccx"))
        place = {"campaign": campaign, "channel": draw(st.sampled_from("vd")), "seller": "s"}
        rate = draw(st.floats(0.1, 4))
        rows.append(deal(f"d{i}", budget, spent, rate, **place, **bounds))
    for campaign in "cx":
        own = [row for row in rows if row["campaign"] == campaign]
        total = sum(row["budget"] for row in own)
        room = draw(st.none() | st.integers(0, 9_000))
        for row in own:
            of_channel = [r["budget"] for r in own if r["channel"] == row["channel"]]
            row["channel_maximum"] = None if room is None else sum(of_channel) + room
            row["seller_maximum"] = total
    return rows


@settings(max_examples=40)
@given(half_flights(), st.sampled_from([0.1, 0.25, 1.0]))
def test_totals_and_bounds_hold_and_no_donor_falls_below_what_it_will_spend(rows, max_share):
    plan, delivery, measures = flight(*rows)
    moved = propose_moves(plan, delivery, measures, rules=MoveRules(max_share=max_share))
    after = plan.budget_minor.copy()
    for change in moved.changes:
        after[plan.place[change.deal]] = change.next_minor
    assert all(move.minor >= 100_00 for move in moved.moves)
    for campaign in set(plan.campaign):
        inside = plan.campaign == campaign
        assert after[inside].sum() == plan.budget_minor[inside].sum()
        leaves = np.maximum(plan.budget_minor - after, 0)[inside].sum()
        assert leaves <= max_share * plan.budget_minor[inside].sum()
    for limit in plan.limits:
        inside = (plan.campaign == limit.campaign) & (plan.names(limit.level) == limit.name)
        assert limit.minimum_minor <= after[inside].sum() <= limit.maximum_minor
    cut, raised = after < plan.budget_minor, after > plan.budget_minor
    assert (after[cut] >= np.rint(measures.projected_minor)[cut]).all()
    assert (after[raised] <= np.rint(measures.projected_minor)[raised]).all()
    assert (after[cut] >= plan.minimum_minor[cut]).all()
    assert (after[raised] <= plan.maximum_minor[raised]).all()
    assert (after > 0).all()


def test_the_order_of_the_table_decides_nothing():
    rows = [
        deal(f"d{i}", 30_000, spent, per, channel=("video", "display")[i % 2])
        for i, (spent, per) in enumerate([(9e3, 1), (2e4, 3), (1.1e4, 1), (1.8e4, 2), (1.9e4, 2)])
    ]
    assert amounts(moves(*rows)) == amounts(moves(*rows[::-1]))
