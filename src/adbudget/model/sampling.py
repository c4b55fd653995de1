"""Likelihood + seed -> draws that meet their targets, few enough to keep.

Runs the sampler until the chains agree, and thins what they give. Knows nothing of panels.
"""

from dataclasses import replace

import numpy as np

from adbudget.display.stages import stage, told
from adbudget.draws import Health
from adbudget.model.checkpoint import Checkpoint, whole_run
from adbudget.model.evidence import Evidence
from adbudget.model.factor import Likelihood, make_likelihood
from adbudget.model.health import check_health, reached_target, too_many_diverged
from adbudget.model.layout import Layout
from adbudget.model.lift_left_out import UNKNOWN, expected_lifts, left_out
from adbudget.model.memory import FitSize, has_room, most_kept
from adbudget.model.priors import Priors
from adbudget.model.sampler import (
    RawSample,
    SamplerSettings,
    join_chains,
    sample_compiled,
    sample_pymc,
)
from adbudget.model.transform import CellDraws, cell_draws

MAX_RUNS = 3
NO_ROOM = (
    "The chains could be longer, but there was no memory for more draws. Fit fewer accounts at "
    "once, or learn them in shards."
)
LEAST_KEPT = 1000  # draws from which nothing needs to be said
CAREFUL = 0.95  # target acceptance, and so smaller steps, of a run that replaces one that diverged


def sample_until_healthy(
    evidence: Evidence,
    likelihood: Likelihood,
    priors: Priors,
    seed: int,
    engine: str,
    settings: SamplerSettings,
    against: Priors | None = None,
    checkpoint: Checkpoint | None = None,
    size: FitSize | None = None,
) -> tuple[RawSample, Health]:
    """Sample; let the chains go on while the targets are missed.

    Chains that miss them go on where they are, in coordinates made of their draws. What nobody
    should trust was warm-up, and is thrown away; other draws are added to.

    ``against`` is what the answer is compared with, to see what the data said; ``priors`` when
    None.

    ``checkpoint`` keeps chains that are finished, and holds those of an earlier start. No draws
    are added that a fit of that ``size`` would have no memory for.

    Chains that diverge do not go on but are replaced, by a run of smaller steps: on single shops
    that left a tenth of the divergences or none. How far the answer moves says what they did to it.
    """
    exists = evidence.design.exists
    layout = Layout(exists.shape[1], exists.shape[0], int(exists.sum()))
    account, channel = np.argwhere(exists).T
    runs: list[RawSample] = []
    # Each run has a seed of its own, all of them fixed by the caller's.
    seeds = np.random.SeedSequence(seed).generate_state(MAX_RUNS)
    before: CellDraws | None = None
    onward: np.ndarray | None = None
    while True:
        run_seed, seeds = int(seeds[0]), seeds[1:]
        number = MAX_RUNS - seeds.size
        kept = None if checkpoint is None else checkpoint.run(number, run_seed, settings)
        new = _sample(
            evidence, likelihood, priors, layout, run_seed, engine, settings, kept, onward
        )
        sample = join_chains([*runs, new])
        with stage("checking the chains"):
            cells = cell_draws(sample.positions, layout, priors, account, channel)
            health = check_health(sample, cells, layout, evidence, against or priors, before)
        if seeds.size == 0:
            return sample, health
        if too_many_diverged(health):
            before, runs, onward = cells, [], None
            settings = replace(settings, target_accept=_more_careful(settings.target_accept))
            continue
        if reached_target(health):
            return sample, health
        if engine == "compiled" and onward is None and not health.ok:
            runs = []
        elif size is None or has_room(size.of(sample.diverging.size + size.draws)):
            runs = [sample]
        else:
            return sample, replace(health, warnings=(*health.warnings, NO_ROOM))
        onward = new.positions


def _more_careful(target_accept: float) -> float:
    """At least CAREFUL, and half as far from one as before."""
    return max(CAREFUL, (1 + target_accept) / 2)


def _sample(
    evidence, likelihood, priors, layout, seed, engine, settings, kept, onward
) -> RawSample:
    known = None if kept is None else whole_run(kept.known(settings.chains), settings)
    if known is not None:
        return known
    if engine == "compiled":
        return sample_compiled(likelihood, priors, layout, seed, settings, kept, onward)
    from adbudget.model.definition import build

    sample = sample_pymc(build(evidence, priors, likelihood), layout, seed, settings)
    if kept is not None:
        for chain in range(settings.chains):
            kept.keep(chain, sample)
    return sample


def log_health(health: Health) -> None:
    """Keep in the log whether the draws can be trusted."""
    told(
        "health: %s; r-hat %.3f, effective draws %.0f of %d, %d divergences%s",
        "ok" if health.ok else "NOT OK",
        health.rhat_max,
        health.ess_bulk_min,
        health.n_draws,
        health.divergences,
        "".join(f"; {text}" for text in (*health.problems, *health.warnings)),
    )


def history_of_tests(
    evidence: Evidence, priors: Priors, cells: CellDraws, seed: int, settings: SamplerSettings
) -> np.ndarray | None:
    """(draw, test) what the tests would measure by the history alone, where that has to be sampled.

    None without tests, and where the draws at hand tell for every test what the rest says of it.
    """
    if evidence.tests is None:
        return None
    known = left_out(evidence.tests, expected_lifts(cells, evidence), None)
    if all(test.source != UNKNOWN for test in known):
        return None
    account, channel = np.argwhere(evidence.design.exists).T
    layout = Layout(len(evidence.design.channels), len(evidence.gram), account.size)
    likelihood = make_likelihood(replace(evidence, tests=None), priors)
    kept = thinned(sample_compiled(likelihood, priors, layout, seed, settings))
    lone = cell_draws(kept.positions, layout, priors, account, channel)
    return expected_lifts(lone, evidence).astype(np.float32)


def told_of_thinning(n_kept: int, n_draws: int) -> tuple[str, ...]:
    """What a reader should know where few of the draws are kept."""
    if n_kept >= min(n_draws, LEAST_KEPT):
        return ()
    return (
        f"{n_kept:,} of {n_draws:,} draws are kept, as the draws of this many accounts are large: "
        f"probabilities have an error of up to {0.5 / np.sqrt(n_kept):.1%}. Accounts that are "
        "learned in shards keep more (adbudget recommend FOLDER --workers N).",
    )


def thinned(sample: RawSample) -> RawSample:
    """Every k-th draw, k as small as the size of a saved fit allows."""
    chains, draws, size = sample.positions.shape
    allowed = most_kept(size)
    step = int(np.ceil(chains * draws / max(allowed, 1)))
    return replace(
        sample,
        positions=sample.positions[:, ::step],
        diverging=sample.diverging[:, ::step],
        n_steps=sample.n_steps[:, ::step],
        energy=sample.energy[:, ::step],
    )
