"""Fixed design + Priors + generator -> parameters and outcome, both drawn from the model itself.

What the model says of a panel before its outcome is known, written forwards: parameters from their
prior, baseline coefficients and noise from theirs, outcome = baseline + advertising + noise. Knows
nothing of fitting.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from adbudget import Panel, Priors, read_panel
from adbudget.model.baseline import assumed_baseline
from adbudget.model.design import Design, carried_spend, first_state
from adbudget.model.evidence import Evidence, gather
from adbudget.model.layout import Layout
from adbudget.model.level import LOG_SPREAD_SD, base_sales_density
from adbudget.model.predict import prior_positions
from adbudget.model.reference import make_design
from adbudget.model.regressors import regression_rows
from adbudget.model.transform import cell_draws
from adbudget.synthetic import WorldSpec, synthesize

WORLD_SEED = 20  # of the spend that all replications share
BATCH, MOST_BATCHES = 2_000, 500
MOST_STEEP = 3.5  # change of the log odds with the log outcome, of media up to 7 in 10
LOWEST_SHARE = 0.02  # of the mean outcome: a table of outcomes holds no number below it


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """What all replications share.

    Attributes
    ----------
    panel : spend, calendar, names; its outcome only sets the scale of money
    design : columns of the regression, fixed
    priors : the beliefs that draw and that fit
    """

    panel: Panel
    design: Design
    priors: Priors

    @property
    def layout(self) -> Layout:
        """Order of a position."""
        exists = self.design.exists
        return Layout(exists.shape[1], exists.shape[0], int(exists.sum()))

    @cached_property
    def evidence(self) -> Evidence:
        """Sums over the panel's rows: the means of the columns over each record."""
        return gather(self.panel, self.design)

    @cached_property
    def rows(self) -> list[tuple[np.ndarray, int]]:
        """Per account the rows of its regression, and how many columns are baseline."""
        stock = carried_spend(self.panel, self.design, first_state(self.panel, self.design))
        accounts = range(self.panel.n_accounts)
        return [regression_rows(self.panel, self.design, stock, a) for a in accounts]

    @property
    def cell_index(self) -> tuple[np.ndarray, np.ndarray]:
        """(cell,) account and channel of every cell."""
        account, channel = np.argwhere(self.design.exists).T
        return account, channel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """One draw of everything.

    Attributes
    ----------
    position : (size,) parameters of returns and shapes
    noise_sd : (account,) in units of the account's outcome scale
    outcome : (account, period) outcome units; NaN where the setting has none
    media_share : (account,) of the mean outcome
    facts : what else was drawn, as JSON can hold it
    """

    position: np.ndarray
    noise_sd: np.ndarray
    outcome: np.ndarray
    media_share: np.ndarray
    facts: dict[str, Any] = field(default_factory=dict)


def small_setting(priors: Priors | None = None) -> Setting:
    """Four accounts, three channels, 78 weeks: spend of a synthetic world, one cell starting late.

    Parameters
    ----------
    priors : the beliefs; the defaults when None
    """
    spec = WorldSpec(n_accounts=4, n_channels=3, n_periods=78, late_start_share=0.1)
    world = synthesize(spec, WORLD_SEED)
    return make_setting(read_panel(world.spend, world.outcome), priors)


def make_setting(panel: Panel, priors: Priors | None = None) -> Setting:
    """Fix the design of a panel."""
    priors = priors or Priors()
    return Setting(panel=panel, design=make_design(panel, priors), priors=priors)


def draw_jointly(setting: Setting, seed: int, *, positive: bool = False) -> Drawn:
    """Parameters and outcome, drawn from prior and likelihood.

    Every account has the mean outcome of its panel, in units of which the priors speak: the model
    takes the mean as known, and base sales are what media leave of it.

    Parameters
    ----------
    setting : what is fixed
    seed : of the draw
    positive : whether outcomes are above zero, as a table must have it. That is a condition on the
        outcome alone, as the mean is, so it leaves the posterior of every outcome as it is; it is
        met by drawing again
    """
    rng = np.random.default_rng(seed)
    return first_allowed(
        setting,
        rng,
        lambda position, media: _with_outcome(setting, position, media, rng),
        LOWEST_SHARE if positive else -np.inf,
    )


def first_allowed(
    setting: Setting,
    rng: np.random.Generator,
    outcome: Callable[[np.ndarray, np.ndarray], tuple[Drawn, float]],
    lowest: float,
) -> Drawn:
    """Draw positions, then the rest, until no outcome is below the lowest.

    Parameters
    ----------
    setting, rng : what is fixed, and chance
    outcome : position and media shares -> one draw, and its lowest outcome in units of the scale
    lowest : in the same units

    Raises
    ------
    RuntimeError : too rare
    """
    for _ in range(MOST_BATCHES):
        for position, media_share in _with_base_sales(setting, rng):
            drawn, found = outcome(position, media_share)
            if found >= lowest:
                return drawn
    raise RuntimeError(
        f"no outcome above {lowest:g} in {MOST_BATCHES * BATCH:,} tries; lower Priors.noise_share, "
        "or draw many at once (likely.py)."
    )


def _with_base_sales(setting: Setting, rng: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """Positions whose media leave base sales as the prior has them, with their media shares.

    Base sales are drawn relative to media. Given the mean outcome they follow from all the rest,
    and their prior density there is the weight of the draw. It falls with the spread s between
    accounts like s^(1 - accounts): that part is drawn from, and the rest is the chance to be kept.
    """
    priors, n_accounts = setting.priors, setting.panel.n_accounts
    positions = prior_positions(setting.layout, priors, BATCH, int(rng.integers(2**31)))
    log_spread = setting.layout.split(positions)["level_log_spread"]  # a view
    log_spread -= (n_accounts - 1) * LOG_SPREAD_SD**2
    media = mean_media(setting, positions)
    density = base_sales_density(media, log_spread[:, 0], priors)
    density += (n_accounts - 1) * log_spread[:, 0]
    bound = n_accounts * np.log(MOST_STEEP) - 0.5 * np.log(n_accounts * priors.level_odds_sd**2)
    for kept in np.flatnonzero(np.log(rng.uniform(size=BATCH)) < density - bound):
        yield positions[kept], media[kept]


def mean_media(setting: Setting, positions: np.ndarray) -> np.ndarray:
    """(draw, account) media over the record, in units of the account's outcome scale."""
    weights, account = basis_weights(setting, positions), setting.cell_index[0]
    means = [rows[:, p:-1].mean(axis=0) for rows, p in setting.rows]
    own = [weights[:, account == a].reshape(len(positions), -1) for a in range(len(means))]
    return np.stack([each @ mean for each, mean in zip(own, means, strict=True)], axis=1)


def draw_noise_sds(setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """(account,) in units of the account's outcome scale."""
    priors = setting.priors
    chance = rng.chisquare(priors.noise_df, size=setting.panel.n_accounts)
    return priors.noise_share * np.sqrt(priors.noise_df / chance)


def _with_outcome(
    setting: Setting, position: np.ndarray, media_share: np.ndarray, rng: np.random.Generator
) -> tuple[Drawn, float]:
    """One draw of the outcome, and its lowest value in units of the account's scale."""
    baseline = assumed_baseline(setting.evidence, setting.priors)
    weights, account = basis_weights(setting, position[None])[0], setting.cell_index[0]
    noise_sd = draw_noise_sds(setting, rng)
    path = np.full(setting.panel.outcome.shape, np.nan)
    for a, (rows, p) in enumerate(setting.rows):
        mean, precision = baseline.moving(a, p)
        moving = mean + noise_sd[a] / np.sqrt(np.diag(precision)) * rng.normal(size=p - 1)
        path[a] = rows[:, 1:p] @ moving + rows[:, p:-1] @ weights[account == a].ravel()
        path[a] += noise_sd[a] * rng.normal(size=rows.shape[0])
        path[a] += 1.0 - path[a].mean()
    return to_outcome(setting, position, noise_sd, media_share, path)


def to_outcome(
    setting: Setting,
    position: np.ndarray,
    noise_sd: np.ndarray,
    media_share: np.ndarray,
    path: np.ndarray,
    facts: dict[str, Any] | None = None,
) -> tuple[Drawn, float]:
    """A draw in outcome units, and the lowest of its ``path`` (account, period), in scale units."""
    panel = setting.panel
    path = np.where(np.isfinite(panel.outcome), path, np.nan)
    drawn = Drawn(
        position=position,
        noise_sd=noise_sd,
        outcome=path * (setting.design.outcome_scale / panel.unit_value)[:, None],
        media_share=media_share,
        facts=facts or {},
    )
    return drawn, float(np.nanmin(path))


def basis_weights(setting: Setting, positions: np.ndarray) -> np.ndarray:
    """(draw, cell, basis) mean outcome owed to each basis curve, in units of the outcome scale.

    The return is taken before the cut that reports next to nothing as zero, as the density does.
    """
    design = setting.design
    cells = cell_draws(positions, setting.layout, setting.priors, *setting.cell_index)
    share = (design.scale / design.outcome_scale[:, None])[design.exists]
    level = np.exp(cells.log_roi) * share
    weights = level[..., None, None] * cells.adstock[..., :, None] * cells.shape[..., None, :]
    return weights.reshape(*level.shape, -1)


def drawn_panel(setting: Setting, drawn: Drawn) -> Panel:
    """The setting's panel with the drawn outcome, whatever its sign."""
    return replace(setting.panel, outcome=drawn.outcome)
