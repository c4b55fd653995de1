"""Patterns of spend, and what they would say."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

import adbudget as ab
from adbudget.errors import InputError
from adbudget.experiments.designs import (
    HOLDOUT,
    ON_OFF,
    PULSE,
    Arm,
    pair_design,
    patterns,
    single_designs,
)
from adbudget.experiments.planning import block_lengths
from adbudget.experiments.signals import LEAD_DAYS, Noise, Reader


@pytest.fixture(scope="module")
def draws():
    """Two channels of one account without memory; 300 draws of returns."""
    rng = np.random.default_rng(0)
    weights = np.exp(rng.normal(0, 0.4, (300, 1, 2, 1, 1))) * 1_000
    return ab.CurveDraws(
        accounts=("shop",), channels=("search", "video"), weights=weights,
        scale=np.array([[100.0, 50.0]]), carry_in=np.zeros((1, 2, 1)), retention=np.zeros(1),
        half_saturation=np.array([2.0]), unit_value=np.ones(1), margin=np.array([0.5]),
        currency=("EUR",), period_days=7.0,
    )  # fmt: skip


def reader(draws, sd=80.0, rho=0.0, lengths=(1, 1, 1, 1), **how) -> Reader:
    noise = Noise(
        sd=np.array([sd]), autocorrelation=np.array([rho]), information=1.0,
        outcome=np.array([2_000.0]),
    )  # fmt: skip
    return Reader(draws=draws, noise=noise, current=np.array([100.0, 50.0]), lengths=lengths, **how)


@given(n_blocks=st.integers(2, 26))
def test_patterns_hold_both_signs_and_differ(n_blocks):
    made = patterns(n_blocks)
    assert all(set(one.tolist()) == {1, -1} for one in made)
    assert len({tuple(one.tolist()) for one in made}) == len(made) >= 1


@pytest.mark.parametrize("n_blocks", [4, 8, 12])
def test_patterns_of_whole_fours_are_orthogonal_to_each_other_and_to_a_level(n_blocks):
    made = patterns(n_blocks)
    assert len(made) == 3
    assert all(one.sum() == 0 for one in made)
    assert all(one @ other == 0 for one, other in combinations(made, 2))


def test_a_pair_goes_through_all_four_states():
    design = pair_design(0, 1, 4)
    states = set(zip(*(arm.factors for arm in design.arms), strict=True))
    assert states == {(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}
    assert pair_design(0, 1, 3) is None


def test_a_signal_is_the_t_value_of_a_regression_with_level_and_slope(draws):
    read, arm = reader(draws, sd=80.0), Arm(cell=0, factors=(1.5, 1.5, 0.5, 0.5))
    levels = np.array([1.0, 1.5, 0.5])
    curve = draws.weights[:, 0, 0, 0, 0].mean() * levels / (levels + 2.0)
    lead = round(LEAD_DAYS / 7)
    path = np.concatenate([np.zeros(lead), np.repeat(curve[1:] - curve[0], 2)])
    t = np.arange(path.size)
    columns = np.stack([path, np.ones(path.size), t], axis=1)
    error = 80.0 * np.sqrt(np.linalg.inv(columns.T @ columns)[0, 0])
    assert read.read(arm).signal.mean() == pytest.approx(1 / error, rel=1e-9)


def test_a_holdout_is_read_with_the_error_that_is_stated(draws):
    arm = Arm(cell=0, factors=(0.0,) * 4, share=0.5)
    lost = 4 * draws.weights[:, 0, 0, 0, 0].mean() / 3  # s / (s + 2) at s = 1, four weeks
    by_noise = reader(draws, sd=80.0).read(arm).signal.mean()
    assert by_noise == pytest.approx(lost * np.sqrt(0.25 / 4) / 80.0, rel=1e-9)
    stated = reader(draws, sd=80.0, holdout_error=0.02).read(arm).signal.mean()
    assert stated == pytest.approx(lost / (0.02 * 2_000.0 * 4), rel=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_a_longer_test_and_a_larger_pulse_say_more(draws, rho):
    small = Arm(cell=0, factors=(1.3, 0.7, 1.3, 0.7))
    large = Arm(cell=0, factors=(1.5, 0.5, 1.5, 0.5))
    spread = [reader(draws, rho=rho).read(arm).signal.std() for arm in (small, large)]
    longer = reader(draws, rho=rho, lengths=(2, 2, 2, 2)).read(small).signal.std()
    assert spread[0] < spread[1]
    assert spread[0] < longer


def test_a_cost_is_what_simulating_the_spend_gives(draws):
    arm = Arm(cell=0, factors=(1.5, 0.5, 1.5, 0.5))
    path = pd.DataFrame(
        [[150.0, 50.0, 150.0, 50.0], [50.0] * 4],
        index=pd.MultiIndex.from_product([["shop"], ["search", "video"]]),
    )
    current = pd.Series([100.0, 50.0], index=path.index)
    value = ab.simulate(draws, path, current=current, carry_in=False).value
    read = reader(draws).read(arm)
    assert read.cost == pytest.approx(-value.to_numpy()[:, 0], rel=1e-9)
    assert read.extra_spend == pytest.approx(0.0)
    assert read.cost.mean() > 0  # a curve that bends makes a pulse lose


def test_carry_over_after_the_test_counts_as_cost(draws):
    slow = replace(draws, retention=np.array([0.8]), mix=np.eye(1))
    off = Arm(cell=0, factors=(0.0,) * 4)
    read = reader(slow).read(off)
    path = pd.DataFrame(
        [[0.0] * 4, [50.0] * 4],
        index=pd.MultiIndex.from_product([["shop"], ["search", "video"]]),
    )
    current = pd.Series([100.0, 50.0], index=path.index)
    value = ab.simulate(slow, path, current=current, carry_in=False).value
    assert read.cost == pytest.approx(-value.to_numpy()[:, 0], rel=1e-9)


def test_kinds_make_designs_of_one_cell():
    made = list(single_designs(PULSE, 3, 4, (0.3, 0.5), 0.5))
    assert {one.change for one in made} == {0.3, 0.5}
    assert all(arm.cell == 3 for one in made for arm in one.arms)
    (holdout,) = single_designs(HOLDOUT, 3, 4, (0.3,), 0.25)
    assert holdout.arms[0].share == 0.25
    assert all(0.0 in one.arms[0].factors for one in single_designs(ON_OFF, 3, 4, (0.3,), 0.5))


def test_blocks_are_about_a_week():
    assert block_lengths(4, 7.0) == (1, 1, 1, 1)
    assert block_lengths(2, 1.0) == (7, 7)
    assert block_lengths(13, 365.25 / 12) == (1, 1)
    with pytest.raises(InputError, match=r"weeks must be at least 8\.7"):
        block_lengths(4, 365.25 / 12)
