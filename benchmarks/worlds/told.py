"""The limit of information: the same model, told the true population. World -> Answer.

Channel returns, spreads and tilts are frozen at what made the world; only the effects of accounts
and cells are sampled. What this tool misses, no pooling could have found. The truth is put in the
model's own terms: returns are averages over the history, and a channel's tilts are those whose
mixture of curves comes closest to its true outcome paths.
"""

from dataclasses import replace
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize
from scipy.special import softmax

from benchmarks.worlds.answer import Answer
from benchmarks.worlds.jobs import Job, spec_of
from benchmarks.worlds.library import CORES, answer_of, decide_part, read_group

if TYPE_CHECKING:
    from adbudget import Fit
    from adbudget.synthetic import Truth, World

POPULATION = (
    *("return_level", "channel_return", "channel_spread", "account_spread"),
    *("saturation_tilt", "adstock_tilt"),
)
UNSETTLED = 20  # first periods left out of the paths: spend before the records is not known
BASELINE_ORDER = 2  # yearly waves taken out of the paths before they are compared


def told(world: "World", job: Job) -> Answer:
    """Sample what the population leaves open; then decide as ever."""
    import adbudget as ab

    panel = read_group(world, world.spec.account_names)
    seconds = {"decide": 0.0}
    # As short as it may be: only its evidence is needed.
    prepared = ab.fit(
        panel, seed=job.seed, cores=CORES, progress=False, draws=100, tune=100, chains=2
    )
    frozen = population_of(world, job, prepared)
    start, cpu = perf_counter(), process_time()
    fit = _sample_rest(prepared, frozen, job.seed)
    seconds["fit"] = perf_counter() - start
    part = decide_part(fit, world.current().reindex(panel.cells))
    seconds["cpu"] = process_time() - cpu
    return answer_of([part], seconds)


def population_of(world: "World", job: Job, fit: "Fit") -> dict[str, np.ndarray]:
    """Block of the position vector -> the value that made the world.

    Raises
    ------
    ValueError : the world is not as the model assumes, so there is no such value
    """
    spec = spec_of(job)
    as_assumed = spec.curve == "saturating" and spec.carryover == "geometric"
    if not as_assumed or (world.truth.weight == 0).any() or spec.unused_share > 0:
        raise ValueError(f"{job.family}: the population's truth is defined for assumed worlds.")
    roi = _channel_roi(world, job, fit)
    tilts = np.array([_channel_tilts(world.truth, fit, c) for c in range(roi.size)])
    level = float(np.log(spec.roi_median))
    return {
        "return_level": np.array([level]),
        "channel_return": np.array([_unbend(np.log(value), level, fit) for value in roi]),
        "channel_spread": np.full(roi.size, spec.cell_spread),
        "account_spread": np.array([spec.account_spread]),
        "adstock_tilt": tilts[:, 0],
        "saturation_tilt": tilts[:, 1],
    }


def _channel_roi(world: "World", job: Job, fit: "Fit") -> np.ndarray:
    """(channel,) average return over the history of a cell without effects of its own.

    The same seed without spreads makes the same channels, every account alike: their returns at
    mean spend. From there to the average over the history is the mean factor of the real cells.
    """
    from adbudget.synthetic import synthesize

    alike = synthesize(replace(spec_of(job), account_spread=0.0, cell_spread=0.0), job.seed).truth
    at_mean = _log_roi(alike)
    actual = _log_roi(world.truth)
    path, spend = _paths(world.truth, fit)
    average = pd.Series(
        np.log(world.truth.value * path.sum(axis=1) / spend.sum(axis=1)), fit.draws.cells
    )
    own = at_mean + average - actual
    channel = own.index.get_level_values("channel")
    return np.array([np.exp(own[channel == name].mean()) for name in fit.panel.channels])


def _log_roi(truth: "Truth") -> pd.Series:
    roi = truth.roi(pd.Series(truth.scale, truth.cells))
    return pd.Series(np.log(roi.to_numpy()), roi.index)


def _paths(truth: "Truth", fit: "Fit") -> tuple[np.ndarray, np.ndarray]:
    """(cell, period) true outcome and spend of the settled periods, cells in the panel's order."""
    panel = fit.panel
    account, channel = np.argwhere(panel.exists).T
    spend = pd.DataFrame(panel.spend[account, channel], panel.cells)
    path = pd.DataFrame(truth.path(spend.reindex(truth.cells).to_numpy()), truth.cells)
    return path.reindex(panel.cells).to_numpy()[:, UNSETTLED:], spend.to_numpy()[:, UNSETTLED:]


def _channel_tilts(truth: "Truth", fit: "Fit", channel: int) -> np.ndarray:
    """(adstock, saturation) tilts whose mixture is closest to the channel's true paths.

    Compared is what the fit can see: paths with level, trend and season taken out, each cell at
    its own height.
    """
    from adbudget.model.transform import tilt_grids, tilt_windows

    adstock_grid, shape_grid = tilt_grids(fit.priors)
    adstock_window, shape_window = tilt_windows(fit.priors)
    place = np.flatnonzero(np.argwhere(fit.panel.exists)[:, 1] == channel)
    path = _paths(truth, fit)[0][place]
    basis = _basis(fit, channel)
    visible = _without_baseline(path.shape[1])
    path, basis = path @ visible, basis @ visible
    path = path / np.linalg.norm(path, axis=1, keepdims=True)

    def misfit(tilts: np.ndarray) -> float:
        adstock = softmax(tilts[0] * adstock_grid + adstock_window)
        shape = softmax(tilts[1] * shape_grid + shape_window)
        mixed = np.einsum("j,m,ajmt->at", adstock, shape, basis)
        height = (mixed * path).sum(axis=1) / (mixed**2).sum(axis=1)
        prior = (tilts**2).sum() * 1e-6  # settles ties at the ends of the grid only
        return float(((path - height[:, None] * mixed) ** 2).sum() + prior)

    starts = [(m, s) for m in (-0.7, 0.0, 0.7) for s in (-0.7, 0.0, 0.7)]
    found = [minimize(misfit, start, method="Nelder-Mead") for start in starts]
    return min(found, key=lambda one: one.fun).x


def _basis(fit: "Fit", channel: int) -> np.ndarray:
    """(account, adstock, saturation, period) the model's mean-one basis of one channel."""
    from adbudget.model.design import carried_spend, first_state
    from adbudget.model.regressors import basis_columns

    design, panel = fit.evidence.design, fit.panel
    stock = carried_spend(panel, design, first_state(panel, design))
    grid = design.basis_mean.shape[2:]
    found = []
    for account in map(int, np.flatnonzero(panel.exists[:, channel])):
        place = panel.exists[account, :channel].sum()
        columns = basis_columns(design, stock[account], account)[UNSETTLED:]
        found.append(columns.reshape(len(columns), -1, *grid)[:, place])
    return np.moveaxis(np.stack(found), 1, -1)


def _without_baseline(n_periods: int) -> np.ndarray:
    """(period, period) projection that removes level, trend and yearly waves."""
    t = np.arange(n_periods)
    columns = [np.ones(n_periods), t / n_periods]
    for k in range(1, BASELINE_ORDER + 1):
        columns += [np.cos(2 * np.pi * k * t / 52.18), np.sin(2 * np.pi * k * t / 52.18)]
    basis = np.linalg.qr(np.column_stack(columns))[0]
    return np.eye(n_periods) - basis @ basis.T


def _unbend(log_roi: float, level: float, fit: "Fit") -> float:
    """Raw log return that the model bends to ``log_roi``."""
    from adbudget.model.transform import bend

    def missed(raw: float) -> float:
        return float(bend(np.array(raw), level, fit.priors)) - log_roi

    return float(np.float64(brentq(missed, -20.0, 20.0)))  # pyright: ignore[reportArgumentType]


def _sample_rest(fit: "Fit", frozen: dict[str, np.ndarray], seed: int) -> "Fit":
    """The fit with new draws: the population as told, the rest sampled by nutpie."""
    import arviz as az
    import nutpie
    import xarray as xr
    from nutpie.compiled_pyfunc import from_pyfunc

    from adbudget.model.block import pack
    from adbudget.model.density import value_and_gradient
    from adbudget.model.factor import make_likelihood
    from adbudget.model.sampler import SamplerSettings

    layout, settings = fit.layout, SamplerSettings()
    whole, free = np.zeros(layout.size), np.ones(layout.size, dtype=bool)
    values, is_free = layout.split(whole), layout.split(free)  # views of both
    for name in POPULATION:
        values[name][:], is_free[name][:] = frozen[name], False
    block = pack(make_likelihood(fit.evidence, fit.priors), fit.priors)

    def density(position: np.ndarray) -> tuple[float, np.ndarray]:
        full = whole.copy()
        full[free] = position
        value, gradient = value_and_gradient(full, block)
        return value, gradient[free]

    n_free = int(free.sum())
    model = from_pyfunc(
        ndim=n_free,
        make_logp_fn=lambda: density,
        make_expand_fn=lambda *_: lambda position: {"position": np.array(position)},
        expanded_dtypes=[np.dtype(float)],
        expanded_shapes=[(n_free,)],
        expanded_names=["position"],
    )
    trace = nutpie.sample(
        model,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=CORES,
        seed=seed,
        target_accept=settings.target_accept,
        progress_bar=False,
    )
    sampled = np.asarray(trace["posterior"].dataset["position"].values)
    positions = np.broadcast_to(whole, (*sampled.shape[:2], layout.size)).copy()
    positions[..., free] = sampled
    diverging = np.asarray(trace["sample_stats"].dataset["diverging"].values, dtype=bool)
    new = replace(fit, positions=positions.astype(np.float32))
    roi = xr.Dataset({"x": (("chain", "draw", "cell"), new.cell_draws.log_roi)})
    health = replace(
        fit.health,
        rhat_max=float(az.rhat(roi)["x"].max()),
        ess_bulk_min=float(az.ess(roi)["x"].min()),
        ess_tail_min=float(az.ess(roi, method="tail")["x"].min()),
        divergences=int(diverging.sum()),
        n_draws=diverging.size,
        problems=(),
    )
    return replace(new, health=health)
