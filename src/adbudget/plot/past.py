"""Fit -> how well it follows the history: recorded, expected, baseline, and what is left."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.plot.asked import money_of, the_account
from adbudget.plot.axes import by_date, compact, dress, one_axes, panels, short
from adbudget.plot.contributions import INTERVAL, drawn_of, n_draws
from adbudget.plot.palette import BAND, FAINT, INCREASE, INK, MONITOR

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from adbudget.model.fit import Fit


def history_data(
    fit: "Fit",
    account: str | None = None,
    *,
    seed: int = 0,
    replicated: "xr.DataArray | None" = None,
    drawn: "xr.Dataset | None" = None,
) -> pd.DataFrame:
    """What was recorded and what the model makes of it, period by period, in money.

    Parameters
    ----------
    fit, account, seed : as in :func:`adbudget.plot.contribution_data`
    replicated : from :meth:`adbudget.Fit.posterior_predictive`, where it is at hand already
    drawn : from :meth:`adbudget.Fit.contributions`, likewise

    Returns
    -------
    pd.DataFrame with account, date, outcome, expected (mean), low, high (90% of replicated
    outcomes, noise included), baseline, season (mean), media (mean of all channels), residual
    (outcome - expected)

    Raises
    ------
    InputError : there is no such account

    Examples
    --------
    >>> list(ab.plot.history_data(fit, "account_01").columns)
    ['account', 'date', 'outcome', 'expected', 'low', 'high', 'baseline', 'season', 'media',
     'residual']
    """
    account, drawn, value = drawn_of(fit, account, seed, drawn)
    every = replicated
    if every is None:
        every = fit.posterior_predictive(seed=seed, draws=n_draws(fit))
    again = every.sel(account=account)
    inside = np.isfinite(drawn["expected"].to_numpy()[0])
    again = again.sel(date=drawn["date"]).to_numpy()[:, inside]
    low, high = value * np.quantile(again, INTERVAL, axis=0)
    parts = value * drawn["baseline"].mean("draw").to_numpy()[:, inside]
    media = value * np.nansum(drawn["media"].mean("draw").to_numpy(), axis=0)[inside]
    outcome = value * drawn["outcome"].to_numpy()[inside]
    expected = value * drawn["expected"].mean("draw").to_numpy()[inside]
    return pd.DataFrame(
        {
            "account": account,
            "date": drawn["date"].to_numpy()[inside],
            "outcome": outcome,
            "expected": expected,
            "low": low,
            "high": high,
            "baseline": parts.sum(axis=0),
            "season": parts[1],
            "media": media,
            "residual": outcome - expected,
        }
    )


def history(
    fit: "Fit",
    account: str | None = None,
    *,
    seed: int = 0,
    ax: Any = None,
) -> np.ndarray:
    """Fit to the history, and below it what is left: recorded, expected, band, baseline.

    Parameters
    ----------
    fit, account, seed : as in :func:`history_data`
    ax : two axes to draw on

    Returns
    -------
    array of two Axes: history and residuals

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.history(fit, "account_01")
    """
    account = the_account(account, fit.panel.accounts)
    data, code = history_data(fit, account, seed=seed), fit.panel.currency
    code = money_of(code[fit.panel.accounts.index(account)])
    upper, lower = panels(2, ax) if ax is not None else _stacked()
    dates = data["date"].to_numpy()
    upper.fill_between(
        dates, data["low"], data["high"], color=INCREASE, alpha=BAND, linewidth=0, label="90% band"
    )
    upper.plot(dates, data["outcome"], color=INK, linewidth=0.9, label="recorded")
    upper.plot(dates, data["expected"], color=INCREASE, linewidth=1.5, label="expected")
    upper.plot(dates, data["baseline"], color=MONITOR, linewidth=1.2, label="baseline")
    upper.set_ylim(bottom=min(0.0, float(data[["low", "baseline"]].min().min())))
    upper.legend(frameon=False, fontsize=8, ncols=4, loc="upper left")
    dress(
        upper,
        title=f"{short(account)}: {fit.panel.outcome_name} and what the model makes of it",
        y=f"{code} per period",
        y_text=compact,
    )
    lower.axhline(0, color=FAINT, linewidth=0.8)
    lower.plot(dates, data["residual"], "o", color=INK, markersize=2.2)
    by_date(lower)
    dress(lower, y="recorded - expected", y_text=compact)
    return np.array([upper, lower], dtype=object)


def _stacked() -> "list[Axes]":
    """A large and a small axes below it, on one time scale."""
    first = one_axes(None, (8.4, 5.0))
    figure: Any = first.figure
    first.remove()
    return list(figure.subplots(2, 1, sharex=True, height_ratios=[3, 1]))
