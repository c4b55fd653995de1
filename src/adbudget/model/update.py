"""Fit + rows of later periods -> Fit: evidence adds up, and the draws move to where it points.

Old rows are not added up again unless some of them were restated, and no chain starts from scratch:
the draws of the last fit are weighted by what the new rows say, resampled and moved. What the first
panel fixed stays: scales, basis means, the tail and the persistence of the noise. Where the new
evidence is too far from the old draws, or the moved draws are not healthy, the sampler runs anew.
"""

import os
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.draws import Health
from adbudget.errors import InputError
from adbudget.model.baseline import baseline_of, with_baseline
from adbudget.model.design import carried_spend, first_state
from adbudget.model.drift import drift_table, drift_warnings
from adbudget.model.evidence import Evidence, gather, row_discount
from adbudget.model.factor import centred, integrate_baseline, make_likelihood
from adbudget.model.lift_report import lift_warnings
from adbudget.model.lift_rows import with_tests
from adbudget.model.lift_tests import read_lift_tests
from adbudget.model.options import check_cores
from adbudget.model.posterior import Posterior
from adbudget.model.regressors import regression_rows
from adbudget.model.row_noise import RowNoise, level_spread, spread_ahead
from adbudget.model.transform import CellDraws, cell_draws
from adbudget.panel.following import follow
from adbudget.panel.panel import Panel
from adbudget.panel.restated import Restated, restated_rows
from adbudget.tables.messages import Note, dates_text

if TYPE_CHECKING:
    from adbudget.model.sampler import RawSample

MOST_SWEEPS = 3  # moves of all draws before the sampler is asked instead
FAR_SIGMAS = 10.0  # from what was expected, and outside all that the account has seen


def update[P: Posterior](
    fit: P,
    data: Any,
    outcome: Any = None,
    *,
    seed: int | None = None,
    columns: Any = None,
    channels: Any = None,
    holidays: Any = None,
    missing_spend: str = "error",
    restated: Restated = "error",
    lift_tests: Any = None,
    cores: int | None = None,
) -> P:
    """Add rows of later periods to a fit.

    Parameters
    ----------
    fit : what is known
    data, outcome, columns, channels, holidays, missing_spend : the new rows alone, as in
        :func:`adbudget.read_panel`, one period is enough; or ``data`` is a Panel of them
    restated : "replace" lets rows of periods that are known take the place of the old ones, so that
        the outcome of an open week may arrive late and be corrected; "error" refuses them
    seed : of the new draws; the fit's own when None
    lift_tests : tests that have ended since, as in :func:`adbudget.fit`
    cores : chains that move at once; all cores when None

    Returns
    -------
    Fit of all rows, with the design of the first; the note "updated" in ``panel.notes`` says how

    Raises
    ------
    InputError : the new rows do not continue the old ones; see ``_following.follow``
    FitError : the sampler had to run and could not
    """
    from threadpoolctl import threadpool_limits

    from adbudget.model.sampler import SamplerSettings
    from adbudget.model.sampling import history_of_tests

    check_cores(cores)
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise InputError(f"seed must be None or an integer >= 0; got {seed!r}.")
    panel = follow(
        fit.panel,
        data,
        outcome,
        columns=columns,
        channels=channels,
        holidays=holidays,
        missing_spend=missing_spend,
        restated=restated,
    )
    tests = None if lift_tests is None else read_lift_tests(lift_tests, panel)
    with threadpool_limits(limits=1, user_api="blas"):
        noise = extended_noise(fit, panel)
        added = with_tests(added_evidence(fit, panel, noise), tests, panel.unit_value)
        evidence = with_baseline(added, fit.priors)
        seed = fit.seed if seed is None else seed
        sample, cells, health, how = _carried(fit, evidence, seed, cores)
        settings = SamplerSettings(cores=cores)
        history = history_of_tests(evidence, fit.priors, cells, seed, settings)
        told = lift_warnings(cells, evidence, history)
        drift = drift_table(panel, evidence, noise, fit.priors, cells)
    unexpected = unexpected_rows(fit, panel)
    warnings = (
        *health.warnings,
        *(note.message for note in unexpected),
        *told,
        *drift_warnings(drift),
    )
    note = Note(kind="updated", message=_said(fit.panel, panel, how))
    return replace(
        fit,
        panel=replace(panel, notes=(*panel.notes, *unexpected, note)),
        evidence=evidence,
        positions=sample.positions.astype(np.float32),
        sample_stats={name: getattr(sample, name) for name in ("diverging", "n_steps", "energy")},
        health=replace(health, warnings=warnings),
        noise=noise,
        seed=seed,
        engine="compiled",
        versions={name: version(name) for name in fit.versions},
        lift_history=history,
        known_drift=drift,
    )


def added_evidence(fit: Posterior, panel: Panel, noise: RowNoise) -> Evidence:
    """Old sums, discounted to today where the fit forgets, and the sums over the new rows.

    Spend of an old row carries over into the rows behind it, so where old rows were restated all
    rows are added up again, on the design of the first fit.
    """
    if restated_rows(fit.panel, panel).any():
        whole = gather(panel, fit.evidence.design, noise=noise, half_life_days=fit.forgetting)
        return replace(whole, tests=fit.evidence.tests, baseline=fit.evidence.baseline)
    new = np.arange(panel.n_periods) > fit.panel.last[:, None]
    later = gather(
        panel,
        fit.evidence.design,
        rows=new,
        noise=noise,
        half_life_days=fit.forgetting,
    )
    # What is left of a row that counted in full at the end of the old record.
    left = row_discount(panel, fit.forgetting)[np.arange(panel.n_accounts), fit.panel.last]
    return fit.evidence.discounted(left) + later


def fresh_outcomes(fit: Posterior, panel: Panel) -> np.ndarray:
    """(account, period) bool, outcomes that the fit has not seen: of new periods, or restated."""
    known = np.full(panel.outcome.shape, np.nan)
    known[:, : fit.panel.n_periods] = fit.panel.outcome
    return np.isfinite(panel.outcome) & (panel.outcome != known)


def extended_noise(fit: Posterior, panel: Panel) -> RowNoise:
    """Row weights of the new and restated rows, by the tail and the noise level found so far.

    Weights of Student-t rows have mean one in expectation, as those of the first fit have in fact.
    """
    weights, spread = np.ones(panel.outcome.shape), np.ones(panel.outcome.shape)
    weights[:, : fit.panel.n_periods] = fit.noise.weights
    spread[:, : fit.panel.n_periods] = fit.noise.spread
    tail_df, power = fit.noise.tail_df, fit.noise.level_power
    if not np.isfinite(tail_df) and power == 0:
        return replace(fit.noise, weights=weights, spread=spread)
    fresh, stock = fresh_outcomes(fit, panel), _carried_spend(fit, panel)
    for a in range(panel.n_accounts):
        observed, new = np.isfinite(panel.outcome[a]), fresh[a]
        surprise, level = _surprise(fit, panel, stock, a)
        spread[a, new] = spread_ahead(level[new], level[observed & ~new], power)
        standard = surprise[new] / spread[a, new]
        trust = (tail_df + 1) / (tail_df + standard**2) if np.isfinite(tail_df) else 1.0
        weights[a, new] = trust / spread[a, new] ** 2
    return replace(fit.noise, weights=weights, spread=spread)


def unexpected_rows(fit: Posterior, panel: Panel) -> list[Note]:
    """One note for each account whose new outcomes are nothing like what the fit expects.

    A row is unexpected that lies more than ``FAR_SIGMAS`` standard deviations of the noise from
    what the old fit expects of it, and outside the range of all outcomes of its account before.

    Parameters
    ----------
    fit : before the new rows
    panel : with them
    """
    notes = []
    fresh, stock = fresh_outcomes(fit, panel), _carried_spend(fit, panel)
    for a, account in enumerate(panel.accounts):
        outcome, seen, new = panel.outcome[a], fit.panel.outcome[a], fresh[a]
        surprise, level = _surprise(fit, panel, stock, a)
        spread = level_spread(level, fit.noise.level_power)
        outside = (outcome > np.nanmax(seen)) | (outcome < np.nanmin(seen))
        far = new & outside & (np.abs(surprise) > FAR_SIGMAS * spread)
        if far.any():
            money = fit.evidence.design.outcome_scale[a] / panel.unit_value[a]
            message = (
                f"Account {account!r}: {far.sum()} of {new.sum()} new outcome(s) are nothing like "
                f"what was expected ({dates_text(panel.dates[far])}): mean "
                f"{outcome[far].mean():,.0f}, expected {level[far].mean() * money:,.0f}, "
                f"seen before {np.nanmin(seen):,.0f} to {np.nanmax(seen):,.0f}. Check their unit "
                "and currency before anything is decided on them; if they are right, the account "
                "has changed: fit the whole history again."
            )
            notes.append(Note(kind="unexpected_outcome", account=account, message=message))
    return notes


def _carried_spend(fit: Posterior, panel: Panel) -> np.ndarray:
    """Spend with its carry-over, on the design of the fit."""
    design = fit.evidence.design
    return carried_spend(panel, design, first_state(panel, design))


def _surprise(
    fit: Posterior, panel: Panel, stock: np.ndarray, account: int
) -> tuple[np.ndarray, np.ndarray]:
    """(period,) outcome less what the old fit expects of it, in standard deviations; and that."""
    evidence, priors = fit.evidence, fit.priors
    design, p_old = evidence.design, evidence.n_baseline[account]
    rows, p = regression_rows(panel, design, stock, account)
    contrast = np.append(-_mean_weights(fit, account), 1.0)
    mean, precision = baseline_of(evidence, priors).prior(account, p_old)
    gram = centred(evidence.gram[account], mean)
    centre = mean + np.linalg.solve(
        gram[:p_old, :p_old] + precision, gram[:p_old, p_old:] @ contrast
    )
    misfit = contrast @ integrate_baseline(evidence, priors, account) @ contrast
    scale = priors.noise_df * priors.noise_share**2 + max(misfit, 0.0)
    noise_sd = np.sqrt(scale / (priors.noise_df + evidence.n_rows[account]))
    # Ramps of knots that are new have no coefficient yet: their prior mean is zero.
    surprise = rows[:, p:] @ contrast - rows[:, :p_old] @ centre
    return surprise / noise_sd, rows[:, -1] - surprise


def _mean_weights(fit: Posterior, account: int) -> np.ndarray:
    """(cell in account * basis,) posterior mean of the basis weights of one account."""
    design, cells = fit.evidence.design, fit.cell_draws
    own = np.argwhere(design.exists)[:, 0] == account
    roi, adstock, shape = cells.roi[..., own], cells.adstock[..., own, :], cells.shape[..., own, :]
    mean = np.einsum("cdi,cdij,cdim->ijm", roi, adstock, shape) / roi[..., 0].size
    share = design.spend_share[design.exists][own]
    return (mean * share[:, None, None]).ravel()


def _carried(
    fit: Posterior, evidence: Evidence, seed: int, cores: int | None
) -> "tuple[RawSample, CellDraws, Health, str]":
    """Draws at the new evidence, the cells they make, their health, and how they got there."""
    from adbudget.model.health import check_health, reached_target
    from adbudget.model.particles import move, travel

    rng = np.random.default_rng([seed, int(evidence.n_rows.sum())])
    threads = cores or os.cpu_count() or 1
    path = partial(_block_at, {}, fit, evidence)
    journey = travel(fit.positions, path, rng, threads)
    if journey is None:
        return _sampled_anew(fit, evidence, seed, cores, "the new rows are far from what was known")
    particles, health = journey.particles, fit.health
    for _ in range(MOST_SWEEPS):
        particles, sample = move(particles, path(1.0), rng, threads)
        cells = _cells(fit, sample.positions)
        health = check_health(sample, cells, fit.layout, evidence, fit.priors)
        if reached_target(health):
            stages, least = len(journey.shares), min(journey.effective)
            how = f"carried over in {stages} stage(s), {least:.0%} effective at least"
            return sample, cells, health, how
    return _sampled_anew(fit, evidence, seed, cores, "the carried draws missed the targets")


def _block_at(made: dict[float, np.ndarray], fit: Posterior, evidence: Evidence, share: float):
    """Block of the density this far from the old evidence to the new one."""
    from adbudget.model.block import pack

    if share not in made:
        between = fit.evidence if share == 0 else evidence
        if 0 < share < 1:
            every = np.ones(len(evidence.gram))
            old = replace(fit.evidence, tests=None).discounted(every * (1 - share))
            between = with_baseline(old + evidence.discounted(every * share), fit.priors)
        made[share] = pack(make_likelihood(between, fit.priors), fit.priors)
    return made[share]


def _cells(fit: Posterior, positions: np.ndarray) -> CellDraws:
    account, channel = np.argwhere(fit.evidence.design.exists).T
    return cell_draws(positions, fit.layout, fit.priors, account, channel)


def _sampled_anew(
    fit: Posterior, evidence: Evidence, seed: int, cores: int | None, why: str
) -> "tuple[RawSample, CellDraws, Health, str]":
    from adbudget.model.sampler import SamplerSettings
    from adbudget.model.sampling import sample_until_healthy, thinned

    likelihood = make_likelihood(evidence, fit.priors)
    settings = SamplerSettings(cores=cores)
    sample, health = sample_until_healthy(
        evidence, likelihood, fit.priors, seed, "compiled", settings
    )
    sample = thinned(sample)
    return sample, _cells(fit, sample.positions), health, f"sampled anew, as {why}"


def _said(old: Panel, new: Panel, how: str) -> str:
    n_rows = int(np.isfinite(new.outcome).sum() - np.isfinite(old.outcome).sum())
    until = new.dates[new.last].max()
    return f"Updated with {n_rows} new outcome(s) up to {until}: draws {how}."
