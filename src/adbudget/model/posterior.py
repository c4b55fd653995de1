"""Posterior: what a fit is made of. Whatever is derived from a fit needs only this."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from adbudget.display.page import Page, Shown
from adbudget.draws import Health
from adbudget.model.evidence import Evidence
from adbudget.model.layout import Layout
from adbudget.model.priors import Priors
from adbudget.model.row_noise import RowNoise
from adbudget.model.transform import CellDraws, cell_draws
from adbudget.panel.panel import Panel


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Shown):
    """The panel a model saw, what it believed, and the posterior draws of its parameters.

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
    forgetting : days before an account's last record at which a row counts half; None when every
        row counts in full
    lift_history : (draw, lift test) what a fit without any test expects the tests to measure; None
        when nothing had to be sampled for it
    known_drift : the table of ``drift``, where it was made already
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
    forgetting: float | None = None
    lift_history: np.ndarray | None = None
    known_drift: pd.DataFrame | None = None

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        health, (chains, draws, _) = self.health, self.positions.shape
        forgets = "nothing" if self.forgetting is None else f"half after {self.forgetting:g} days"
        tests = self.evidence.tests
        return Page(
            title=f"Fit of {self.panel.in_words}",
            facts=[
                ("health", health.page().title.partition(": ")[2]),
                ("r-hat", f"{health.rhat_max:.3f}, effective draws {health.ess_bulk_min:,.0f}"),
                ("draws kept", f"{chains * draws:,} of {health.n_draws:,}, seed {self.seed}"),
                ("forgets", forgets),
                ("lift tests", f"{0 if tests is None else len(tests.cell):,}"),
                ("made by", ", ".join(f"{name} {one}" for name, one in self.versions.items())),
            ],
            next=(
                ".recommend(limits=...)  ab.forecast(fit)  .update(new_rows)  .save(path)",
                ".draws  .health  .drift  .lift_tests  .idata  .current_spend",
            ),
        )

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
