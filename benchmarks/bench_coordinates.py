"""What the coordinates are worth that chains walk in: effective draws per gradient.

    python benchmarks/bench_coordinates.py                    # new accounts, with a population
    python benchmarks/bench_coordinates.py --onward 50        # one fit, and how its chains go on

The first samples the same new accounts in the coordinates of the model and in those of the
population. The second samples accounts without a population once, and lets these chains go on.
"""

import argparse
from unittest.mock import patch

import numpy as np
from _measure import assumed_world, load_all


def told(name: str, sample, cells, layout) -> None:
    """One line: gradients a draw, worst r-hat and effective draws, divergences."""
    from adbudget.model.health import convergence_of
    from adbudget.model.layout import POPULATION

    part = layout.split(sample.positions)
    for block in ("channel_spread", "account_spread"):
        part[block] = np.abs(part[block])
    shared = [part[block] for block in POPULATION]
    rhat, bulk, tail = convergence_of(np.concatenate([cells.log_roi, *shared], axis=-1))
    gradients = sample.n_steps.sum()
    print(
        f"{name:34} {sample.n_steps.mean():5.1f} gradients a draw, r-hat {rhat:.3f}, effective "
        f"draws {bulk:.0f} and {tail:.0f} (tail) of {sample.diverging.size}, "
        f"{1000 * bulk / gradients:.1f} per 1,000 gradients, {sample.diverging.sum()} diverged",
        flush=True,
    )


def sampled(name: str, evidence, priors, seed: int, settings, onward=None):
    """Sample, say what came of it, and return it."""
    from adbudget.model.factor import make_likelihood
    from adbudget.model.layout import Layout
    from adbudget.model.sampler import sample_compiled
    from adbudget.model.transform import cell_draws

    exists = evidence.design.exists
    layout = Layout(exists.shape[1], exists.shape[0], int(exists.sum()))
    likelihood = make_likelihood(evidence, priors)
    sample = sample_compiled(likelihood, priors, layout, seed, settings, onward=onward)
    cells = cell_draws(sample.positions, layout, priors, *np.argwhere(exists).T)
    told(name, sample, cells, layout)
    return sample


def main() -> None:
    """Print a line per way to sample."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--others", type=int, default=50, help="accounts behind the population")
    options.add_argument("--new", type=int, default=25, help="accounts that come later")
    options.add_argument("--onward", type=int, help="accounts of one fit, in place of these")
    options.add_argument("--channels", type=int, default=6)
    options.add_argument("--weeks", type=int, default=104)
    options.add_argument("--seeds", type=int, default=3)
    given = options.parse_args()
    load_all()
    import adbudget as ab
    from adbudget.model.gathering import gather_all
    from adbudget.model.sampler import SamplerSettings

    count = given.onward or given.others + given.new
    world = assumed_world(count, given.channels, given.weeks, 1)
    names = sorted(world.outcome["account"].unique())

    def read(some: list[str]):
        spend, outcome = (
            rows.loc[rows["account"].isin(some), :] for rows in (world.spend, world.outcome)
        )
        return ab.read_panel(spend, outcome)

    if given.onward:
        plain = ab.Priors()
        evidence = gather_all(read(names), plain, forgetting=None).evidence
        for seed in range(given.seeds):
            first = sampled("first run", evidence, plain, seed, SamplerSettings())
            sampled("going on", evidence, plain, seed, SamplerSettings(), first.positions)
        return
    fitted = ab.fit(read(names[: given.others]), seed=1, progress=False)
    print(f"population of {given.others}: r-hat {fitted.health.rhat_max:.3f}")
    panel = read(names[given.others :])
    known = fitted.population.priors_for(panel.channels)
    evidence = gather_all(panel, known, forgetting=None).evidence
    settings = SamplerSettings(draws=500, tune=300)
    for seed in range(given.seeds):
        with patch("adbudget.model.sampler._coordinates", lambda *_: None):
            sampled("coordinates of the model", evidence, known, seed, settings)
        sampled("coordinates of the population", evidence, known, seed, settings)


if __name__ == "__main__":
    main()
