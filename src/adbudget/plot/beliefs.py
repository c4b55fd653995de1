"""Fit -> what was believed of returns before the data and after; accounts beside each other."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.plot.asked import the_account
from adbudget.plot.axes import ROOM, dress, legend_above, named_rows, one_axes, ratio, short
from adbudget.plot.palette import FAINT, INK, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adbudget.model.fit import Fit

INTERVAL = (0.05, 0.95)
N_PRIOR = 2000
MOST_ROWS = 60
LEAST = 0.01  # returns below it are drawn here, as a scale of factors has no zero
FEW_FACTORS = 12.0  # largest over smallest value of a scale with more labels in between


def prior_posterior_data(fit: "Fit", account: str | None = None, *, seed: int = 0) -> pd.DataFrame:
    """Return of every channel before the data and after, over the history.

    Parameters
    ----------
    fit : the fitted model
    account : its name; may be left out where there is only one
    seed : of the draws of the prior

    Returns
    -------
    pd.DataFrame with account, channel, belief ("prior", "posterior"), median, low, high (90%,
    money per money), prior_share (how much of the answer is prior)

    Raises
    ------
    InputError : there is no such account

    Examples
    --------
    >>> list(ab.plot.prior_posterior_data(fit, "account_01").columns)
    ['account', 'channel', 'belief', 'median', 'low', 'high', 'prior_share']
    """
    from adbudget.model.predict import prior_predictive

    name = the_account(account, fit.panel.accounts)
    before = prior_predictive(fit.panel, fit.priors, seed=seed, draws=N_PRIOR)["roi"]
    before = before.sel(account=name)
    cells, after = fit.panel.cells, fit.cell_draws.roi
    rows: Any = []
    for i, (own, channel) in enumerate(cells.tolist()):
        if own != name:
            continue
        share = float(fit.health.prior_share.loc[(own, channel)])
        beliefs = {"prior": before.sel(channel=channel).to_numpy(), "posterior": after[..., i]}
        for belief, drawn in beliefs.items():
            low, middle, high = np.quantile(drawn, [INTERVAL[0], 0.5, INTERVAL[1]])
            rows.append((name, channel, belief, middle, low, high, share))
    columns = ["account", "channel", "belief", "median", "low", "high", "prior_share"]
    return pd.DataFrame(rows, columns=columns)


def prior_posterior(
    fit: "Fit", account: str | None = None, *, seed: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """What the data changed: 90% of every return as believed before (grey) and after.

    Parameters
    ----------
    fit, account, seed : as in :func:`prior_posterior_data`
    ax : axes to draw on

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.prior_posterior(fit, "account_01")
    """
    data: Any = prior_posterior_data(fit, account, seed=seed)
    names, hues = list(dict.fromkeys(data["channel"])), colours(fit.panel.channels)
    axes = one_axes(ax, (7.0, 1.2 + 0.4 * max(len(names), 3)))
    for row in _records(data):
        at = names.index(row["channel"]) + (-0.17 if row["belief"] == "prior" else 0.17)
        hue = FAINT if row["belief"] == "prior" else hues[row["channel"]]
        low, middle, high = (max(row[k], LEAST) for k in ("low", "median", "high"))
        axes.plot([low, high], [at, at], color=hue, linewidth=3, solid_capstyle="butt")
        axes.plot([middle], [at], "|", color=INK, markersize=9)
        if row["belief"] == "posterior":
            axes.annotate(
                f"{row['prior_share']:.0%} prior", (high, at), xytext=(6, 0), fontsize=7,
                textcoords="offset points", va="center",
            )  # fmt: skip
    axes.plot([], [], color=FAINT, linewidth=3, label="before the data")
    axes.plot([], [], color=INK, linewidth=3, label="after (in the channel's colour)")
    named_rows(axes, names)
    _factors(axes)
    legend_above(axes)
    dress(
        axes,
        title=f"{short(data['account'].iloc[0])}: returns before and after the data",
        x="return over the history, 90%",
        x_text=ratio,
        below=ROOM,
    )
    axes.spines["left"].set_visible(False)
    return axes


def shrinkage_data(fit: "Fit", own: "Mapping[str, Fit] | None" = None) -> pd.DataFrame:
    """Return of every cell as all accounts together say it, and as its account alone would.

    Parameters
    ----------
    fit : the fitted model of all accounts
    own : account -> a fit of that account alone; accounts that are left out have no estimate of
        their own

    Returns
    -------
    pd.DataFrame with account, channel, pooled, pooled_low, pooled_high, own, own_low, own_high
    (median and 90%, money per money, over the history; NaN without a fit of its own), centre (the
    return of the channel in a middling account), prior_share

    Examples
    --------
    >>> list(ab.plot.shrinkage_data(fit).columns)
    ['account', 'channel', 'pooled', 'pooled_low', 'pooled_high', 'own', 'own_low', 'own_high',
     'centre', 'prior_share']
    """
    centre = fit.population.to_frame()["roi"]
    rows: Any = []
    for cell, pooled in _returns(fit).items():
        account, channel = cell
        alone = None if own is None or account not in own else _returns(own[account]).get(cell)
        low, middle, high = pooled
        least, alone_middle, most = (np.nan,) * 3 if alone is None else alone
        share = float(fit.health.prior_share.loc[cell])
        rows.append(
            (
                *(account, channel, middle, low, high, alone_middle, least, most),
                *(float(centre.loc[channel]), share),
            )
        )
    columns = ["account", "channel", "pooled", "pooled_low", "pooled_high", "own", "own_low"]
    return pd.DataFrame(rows, columns=[*columns, "own_high", "centre", "prior_share"])


def shrinkage(
    fit: "Fit",
    own: "Mapping[str, Fit] | None" = None,
    *,
    channel: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """How far pooling draws every cell to its channel: own estimate (ring), pooled (dot), centre.

    Parameters
    ----------
    fit, own : as in :func:`shrinkage_data`
    channel : one channel; all when None
    ax : axes to draw on

    Raises
    ------
    InputError : matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.shrinkage(fit)
    """
    data: Any = shrinkage_data(fit, own)
    if channel is not None:
        data = data[data["channel"] == channel]
    data = data.sort_values(["channel", "pooled"], ascending=[True, False], kind="stable")
    rows: Any = data.head(MOST_ROWS).reset_index(drop=True)
    hues = colours(fit.panel.channels)
    axes = one_axes(ax, (7.0, 1.2 + 0.19 * max(len(rows), 6)))
    for i, row in enumerate(_records(rows)):
        hue = hues[row["channel"]]
        low, high = max(row["pooled_low"], LEAST), max(row["pooled_high"], LEAST)
        axes.plot([low, high], [i, i], color=hue, alpha=0.45, linewidth=2.4)
        pooled = max(row["pooled"], LEAST)
        axes.plot([max(row["centre"], LEAST)], [i], "|", color=INK, markersize=8)
        axes.plot([pooled], [i], "o", color=hue, markersize=5)
        if np.isfinite(row["own"]):
            alone = max(row["own"], LEAST)
            axes.plot([alone, pooled], [i, i], color=INK, linewidth=0.7)
            axes.plot([alone], [i], "o", color=hue, markersize=6, fillstyle="none")
    axes.plot([], [], "|", color=INK, label="middling account")
    axes.plot([], [], "o", color=INK, label="this account, with all others")
    if data["own"].notna().any():
        axes.plot([], [], "o", color=INK, fillstyle="none", label="this account alone")
    legend_above(axes)
    pairs = zip(rows["channel"], rows["account"], strict=True)
    named_rows(axes, [f"{short(c, 12)} / {short(a, 14)}" for c, a in pairs])
    axes.tick_params(axis="y", labelsize=7)
    left = len(data) - len(rows)
    _factors(axes)
    dress(
        axes,
        title="Returns" if channel is None else f"Returns of {channel}",
        x="return over the history, 90%" + (f"; {left} more cells are left out" if left else ""),
        x_text=ratio,
        below=ROOM,
    )
    axes.tick_params(axis="y", labelsize=7)
    axes.spines["left"].set_visible(False)
    return axes


def _returns(fit: "Fit") -> dict[tuple[str, str], tuple[float, float, float]]:
    """Cell -> low, median and high of its return over the history."""
    drawn = fit.cell_draws.roi.reshape(-1, len(fit.panel.cells))
    edges = np.quantile(drawn, [INTERVAL[0], 0.5, INTERVAL[1]], axis=0).T
    cells: list[Any] = fit.panel.cells.tolist()
    return {cell: tuple(map(float, row)) for cell, row in zip(cells, edges, strict=True)}  # type: ignore[misc]


def _factors(axes: "Axes") -> None:
    """A scale of factors with plain numbers on it."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    subs = (1.0, 2.0, 5.0) if high > FEW_FACTORS * low else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=subs))
    axes.xaxis.set_minor_locator(NullLocator())


def _records(rows: Any) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
