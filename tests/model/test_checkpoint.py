"""A fit that is stopped goes on from its finished chains, and gives the draws it would have."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from adbudget import InputError
from adbudget.errors import FileFormatError
from adbudget.model import checkpoint as kept_chains, sampler
from adbudget.model.checkpoint import open_checkpoint
from adbudget.model.fit import fit

SHORT = sampler.SamplerSettings(draws=60, tune=60, chains=3, cores=1)


class StoppedError(Exception):
    """As a process that is killed would be."""


@pytest.fixture(scope="module")
def whole(likelihood, priors, layout):
    return sampler.sample_compiled(likelihood, priors, layout, 3, SHORT)


def same(one, other) -> bool:
    names = sampler.RawSample.__slots__
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.fixture
def run(tmp_path, likelihood, priors):
    return open_checkpoint(tmp_path / "steps", likelihood, priors, "compiled").run(1, 3, SHORT)


@pytest.mark.parametrize("left", [{0}, {1}, {2}, {0, 2}, set(range(3))])
def test_chains_that_were_not_finished_are_drawn_as_if_nothing_had_happened(
    run, whole, likelihood, priors, layout, left
):
    for chain in set(range(3)) - left:
        run.keep(chain, whole)
    again = sampler.sample_compiled(likelihood, priors, layout, 3, SHORT, run)
    assert same(again, whole)
    assert set(run.known(3)) == {0, 1, 2}, "and the others are kept as well"


def test_a_known_chain_is_not_drawn_again(run, whole, likelihood, priors, layout):
    marked = replace(whole, positions=whole.positions + 1.0)
    run.keep(1, marked)
    again = sampler.sample_compiled(likelihood, priors, layout, 3, SHORT, run)
    assert np.array_equal(again.positions[1], marked.positions[1])
    assert np.array_equal(again.positions[[0, 2]], whole.positions[[0, 2]])


def test_the_slow_path_of_the_sampler_goes_on_as_well(
    run, whole, likelihood, priors, layout, monkeypatch
):
    def changed(*arguments):
        raise TypeError("a record of another version")

    monkeypatch.setattr(sampler, "compiled_model", changed)
    monkeypatch.setattr(sampler, "warn_of_slow_path", lambda cause: None)
    run.keep(0, whole)
    again = sampler.sample_compiled(likelihood, priors, layout, 3, SHORT, run)
    np.testing.assert_allclose(again.positions[:, :5], whole.positions[:, :5], rtol=1e-6)


def test_chains_that_go_on_elsewhere_than_they_were_are_drawn_as_if_nothing_had_happened(
    run, whole, likelihood, priors, layout
):
    onward = whole.positions
    rest = sampler.sample_compiled(likelihood, priors, layout, 4, SHORT, onward=onward)
    run.keep(2, rest)
    again = sampler.sample_compiled(likelihood, priors, layout, 4, SHORT, run, onward)
    assert same(again, rest)


def test_a_chain_is_kept_while_others_still_run(
    run, whole, likelihood, priors, layout, monkeypatch
):
    long = replace(SHORT, draws=4000)
    own = replace(run, of="of longer chains")

    def killed(running, chains, kept, step=sampler._keep_ended):
        step(running, chains, kept)
        if kept.known(3):
            raise StoppedError

    monkeypatch.setattr(sampler, "_keep_ended", killed)
    with pytest.raises(StoppedError):
        sampler.sample_compiled(likelihood, priors, layout, 3, long, own)
    known = own.known(3)
    assert 0 in known
    assert len(known) < 3
    assert known[0].positions.shape == (1, 4000, layout.size)
    assert np.isfinite(known[0].positions).all()


def test_a_fit_that_was_stopped_after_its_first_run_gives_the_same_draws(
    panel, tmp_path, monkeypatch
):
    how = {"seed": 5, "draws": 100, "tune": 100, "chains": 2, "progress": False}
    whole, steps = fit(panel, **how), tmp_path / "steps"

    def full(self):
        raise StoppedError

    with monkeypatch.context() as patched:
        patched.setattr(kept_chains.Checkpoint, "clear", full)  # the last thing a fit does
        with pytest.raises(StoppedError):
            fit(panel, **how, checkpoint=steps)
    ended = sorted(path.name for path in steps.iterdir())
    assert len(ended) == 6, "two of every run"
    assert whole.positions.shape[0] == 4, "those of the first were warm-up"
    (steps / ended[-1]).unlink()
    again = fit(panel, **how, checkpoint=steps)
    assert np.array_equal(again.positions, whole.positions)
    assert again.health.rhat_max == whole.health.rhat_max
    assert not steps.exists(), "what is not needed any more is removed"


def test_chains_of_another_fit_are_refused(run, whole, likelihood, priors, layout):
    run.keep(0, whole)
    other = open_checkpoint(run.folder, likelihood, replace(priors, roi_median=2.0), "compiled")
    for stranger in (other.run(1, 3, SHORT), replace(run, of="of another seed")):
        with pytest.raises(InputError, match="other data, priors, seed"):
            stranger.known(3)


def test_a_chain_that_cannot_be_written_is_said(run, likelihood, priors, layout):
    gone = replace(run, folder=run.folder / "gone")
    with pytest.raises(InputError, match=r"run-1-chain-\d.chain cannot be written"):
        sampler.sample_compiled(likelihood, priors, layout, 3, SHORT, gone)


def test_a_damaged_chain_is_named(run, whole):
    run.keep(0, whole)
    run.path(0).write_bytes(run.path(0).read_bytes()[:100])
    with pytest.raises(FileFormatError, match="run-1-chain-0"):
        run.known(3)


def test_a_folder_of_other_files_is_refused(tmp_path, likelihood, priors):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(InputError, match=r"holds other files, first 'holiday.jpg'"):
        open_checkpoint(tmp_path, likelihood, priors, "compiled")
    with pytest.raises(InputError, match="cannot be made"):
        open_checkpoint(tmp_path / "holiday.jpg", likelihood, priors, "compiled")


def test_a_write_that_was_killed_is_no_other_file(run, likelihood, priors):
    (run.folder / ".run-1-chain-0.chain.x7").touch()
    open_checkpoint(run.folder, likelihood, priors, "compiled").clear()
    shutil.rmtree(run.folder)
