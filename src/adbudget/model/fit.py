"""Panel -> Fit: gather evidence, sample, check, keep. The door to everything in this folder."""

from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws, Health
from adbudget.errors import InputError
from adbudget.model.design import make_design
from adbudget.model.evidence import Evidence, gather
from adbudget.model.factor import Likelihood, make_likelihood
from adbudget.model.layout import Layout
from adbudget.model.noise import RowNoise, find_noise
from adbudget.model.priors import Priors
from adbudget.model.transform import CellDraws, cell_draws
from adbudget.panel import Panel

if TYPE_CHECKING:
    import xarray as xr

    from adbudget.model.sampler import RawSample, SamplerSettings

MAX_KEPT_NUMBERS = 10_000_000  # draws are thinned so that a file stays under 40 MB
MAX_KEPT_DRAWS = 4000
MAX_RUNS = 3


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model: the panel it saw, what it believed, and its posterior draws.

    Attributes
    ----------
    panel : the data
    priors : the beliefs
    evidence : the data as sums
    positions : (chain, draw, size) kept draws, single precision, so that a saved fit is exact
    sample_stats : name -> (chain, draw)
    health : whether the posterior can be trusted
    noise : outliers and serial correlation found in the data
    seed : the seed of the sampler
    engine : "compiled" or "pymc"
    versions : library -> version that made the fit
    """

    panel: Panel
    priors: Priors
    evidence: Evidence
    positions: np.ndarray
    sample_stats: dict[str, np.ndarray]
    health: Health
    noise: RowNoise
    seed: int
    engine: str
    versions: dict[str, str]

    @property
    def layout(self) -> Layout:
        """Order of the flat positions."""
        exists = self.evidence.design.exists
        return Layout(exists.shape[1], exists.shape[0], int(exists.sum()))

    @property
    def current_spend(self) -> pd.Series:
        """Mean spend per period of the last 28 days of each account, by (account, channel)."""
        return self.panel.current_spend()

    @cached_property
    def cell_draws(self) -> CellDraws:
        """(chain, draw, cell) returns and shapes."""
        account, channel = np.argwhere(self.evidence.design.exists).T
        positions = self.positions.astype(float)
        return cell_draws(positions, self.layout, self.priors, account, channel)

    @cached_property
    def draws(self) -> CurveDraws:
        """The response curves, chains joined."""
        from adbudget.model.curves_of import curve_draws

        return curve_draws(self.cell_draws, self.evidence, self.panel)

    @cached_property
    def idata(self) -> "xr.DataTree":
        """ArviZ-compatible DataTree: posterior, sample_stats, observed_data."""
        from adbudget.model.idata import to_datatree

        return to_datatree(self)

    def posterior_predictive(self, *, seed: int, draws: int = 200) -> "xr.DataArray":
        """Replicated outcomes (draw, account, period), outcome units; see ``predict.replicate``."""
        from adbudget.model.predict import replicate

        return replicate(self, seed=seed, n_draws=draws)

    def save(self, path: str | Path) -> None:
        """Write the fit to one file; ``Fit.load`` gives back exactly the same draws."""
        from adbudget.model.storage import save

        save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> "Fit":
        """Read a fit that :meth:`save` wrote.

        Raises
        ------
        FileFormatError : not such a file, damaged, or written by a newer version
        """
        from adbudget.model.storage import load

        return load(Path(path))


def fit(
    panel: Panel,
    priors: Priors | None = None,
    *,
    seed: int,
    engine: Literal["compiled", "pymc"] = "compiled",
    draws: int = 1000,
    tune: int = 500,
    chains: int = 4,
    cores: int | None = None,
    progress: bool | None = None,
) -> Fit:
    """Learn the response curves of a panel.

    When r-hat stays above 1.01 or an effective sample size below 400, as many chains again are
    added, at most twice; what is reached in the end stands in ``health``.

    Parameters
    ----------
    panel : from :func:`adbudget.read_panel`
    priors : what is believed before the data; ``Priors()`` when None
    seed : same seed and panel, same draws
    engine : "compiled" (default), or "pymc" for PyMC's own sampler on the readable definition
    draws, tune : kept and tuning draws per chain
    chains : number of chains, at least 2
    cores : chains that run at once; all cores when None
    progress : show the sampler's progress bar; None shows it on a terminal and in Jupyter only

    Returns
    -------
    Fit

    Raises
    ------
    InputError : an argument is out of range
    FitError : the sampler could not run
    """
    from threadpoolctl import threadpool_limits

    from adbudget.model.sampler import SamplerSettings

    _check_arguments(panel, seed, engine, draws, tune, chains)
    priors = priors or Priors()
    # Many small matrices: threads would only wait for each other, badly so on a busy machine.
    with threadpool_limits(limits=1, user_api="blas"):
        design = make_design(panel, priors)
        noise = find_noise(panel, design, priors)
        evidence = gather(panel, design, noise=noise)
        likelihood = make_likelihood(evidence, priors)
    settings = SamplerSettings(
        draws=draws,
        tune=tune,
        chains=chains,
        cores=cores,
        progress=_wants_progress() if progress is None else progress,
    )
    sample, health = _sample_until_healthy(evidence, likelihood, priors, seed, engine, settings)
    kept = _thinned(sample)
    return Fit(
        panel=panel,
        priors=priors,
        evidence=evidence,
        positions=kept.positions.astype(np.float32),
        sample_stats={
            "diverging": kept.diverging,
            "n_steps": kept.n_steps,
            "energy": kept.energy,
        },
        health=health,
        noise=noise,
        seed=seed,
        engine=engine,
        versions={name: version(name) for name in ("adbudget", "nutpie", "numpy", "pymc")},
    )


def _sample_until_healthy(
    evidence: Evidence,
    likelihood: Likelihood,
    priors: Priors,
    seed: int,
    engine: str,
    settings: "SamplerSettings",
) -> "tuple[RawSample, Health]":
    """Sample; add as many chains again while the targets are missed."""
    from adbudget.model.health import check_health, reached_target
    from adbudget.model.sampler import join_chains

    exists = evidence.design.exists
    layout = Layout(exists.shape[1], exists.shape[0], int(exists.sum()))
    account, channel = np.argwhere(exists).T
    runs: list[RawSample] = []
    # Each run has a seed of its own, all of them fixed by the caller's.
    seeds = np.random.SeedSequence(seed).generate_state(MAX_RUNS)
    while True:
        run_seed = seeds[len(runs)]
        runs.append(_sample(evidence, likelihood, priors, layout, int(run_seed), engine, settings))
        sample = join_chains(runs)
        cells = cell_draws(sample.positions, layout, priors, account, channel)
        health = check_health(sample, cells, layout, evidence, priors)
        if reached_target(health) or len(runs) == MAX_RUNS:
            return sample, health


def _sample(evidence, likelihood, priors, layout, seed, engine, settings) -> "RawSample":
    from adbudget.model.sampler import sample_compiled, sample_pymc

    if engine == "compiled":
        return sample_compiled(likelihood, priors, layout, seed, settings)
    from adbudget.model.definition import build

    return sample_pymc(build(evidence, priors, likelihood), layout, seed, settings)


def _thinned(sample: "RawSample") -> "RawSample":
    """Every k-th draw, k as small as the size of a saved fit allows."""
    chains, draws, size = sample.positions.shape
    allowed = min(MAX_KEPT_DRAWS, MAX_KEPT_NUMBERS // size)
    step = int(np.ceil(chains * draws / max(allowed, 1)))
    return replace(
        sample,
        positions=sample.positions[:, ::step],
        diverging=sample.diverging[:, ::step],
        n_steps=sample.n_steps[:, ::step],
        energy=sample.energy[:, ::step],
    )


def _check_arguments(panel, seed, engine, draws, tune, chains) -> None:
    if not isinstance(panel, Panel):
        raise InputError(
            f"fit needs a Panel; got {type(panel).__name__}. Make one with read_panel(frame)."
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be an integer >= 0; got {seed!r}.")
    if engine not in {"compiled", "pymc"}:
        raise InputError(f'engine must be "compiled" or "pymc"; got {engine!r}.')
    for name, value, least in (("draws", draws, 100), ("tune", tune, 100), ("chains", chains, 2)):
        if not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"{name} must be an integer >= {least}; got {value!r}.")


def _wants_progress() -> bool:
    """A person is watching: a terminal on standard error, or a notebook."""
    import sys

    in_notebook = "ipykernel" in sys.modules
    return in_notebook or (sys.stderr is not None and sys.stderr.isatty())
