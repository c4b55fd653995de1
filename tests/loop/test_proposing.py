"""The plan of a cycle: within its limits, balanced, and aside no further than was set aside."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from adbudget.draws import Health
from adbudget.loop import LoopSettings
from adbudget.loop.proposing import explore, propose
from adbudget.plan import Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import random_world

SEEDS = range(5)
LIMITS = Limits(change=0.2, total="fixed", beyond_observed=True)


def fit_of(draws, problems=()):
    """As much of a fit as proposing reads."""
    health = Health(
        rhat_max=1.0,
        ess_bulk_min=1000.0,
        ess_tail_min=1000.0,
        divergences=0,
        n_draws=draws.n_draws,
        prior_share=pd.Series(dtype=float),
        fit_r2=pd.Series(dtype=float),
        problems=problems,
    )
    return SimpleNamespace(draws=draws, health=health)


def drafted(seed, *, limits=LIMITS, blocked=None, problems=(), **settings):
    draws, current = random_world(seed)
    draft = propose(
        fit_of(draws, problems),
        current,
        current,
        limits,
        LoopSettings(**settings),
        np.random.default_rng(seed),
        blocked or {},
    )
    return draws, current, draft


def totals(spend):
    return spend.groupby(level=0).sum().to_numpy()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_keeps_totals_and_goes_no_further_than_a_cycle_may(seed):
    _, current, draft = drafted(seed, exploration=0.02)
    np.testing.assert_allclose(totals(draft.plan), totals(current))
    assert ((draft.plan / current - 1).abs() <= 0.2 + 1e-9).all()
    np.testing.assert_allclose(totals(draft.explored), 0.0, atol=1e-6 * current.sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lean_keeps_the_floors_and_caps_of_its_cells(seed):
    _, current = random_world(seed)
    bounds = {
        "lower": {cell: 0.95 * money for cell, money in current.items()},
        "upper": {cell: 1.05 * money for cell, money in current.items()},
    }
    limits = Limits(change=0.2, total="fixed", beyond_observed=True, **bounds)
    _, _, draft = drafted(seed, limits=limits, exploration=0.5)
    assert (draft.plan >= 0.95 * current - 1e-6).all()
    assert (draft.plan <= 1.05 * current + 1e-6).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_exploring_costs_no_more_than_what_was_set_aside(seed):
    draws, current = random_world(seed)
    rng = np.random.default_rng(seed)
    for room in (0.0, 0.001 * current.sum()):
        lean, cost = explore(draws, current, Limits(change=0.1, total="fixed"), room, rng)
        assert 0 <= cost <= room + 1e-9
        assert (lean.abs() <= 0.1 * current + 1e-6).all()


def test_without_exploration_the_plan_is_the_best_step():
    _, _, draft = drafted(1, exploration=0.0)
    pd.testing.assert_series_equal(draft.plan, draft.base, check_names=False)
    assert (draft.explored == 0).all()


def test_the_more_the_worst_tenth_counts_the_less_is_moved():
    moved = []
    for aversion in (0.0, 0.5, 1.0):
        _, current, draft = drafted(2, exploration=0.0, aversion=aversion)
        moved.append(float((draft.plan - current).abs().sum()))
        assert draft.proposal.risk == Risk(aversion=aversion)
    assert moved[0] >= moved[1] >= moved[2]
    assert moved[0] > moved[2]


def test_cells_whose_data_cannot_be_true_stay_as_they_are():
    draws, current = random_world(1)
    cell = draws.cells[0]
    _, _, draft = drafted(1, blocked={cell: "because"}, exploration=0.02)
    assert draft.plan[cell] == pytest.approx(current[cell])


def test_an_unhealthy_fit_moves_nothing():
    _, current, draft = drafted(1, problems=("r-hat is 1.2.",), exploration=0.02)
    pd.testing.assert_series_equal(draft.plan, current, check_names=False)


def test_an_unhealthy_fit_keeps_what_is_tried_apart_from_what_stands():
    draws, settled = random_world(1)
    lean = pd.Series(np.tile([5.0, -5.0, 0.0], 2), index=settled.index)
    args = (LIMITS, LoopSettings(), np.random.default_rng(1), {})
    draft = propose(fit_of(draws, ("r-hat is 1.2.",)), settled + lean, settled, *args)
    np.testing.assert_allclose(draft.plan, settled + lean)
    np.testing.assert_allclose(draft.explored, lean, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lean_for_which_a_cycle_has_no_room_is_not_taken_out_of_the_step(seed):
    """What is set is the step and the lean, whatever was cut off."""
    _, _, draft = drafted(seed, exploration=0.5)
    np.testing.assert_allclose(draft.plan - draft.explored, draft.base, rtol=1e-9)
