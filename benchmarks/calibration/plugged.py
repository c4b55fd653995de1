"""Setting + generator -> spend and outcome of a world in which nothing is as plainly assumed.

A fit finds much before it samples and plugs it in: the common movement of spend, scales and centre
of the baseline, trend, tail, growth and persistence of the noise. Here all of that is drawn anew in
every replication, from what the code allows for, so that ranks show what plugging in costs. Knows
nothing of fitting.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.signal import lfilter

from adbudget.model.demand import LOADING_SD, USUAL_VARIANCE
from adbudget.model.noise import LEVEL_POWERS
from adbudget.model.predict import unit_noise
from adbudget.model.regressors import shared_columns
from adbudget.model.row_noise import RowNoise, even_noise, level_spread

from .joint import (
    LOWEST_SHARE,
    Drawn,
    Setting,
    basis_weights,
    draw_noise_sds,
    first_allowed,
    make_setting,
    to_outcome,
)

MOVEMENT_HALF_LIFE_DAYS = 14.0  # demand lasts
KINDS_OF_NOISE = ("gaussian", "student", "outliers")
STUDENT_DF = (2.0, 12.0)  # log-uniform between
OUTLIER_SHARE, OUTLIER_SIZE = 0.03, 6.0  # of the rows; sd of their shock in sds of the noise
PERSISTENT_SHARE, PERSISTENCE, PERSISTENCE_APART = 0.5, (0.1, 0.6), 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hidden:
    """What a fit has to find before it samples.

    Attributes
    ----------
    moving : per account (p - 1,) coefficients of season, weekdays, demand and trend, as a share of
        the mean outcome
    noise : tail, growth and persistence; its weights and spread are even
    kind : one of :data:`KINDS_OF_NOISE`
    """

    moving: list[np.ndarray]
    noise: RowNoise
    kind: str


def draw_plugged(setting: Setting, seed: int, kind: str) -> tuple[Setting, Drawn]:
    """Spend that moves with demand, and an outcome above zero with the panel's means.

    As the ``positive`` draws of ``joint.draw_jointly``, everything is drawn again until the outcome
    is above zero; but for the movement of demand, which spend already shows. It moves outcomes by a
    few per cent and hardly changes how often they are above zero.

    Parameters
    ----------
    setting, seed : what is fixed, and chance
    kind : of the noise, one of :data:`KINDS_OF_NOISE`; given, as outliers are above zero less often

    Returns
    -------
    setting : with the new spend, and the design that goes with it
    drawn : with ``facts``: kind of noise, its tail, growth and mean persistence
    """
    rng = np.random.default_rng(seed)
    demand, moved = _with_demand(setting, rng)

    def outcome(position: np.ndarray, media_share: np.ndarray) -> tuple[Drawn, float]:
        hidden = draw_hidden(moved, kind, rng)
        return _with_outcome(moved, demand, hidden, position, media_share, rng)

    return moved, first_allowed(moved, rng, outcome, LOWEST_SHARE)


def _with_demand(setting: Setting, rng: np.random.Generator) -> tuple[np.ndarray, Setting]:
    """(account, period) common log movement of spend, and the setting whose spend has it."""
    panel = setting.panel
    sd = np.sqrt(abs(USUAL_VARIANCE * rng.normal()))
    loading = np.maximum(rng.normal(1, LOADING_SD, panel.n_channels), 0.0)
    keep = 0.5 ** (panel.period_days / MOVEMENT_HALF_LIFE_DAYS)
    steps = rng.normal(size=panel.outcome.shape)
    steps[:, 1:] *= np.sqrt(1 - keep**2)
    demand = sd * np.asarray(lfilter([1.0], [1.0, -keep], steps, axis=1))
    spend = panel.spend * np.exp(loading[:, None] * demand[:, None])
    return demand, make_setting(replace(panel, spend=spend), setting.priors)


def draw_hidden(setting: Setting, kind: str, rng: np.random.Generator) -> Hidden:
    """Baseline and noise from the guesses that the code starts its searches with."""
    tail = float(np.exp(rng.uniform(*np.log(STUDENT_DF)))) if kind == "student" else np.inf
    common = rng.uniform(*PERSISTENCE) if rng.random() < PERSISTENT_SHARE else None
    n_accounts = setting.panel.n_accounts
    apart = PERSISTENCE_APART * rng.normal(size=n_accounts)
    noise = replace(
        even_noise(setting.panel),
        tail_df=tail,
        level_power=float(rng.choice(LEVEL_POWERS)),
        autocorrelation=np.zeros(n_accounts) if common is None else np.clip(common + apart, 0, 0.9),
    )
    return Hidden(moving=_draw_moving(setting, rng), noise=noise, kind=kind)


def _draw_moving(setting: Setting, rng: np.random.Generator) -> list[np.ndarray]:
    """Per account its own coefficients, around those that accounts share, and its own trend."""
    priors, shared = setting.priors, shared_columns(setting.design, setting.priors)

    def scale(guess: Any) -> Any:
        """A guess that is worth so many observations."""
        df = priors.baseline_df
        return guess * np.sqrt(df / rng.chisquare(df, size=np.shape(guess)))

    spread = scale(shared.apart)[shared.group] * shared.size
    trend = scale(priors.trend_sd)
    common = shared.centre + rng.normal(size=shared.centre.size) / np.sqrt(
        np.diag(shared.precision)
    )
    return [
        np.concatenate(
            [
                common + spread * rng.normal(size=common.size),
                trend * rng.normal(size=p - 1 - common.size),
            ]
        )
        for _, p in setting.rows
    ]


def _with_outcome(
    setting: Setting,
    demand: np.ndarray,
    hidden: Hidden,
    position: np.ndarray,
    media_share: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Drawn, float]:
    """One draw of the outcome, and its lowest value in units of the account's scale."""
    weights, account = basis_weights(setting, position[None])[0], setting.cell_index[0]
    noise_sd = draw_noise_sds(setting, rng)
    place = shared_columns(setting.design, setting.priors).size.size - 1  # of demand, the last
    path = np.full(setting.panel.outcome.shape, np.nan)
    for a, (rows, p) in enumerate(setting.rows):
        columns = rows[:, 1:p].copy()
        columns[:, place] = demand[a]  # not what can be expected of it
        media = rows[:, p:-1] @ weights[account == a].ravel()
        expected = 1 + (columns - columns.mean(axis=0)) @ hidden.moving[a] + media - media.mean()
        path[a] = expected + noise_sd[a] * _noise(hidden, expected, a, rng)
        path[a] += 1.0 - path[a].mean()
    noise = hidden.noise
    facts = {
        "noise": hidden.kind,
        "tail_df": noise.tail_df if np.isfinite(noise.tail_df) else None,
        "level_power": noise.level_power,
        "autocorrelation": round(float(noise.autocorrelation.mean()), 3),
    }
    return to_outcome(setting, position, noise_sd, media_share, path, facts)


def _noise(
    hidden: Hidden, expected: np.ndarray, account: int, rng: np.random.Generator
) -> np.ndarray:
    """(period,) noise in units of the account's noise sd."""
    spread = level_spread(expected, hidden.noise.level_power)
    spread = spread * np.sqrt(np.mean(spread**-2.0))
    noise = unit_noise(hidden.noise, account, (1, expected.size), rng)[0]
    if hidden.kind == "outliers":
        hit = rng.random(expected.size) < OUTLIER_SHARE
        noise = noise + OUTLIER_SIZE * rng.normal(size=expected.size) * hit
    return spread * noise
