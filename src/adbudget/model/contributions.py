"""Fit -> what every channel, the season and the rest of the baseline brought, period by period."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from adbudget.errors import InputError
from adbudget.model.design import carried_spend, first_state
from adbudget.model.held_out import basis_weights
from adbudget.model.predict import baseline_draws
from adbudget.model.regressors import regression_rows, shared_columns
from adbudget.model.transform import cell_draws

if TYPE_CHECKING:
    from adbudget.model.posterior import Posterior

PARTS = ("base", "season", "controls", "demand")
SEASONAL = ("season", "weekday")


def contributions(
    fit: "Posterior", *, seed: int, n_draws: int = 200, accounts: Sequence[str] | None = None
) -> xr.Dataset:
    """What the model says each part of the outcome was, over the history it saw.

    Parameters
    ----------
    fit : the fitted model
    seed : of the baseline's coefficients, which are drawn given the curves
    n_draws : posterior draws used, evenly spaced over all kept ones
    accounts : whose; all when None

    Returns
    -------
    xr.Dataset, outcome units, joint draws: ``media`` (draw, account, channel, date) what each
    channel brought, carry-over included, NaN where there is no cell; ``baseline`` (draw, account,
    part, date) with parts "base" (level and trend), "season" (of the year and the week),
    "controls" and "demand" (what moved the outcome and the spend of all channels together);
    ``expected`` (draw, account, date) their sum; ``outcome`` (account, date) as recorded. NaN
    outside an account's record

    Raises
    ------
    InputError : more draws are wanted than were kept, or an account is unknown
    """
    kept = fit.positions.shape[0] * fit.positions.shape[1]
    if not 1 <= n_draws <= kept:
        raise InputError(f"draws must be between 1 and the {kept} kept ones; got {n_draws}.")
    panel, design = fit.panel, fit.evidence.design
    names = panel.accounts if accounts is None else tuple(accounts)
    unknown = [name for name in names if name not in panel.accounts]
    if unknown:
        raise InputError(
            f"there is no account {unknown[0]!r}; the first are {list(panel.accounts[:5])}."
        )
    chosen = np.linspace(0, kept - 1, n_draws).astype(int)
    flat = fit.positions.reshape(kept, -1)[chosen].astype(float)
    account, channel = np.argwhere(design.exists).T
    cells = cell_draws(flat, fit.layout, fit.priors, account, channel)
    stock = carried_spend(panel, design, first_state(panel, design))
    media = np.full((n_draws, len(names), panel.n_channels, panel.n_periods), np.nan)
    baseline = np.full((n_draws, len(names), len(PARTS), panel.n_periods), np.nan)
    for i, name in enumerate(names):
        a = panel.accounts.index(name)
        rng = np.random.default_rng([seed, a])  # an account's draws do not depend on the others
        weights = basis_weights(fit.evidence, cells, a)
        rows, p = regression_rows(panel, design, stock, a)
        coefficients, _ = baseline_draws(fit.evidence, fit.noise, fit.priors, weights, a, rng)
        inside = slice(panel.first[a], panel.last[a] + 1)
        scale = design.outcome_scale[a] / panel.unit_value[a]
        own = np.flatnonzero(design.exists[a])
        by_cell = weights.reshape(n_draws, own.size, design.n_basis)
        basis = rows[inside, p:-1].reshape(-1, own.size, design.n_basis)
        media[:, i, own, inside] = scale * np.einsum("dcb,tcb->dct", by_cell, basis)
        for part, columns in enumerate(_columns_of_parts(fit, p)):
            of_part = coefficients[:, columns] @ rows[inside][:, :p][:, columns].T
            baseline[:, i, part, inside] = scale * of_part
    return _named(fit, names, media, baseline)


def _columns_of_parts(fit: "Posterior", n_baseline: int) -> list[np.ndarray]:
    """Positions of the columns of every part among those of the baseline."""
    shared = shared_columns(fit.evidence.design, fit.priors)
    group = np.array(shared.groups, dtype=object)[shared.group]
    after_level = 1 + np.arange(group.size)
    seasonal, demand = np.isin(group, SEASONAL), group == "demand"
    base = np.r_[0, np.arange(1 + group.size, n_baseline)]
    return [base, *(after_level[one] for one in (seasonal, ~seasonal & ~demand, demand))]


def _named(fit: "Posterior", names: tuple[str, ...], media, baseline) -> xr.Dataset:
    """Arrays by name, and their sum."""
    panel = fit.panel
    at = [panel.accounts.index(name) for name in names]
    expected = np.nansum(media, axis=2) + baseline.sum(axis=2)
    return xr.Dataset(
        {
            "media": (("draw", "account", "channel", "date"), media),
            "baseline": (("draw", "account", "part", "date"), baseline),
            "expected": (("draw", "account", "date"), expected),
            "outcome": (("account", "date"), panel.outcome[at]),
        },
        coords={
            "account": list(names),
            "channel": list(panel.channels),
            "part": list(PARTS),
            "date": panel.dates.astype("datetime64[ns]"),
        },
    )
