"""Panel + Design -> the columns of the regression: level, calendar, demand, trend, then the curves.

Knows nothing of the past beyond the panel at hand, and nothing of priors on returns.
"""

from dataclasses import dataclass, replace

import numpy as np

from adbudget.curves import mixed_adstock
from adbudget.model.calendar import calendar_columns
from adbudget.model.demand import demand_column
from adbudget.model.design import Design, settled
from adbudget.model.learned import Learned
from adbudget.model.priors import Priors
from adbudget.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedColumns:
    """Baseline columns whose coefficients accounts share, right after the level.

    Attributes
    ----------
    groups : names of the groups: coefficients of a group differ between accounts alike
    group : (shared,) place of each column's group
    size : (shared,) relative size of its coefficient: the k-th wave's is 1 / k
    guess : (group,) sd of a coefficient of size one, as a share of the mean outcome
    names : (shared,) of the columns, by which populations know them
    centre, precision : what is expected, before any data, of the coefficients accounts share
    apart : (group,) first guess of how far accounts differ in a coefficient of size one
    """

    groups: tuple[str, ...]
    group: np.ndarray
    size: np.ndarray
    guess: np.ndarray
    names: tuple[str, ...]
    centre: np.ndarray
    precision: np.ndarray
    apart: np.ndarray


def shared_columns(design: Design, priors: Priors) -> SharedColumns:
    """Names, sizes and first guesses, in the order of :func:`baseline_columns`."""
    waves = 1 / np.arange(1, design.season_order + 1)
    parts = [("season", np.concatenate([waves, waves]), priors.season_sd, 0.0)]
    if design.period_days == 1:
        parts.append(("weekday", np.ones(7), priors.weekday_sd, 0.0))
    one = np.ones(1)
    parts += [(f"control {name}", one, priors.control_sd, 0.0) for name in design.controls]
    parts.append(("demand", np.ones(1), priors.demand_sd, priors.demand_effect))
    sizes = [size for _, size, _, _ in parts]
    counts = [size.size for size in sizes]
    group, size = np.repeat(np.arange(len(parts)), counts), np.concatenate(sizes)
    guess = np.array([guess for _, _, guess, _ in parts])
    stated = SharedColumns(
        groups=tuple(name for name, _, _, _ in parts),
        group=group,
        size=size,
        guess=guess,
        names=_names(parts, design.season_order),
        centre=np.repeat([centre for _, _, _, centre in parts], counts),
        precision=np.diag((guess[group] * size) ** -2.0),
        apart=guess * priors.baseline_apart,
    )
    return stated if priors.learned is None else _as_learned(stated, priors.learned)


def _names(parts, season_order: int) -> tuple[str, ...]:
    """Every column by its group and place; waves by kind and number, whatever their order."""
    names = [f"season {kind} {k + 1}" for kind in ("sine", "cosine") for k in range(season_order)]
    for name, size, _, _ in parts[1:]:
        names += [f"{name} {k + 1}" for k in range(size.size)]
    return tuple(names)


def _as_learned(stated: SharedColumns, learned: Learned) -> SharedColumns:
    """What other accounts have shown, for every column they had too."""
    if not learned.columns:
        return stated
    own = [i for i, name in enumerate(stated.names) if name in learned.columns]
    theirs = [learned.columns.index(stated.names[i]) for i in own]
    centre, cov = stated.centre.copy(), np.linalg.inv(stated.precision)
    centre[own] = np.array(learned.coefficients)[theirs]
    cov[np.ix_(own, own)] = np.array(learned.coefficient_covariance)[np.ix_(theirs, theirs)]
    spreads = dict(learned.spreads)
    guesses = zip(stated.groups, stated.apart.tolist(), strict=True)
    apart = np.array([spreads.get(group, guess) for group, guess in guesses])
    return replace(stated, centre=centre, precision=np.linalg.inv(cov), apart=apart)


def baseline_columns(panel: Panel, design: Design, account: int) -> np.ndarray:
    """(period, nuisance) level, season, weekday, controls, demand and trend of one account.

    The trend is a chain of ramps, one per knot: a ramp is 0 until its knot, so columns of later
    knots are zero on earlier rows and old evidence stays valid when new knots appear at the end.
    """
    since = (panel.dates - design.origin[account]) / np.timedelta64(1, "D")
    end = since[panel.last[account]]
    knots = np.arange(0.0, max(end, 1e-9), design.trend_knot_days)
    return np.column_stack(
        [
            np.ones(panel.dates.size),
            calendar_columns(panel, design, account),
            demand_column(panel, design, account),
            np.clip((since[:, None] - knots) / design.trend_knot_days, 0.0, 1.0),
        ]
    )


def basis_columns(design: Design, stock: np.ndarray, account: int) -> np.ndarray:
    """(period, cell * basis) basis of one account's existing cells, each with mean one.

    ``stock`` (channel, retention, period) is the adstock of its channels, in units of
    ``design.unit``.
    """
    cells = np.flatnonzero(design.exists[account])
    raw = design.saturated(mixed_adstock(stock[cells], design.mix))
    basis = raw / design.basis_mean[account, cells][:, :, None, :]
    return np.moveaxis(basis, 2, 0).reshape(stock.shape[-1], -1)


def regression_rows(
    panel: Panel, design: Design, stock: np.ndarray, account: int
) -> tuple[np.ndarray, int]:
    """(period, p + q + 1) rows [baseline, basis, scaled outcome] of one account, and p."""
    baseline = baseline_columns(panel, design, account)
    basis = basis_columns(design, stock[account], account)
    money = panel.outcome[account] * panel.unit_value[account] / design.outcome_scale[account]
    return np.column_stack([baseline, basis, settled(money)]), baseline.shape[1]
