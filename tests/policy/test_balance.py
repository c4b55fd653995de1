"""Balancing: the cases that can be worked out on paper, and the laws that hold for all."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, strategies as st

from adbudget.policy.balance import Balance, Wishes, balance

CAP_SHARE, FLOOR = 40, 100_00
NO_CAP = np.int64(9_000_00)


def wishes_of(campaigns, *, total_change=0, **changes) -> Wishes:
    """(id, budget, cpl) -> what the rules of the example file want: +15%, -20%, 40%, $100."""
    ids, budgets, costs = zip(*campaigns, strict=True)
    budget = np.array([round(100 * b) for b in budgets], dtype=np.int64)
    cost = np.array(costs, dtype=float)
    wanted = np.where(cost < 40, budget * 15 // 100, np.where(cost > 65, -(budget * 20 // 100), 0))
    cap = int(budget.sum()) * CAP_SHARE // 100
    record = {
        "campaign_ids": ids,
        "budget": budget,
        "wanted": wanted,
        "lowest": np.minimum(budget, FLOOR),
        "highest": np.maximum(budget, cap),
        "may_take_part": np.ones(len(ids), bool),
        "cost": cost,
        "total_change": total_change,
    }
    return Wishes(**(record | changes))


def dollars(result: Balance) -> list[float]:
    return [cents / 100 for cents in result.budget.tolist()]


@pytest.mark.parametrize(
    ("campaigns", "expected"),
    [
        pytest.param(
            [("A", 2000, 35), ("B", 2500, 45), ("C", 3000, 75), ("D", 2500, 52)],
            [2300, 2750, 2400, 2550],
            id="1_cut_pays_winner_then_holders_cheapest_first",
        ),
        pytest.param(
            [("A", 5000, 40), ("B", 5000, 65)], [5000, 5000], id="2_exactly_at_a_threshold_holds"
        ),
        pytest.param(
            [("A", 4000, 35), ("B", 3000, 30), ("C", 1000, 75), ("D", 2000, 52)],
            [4000, 3200, 800, 2000],
            id="3_winner_at_its_cap_leaves_the_money_to_the_other",
        ),
        pytest.param(
            [("A", 2000, 35), ("B", 3000, 45), ("C", 3000, 50), ("D", 2000, 52)],
            [2000, 3000, 3000, 2000],
            id="4_nobody_to_take_from",
        ),
        pytest.param(
            [("A", 1000, 75), ("B", 4000, 90), ("C", 4000, 80), ("D", 1000, 52)],
            [988.89, 3955.56, 3955.55, 1100],
            id="5_cuts_are_scaled_back_by_largest_remainder",
        ),
        pytest.param(
            [("A", 3900, 35), ("B", 2500, 45), ("C", 1600, 75), ("D", 2000, 52)],
            [4000, 2720, 1280, 2000],
            id="6_cap_stops_the_winner_and_the_rest_goes_on",
        ),
        pytest.param(
            [("A", 3990, 50), ("B", 3000, 50), ("C", 110, 75), ("D", 2900, 50)],
            [4000, 3000, 100, 2900],
            id="7_floor_stops_the_cut",
        ),
    ],
)
def test_case_worked_out_on_paper(campaigns, expected):
    result = balance(wishes_of(campaigns))
    assert dollars(result) == expected
    assert result.unplaced == 0
    backwards = balance(wishes_of(campaigns[::-1]))
    assert dollars(backwards) == expected[::-1]


def test_raises_that_nobody_pays_are_not_made_and_holders_get_nothing():
    result = balance(wishes_of([("A", 2000, 35), ("B", 3000, 45)]))
    assert not result.rebalanced.any()
    assert (result.budget == [200000, 300000]).all()


def test_a_shortage_scales_raises_in_proportion():
    cells = [("A", 2000, 30), ("B", 1000, 30), ("C", 750, 80)]
    result = balance(wishes_of(cells, highest=NO_CAP))
    # C frees 150; A and B want 300 and 150
    assert dollars(result) == [2100, 1050, 600]


def test_new_money_goes_the_same_way_as_freed_money():
    cells = [("A", 2000, 30), ("B", 1000, 45)]
    result = balance(wishes_of(cells, total_change=350_00, highest=NO_CAP))
    assert dollars(result) == [2300, 1050]
    assert result.unplaced == 0


def test_new_money_that_finds_no_room_is_reported():
    result = balance(wishes_of([("A", 2000, 45)], total_change=350_00))
    assert dollars(result) == [2000]  # its cap of 40% is passed already
    assert result.unplaced == 350_00


def test_a_smaller_total_is_taken_from_cuts_and_then_from_the_dearest():
    cells = [("A", 2000, 35), ("B", 1000, 45), ("C", 1000, 60), ("D", 500, 80)]
    result = balance(wishes_of(cells, total_change=-250_00))
    # D frees 100; of the missing 150, C gives its 10% and B the rest; A gets no raise
    assert dollars(result) == [2000, 950, 900, 400]
    assert result.unplaced == 0


def test_a_campaign_of_unknown_cost_is_given_nothing():
    result = balance(wishes_of([("A", 2000, np.nan), ("B", 2000, 75), ("C", 6000, np.nan)]))
    assert dollars(result) == [2000, 2000, 6000]


def test_the_rebalance_limit_can_be_set():
    cells = [("A", 1000, 45), ("B", 1000, 46), ("C", 1000, 75)]
    wide = wishes_of(cells, highest=NO_CAP, rebalance_limit=Decimal("0.15"))
    assert dollars(balance(wide)) == [1150, 1050, 800]


@st.composite
def any_wishes(draw) -> Wishes:
    n = draw(st.integers(1, 12))
    cents = st.integers(0, 10_000_000)
    budget = np.array(draw(st.lists(cents, min_size=n, max_size=n)), dtype=np.int64)
    step = st.integers(-3_000_000, 3_000_000)
    wanted = np.array(draw(st.lists(step, min_size=n, max_size=n)), dtype=np.int64)
    wanted[draw(st.lists(st.booleans(), min_size=n, max_size=n))] = 0
    room = st.lists(st.integers(0, 4_000_000), min_size=n, max_size=n)
    lowest = np.maximum(budget - np.array(draw(room)), 0)
    cost = st.sampled_from([30.0, 45.0, 45.0, 60.0, float("nan")])
    return Wishes(
        campaign_ids=tuple(draw(st.permutations([f"c{i:02d}" for i in range(n)]))),
        budget=budget,
        wanted=wanted,
        lowest=lowest,
        highest=budget + np.array(draw(room)),
        may_take_part=np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))),
        cost=np.array(draw(st.lists(cost, min_size=n, max_size=n))),
        total_change=draw(st.sampled_from([0, 0, 1, 50_000, -70_001, 10**8])),
        rebalance_limit=draw(st.sampled_from([Decimal("0.1"), Decimal("0.333"), Decimal(1)])),
    )


@given(any_wishes())
def test_no_bound_is_ever_broken(wishes):
    budget = balance(wishes).budget
    assert (budget >= wishes.lowest).all()
    assert (budget <= wishes.highest).all()


@given(any_wishes())
def test_the_total_is_exact_to_the_cent(wishes):
    result = balance(wishes)
    change = int(result.budget.sum() - wishes.budget.sum())
    assert change + result.unplaced == wishes.total_change
    if wishes.total_change == 0:
        assert change == 0


@given(any_wishes())
def test_no_campaign_moves_against_or_beyond_its_wish(wishes):
    result = balance(wishes)
    move = result.budget - wishes.budget
    ruled = wishes.wanted != 0
    assert (move[ruled] * np.sign(wishes.wanted[ruled]) >= 0).all()
    assert (np.abs(move[ruled]) <= np.abs(wishes.wanted[ruled])).all()
    assert (np.abs(move[~ruled]) <= wishes.budget[~ruled] * float(wishes.rebalance_limit)).all()
    assert not move[~ruled & ~wishes.may_take_part].any()


@given(any_wishes(), st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(wishes, random):
    shuffled = list(range(len(wishes.campaign_ids)))
    random.shuffle(shuffled)
    same = Wishes(
        campaign_ids=tuple(wishes.campaign_ids[i] for i in shuffled),
        total_change=wishes.total_change,
        rebalance_limit=wishes.rebalance_limit,
        **{
            name: getattr(wishes, name)[shuffled]
            for name in ("budget", "wanted", "lowest", "highest", "may_take_part", "cost")
        },
    )
    assert (balance(same).budget == balance(wishes).budget[shuffled]).all()


@given(any_wishes())
def test_holders_are_served_only_when_every_wanted_raise_is_paid(wishes):
    result = balance(wishes)
    move = result.budget - wishes.budget
    if (result.rebalanced & (move > 0)).any():
        raises = result.allowed > 0
        assert (move[raises] == result.allowed[raises]).all()


@given(any_wishes())
def test_a_dearer_holder_is_given_money_only_after_a_cheaper_one_is_full(wishes):
    result = balance(wishes)
    given_money = result.budget - wishes.budget
    top, bottom = wishes.rebalance_limit.as_integer_ratio()
    full = np.minimum(
        [int(b) * top // bottom for b in wishes.budget], wishes.highest - wishes.budget
    )
    may = wishes.may_take_part & (wishes.wanted == 0) & ~np.isnan(wishes.cost)
    for i in np.flatnonzero(may & (given_money > 0)):
        cheaper = may & (wishes.cost < wishes.cost[i])
        assert (given_money[cheaper] == full[cheaper]).all()


def test_ten_thousand_campaigns_of_huge_budgets_do_not_overflow():
    n = 10_000
    budget = np.full(n, 10**13, dtype=np.int64)
    wanted = np.where(np.arange(n) % 2, budget // 7, -(budget // 9))
    wishes = Wishes(
        campaign_ids=tuple(f"c{i}" for i in range(n)),
        budget=budget,
        wanted=wanted,
        lowest=budget // 2,
        highest=budget * 2,
        may_take_part=np.zeros(n, bool),
        cost=np.ones(n),
    )
    assert int(balance(wishes).budget.sum()) == n * 10**13
