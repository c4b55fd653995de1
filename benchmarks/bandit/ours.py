"""The library as an arm: what a cycle of the loop does between gathering and review.

Accounts are campaigns, channels are ad lines, and a round is a day. Rows become a panel, the panel
a fit, and :func:`adbudget.loop.proposing.propose` the plan: the best step under the stated risk and
a lean towards one posterior draw. To keep a study of many rounds within reason, chains are short
and run once, and what their health would hold up is decided all the same.
"""

import warnings
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from adbudget import Limits, Priors, read_panel
from adbudget.draws import CurveDraws, Health
from adbudget.errors import AdbudgetError
from adbudget.loop.proposing import Draft, propose
from adbudget.loop.settings import LoopSettings
from adbudget.model import sampling
from adbudget.model.fit import fit
from benchmarks.bandit.arms import HALF_LIFE, LEARN_EVERY, Seen
from benchmarks.bandit.split import whole_levels
from benchmarks.bandit.worlds import N_LEVELS, WARM_UP

FIRST_DAY = pd.Timestamp("2024-01-01")
SHORT = {"draws": 300, "tune": 250, "chains": 4, "cores": 1, "progress": False}
THINNED = 3  # of the draws, those that are decided on
SELDOM = 10  # rounds between two fits at most
# What arms know of these worlds, as nobody does in practice: no calendar, no trend, and that all of
# an outcome is owed to spend. Carry-over is known to be none unless outcomes come in late.
PRIORS = Priors(
    season_order=0,
    season_sd=0.01,
    weekday_sd=0.01,
    trend_sd=0.003,
    demand_effect=0.0,
    demand_sd=0.01,
    level_share=0.1,
    level_odds_sd=0.5,
    half_life_days=(0.0,),
    delayed_half_lives=(),
)
LATE = replace(PRIORS, half_life_days=(0.0, 3.5, 8.0))
SETTINGS = LoopSettings(change=1.0, exploration=0.02)
LIMITS = Limits(total="fixed", change=1.0, beyond_observed=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thinned:
    """As much of a fit as a plan needs."""

    draws: CurveDraws
    health: Health


@dataclass(slots=True, kw_only=True, eq=False)
class Ours:
    """Fit and propose.

    Attributes
    ----------
    rng : of the draw that is explored
    seed : of the sampler
    notes : how often what happened: fits, those whose chains a product would not have trusted, and
        rounds in which the panel could not be read
    """

    rng: np.random.Generator
    seed: int
    known: Thinned | None = None
    learned: int = 0
    draft: Draft | None = None
    notes: dict[str, int] = field(default_factory=lambda: {"fits": 0, "unhealthy": 0, "refused": 0})

    def decide(self, seen: Seen) -> np.ndarray:
        """The plan in whole levels; what stands where the panel cannot be read."""
        n_rounds = len(seen.spend)
        due = max(LEARN_EVERY, min(SELDOM, self.learned // 3))
        if self.known is None or n_rounds - self.learned >= due:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._learn(seen)
            except AdbudgetError:
                self.notes["refused"] += 1
        if self.known is None:
            return seen.levels[-1]
        cells = self.known.draws.cells
        share = seen.budget[:, None] / N_LEVELS
        current = self._series(seen.levels[-1] * share, cells)
        settled = current if self.draft is None else self.draft.base
        known: Any = self.known
        self.draft = propose(known, current, settled, LIMITS, SETTINGS, self.rng, {})
        plan = self.draft.plan.to_numpy().reshape(seen.levels.shape[1:])
        return whole_levels(plan / seen.budget[:, None], N_LEVELS)

    def _learn(self, seen: Seen) -> None:
        """Fit all rows."""
        panel = read_panel(*tables(seen), freq="daily")
        priors = LATE if seen.late else PRIORS
        forgetting = float(HALF_LIFE) if seen.changing else None
        with patch.object(sampling, "MAX_RUNS", 1):
            made = fit(panel, priors, seed=self.seed, forgetting=forgetting, **SHORT)
        self.notes["fits"] += 1
        self.notes["unhealthy"] += not made.health.ok
        draws = made.draws.isel(slice(None, None, THINNED))
        self.known = Thinned(draws=draws, health=replace(made.health, problems=()))
        self.learned = len(seen.spend)

    def _series(self, money: np.ndarray, cells: pd.MultiIndex) -> pd.Series:
        return pd.Series(money.ravel(), index=cells)


def tables(seen: Seen) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spend by account, channel and day, and the outcome of each account.

    An outcome is worth what it cost in the warm-up, so that what exploring may cost, a share of
    spend, means the same in every world.
    """
    n_rounds, n_accounts, n_lines = seen.spend.shape
    days = FIRST_DAY + pd.to_timedelta(np.arange(n_rounds), unit="D")
    accounts = [f"c{a:02d}" for a in range(n_accounts)]
    lines = [f"l{k:02d}" for k in range(n_lines)]
    at = pd.MultiIndex.from_product([days, accounts, lines], names=["date", "account", "channel"])
    spend: Any = pd.Series(seen.spend.ravel(), at, name="spend").reset_index()
    cost = seen.spend[:WARM_UP].sum() / max(seen.outcome[:WARM_UP].sum(), 1e-9)
    total = seen.outcome.sum(axis=2) * cost
    of: Any = pd.MultiIndex.from_product([days, accounts], names=["date", "account"])
    return spend, pd.Series(total.ravel(), of, name="revenue").reset_index()
