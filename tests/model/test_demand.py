"""Common movement of an account's spend: found where it is, on the same scale ever after."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import adbudget as ab
from adbudget.model.calendar import calendar_columns
from adbudget.model.demand import EXTREME, USUAL_VARIANCE, demand_column
from adbudget.model.reference import make_design

N_ACCOUNTS, N_PERIODS = 10, 104
CHANNELS = ("search", "shopping", "social", "video")
LOADING = np.array([1.4, 1.2, 0.8, 0.6])
COMMON_SD, OWN_SD = 0.2, 0.3


def wander(shape, rng, keep=0.8):
    """Movement of sd one that lasts for some weeks."""
    steps = rng.normal(size=shape)
    path = np.empty(shape)
    path[..., 0] = steps[..., 0]
    for t in range(1, shape[-1]):
        path[..., t] = keep * path[..., t - 1] + np.sqrt(1 - keep**2) * steps[..., t]
    return path


def panel_of(log_spend):
    """Panel of (account, channel, period) spend; -inf is a pause. Outcomes play no part."""
    names = CHANNELS[: log_spend.shape[1]]
    dates = pd.date_range("2023-01-02", periods=log_spend.shape[2], freq="W-MON")
    frames = []
    for a, paths in enumerate(log_spend):
        frame = pd.DataFrame({"account": f"a{a:02d}", "date": dates})
        frame["revenue"] = 1e4 + np.arange(dates.size)
        for name, path in zip(names, paths, strict=True):
            frame[name] = 1e3 * np.exp(path)
        frames.append(frame)
    return ab.read_panel(pd.concat(frames), channels=list(names))


def moving(common_sd=COMMON_SD, own_sd=OWN_SD, seed=0, shape=(N_ACCOUNTS, 4, N_PERIODS)):
    """(account, channel, period) log spend, and the (account, period) movement they share."""
    rng = np.random.default_rng(seed)
    common = common_sd * wander((shape[0], shape[2]), rng)
    own = own_sd * wander(shape, rng)
    return LOADING[: shape[1], None] * common[:, None] + own, common


def columns_of(panel, design=None):
    design = make_design(panel, ab.Priors()) if design is None else design
    return np.array([demand_column(panel, design, a) for a in range(panel.n_accounts)])


def movement_of(panel):
    movement = make_design(panel, ab.Priors()).movement
    assert movement is not None
    return movement


# What is there is found ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_column_is_the_known_common_movement_shrunk(seed):
    log_spend, common = moving(seed=seed)
    columns = columns_of(panel_of(log_spend))
    correlation = [np.corrcoef(columns[a], common[a])[0, 1] for a in range(N_ACCOUNTS)]
    assert np.mean(correlation) > 0.7
    assert min(correlation) > 0.5
    assert 0.1 < columns.var() / common.var() < 1


@pytest.mark.parametrize("common_sd", [0.1, 0.2])
def test_its_size_and_loadings_are_found_the_better_the_more_accounts_there_are(common_sd):
    few, many = (
        movement_of(panel_of(moving(common_sd, seed=1, shape=(n_accounts, 4, N_PERIODS))[0]))
        for n_accounts in (5, 80)
    )
    assert few.variance < many.variance < 1.2 * common_sd**2, "little evidence is doubted"
    assert many.variance == pytest.approx(common_sd**2, rel=0.35)
    missed = [np.abs(movement.loading - LOADING).mean() for movement in (few, many)]
    assert missed[1] < missed[0]
    assert many.loading == pytest.approx(LOADING, abs=0.25)


@pytest.mark.parametrize("seed", range(4))
def test_channels_that_move_alone_share_next_to_nothing(seed):
    panel = panel_of(moving(common_sd=0.0, seed=seed)[0])
    assert movement_of(panel).variance < USUAL_VARIANCE
    assert columns_of(panel).std() < 0.03, "of log spend that moves by .3"


def test_channels_that_move_against_each_other_share_nothing():
    log_spend = moving(common_sd=0.0, seed=1)[0]
    log_spend[:, 1] = -log_spend[:, 0]
    log_spend[:, 3] = -log_spend[:, 2]
    panel = panel_of(log_spend)
    assert movement_of(panel).variance < USUAL_VARIANCE / 2


def test_what_the_calendar_does_to_all_channels_is_not_demand():
    log_spend = moving(common_sd=0.0, seed=2)[0]
    panel = panel_of(log_spend)
    wave = calendar_columns(panel, make_design(panel, ab.Priors()), 0)[:, 0]
    seasonal = panel_of(log_spend + 0.5 * wave)
    assert movement_of(seasonal).variance < USUAL_VARIANCE
    correlation = np.corrcoef(columns_of(seasonal).mean(axis=0), wave)[0, 1]
    assert abs(correlation) < 0.3


def test_a_channel_that_goes_its_own_way_tells_less_than_one_that_follows():
    log_spend, _ = moving(seed=3)
    log_spend[:, 3] = 1.0 * wander((N_ACCOUNTS, N_PERIODS), np.random.default_rng(9))
    movement = movement_of(panel_of(log_spend))
    assert movement.information[:, 3].max() < movement.information[:, :3].min()
    assert movement.loading[3] < movement.loading[:3].min()


# Little is told by little -------------------------------------------------------------------


def test_one_channel_has_nobody_to_move_with():
    panel = panel_of(moving(shape=(3, 1, N_PERIODS))[0])
    assert movement_of(panel).variance == 0
    assert (columns_of(panel) == 0).all()


def test_spend_that_never_moves_shows_nothing():
    panel = panel_of(np.zeros((3, 3, N_PERIODS)))
    assert movement_of(panel).variance == 0
    assert (columns_of(panel) == 0).all()


@pytest.mark.parametrize("n_periods", [9, 30, N_PERIODS])
@pytest.mark.parametrize("seed", range(3))
def test_one_pair_of_channels_in_one_account_stays_within_its_own_movement(seed, n_periods):
    log_spend, _ = moving(seed=seed, shape=(1, 2, n_periods))
    panel = panel_of(log_spend)
    movement = movement_of(panel)
    moved = log_spend[0] - log_spend[0].mean(axis=1, keepdims=True)
    assert 0 <= movement.variance <= USUAL_VARIANCE + moved.var(axis=1).max()
    assert np.abs(columns_of(panel)).max() <= np.abs(moved).max() + 0.1


def test_fewer_than_eight_periods_of_spend_tell_nothing_of_a_cell():
    log_spend, _ = moving(shape=(4, 3, 40))
    log_spend[0, 2, 7:] = -np.inf
    movement = movement_of(panel_of(log_spend))
    assert movement.information[0, 2] == 0
    assert (movement.information[1:] > 0).all()


# Pauses and campaigns -----------------------------------------------------------------------


def test_a_pause_tells_nothing_and_the_other_channels_speak():
    log_spend, common = moving(seed=5)
    log_spend[:, 0, 40:60] = -np.inf
    log_spend[0, :, 70:75] = -np.inf
    panel = panel_of(log_spend)
    columns = columns_of(panel)
    assert np.isfinite(columns).all()
    assert (columns[0, 70:75] == 0).all(), "nothing was spent, so nothing can be seen"
    during = [np.corrcoef(columns[a, 40:60], common[a, 40:60])[0, 1] for a in range(N_ACCOUNTS)]
    assert np.mean(during) > 0.5


def test_a_campaign_of_one_channel_is_not_taken_for_demand():
    log_spend, _ = moving(seed=6)
    panel = panel_of(log_spend)
    design = make_design(panel, ab.Priors())
    usual = columns_of(panel, design)
    wild = np.array(panel.spend)
    wild[0, 0, 50] *= 1e6
    movement = design.movement
    assert movement is not None
    column = columns_of(replace(panel, spend=wild), design)
    own = np.sqrt(1 / movement.information[0, 0] + movement.variance * movement.loading[0] ** 2)
    assert column[0, 50] - usual[0, 50] < 2 * EXTREME * own
    assert np.delete(column[0], 50) == pytest.approx(np.delete(usual[0], 50))


# On the same scale ever after ---------------------------------------------------------------


@pytest.mark.parametrize("n_old", [60, 90, 103])
def test_later_rows_leave_old_rows_as_they_were(n_old):
    log_spend, _ = moving(seed=7)
    design = make_design(panel_of(log_spend[..., :n_old]), ab.Priors())
    old = columns_of(panel_of(log_spend[..., :n_old]), design)
    longer = columns_of(panel_of(log_spend), design)
    assert longer[:, :n_old] == pytest.approx(old, rel=1e-12, abs=1e-15)
    assert (longer[:, n_old:] != 0).all()


def test_an_updated_fit_counts_demand_as_the_first_fit_did(world):
    cut = sorted(world.outcome["date"].unique())[-3]
    first = ab.read_panel(*(f[f["date"] < cut] for f in (world.spend, world.outcome)))
    short = ab.fit(first, seed=1, draws=100, tune=100, progress=False)
    longer = short.update(*(f[f["date"] >= cut] for f in (world.spend, world.outcome)))
    assert longer.evidence.design.movement is short.evidence.design.movement
    design = short.evidence.design
    for a in range(first.n_accounts):
        assert demand_column(longer.panel, design, a)[: first.n_periods] == pytest.approx(
            demand_column(first, design, a)
        )


@settings(max_examples=15)
@given(
    st.lists(st.floats(-7, 7), min_size=3, max_size=3), st.integers(0, 100), st.permutations([0, 1])
)
def test_units_and_order_of_accounts_do_not_matter(shifts, seed, order):
    log_spend, _ = moving(seed=seed, shape=(2, 3, 30))
    column = columns_of(panel_of(log_spend))
    shifted = log_spend + np.array(shifts)[:, None]
    assert columns_of(panel_of(shifted[order])) == pytest.approx(column[order], abs=1e-9)
