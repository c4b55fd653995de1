"""Whether 90% intervals hold 90% when rows are noisy in other ways than a Gaussian; no sampler.

python benchmarks/bench_row_noise.py                       # 1,500 replications a case
python benchmarks/bench_row_noise.py --replications 200

Each replication is four accounts of 104 rows and six columns. The tail is chosen for all of them
and rows are reweighted as in a fit (`model/noise.py`, `model/reweighting.py`); the interval is that
of one coefficient of the first account, with a flat prior and the noise integrated out.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

sys.path.insert(0, str(Path(__file__).parents[1]))

from adbudget.model.noise import TAIL_GRID, best_option
from adbudget.model.reweighting import System, reweight
from adbudget.model.row_noise import RowNoise

N_ACCOUNTS, N_ROWS, N_COLUMNS = 4, 104, 6
OUTLIER_SHARE, OUTLIER_SIZE = 0.03, (4.0, 12.0)
NOISES = ("gaussian", "t4", "t3", "t2", "outliers")


def noise_of(name: str, rng: np.random.Generator) -> np.ndarray:
    """(row,) noise of scale one."""
    if name == "gaussian":
        return rng.normal(size=N_ROWS)
    if name.startswith("t"):
        return rng.standard_t(float(name[1:]), size=N_ROWS)
    hit = rng.uniform(size=N_ROWS) < OUTLIER_SHARE
    size = rng.uniform(*OUTLIER_SIZE, size=N_ROWS) * rng.choice([-1.0, 1.0], size=N_ROWS)
    return rng.normal(size=N_ROWS) + np.where(hit, size, 0.0)


def coverage(name: str, replications: int, seed: int = 0) -> dict[str, float]:
    """Share of 90% intervals that hold the coefficient, which is zero.

    Parameters
    ----------
    name : one of ``NOISES``
    replications : how many
    seed : of all of them

    Returns
    -------
    dict: with the weights taken for known precisions, with the rows' information counted, and how
    often a tail heavier than a Gaussian's was chosen
    """
    rng = np.random.default_rng(seed)
    found = [_replicate(name, rng) for _ in range(replications)]
    named = ("weights taken as known", "information counted", "heavy tail chosen")
    return dict(zip(named, np.mean(found, axis=0).tolist(), strict=True))


def _replicate(name: str, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    systems = [_system(name, rng) for _ in range(N_ACCOUNTS)]
    fits = [reweight(system, TAIL_GRID) for system in systems]
    tail = best_option(fits, N_ACCOUNTS * N_ROWS)
    first, weights = systems[0], fits[0][tail].weights
    noise = RowNoise(
        weights=weights[None],
        tail_df=TAIL_GRID[tail],
        level_power=0.0,
        spread=np.ones((1, N_ROWS)),
        autocorrelation=np.zeros(1),
    )
    worths = (1.0, noise.information)
    known, counted = (_holds(first, weights / weights.mean(), worth) for worth in worths)
    return known, counted, bool(tail > 0)


def _system(name: str, rng: np.random.Generator) -> System:
    columns = np.column_stack([np.ones(N_ROWS), rng.normal(size=(N_ROWS, N_COLUMNS - 1))])
    return System(
        columns=columns,
        outcome=noise_of(name, rng),
        expected=np.ones(N_ROWS),
        relative=1e-9 * np.eye(N_COLUMNS),
        absolute=np.zeros(N_COLUMNS),
    )


def _holds(system: System, weights: np.ndarray, worth: float) -> bool:
    """Whether the 90% interval of a coefficient holds zero, each row counting as ``worth`` rows."""
    weighted = worth * weights[:, None] * system.columns
    inverse = np.linalg.inv(weighted.T @ system.columns)
    estimate = inverse @ weighted.T @ system.outcome
    squares = (worth * weights * (system.outcome - system.columns @ estimate) ** 2).sum()
    # Of every row's worth, as many rows are spent on coefficients: the ratio is what it was.
    df = worth * (N_ROWS - N_COLUMNS)
    reach = student_t.ppf(0.95, df) * np.sqrt(squares / df * inverse[1, 1])
    return bool(abs(estimate[1]) < reach)


def main() -> None:
    """Print a line for each kind of noise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=1500)
    given = parser.parse_args()
    lines = {name: coverage(name, given.replications) for name in NOISES}
    print(pd.DataFrame(lines).T.round(3).to_string())


if __name__ == "__main__":
    main()
