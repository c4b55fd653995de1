"""Density + seed -> positions: the compiled engine in nutpie, the readable one in PyMC.

The only file that knows how either sampler is called.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol

import numpy as np

from adbudget.display.stages import reached, stage
from adbudget.errors import AdbudgetError, FitError
from adbudget.model.coordinates import Coordinates
from adbudget.model.factor import Likelihood
from adbudget.model.layout import POPULATION, Layout
from adbudget.model.level import level_centre
from adbudget.model.options import check_cores
from adbudget.model.priors import Priors
from adbudget.model.skipping import (
    chain_seeds,
    compiled_model,
    is_far,
    plain,
    skipping_callback,
    skipping_start,
)

TICK = 0.25  # seconds between two looks at how far the chains are
ONWARD, LEAST_TUNE = 0.3, 100  # share of the tuning that chains need which go on; draws at least
START_WIDTH = 0.5  # chains start uniformly within this distance of the prior's centre


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerSettings:
    """How to sample: tuning and kept draws per chain, chains, cores, target acceptance.

    ``cores`` is None for all of them.
    """

    draws: int = 1000
    tune: int = 500
    chains: int = 4
    cores: int | None = None
    target_accept: float = 0.9

    def __post_init__(self) -> None:
        check_cores(self.cores)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawSample:
    """What a sampler returns.

    Attributes
    ----------
    positions : (chain, draw, size)
    diverging : (chain, draw) bool
    n_steps : (chain, draw) gradient evaluations
    energy : (chain, draw)
    """

    positions: np.ndarray
    diverging: np.ndarray
    n_steps: np.ndarray
    energy: np.ndarray


class KeptChains(Protocol):
    """Chains of one run that are finished: those of an earlier start, and those that end."""

    def has(self, chain: int) -> bool:
        """Whether a chain is kept."""
        ...

    def known(self, n_chains: int) -> dict[int, RawSample]:
        """Chain -> its draws, of those that are kept."""
        ...

    def keep(self, chain: int, sample: RawSample) -> None:
        """Keep one chain of a sample."""
        ...


def join_chains(runs: list[RawSample]) -> RawSample:
    """Chains of several runs side by side."""
    names = ("positions", "diverging", "n_steps", "energy")
    joined = {name: np.concatenate([getattr(run, name) for run in runs]) for name in names}
    return RawSample(**joined)


def sample_compiled(
    likelihood: Likelihood,
    priors: Priors,
    layout: Layout,
    seed: int,
    settings: SamplerSettings,
    kept: KeptChains | None = None,
    onward: np.ndarray | None = None,
) -> RawSample:
    """Sample the compiled density with nutpie's NUTS.

    ``kept`` holds chains that are finished already, and keeps every other one as it ends.
    ``onward``, (chain, draw, size) positions of as many chains, is where they go on from.

    Raises
    ------
    FitError : the sampler could not start or was interrupted by its own error
    """
    with stage("compiling"):
        import nutpie

        from adbudget.model.block import pack

        known = {} if kept is None else kept.known(settings.chains)
        turned = _coordinates(priors, layout, onward)
        walk = partial(_nutpie_model, pack(likelihood, priors), layout, turned)
        seeds: list[int] = []
        if known or onward is not None:
            seeds = chain_seeds(partial(walk, skips=True), layout.size, settings.chains, seed)
        start = _start_at(layout, priors) if onward is None else _going_on(onward, seeds)
        if turned is not None:
            start = turned.around(start)
        if known:
            start = skipping_start(start, [seeds[chain] for chain in known])
        model = walk(start, skips=bool(known))
    tune = settings.tune if onward is None else max(LEAST_TUNE, int(ONWARD * settings.tune))
    progress = _Progress()
    try:
        with stage("sampling"):
            running = nutpie.sample(
                model,
                draws=settings.draws,
                tune=tune,
                chains=settings.chains,
                cores=settings.cores,
                seed=seed,
                target_accept=settings.target_accept,
                progress_bar=False,
                progress_callback=progress.take,
                save_warmup=False,
                blocking=False,
            )
            trace = _finished(running, progress, kept)
    except AdbudgetError:  # a chain could not be kept
        raise
    except (RuntimeError, ValueError) as error:
        raise FitError(
            f"nutpie could not sample the model: {error}. "
            "Check the panel for accounts with a handful of rows, or tighten the priors."
        ) from error
    sample = _raw_sample(trace)
    if kept is None:
        return sample
    for chain, own in known.items():
        for name in RawSample.__slots__:
            getattr(sample, name)[chain] = getattr(own, name)[0]
    for chain in range(settings.chains):
        kept.keep(chain, sample)
    return sample


def _coordinates(priors: Priors, layout: Layout, onward: np.ndarray | None) -> Coordinates | None:
    """Those that chains walk in: the model's own while nothing is known."""
    if onward is not None:
        return Coordinates.of_draws(onward.reshape(-1, layout.size), layout)
    return None if priors.learned is None else Coordinates.of_prior(priors.learned, layout)


def _going_on(onward: np.ndarray, seeds: list[int]) -> Callable[[int], np.ndarray]:
    """Seed of a chain -> where it was."""
    last = dict(zip(seeds, onward[:, -1], strict=True))
    return lambda seed: last.get(seed, onward[seed % len(onward), -1])


def _raw_sample(trace: Any) -> RawSample:
    """What nutpie returns, as plain arrays; draws that are not there yet are NaN."""
    stats = trace["sample_stats"].dataset
    return RawSample(
        positions=np.asarray(trace["posterior"].dataset["position"].values),
        diverging=np.array(stats["diverging"].values, dtype=bool),
        n_steps=np.array(stats["n_steps"].values, dtype=np.int32),
        energy=np.array(stats["energy"].values, dtype=float),
    )


class _Progress:
    """How far the chains are, as the sampler's own thread last said."""

    def __init__(self) -> None:
        self.done, self.whole = 0, 0
        self.ended: frozenset[int] = frozenset()

    def take(self, chains: list[Any]) -> None:
        """Keep what the sampler says of each chain."""
        self.done = sum(chain.finished_draws for chain in chains)
        self.whole = sum(chain.total_draws for chain in chains)
        self.ended = frozenset(
            i for i, chain in enumerate(chains) if chain.finished_draws == chain.total_draws > 0
        )


def _finished(running: Any, progress: _Progress, kept: KeptChains | None = None) -> Any:
    """The trace, once it is whole; on Ctrl-C, or any other error, the chains are ended at once."""
    try:
        while True:
            try:
                return running.wait(timeout=TICK)
            except TimeoutError:
                reached(progress.done, progress.whole, "draws")
            if kept is not None:
                _keep_ended(running, [c for c in progress.ended if not kept.has(c)], kept)
    except BaseException:
        with suppress(Exception):  # it may have ended by itself
            running.cancel()
        raise


def _keep_ended(running: Any, chains: list[int], kept: KeptChains) -> None:
    """Keep chains that have ended while others still run."""
    if not chains:
        return
    sample = _raw_sample(running.inspect())
    for chain in chains:
        if np.isfinite(sample.positions[chain]).all():
            kept.keep(chain, sample)


def _start_at(layout: Layout, priors: Priors):
    """Initial positions around the prior's centre, spreads around half their prior scale."""
    centre = np.zeros(layout.size)
    part = layout.split(centre)  # views: writing to a part writes to the centre
    part["return_level"][:] = part["channel_return"][:] = np.log(priors.roi_median)
    part["channel_spread"][:] = priors.channel_spread / 2
    part["account_spread"][:] = priors.account_spread / 2
    part["adstock_tilt"][:] = priors.adstock_centre
    part["level_log_spread"][:] = level_centre(priors)[1]
    width = np.full(layout.size, START_WIDTH)
    if priors.learned is not None:
        sd = np.sqrt(np.diag(np.array(priors.learned.covariance)))
        shared, around = (
            priors.learned.layout.split(np.array(v)) for v in (priors.learned.mean, sd)
        )
        for block in POPULATION:
            part[block][:] = shared[block]
            layout.split(width)[block][:] = np.minimum(around[block], START_WIDTH)

    def start(seed: int) -> np.ndarray:
        return centre + width * np.random.default_rng(seed).uniform(-1, 1, layout.size)

    return start


def _nutpie_model(
    block: np.ndarray,
    layout: Layout,
    turned: Coordinates | None,
    start: Callable[[int], np.ndarray],
    *,
    skips: bool = False,
):
    """A nutpie model that calls machine code; through Python where nutpie's record has changed.

    Called through Python, threads queue for the interpreter at every gradient: the same draws,
    several times slower, which is said once.
    """
    size = layout.size
    try:
        return _machine_code_model(block, size, turned, start, skips)
    except (ImportError, TypeError) as cause:
        warn_of_slow_path(f"{type(cause).__name__}: {cause}")
        return _python_model(block, size, turned, start, skips)


@cache
def warn_of_slow_path(cause: str) -> None:
    """Say once that fits are slow, and what would make them fast."""
    warnings.warn(
        f"nutpie cannot call the compiled density ({cause}), so fits go through Python: the same "
        "draws, several times slower. Install the nutpie that adbudget asks for "
        "(pip install --upgrade adbudget).",
        RuntimeWarning,
        stacklevel=2,
    )


def _machine_code_model(
    block: np.ndarray, size: int, turned: Coordinates | None, start, skips: bool
):
    from adbudget.model.density import copy_callback, density_callback

    density, keep = density_callback, copy_callback
    if turned is not None:
        from adbudget.model.turning import placed_callback, turned_callback

        block = turned.packed(density_callback, block)
        density, keep = turned_callback, placed_callback
    density = skipping_callback(density) if skips else density
    return compiled_model(density, keep, block, size, start)


def _python_model(block: np.ndarray, size: int, turned: Coordinates | None, start, skips: bool):
    from nutpie.compiled_pyfunc import from_pyfunc

    from adbudget.model.density import value_and_gradient

    def density(z: np.ndarray) -> tuple[float, np.ndarray]:
        if skips and is_far(z):
            return plain(z)
        if turned is None:
            return value_and_gradient(z, block)
        value, gradient = value_and_gradient(turned.to_model(z), block)
        return value, turned.pulled_back(gradient)

    def draw(z: np.ndarray) -> dict[str, np.ndarray]:
        return {"position": np.array(z) if turned is None else turned.to_model(np.array(z))}

    return from_pyfunc(
        ndim=size,
        make_logp_fn=lambda: density,
        make_expand_fn=lambda *_: draw,
        expanded_dtypes=[np.dtype(float)],
        expanded_shapes=[(size,)],
        expanded_names=["position"],
        dims={"position": ("parameter",)},
        coords={"parameter": np.arange(size)},
        make_initial_point_fn=start,
    )


def sample_pymc(model, layout: Layout, seed: int, settings: SamplerSettings) -> RawSample:
    """Sample the readable definition with PyMC's own NUTS.

    Parameters
    ----------
    model : the ``pm.Model`` of :func:`adbudget.model.definition.build`
    layout : order of the flat positions to return
    """
    import pymc as pm

    with stage("sampling"), model:
        trace = pm.sample(
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            random_seed=seed,
            target_accept=settings.target_accept,
            progressbar=False,
            compute_convergence_checks=False,
        )
    posterior, stats = trace["posterior"].dataset, trace["sample_stats"].dataset
    if stats.sizes["draw"] < settings.draws or stats.sizes["chain"] < settings.chains:
        raise KeyboardInterrupt  # PyMC keeps it to itself, and returns what there is so far
    blocks = [posterior[name].values for name in layout.sizes]
    blocks = [values.reshape(*values.shape[:2], -1) for values in blocks]
    return RawSample(
        positions=np.concatenate(blocks, axis=-1),
        diverging=np.asarray(stats["diverging"].values, dtype=bool),
        n_steps=np.asarray(stats["n_steps"].values, dtype=np.int32),
        energy=np.asarray(stats["energy"].values, dtype=float),
    )
