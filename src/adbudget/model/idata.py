"""Fit -> ArviZ-compatible DataTree: posterior, sample_stats, observed_data."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from adbudget.model.transform import cell_draws

if TYPE_CHECKING:
    from adbudget.model.posterior import Posterior

POPULATION_DIMS = {
    "return_level": (),
    "channel_return": ("channel",),
    "channel_spread": ("channel",),
    "account_spread": (),
    "saturation_tilt": ("channel",),
    "adstock_tilt": ("channel",),
    "account_effect": ("account",),
}


def to_datatree(fit: "Posterior") -> xr.DataTree:
    """Named draws for ArviZ: population parameters, and per cell ROI and shape.

    ``roi`` is the average return over the history, money per money; cells that do not exist are
    NaN. Spreads are reported without their meaningless sign.
    """
    design, priors = fit.evidence.design, fit.priors
    account, channel = np.argwhere(design.exists).T
    positions = fit.positions.astype(float)
    part = fit.layout.split(positions)
    cells = cell_draws(positions, fit.layout, priors, account, channel)
    coords = {
        "chain": np.arange(positions.shape[0]),
        "draw": np.arange(positions.shape[1]),
        "account": list(design.accounts),
        "channel": list(design.channels),
        "adstock": list(priors.adstock_names),
        "saturation": list(priors.saturation_names),
    }
    variables = {}
    for name, dims in POPULATION_DIMS.items():
        values = np.abs(part[name]) if name.endswith("spread") else part[name]
        values = values if dims else values[..., 0]
        variables[name] = (("chain", "draw", *dims), values)
    once = ("chain", "draw")
    variables["level_spread"] = (once, np.exp(part["level_log_spread"][..., 0]))
    cell_dims = (*once, "account", "channel")
    for name, values, extra in (
        ("roi", cells.roi, ()),
        ("adstock_share", cells.adstock, ("adstock",)),
        ("saturation_share", cells.shape, ("saturation",)),
    ):
        grid = np.full((*positions.shape[:2], *design.exists.shape, *values.shape[3:]), np.nan)
        grid[:, :, account, channel] = values
        variables[name] = ((*cell_dims, *extra), grid)
    stats = {name: (("chain", "draw"), values) for name, values in sorted(fit.sample_stats.items())}
    sampled = {name: coords[name] for name in ("chain", "draw")}
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(variables, coords=coords),
            "sample_stats": xr.Dataset(stats, coords=sampled),
            "observed_data": observed_data(fit),
        }
    )


def observed_data(fit: "Posterior") -> xr.Dataset:
    """Outcome as it was recorded, (account, date), outcome units; NaN where it was not."""
    panel = fit.panel
    return xr.Dataset(
        {"outcome": (("account", "date"), panel.outcome)},
        coords={
            "account": list(panel.accounts),
            "date": panel.dates.astype("datetime64[ns]"),
        },
    )
