"""What a careful analyst would do without pooling: least squares per account, then SLSQP.

Each account by itself: adstock and saturation of every channel and the number of yearly waves are
chosen by blocked cross-validation, effects may not be negative, level, trend, season and controls
go in freely. SLSQP splits the account's total. World -> Answer; shares no code with the model.
"""

from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, minimize, nnls
from scipy.signal import lfilter

from benchmarks.worlds.answer import Answer
from benchmarks.worlds.jobs import CHANGE, Job, control_names

if TYPE_CHECKING:
    from adbudget.synthetic import World

HALF_LIFE_WEEKS = (0.0, 1.0, 2.0, 4.0)
HALF_SATURATION = (0.3, 0.6, 1.2, 2.5, 5.0)  # in units of the channel's mean spend
SEASON_WAVES = (0, 1, 2)
FOLDS = 5
MAX_SWEEPS = 4
FIRST_WEEKS = 4  # their mean stands in for the spend before the records


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Account:
    """One account's table.

    Attributes
    ----------
    outcome : (week,)
    features : (channel, half-life, half-saturation, week) every transformed spend that may enter
    scale : (channel,) mean spend per week over the channel's life
    baselines : per number of waves, (week, column) level, trend, season, controls
    channels : names
    """

    outcome: np.ndarray
    features: np.ndarray
    scale: np.ndarray
    baselines: tuple[np.ndarray, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """Steady-state curves of one account: effect * x / (x + half_saturation), x = spend / scale."""

    effect: np.ndarray
    half_saturation: np.ndarray
    scale: np.ndarray

    def response(self, spend: np.ndarray) -> np.ndarray:
        """(channel,) outcome per week at a constant spend."""
        level = spend / self.scale
        return self.effect * level / (level + self.half_saturation)

    def slope(self, spend: np.ndarray) -> np.ndarray:
        """(channel,) its derivative."""
        level = spend / self.scale
        bend = self.half_saturation / (level + self.half_saturation) ** 2
        return self.effect * bend / self.scale


def least_squares(world: "World", job: Job) -> Answer:
    """Fit and split each account by itself; an account SLSQP cannot split is held."""
    start, cpu = perf_counter(), process_time()
    current = world.current()
    plan, curves, n_held = current.copy(), {}, 0
    for name in world.spec.account_names:
        account = read_account(world, name)
        curves[name] = fit_account(account)
        cells = [(name, channel) for channel in account.channels]
        now = current.loc[cells].to_numpy()
        split = split_total(curves[name], now)
        n_held += split is None
        plan.loc[cells] = now if split is None else split

    def lift(asked: pd.Series) -> np.ndarray:
        gained = [
            curves[name].response(asked.loc[name].reindex(channels).to_numpy())
            - curves[name].response(current.loc[name].reindex(channels).to_numpy())
            for name, channels in own_channels.items()
        ]
        cells = [(name, c) for name, channels in own_channels.items() for c in channels]
        by_cell = pd.Series(np.concatenate(gained), pd.MultiIndex.from_tuples(cells))
        return by_cell.loc[asked.index].to_numpy()[None]

    own_channels = {name: read_channels(world, name) for name in world.spec.account_names}
    facts = {
        "seconds": perf_counter() - start,
        "cpu_seconds": process_time() - cpu,
        "held_by_failure": n_held,
    }
    return Answer(plan=plan, lift=lift, facts=facts)


def read_channels(world: "World", name: str) -> tuple[str, ...]:
    """Channels the account uses."""
    used = world.spend.loc[world.spend["account"] == name, "channel"]
    return tuple(used.unique())


def read_account(world: "World", name: str) -> Account:
    """Tables of one account -> arrays; weeks before a channel's start count as no spend."""
    table = pd.DataFrame(world.outcome[world.outcome["account"] == name]).sort_values("date")
    channels = read_channels(world, name)
    own = world.spend[world.spend["account"] == name]
    by_week = own.pivot_table("spend", "date", "channel")[list(channels)].reindex(table["date"])
    scale = by_week.mean().to_numpy()  # over the channel's life: other weeks are missing
    spend = by_week.fillna(0.0).to_numpy().T / scale[:, None]
    date = pd.DatetimeIndex(table["date"])
    controls = table[control_names(world)].to_numpy(float)
    return Account(
        outcome=table[world.spec.kpi].to_numpy(float),
        features=_features(spend),
        scale=scale,
        baselines=tuple(_baseline(date, controls, waves) for waves in SEASON_WAVES),
        channels=channels,
    )


def _features(spend: np.ndarray) -> np.ndarray:
    before = spend[:, :FIRST_WEEKS].mean(axis=1)
    kept = [0.5 ** (1 / weeks) if weeks else 0.0 for weeks in HALF_LIFE_WEEKS]
    stocks = [
        lfilter([1 - rate], [1, -rate], spend, zi=rate * before[:, None])[0] if rate else spend
        for rate in kept
    ]
    stock = np.stack(stocks, axis=1)[:, :, None]
    return stock / (stock + np.array(HALF_SATURATION)[:, None])


def _baseline(date: pd.DatetimeIndex, controls: np.ndarray, waves: int) -> np.ndarray:
    angle = 2 * np.pi * date.day_of_year.to_numpy() / 365.25
    columns = [np.ones(date.size), np.linspace(-1, 1, date.size)]
    for k in range(1, waves + 1):
        columns += [np.cos(k * angle), np.sin(k * angle)]
    spread = controls.std(axis=0)
    used = (controls - controls.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    return np.column_stack([*columns, used])


def fit_account(account: Account) -> Curves:
    """Choose every transformation by cross-validation, then estimate the effects on all weeks."""
    n_channels = len(account.channels)
    half_life, half_saturation = np.full(n_channels, 1), np.full(n_channels, 2)
    waves, best = 1, np.inf
    folds = [_Fold.of(account, part) for part in _blocks(account.outcome.size)]
    for _ in range(MAX_SWEEPS):
        before = best
        for w in range(len(SEASON_WAVES)):
            error = _error(folds, _chosen(account, half_life, half_saturation), w)
            if error < best:
                best, waves = error, w
        for c in range(n_channels):
            for j in range(len(HALF_LIFE_WEEKS)):
                for m in range(len(HALF_SATURATION)):
                    trial = half_life.copy(), half_saturation.copy()
                    trial[0][c], trial[1][c] = j, m
                    error = _error(folds, _chosen(account, *trial), waves)
                    if error < best:
                        best, (half_life, half_saturation) = error, trial
        if best >= before:
            break
    effect = _effects(account, _chosen(account, half_life, half_saturation), waves)
    chosen = np.array(HALF_SATURATION)[half_saturation]
    return Curves(effect=effect, half_saturation=chosen, scale=account.scale)


def _blocks(n_weeks: int) -> list[np.ndarray]:
    """(week,) held out in each fold: neighbouring weeks together, since they are alike."""
    block = np.arange(n_weeks) * FOLDS // n_weeks
    return [block == fold for fold in range(FOLDS)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fold:
    """Weeks held out, and each baseline's orthonormal basis over the other weeks."""

    held: np.ndarray
    outcome: np.ndarray
    baselines: tuple[np.ndarray, ...]
    bases: tuple[np.ndarray, ...]

    @staticmethod
    def of(account: Account, held: np.ndarray) -> "_Fold":
        bases = tuple(np.linalg.qr(b[~held])[0] for b in account.baselines)
        return _Fold(held=held, outcome=account.outcome, baselines=account.baselines, bases=bases)


def _chosen(account: Account, half_life: np.ndarray, half_saturation: np.ndarray) -> np.ndarray:
    """(week, channel) one transformed spend per channel."""
    return account.features[np.arange(len(account.channels)), half_life, half_saturation].T


def _error(folds: list[_Fold], chosen: np.ndarray, waves: int) -> float:
    """Sum of squared errors over the weeks held out."""
    total = 0.0
    for fold in folds:
        train, held, basis = ~fold.held, fold.held, fold.bases[waves]
        effect = _partial(chosen[train], fold.outcome[train], basis)
        rest = fold.outcome - chosen @ effect
        baseline = fold.baselines[waves]
        level = np.linalg.lstsq(baseline[train], rest[train], rcond=None)[0]
        total += float(((rest - baseline @ level)[held] ** 2).sum())
    return total


def _effects(account: Account, chosen: np.ndarray, waves: int) -> np.ndarray:
    basis = np.linalg.qr(account.baselines[waves])[0]
    return _partial(chosen, account.outcome, basis)


def _partial(chosen: np.ndarray, outcome: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """(channel,) effects >= 0 with the baseline partialled out (Frisch, Waugh & Lovell)."""
    away = [values - basis @ (basis.T @ values) for values in (chosen, outcome)]
    unit = np.maximum(np.linalg.norm(away[0], axis=0), 1e-12)
    return nnls(away[0] / unit, away[1])[0] / unit


def split_total(curves: Curves, now: np.ndarray) -> np.ndarray | None:
    """The account's total split by SLSQP within the bounds; None when it fails."""
    total, moving = now.sum(), now > 0
    scale = max(float(curves.response(now).sum()), 1e-9)

    def spend(share: np.ndarray) -> np.ndarray:
        full = now.copy()
        full[moving] *= share
        return full

    found = minimize(
        lambda share: -curves.response(spend(share)).sum() / scale,
        np.ones(moving.sum()),
        jac=lambda share: -(curves.slope(spend(share)) * now)[moving] / scale,
        method="SLSQP",
        bounds=Bounds(1 - CHANGE, 1 + CHANGE),
        constraints={
            "type": "eq",
            "fun": lambda share: now[moving] @ share / total - 1.0,
            "jac": lambda share: now[moving] / total,
        },
        options={"ftol": 1e-10, "maxiter": 200},
    )
    return spend(found.x) if found.success else None
