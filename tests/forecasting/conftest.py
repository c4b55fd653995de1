"""Small fits: money by week, counts with a control and accounts that end apart, and days."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from adbudget.model.fit import fit
from adbudget.model.priors import Priors
from adbudget.panel.read import read_panel
from adbudget.synthetic import WorldSpec, synthesize

SHORT = {"draws": 250, "tune": 300, "chains": 2, "progress": False}
MAX_RUNS = "adbudget.model.sampling.MAX_RUNS"


@pytest.fixture(autouse=True)
def one_run(monkeypatch):
    """Short fits are not run again until they are healthy."""
    monkeypatch.setattr(MAX_RUNS, 1)


def short_fit(*given, seed: int):
    """The same for fixtures that outlive a test: nothing stays patched for the tests of others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MAX_RUNS, 1)
        return fit(*given, seed=seed, **SHORT)


@pytest.fixture(scope="session")
def money():
    """Three accounts of 80 weeks; concave curves only, so that it can be held against simulate."""
    spec = WorldSpec(n_accounts=3, n_channels=3, n_periods=80, noise=0.05)
    world = synthesize(spec, 21)
    panel = read_panel(world.spend, world.outcome, currency="EUR")
    fitted = short_fit(panel, Priors(s_shaped=()), seed=2)
    return replace(fitted, health=replace(fitted.health, problems=(), warnings=()))


@pytest.fixture(scope="session")
def counted():
    """Two accounts that count leads, one of which ends three weeks before the other."""
    rng = np.random.default_rng(4)
    dates = pd.date_range("2024-01-01", periods=60, freq="7D")
    parts = []
    for account, n, size in (("north", 60, 30.0), ("south", 57, 8.0)):
        promo = (np.arange(n) % 13 == 0).astype(float)
        x, y = (rng.gamma(4, 50, n) for _ in range(2))
        mean = size * (1 + 0.5 * promo + x / (x + 200) + 0.5 * y / (y + 200))
        table = {"date": dates[:n], "search": x, "social": y, "promo": promo}
        parts.append(pd.DataFrame(table | {"leads": rng.poisson(mean)}).assign(account=account))
    panel = read_panel(
        pd.concat(parts), channels=["search", "social"], controls=["promo"], value_per_unit=40,
        columns={"outcome": "leads"},
    )  # fmt: skip
    fitted = short_fit(panel, seed=2)
    return replace(fitted, health=replace(fitted.health, problems=(), warnings=()))


@pytest.fixture(scope="session")
def daily():
    """One shop by day; Sundays sell half of what other days do."""
    rng = np.random.default_rng(8)
    dates = pd.date_range("2024-01-01", periods=120)
    sunday = (dates.day_of_week == 6).astype(float)
    revenue = 100 * (1 - 0.5 * sunday) * rng.normal(1, 0.05, dates.size)
    table = pd.DataFrame({"date": dates, "search": rng.gamma(4, 5, 120), "revenue": revenue})
    return short_fit(read_panel(table.assign(account="a"), channels=["search"]), seed=1)
