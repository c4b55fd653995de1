"""The fit as its users know it: repeatable, saved exactly, honest about its health."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.draws import Health
from adbudget.model.health import check_health
from adbudget.model.sampler import RawSample
from adbudget.model.storage import FORMAT_VERSION
from adbudget.synthetic import WorldSpec, synthesize


def test_same_seed_same_draws(panel, fitted):
    again = ab.fit(panel, seed=5, progress=False)
    assert (again.positions == fitted.positions).all()


def test_another_seed_other_draws(panel, fitted):
    other = ab.fit(panel, seed=6, progress=False)
    assert (other.positions[:2, :100] != fitted.positions[:2, :100]).all()


def test_the_fit_is_healthy(fitted):
    assert fitted.health.ok
    assert fitted.health.rhat_max <= 1.01
    assert fitted.health.ess_bulk_min >= 400
    assert fitted.health.fit_r2.between(0.3, 1.0).all()
    assert fitted.health.prior_share.between(0, 1).all()


def test_a_saved_fit_gives_the_same_decisions_in_another_process(fitted, tmp_path):
    path = tmp_path / "agency.fit"
    fitted.save(path)
    script = (
        "import sys, adbudget as ab; f = ab.Fit.load(sys.argv[1]);"
        "print(f.draws.weights.sum().hex(), f.health.rhat_max.hex(), f.panel.accounts,"
        " ab.optimize(f).plan.spend.sum().hex())"
    )
    command = [sys.executable, "-c", script, str(path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    here = (
        f"{fitted.draws.weights.sum().hex()} {fitted.health.rhat_max.hex()} "
        f"{fitted.panel.accounts} {ab.optimize(fitted).plan.spend.sum().hex()}"
    )
    assert printed.strip() == here


def test_a_loaded_fit_is_the_same_record(fitted, tmp_path):
    fitted.save(tmp_path / "a.fit")
    loaded = ab.Fit.load(tmp_path / "a.fit")
    assert (loaded.draws.weights == fitted.draws.weights).all()
    assert loaded.priors == fitted.priors
    assert loaded.health.problems == fitted.health.problems
    pd.testing.assert_series_equal(loaded.health.prior_share, fitted.health.prior_share)
    assert (loaded.panel.dates == fitted.panel.dates).all()
    assert loaded.panel.notes == fitted.panel.notes
    assert [p.name for p in tmp_path.iterdir()] == ["a.fit"], "no scratch file is left"


def test_what_the_baseline_demand_and_noise_are_comes_back_exactly(fitted, tmp_path):
    fitted.save(tmp_path / "a.fit")
    loaded = ab.Fit.load(tmp_path / "a.fit")
    pairs = [
        (loaded.evidence.design, fitted.evidence.design, ("mix", "retention", "basis_mean")),
        (loaded.evidence.design.movement, fitted.evidence.design.movement, None),
        (loaded.noise, fitted.noise, None),
    ]
    for again, before, names in pairs:
        for name in names or before.__slots__:
            np.testing.assert_array_equal(getattr(again, name), getattr(before, name))
    assert loaded.priors.adstocks == fitted.priors.adstocks
    baseline, before = loaded.evidence.baseline, fitted.evidence.baseline
    assert baseline is not None
    assert baseline.mean == pytest.approx(before.mean, rel=1e-9, abs=1e-12)
    assert baseline.scales == pytest.approx(before.scales, rel=1e-9)
    np.testing.assert_array_equal(loaded.draws.mix, fitted.draws.mix)


def rewritten(path, version):
    """The file as another version would have written it."""
    with np.load(path) as archive:
        arrays = dict(archive)
    text = json.loads(str(arrays.pop("text"))) | {"format_version": version}
    with path.open("wb") as file:
        np.savez_compressed(file, text=np.array(json.dumps(text)), **arrays)


@pytest.mark.parametrize(
    ("step", "words"), [(-1, r"earlier adbudget.*[Ff]it the panel again"), (1, "newer.*Upgrade")]
)
def test_a_file_of_another_version_says_what_to_do(fitted, tmp_path, step, words):
    path = tmp_path / "other.fit"
    fitted.save(path)
    rewritten(path, FORMAT_VERSION + step)
    with pytest.raises(ab.FileFormatError, match=words):
        ab.Fit.load(path)
    rewritten(path, FORMAT_VERSION)
    assert ab.Fit.load(path).seed == fitted.seed


def test_what_was_searched_for_is_in_the_file(fitted, tmp_path, monkeypatch):
    fitted.save(tmp_path / "a.fit")
    monkeypatch.setattr("adbudget.model.storage.find_baseline", None)  # never called
    monkeypatch.setattr("adbudget.model.fit.drift_table", None)
    loaded = ab.Fit.load(tmp_path / "a.fit")
    pd.testing.assert_frame_equal(loaded.drift, fitted.drift)
    assert loaded.evidence.baseline.scales == fitted.evidence.baseline.scales
    for name in ("mean", "precision", "anchor", "noise_sd"):
        one, other = (getattr(fit.evidence.baseline, name) for fit in (loaded, fitted))
        assert (one == other).all()


def test_a_file_without_what_was_searched_for_is_read_too(fitted, tmp_path):
    path = tmp_path / "a.fit"
    fitted.save(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    text = json.loads(str(arrays.pop("text")))
    text = {name: value for name, value in text.items() if not name.startswith("baseline.")}
    kept = {n: v for n, v in arrays.items() if not n.startswith(("baseline.", "drift."))}
    np.savez_compressed(path, text=np.array(json.dumps(text)), **kept)
    loaded = ab.Fit.load(tmp_path / "a.fit.npz")
    np.testing.assert_allclose(
        loaded.evidence.baseline.precision, fitted.evidence.baseline.precision, rtol=1e-6
    )
    np.testing.assert_allclose(loaded.drift["z"], fitted.drift["z"], rtol=1e-6)


def test_a_place_that_cannot_be_written_to_is_named(fitted, tmp_path):
    with pytest.raises(ab.InputError, match="cannot be written"):
        fitted.save(tmp_path / "no" / "such" / "a.fit")


@pytest.mark.parametrize("content", [b"", b"not a fit", b"PK\x03\x04 broken"])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "broken.fit"
    path.write_bytes(content)
    with pytest.raises(ab.FileFormatError, match=r"broken\.fit"):
        ab.Fit.load(path)


def test_an_archive_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, x=np.zeros(3))
    with pytest.raises(ab.FileFormatError, match="not a saved fit"):
        ab.Fit.load(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": 1, "engine": "stan"}, "engine"),
        ({"seed": 1, "draws": 3}, "draws"),
        ({"seed": 1, "chains": 1}, "chains"),
        ({"seed": 1, "cores": 0}, "cores must be None"),  # waits for ever, left to the sampler
        ({"seed": 1, "cores": -1}, "cores must be None"),
        ({"seed": 1, "cores": True}, "cores must be None"),
    ],
)
def test_arguments_out_of_range_are_named(panel, arguments, words):
    with pytest.raises(ab.InputError, match=words):
        ab.fit(panel, **arguments)


def test_a_frame_is_not_a_panel(world):
    with pytest.raises(ab.InputError, match="read_panel"):
        ab.fit(world.spend, seed=1)


def test_idata_is_what_arviz_expects(fitted):
    import arviz as az

    summary = az.summary(fitted.idata, var_names=["channel_return"], kind="diagnostics")
    assert set(fitted.idata.children) >= {"posterior", "sample_stats", "observed_data"}
    assert len(summary) == fitted.panel.n_channels
    assert fitted.idata["posterior"]["roi"].dims == ("chain", "draw", "account", "channel")


def test_replicated_outcomes_cover_the_observed_ones(fitted):
    replicated = fitted.posterior_predictive(seed=0, draws=400).to_numpy()
    seen = np.isfinite(fitted.panel.outcome)
    low, high = np.quantile(replicated[:, seen], [0.05, 0.95], axis=0)
    observed = fitted.panel.outcome[seen]
    assert 0.85 < ((low < observed) & (observed < high)).mean() < 0.99


def test_prior_predictive_shows_what_the_priors_say(panel):
    prior = ab.prior_predictive(panel, seed=0, draws=2000)
    roi = prior["roi"].to_numpy()
    assert np.isfinite(roi).any(axis=(0, 2)).all(), "every account has a prior"
    roi = roi[:, np.isfinite(roi[0])]
    assert 0.8 < np.median(roi) < 1.1, "the median channel returns about roi_median"
    assert 0.02 < (roi == 0).mean() < 0.2, "a true zero can be reached"
    elasticity = prior["elasticity"].to_numpy()
    assert np.nanmin(elasticity) > 0
    assert np.nanmax(elasticity) < 1


def test_longer_adstock_outlives_the_horizon(fitted):
    draws = fitted.draws
    assert draws.retention.tolist() == sorted(draws.retention.tolist())
    assert (draws.carry_in[draws.exists] >= 0).all()


def test_an_unhealthy_fit_says_what_is_wrong():
    from adbudget.model.health import _problems

    sick = _problems(1.2, 50.0, 40.0, 500, 1000)
    assert len(sick) == 3
    assert "r-hat 1.200" in sick[0]
    assert _problems(1.0, 1000.0, 1000.0, 0, 1000) == ()


def test_health_is_ok_without_problems(fitted):
    assert not replace(fitted.health, problems=("x",)).ok
    assert isinstance(fitted.health, Health)


def test_a_loaded_fit_has_the_same_evidence(fitted, tmp_path):
    fitted.save(tmp_path / "a.fit")
    loaded = ab.Fit.load(tmp_path / "a.fit").evidence
    assert (loaded.carry_out == fitted.evidence.carry_out).all()
    assert (loaded.n_rows == fitted.evidence.n_rows).all()
    for again, gram in zip(loaded.gram, fitted.evidence.gram, strict=True):
        assert again == pytest.approx(gram, rel=1e-12, abs=1e-12)


def test_divergences_that_smaller_steps_leave_without_effect_are_a_warning(fitted):
    sample = RawSample(
        positions=fitted.positions.astype(float),
        diverging=np.arange(fitted.positions[..., 0].size).reshape(fitted.positions.shape[:2]) < 90,
        n_steps=fitted.sample_stats["n_steps"],
        energy=fitted.sample_stats["energy"],
    )
    cells = fitted.cell_draws
    given = (sample, cells, fitted.layout, fitted.evidence, fitted.priors)
    alone, same = check_health(*given), check_health(*given, before=cells)
    assert "90 of" in " ".join(alone.problems)
    assert "diverged" not in " ".join(same.problems)
    assert "no return moved by more than 0.00" in " ".join(same.warnings)
    elsewhere = replace(cells, roi=cells.roi * 3)
    assert check_health(*given, before=elsewhere).problems == alone.problems


def test_one_clean_shop_alone_gets_an_answer():
    world = synthesize(WorldSpec(n_accounts=1, n_periods=120, period="daily"), 0)
    health = ab.fit(ab.read_panel(world.spend, world.outcome), seed=0, progress=False).health
    assert health.ok, health.problems
    assert health.divergences < 0.005 * health.n_draws  # with free spreads 1.5% diverged here


@pytest.mark.parametrize("target", [0.5, 1.0, True, "0.9"])
def test_an_acceptance_that_cannot_be_aimed_at_is_refused(panel, target):
    with pytest.raises(ab.InputError, match="target_accept must be a number in"):
        ab.fit(panel, seed=1, target_accept=target)
