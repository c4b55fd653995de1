"""Time the optimizer on made-up curves and print a table: python benchmarks/bench_optimize.py."""

import time

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws
from adbudget.optimizer import optimize
from adbudget.plan import Limits
from adbudget.risk import Risk

JOBS = [
    # name, accounts, channels, draws, limits, risk, seconds allowed
    ("120 cells, tail, by account", 20, 6, 2000, Limits(), Risk(), 1.0),
    ("120 cells, tail, totals fixed", 20, 6, 2000, Limits(total="fixed"), Risk(), 1.0),
    ("120 cells, tail, one pool", 20, 6, 2000, Limits(pool="currency"), Risk(), 1.0),
    ("120 cells, mean only", 20, 6, 2000, Limits(), Risk(aversion=0), 1.0),
    ("10,200 cells, mean only, by account", 1700, 6, 200, Limits(), Risk(aversion=0), 5.0),
    (
        "10,200 cells, mean only, one fixed pool", 1700, 6, 200,
        Limits(pool="currency", total="fixed"), Risk(aversion=0), 5.0,
    ),
    (
        "10,200 cells, mean only, steps of 5", 1700, 6, 200,
        Limits(total="fixed", step=5.0), Risk(aversion=0), 5.0,
    ),
]  # fmt: skip


def made_up(n_accounts: int, n_channels: int, n_draws: int) -> tuple[CurveDraws, pd.Series]:
    rng = np.random.default_rng(0)
    shape = (n_accounts, n_channels)
    scale = rng.lognormal(6, 1, shape)
    roi = rng.lognormal(0.8, 0.5, shape) * rng.lognormal(0, 0.3, (n_draws, *shape))
    mixture = rng.dirichlet(np.ones(12), (n_draws, *shape)).reshape(n_draws, *shape, 3, 4)
    draws = CurveDraws(
        accounts=tuple(f"account {a}" for a in range(n_accounts)),
        channels=tuple(f"channel {c}" for c in range(n_channels)),
        weights=2 * (roi * scale)[..., None, None] * mixture,
        scale=scale,
        carry_in=np.ones((*shape, 3)),
        retention=np.array([0.0, 0.3, 0.6]),
        half_saturation=np.geomspace(0.3, 4, 4),
        unit_value=np.ones(n_accounts),
        margin=np.full(n_accounts, 0.5),
        currency=("EUR",) * n_accounts,
        period_days=7.0,
    )
    spend = (scale * rng.uniform(0.7, 1.3, shape)).ravel()
    return draws, pd.Series(spend, index=draws.cells, name="spend")


def main() -> None:
    print(f"{'job':42}{'seconds':>9}{'allowed':>9}{'refit s':>9}{'gap / budget':>15}")
    for name, n_accounts, n_channels, n_draws, limits, risk, allowed in JOBS:
        draws, today = made_up(n_accounts, n_channels, n_draws)
        start = time.perf_counter()
        proposal = optimize(draws, today, limits, risk)
        first = time.perf_counter()
        proposal.refit((today.index[0], today.index[7]))
        again = time.perf_counter()
        share = proposal.gap / today.sum()
        print(f"{name:42}{first - start:9.2f}{allowed:9.1f}{again - first:9.3f}{share:15.1e}")


if __name__ == "__main__":
    main()
