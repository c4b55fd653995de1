"""The grid of memory curves: plain decays and delayed ones, made of the same few adstocks."""

import numpy as np
import pytest

import adbudget as ab
from adbudget.curves import memory
from adbudget.model.design import carried_spend, first_state, memory_grid

PERIODS = (1.0, 7.0, 365.25 / 12)


@pytest.mark.parametrize("period_days", PERIODS)
def test_every_memory_is_a_mix_of_adstocks_that_adds_up_to_one(period_days):
    priors = ab.Priors()
    retention, mix = memory_grid(priors, period_days)
    assert mix.shape == (len(priors.memories), retention.size)
    np.testing.assert_allclose(mix.sum(axis=1), 1)
    used = [np.count_nonzero(row) for row in mix]
    assert used == [len(parts) for parts in priors.memories]


def test_memories_are_named_and_sorted_from_short_to_long():
    priors = ab.Priors(half_life_days=(0.0, 7.0, 21.0), delayed_half_lives=((3.0, 9.0),))
    assert priors.memories == ((0.0,), (7.0,), (3.0, 9.0), (21.0,))
    assert priors.memory_names == ("0", "7", "3+9", "21")
    retention, mix = memory_grid(priors, 7.0)
    assert retention == pytest.approx([0.0, 0.5 ** (7 / 3), 0.5, 0.5 ** (7 / 9), 0.5 ** (1 / 3)])
    assert mix[0].tolist() == [1, 0, 0, 0, 0]
    assert mix[2, [0, 2, 4]].tolist() == [0, 0, 0]


def test_without_delayed_memories_every_adstock_is_one():
    retention, mix = memory_grid(ab.Priors(delayed_half_lives=()), 7.0)
    np.testing.assert_array_equal(mix, np.eye(retention.size))


@pytest.mark.parametrize("period_days", PERIODS)
def test_longer_memories_keep_more_of_a_pulse(period_days):
    retention, mix = memory_grid(ab.Priors(), period_days)
    days = np.arange(1, 200 / period_days)
    left = mix @ retention[:, None] ** days
    assert (np.diff(left.sum(axis=1)) > 0).all()
    assert (left >= -1e-12).all()
    assert (np.diff(left, axis=1) <= 1e-12).all(), "what is left only fades"


def test_memories_of_a_real_panel_are_never_negative(panel, design):
    stock = carried_spend(panel, design, first_state(panel, design))
    curves = memory(stock, design.mix)
    assert (curves >= 0).all()
    assert curves[design.exists].max() > 1


@pytest.mark.parametrize(
    "pairs", [((7.0, 7.0),), ((14.0, 7.0),), ((0.0, 7.0),), ((7.0, float("inf")),), ((7.0,),)]
)
def test_a_pair_that_is_no_delay_is_refused(pairs):
    with pytest.raises(
        ab.InputError, match=r"delayed_half_lives must be pairs \(shorter, longer\)"
    ):
        ab.Priors(delayed_half_lives=pairs)
