"""An update is the fit of all rows: the same sums exactly, the same draws to Monte-Carlo error."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.model.baseline import find_baseline
from adbudget.model.evidence import gather
from adbudget.model.noise import find_noise
from adbudget.model.update import added_evidence, extended_noise, unexpected_rows
from adbudget.panel.following import follow
from adbudget.synthetic import WorldSpec, synthesize

N_NEW = 4


def split(world, n_new=N_NEW):
    """Old and new (spend, outcome) of a world."""
    cut = sorted(world.outcome["date"].unique())[-n_new]
    frames = (world.spend, world.outcome)
    return [f[f["date"] < cut] for f in frames], [f[f["date"] >= cut] for f in frames]


@pytest.fixture(scope="module")
def old_fit(world):
    return ab.fit(ab.read_panel(*split(world)[0]), seed=5, progress=False)


@pytest.fixture(scope="module")
def updated(world, old_fit):
    return old_fit.update(*split(world)[1])


def log_returns(fit):
    return np.log(0.1 + fit.cell_draws.roi).reshape(-1, fit.cell_draws.roi.shape[-1])


def test_the_sums_are_those_of_all_rows(updated, panel):
    design = updated.evidence.design
    whole = gather(panel, design, noise=updated.noise)
    assert (updated.evidence.n_rows == whole.n_rows).all()
    assert updated.evidence.carry_out == pytest.approx(whole.carry_out, rel=1e-12)
    for summed, gram in zip(updated.evidence.gram, whole.gram, strict=True):
        assert summed == pytest.approx(gram, rel=1e-12, abs=1e-12)


def distance_between(one_fit, other_fit) -> float:
    """Root mean square distance of two posterior means, in posterior standard deviations."""
    one, other = log_returns(one_fit), log_returns(other_fit)
    assert one.std(axis=0) == pytest.approx(other.std(axis=0), rel=0.2)
    distance = (one.mean(axis=0) - other.mean(axis=0)) / other.std(axis=0)
    return float(np.sqrt((distance**2).mean()))


def test_the_draws_are_those_of_a_refit_to_monte_carlo_error(updated, panel, monkeypatch):
    """Distances from a refit are no larger than between two refits, effective draws counted."""
    kept = updated.evidence.design
    monkeypatch.setattr("adbudget.model.gathering.make_design", lambda panel, priors: kept)
    refit = ab.fit(panel, seed=8, progress=False)
    n_effective = min(updated.health.ess_bulk_min, refit.health.ess_bulk_min)
    assert distance_between(updated, refit) < 0.05 + np.sqrt(2 / n_effective)


def test_scales_kept_from_the_first_rows_move_the_posterior_little(updated, panel):
    assert distance_between(updated, ab.fit(panel, seed=8, progress=False)) < 0.15


def test_an_updated_fit_is_healthy_and_carried_over(updated):
    assert updated.health.rhat_max <= 1.01
    assert updated.health.ess_bulk_min >= 400
    note = next(note for note in updated.panel.notes if note.kind == "updated")
    assert "carried over in 1 stage(s)" in note.message


def test_the_same_update_gives_the_same_draws(world, old_fit, updated):
    again = old_fit.update(*split(world)[1])
    assert (again.positions == updated.positions).all()
    other = old_fit.update(*split(world)[1], seed=99)
    assert (other.positions != updated.positions).any()


def test_an_updated_fit_is_saved_exactly(updated, tmp_path):
    updated.save(tmp_path / "u.fit")
    loaded = ab.Fit.load(tmp_path / "u.fit")
    assert (loaded.draws.weights == updated.draws.weights).all()
    assert (loaded.panel.dates == updated.panel.dates).all()
    for again, gram in zip(loaded.evidence.gram, updated.evidence.gram, strict=True):
        assert again == pytest.approx(gram, rel=1e-12, abs=1e-12)


def test_an_updated_fit_goes_down_the_whole_road(updated):
    decisions = ab.decide(ab.optimize(updated), health=updated.health)
    assert len(decisions.calls) == len(updated.panel.cells)


def test_new_rows_far_from_what_was_known_are_sampled_anew(world, old_fit):
    spend, outcome = split(world)[1]
    wild = outcome.assign(revenue=outcome["revenue"] * np.geomspace(0.2, 8, len(outcome)))
    anew = old_fit.update(spend, wild)
    note = next(note for note in anew.panel.notes if note.kind == "updated")
    assert "sampled anew" in note.message
    assert anew.health.ok


def test_new_rows_nothing_like_the_old_are_said_before_they_count(world, old_fit):
    """A hundred times the outcome is another unit; ordinary rows are said nothing of."""
    spend, outcome = split(world)[1]
    account = old_fit.panel.accounts[1]
    wrong = outcome["account"] == account
    cents = outcome.assign(revenue=outcome["revenue"].where(~wrong, outcome["revenue"] * 100))
    longer = follow(old_fit.panel, spend, cents)
    (note,) = unexpected_rows(old_fit, longer)
    assert (note.kind, note.account) == ("unexpected_outcome", account)
    assert f"{wrong.sum()} of {wrong.sum()} new outcome(s) are nothing like" in note.message
    assert unexpected_rows(old_fit, follow(old_fit.panel, spend, outcome)) == []
    updated = old_fit.update(spend, cents)
    assert note.message in updated.health.warnings
    assert note in updated.panel.notes


def test_a_row_of_an_outlier_counts_for_next_to_nothing():
    world = synthesize(WorldSpec(n_accounts=3, n_channels=2, noise=0.05, outlier_share=0.05), 3)
    (spend, outcome), (new_spend, new_outcome) = split(world)
    panel = ab.read_panel(spend, outcome)
    fitted = ab.fit(panel, seed=1, draws=200, tune=300, progress=False)
    assert np.isfinite(fitted.noise.tail_df), "the old rows show heavy tails"
    spiked = new_outcome.copy()
    first = spiked["date"] == spiked["date"].min()
    spiked.loc[first, "revenue"] *= 5
    longer = fitted.update(new_spend, spiked, seed=2)
    assert (longer.noise.weights[:, panel.n_periods] < 0.05).all()
    assert (longer.noise.weights[:, : panel.n_periods] == fitted.noise.weights).all()


def test_forgetting_discounts_old_sums_by_the_time_that_has_passed(world, old_fit, panel):
    forgetful = replace(
        old_fit,
        forgetting=56.0,
        evidence=gather(
            old_fit.panel, old_fit.evidence.design, noise=old_fit.noise, half_life_days=56.0
        ),
    )
    noise = extended_noise(forgetful, panel)
    added = added_evidence(forgetful, panel, noise)
    whole = gather(panel, old_fit.evidence.design, noise=noise, half_life_days=56.0)
    assert added.n_rows == pytest.approx(whole.n_rows)
    for summed, gram in zip(added.gram, whole.gram, strict=True):
        assert summed == pytest.approx(gram, rel=1e-10, abs=1e-10)


def test_weights_of_rows_have_mean_one(panel, design, priors):
    spiked = replace(panel, outcome=panel.outcome * np.where(np.arange(panel.n_periods) % 9, 1, 3))
    weights = find_noise(
        spiked, design, find_baseline(gather(spiked, design), priors), priors
    ).weights
    for a in range(panel.n_accounts):
        assert weights[a, np.isfinite(panel.outcome[a])].mean() == pytest.approx(1)


def test_old_rows_are_refused(world, old_fit):
    with pytest.raises(ab.InputError, match="overlap"):
        old_fit.update(world.spend, world.outcome)


def test_a_seed_has_to_be_a_number(world, old_fit):
    with pytest.raises(ab.InputError, match="seed"):
        old_fit.update(*split(world)[1], seed="now")


def test_a_lift_test_that_has_ended_since_is_added(world, old_fit):
    spend, outcome = split(world)[1]
    dates = pd.DatetimeIndex(sorted(outcome["date"].unique()))
    account, channel = old_fit.panel.cells[0]
    level = float(old_fit.current_spend.iloc[0])
    test = pd.DataFrame(
        {
            "account": [account],
            "channel": [channel],
            "start": [dates[0]],
            "end": [dates[-1] + pd.Timedelta(days=6)],
            "spend_before": [level],
            "spend_after": [0.5 * level],
            "lift_total": [0.0],
            "standard_error": [0.01 * level],
        }
    )
    told = old_fit.update(spend, outcome, lift_tests=test)
    assert told.evidence.tests is not None
    assert told.cell_draws.roi[..., 0].mean() < 0.3 * old_fit.cell_draws.roi[..., 0].mean()


def test_restated_rows_give_the_sums_and_the_draws_of_the_rows_as_they_are_now(world, old_fit):
    """The last two weeks were half of what they are now; then the table is given as it is now."""
    (spend, outcome), _ = split(world, 1)
    dates = sorted(outcome["date"].unique())
    halved = outcome["revenue"].where(~outcome["date"].isin(dates[-2:]), outcome["revenue"] / 2)
    first = ab.fit(ab.read_panel(spend, outcome.assign(revenue=halved)), seed=5, progress=False)
    now = first.update(world.spend, world.outcome, restated="replace")
    whole = gather(ab.read_panel(world.spend, world.outcome), now.evidence.design, noise=now.noise)
    for summed, gram in zip(now.evidence.gram, whole.gram, strict=True):
        assert summed == pytest.approx(gram, rel=1e-12, abs=1e-12)
    assert {note.kind for note in now.panel.notes} >= {"restated", "updated"}
    refit = ab.fit(ab.read_panel(world.spend, world.outcome), seed=8, progress=False)
    assert distance_between(now, refit) < 0.3
