"""Who pays whom: laws that hold for every reallocation, and best amounts found by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from adbudget.pacing.moves.flows import Capacity, Flows, JointBound, best_flows


def room(give, take, *, worth=None, channel=None, pool=None, most=None, groups=()) -> Capacity:
    n = len(give)
    pool = np.zeros(n, np.int64) if pool is None else np.array(pool)
    n_pools = int(pool.max()) + 1
    return Capacity(
        pool=pool,
        channel=pool * 10 if channel is None else pool * 10 + np.array(channel),
        give=np.array(give, dtype=np.int64),
        take=np.array(take, dtype=np.int64),
        worth=np.full(n, 0.5) if worth is None else np.array(worth),
        most=np.full(n_pools, 2**50) if most is None else np.array(most),
        groups=tuple(groups),
    )


def group(members, lowest=-(2**50), highest=2**50) -> JointBound:
    return JointBound(members=np.array(members), lowest=lowest, highest=highest)


def change(one: Capacity, flows: Flows) -> np.ndarray:
    total = np.zeros(one.pool.size, np.int64)
    np.add.at(total, flows.source, -flows.minor)
    np.add.at(total, flows.target, flows.minor)
    return total


def solved(one: Capacity, minimum: int = 1) -> np.ndarray:
    return change(one, best_flows(one, np.full(one.most.size, minimum)))


def test_all_that_fits_moves():
    assert solved(room([7, 5, 0], [0, 0, 9])).sum() == 0
    assert solved(room([7, 5, 0], [0, 0, 9]))[2] == 9


def test_the_cheaper_donor_gives_and_the_better_target_gets():
    one = room([8, 8, 0, 0], [0, 0, 5, 5], worth=[0.9, 0.2, 0.4, 0.8], most=[7])
    assert solved(one).tolist() == [0, -7, 2, 5]


def test_a_dear_seller_is_left_for_one_with_room():
    one = room([9, 0, 0], [0, 9, 9], worth=[0.1, 1.0, 0.5], groups=[group([1], highest=4)])
    assert solved(one).tolist() == [-9, 4, 5]


def test_a_move_inside_a_seller_at_its_maximum_is_possible():
    one = room([9, 0], [0, 6], groups=[group([0, 1], highest=0)])
    assert solved(one).tolist() == [-6, 6]


def test_a_raise_and_a_cut_of_one_seller_offset_each_other():
    one = room([3, 9, 0, 0], [0, 0, 8, 4], groups=[group([0, 2], highest=5)])
    assert solved(one).tolist() == [-3, -9, 8, 4]


def test_money_of_one_pool_never_reaches_another():
    assert solved(room([9, 0], [0, 9], pool=[0, 1])).tolist() == [0, 0]


def test_amounts_beyond_the_minimum_stay_exact_to_the_cent():
    assert solved(room([1_234_567, 0], [0, 999_999_999]), 10_000).tolist() == [-1234567, 1234567]


def test_where_exact_amounts_need_a_tiny_move_whole_minimums_are_shared_out():
    one = room([150, 130, 0, 0], [0, 0, 160, 120])
    flows = best_flows(one, np.array([100]))
    assert flows.minor.tolist() == [100, 100]
    assert np.abs(change(one, flows)).tolist() == [100, 100, 100, 100]


def test_a_pool_with_tiny_moves_does_not_coarsen_another():
    one = room([150, 130, 0, 0, 777, 0], [0, 0, 160, 120, 0, 666], pool=[0, 0, 0, 0, 1, 1])
    assert solved(one, 100).tolist() == [-100, -100, 100, 100, -666, 666]


def test_budgets_of_billions_are_exact():
    one = room([3 * 10**12 + 1, 0], [0, 2 * 10**12 + 3])
    assert solved(one).tolist() == [-(2 * 10**12 + 3), 2 * 10**12 + 3]


@st.composite
def rooms(draw) -> tuple[Capacity, int]:
    n = draw(st.integers(2, 9))
    size = st.integers(0, draw(st.sampled_from([6, 5_000, 10**9])))
    kind = draw(st.lists(st.sampled_from("gtn"), min_size=n, max_size=n))
    amount = draw(st.lists(size, min_size=n, max_size=n))
    pool = draw(st.lists(st.integers(0, 1), min_size=n - 1, max_size=n - 1))
    seller = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    channel = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    pools = np.array([1, *pool])
    groups = []
    for of_deal in (seller, channel):
        for p in (0, 1):
            for name in range(3):
                members = np.flatnonzero((of_deal == name) & (pools == p))
                if members.size and draw(st.booleans()):
                    groups.append(group(members, -draw(size), draw(size)))
    one = room(
        [a if k == "g" else 0 for a, k in zip(amount, kind, strict=True)],
        [a if k == "t" else 0 for a, k in zip(amount, kind, strict=True)],
        worth=draw(st.lists(st.floats(0, 1), min_size=n, max_size=n)),
        channel=channel,
        pool=pools,
        most=[draw(size), draw(size)],
        groups=groups,
    )
    return one, draw(st.sampled_from([1, 3, 100]))


@settings(max_examples=150)
@given(rooms())
def test_every_bound_holds_to_the_cent_and_every_total_is_kept(case):
    one, minimum = case
    flows = best_flows(one, np.full(2, minimum))
    moved = change(one, flows)
    assert (flows.minor >= minimum).all()
    assert (one.pool[flows.source] == one.pool[flows.target]).all()
    assert (moved >= -one.give).all()
    assert (moved <= one.take).all()
    for bound in one.groups:
        assert bound.lowest <= moved[bound.members].sum() <= bound.highest
    for pool in (0, 1):
        assert moved[one.pool == pool].sum() == 0
        assert flows.minor[one.pool[flows.source] == pool].sum() <= one.most[pool]
    pairs = list(zip(flows.source.tolist(), flows.target.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


@settings(max_examples=60)
@example([1, 1, 1, 2], 0, 1)  # the corner of the program lies between two whole cents
@given(st.lists(st.integers(0, 4), min_size=4, max_size=4), st.integers(0, 4), st.integers(0, 9))
def test_as_much_moves_within_channels_as_trying_everything_finds(size, highest, most):
    one = room(
        [size[0], size[1], 0, 0],
        [0, 0, size[2], size[3]],
        channel=[0, 1, 0, 1],
        most=[most],
        groups=[group([0, 3], highest=highest), group([2], highest=3)],
    )
    flows = best_flows(one, np.array([1]))
    within = flows.minor[one.channel[flows.source] == one.channel[flows.target]].sum()
    feasible = [
        (a, b)
        for a in range(min(size[0], size[2], 3) + 1)
        for b in range(min(size[1], size[3]) + 1)
        if a + b <= most and b - a <= highest
    ]
    assert within == max(a + b for a, b in feasible)


@pytest.mark.parametrize("seed", range(3))
def test_a_large_pool_is_solved_in_whole_cents(seed):
    rng = np.random.default_rng(seed)
    n = 300
    kind, amount = rng.integers(0, 3, n), rng.integers(1, 5_000_000, n)
    seller, pool = rng.integers(0, 12, n), np.repeat([0, 1, 2], 100)
    groups = [
        group(members, -int(rng.integers(0, 3_000_000)), int(rng.integers(0, 3_000_000)))
        for p in range(3)
        for name in range(12)
        if (members := np.flatnonzero((seller == name) & (pool == p))).size
    ]
    one = room(
        np.where(kind == 0, amount, 0),
        np.where(kind == 1, amount, 0),
        worth=rng.random(n),
        channel=rng.integers(0, 5, n),
        pool=pool,
        most=rng.integers(10**6, 10**8, 3),
        groups=groups,
    )
    flows = best_flows(one, np.full(3, 10_000))
    moved = change(one, flows)
    assert flows.minor.min() >= 10_000
    assert all(g.lowest <= moved[g.members].sum() <= g.highest for g in one.groups)
    halved = replace(one, most=one.most // 2)
    assert best_flows(halved, np.full(3, 10_000)).minor.sum() <= halved.most.sum()
