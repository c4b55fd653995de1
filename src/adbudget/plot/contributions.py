"""Contributions of a fit -> over time, as a waterfall, as shares of the outcome."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.plot.asked import money_of, the_account
from adbudget.plot.axes import (
    ROOM,
    by_date,
    compact,
    dress,
    legend_above,
    named_rows,
    one_axes,
    plain,
    share as percent,
    short,
)
from adbudget.plot.palette import FAINT, INK, MONITOR, colours

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from adbudget.model.fit import Fit

INTERVAL = (0.05, 0.95)
N_DRAWS = 200
NEGLIGIBLE = 1e-4  # of all that was brought
PARTS = {
    "base": "base sales",
    "season": "season",
    "controls": "controls",
    "demand": "shared demand",
}
MOST_STACKED = 8  # channels with a layer of their own; the rest are added up
OTHERS, BASELINE = "other channels", "baseline"


def contribution_data(
    fit: "Fit", account: str | None = None, *, seed: int = 0, drawn: "xr.Dataset | None" = None
) -> pd.DataFrame:
    """What every part of the outcome of one account was, period by period, in money.

    Parameters
    ----------
    fit : the fitted model
    account : its name; may be left out where there is only one
    seed : of the coefficients of the baseline
    drawn : from :meth:`adbudget.Fit.contributions`, where it is at hand already

    Returns
    -------
    pd.DataFrame with account, date, part (a channel, or "base sales", "season", "controls",
    "shared demand"), kind ("channel" or "baseline"), mean, low, high (90%), outcome money

    Raises
    ------
    InputError : there is no such account

    Examples
    --------
    >>> list(ab.plot.contribution_data(fit, "account_01").columns)
    ['account', 'date', 'part', 'kind', 'mean', 'low', 'high']
    """
    account, drawn, value = drawn_of(fit, account, seed, drawn)
    rows: Any = [
        _summary(account, drawn, name, kind, value * draws) for name, kind, draws in _parts(drawn)
    ]
    return pd.concat(rows, ignore_index=True)


def contribution(
    fit: "Fit", account: str | None = None, *, seed: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """What brought the outcome over time: channels stacked on the baseline, and what was recorded.

    Parameters
    ----------
    fit, account, seed : as in :func:`contribution_data`
    ax : axes to draw on

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.contribution(fit, "account_01")
    """
    account = the_account(account, fit.panel.accounts)
    data: Any = contribution_data(fit, account, seed=seed)
    axes = one_axes(ax, (8.4, 4.2))
    layers: Any = layers_of(data)
    dates, floor = layers.index.to_numpy(), layers[BASELINE].to_numpy()
    base, hues = floor, colours(fit.panel.channels) | {OTHERS: FAINT}
    axes.fill_between(dates, 0, floor, color=MONITOR, alpha=0.3, linewidth=0, label="baseline")
    for name in layers.columns[1:]:
        layer = layers[name].to_numpy()
        axes.fill_between(
            dates, floor, floor + layer, color=hues[name], alpha=0.85, linewidth=0,
            label=plain(short(name)),
        )  # fmt: skip
        floor = floor + layer
    at = fit.panel.accounts.index(account)
    recorded = fit.panel.outcome_money[at]
    axes.plot(fit.panel.dates, recorded, color=INK, linewidth=0.9, label="recorded")
    axes.set_xlim(dates[0], dates[-1])
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(base))))
    by_date(axes)
    axes.legend(
        frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), reverse=True
    )
    code = money_of(fit.panel.currency[at])
    return dress(
        axes,
        title=f"{short(account)}: what brought the {fit.panel.outcome_name}",
        y=f"{code} per period",
        y_text=compact,
    )


def share_data(
    fit: "Fit", account: str | None = None, *, seed: int = 0, drawn: "xr.Dataset | None" = None
) -> pd.DataFrame:
    """Share of each part in the outcome of the whole record, beside its share of the spend.

    Parameters
    ----------
    fit, account, seed : as in :func:`contribution_data`
    drawn : from :meth:`adbudget.Fit.contributions`, where it is at hand already

    Returns
    -------
    pd.DataFrame with account, part, kind, total, total_low, total_high (outcome money over the
    record, 90%), share, share_low, share_high (of what the model expects in all), spend_share
    (NaN of the baseline)

    Raises
    ------
    InputError : there is no such account

    Examples
    --------
    >>> list(ab.plot.share_data(fit, "account_01").columns)
    ['account', 'part', 'kind', 'total', 'total_low', 'total_high', 'share', 'share_low',
     'share_high', 'spend_share']
    """
    account, drawn, value = drawn_of(fit, account, seed, drawn)
    at = fit.panel.accounts.index(account)
    spend = fit.panel.spend[at].sum(axis=1)
    whole = value * drawn["expected"].sum("date").to_numpy()
    rows: Any = []
    for name, kind, draws in _parts(drawn):
        total = value * np.nansum(draws, axis=1)
        (low, high), (least, most) = (np.quantile(one, INTERVAL) for one in (total, total / whole))
        paid = np.nan
        if kind == "channel" and spend.sum() > 0:
            paid = float(spend[fit.panel.channels.index(name)] / spend.sum())
        rows.append(
            {
                "account": account,
                "part": name,
                "kind": kind,
                "total": float(total.mean()),
                "total_low": float(low),
                "total_high": float(high),
                "share": float((total / whole).mean()),
                "share_low": float(least),
                "share_high": float(most),
                "spend_share": paid,
            }
        )
    return pd.DataFrame(rows)


def contribution_share(
    fit: "Fit", account: str | None = None, *, seed: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """Share of every channel in what channels brought, with intervals, beside its share of spend.

    Parameters
    ----------
    fit, account, seed : as in :func:`share_data`
    ax : axes to draw on

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.contribution_share(fit, "account_01")
    """
    account = the_account(account, fit.panel.accounts)
    data: Any = share_data(fit, account, seed=seed)
    data = _known(data)
    rows: Any = data.sort_values("share", ascending=False, kind="stable").reset_index(drop=True)
    axes, hues = one_axes(ax, (7.0, 1.3 + 0.32 * max(len(rows), 3))), colours(fit.panel.channels)
    for i, row in rows.iterrows():
        hue = hues.get(row["part"], MONITOR)
        axes.barh([i], [row["share"]], color=hue, alpha=0.75, height=0.62)
        axes.plot([row["share_low"], row["share_high"]], [i, i], color=INK, linewidth=1.2)
        if np.isfinite(row["spend_share"]):
            axes.plot([row["spend_share"]], [i], "D", color="white", markeredgecolor=INK, ms=5)
        axes.annotate(
            percent(round(row["share"], 3)), (np.fmax(row["share_high"], row["spend_share"]), i),
            xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    axes.plot([], [], "D", color="white", markeredgecolor=INK, ms=5, label="share of spend")
    axes.plot([], [], color=INK, linewidth=1.2, label="90% interval")
    legend_above(axes)
    named_rows(axes, rows["part"].tolist())
    axes.margins(x=0.12)
    dress(
        axes,
        title=f"{short(account)}: share of the {fit.panel.outcome_name}",
        x="share of what the model expects, over the record",
        x_text=percent,
        below=ROOM,
    )
    axes.spines["left"].set_visible(False)
    return axes


def waterfall(
    fit: "Fit", account: str | None = None, *, seed: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """How baseline and channels add up to the outcome of the record; :func:`share_data` is behind.

    Parameters
    ----------
    fit, account, seed : as in :func:`share_data`
    ax : axes to draw on

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.waterfall(fit, "account_01")
    """
    account = the_account(account, fit.panel.accounts)
    data: Any = share_data(fit, account, seed=seed)
    order: Any = _known(data).assign(first=data["kind"] != "baseline", size=-data["total"])
    rows: Any = order.sort_values(["first", "size"], kind="stable").reset_index(drop=True)
    axes = one_axes(ax, (7.0, 1.3 + 0.32 * max(len(rows) + 1, 3)))
    hues, floor = colours(fit.panel.channels), 0.0
    for i, row in rows.iterrows():
        hue = hues.get(row["part"], MONITOR)
        axes.barh([i], [row["total"]], left=floor, color=hue, alpha=0.8, height=0.62)
        end = floor + row["total"]
        axes.plot(
            [floor + row["total_low"], floor + row["total_high"]], [i, i], color=INK, linewidth=1.2
        )
        axes.plot([end, end], [i - 0.31, i + 1.31], color=FAINT, linewidth=0.7)
        right = max(end, floor + row["total_high"], floor)
        axes.annotate(
            compact(row["total"]), (right, i), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
        floor = end
    axes.barh([len(rows)], [floor], color=INK, alpha=0.85, height=0.62)
    axes.annotate(
        compact(floor), (floor, len(rows)), xytext=(6, 0), textcoords="offset points",
        va="center", fontsize=8,
    )  # fmt: skip
    named_rows(axes, [*rows["part"].tolist(), f"expected {fit.panel.outcome_name}"])
    axes.margins(x=0.12)
    at = fit.panel.accounts.index(account)
    dress(
        axes,
        title=f"{short(account)}: what adds up to the {fit.panel.outcome_name}, with 90% intervals",
        x=f"{money_of(fit.panel.currency[at])} over the record",
        x_text=compact,
    )
    axes.spines["left"].set_visible(False)
    return axes


def _known(data: Any) -> pd.DataFrame:
    """Without the parts of the baseline that an account does not have, or that bring nothing."""
    some = data["total"].abs() > NEGLIGIBLE * max(float(data["total"].abs().sum()), 1e-300)
    return data[some | (data["kind"] == "channel")]


def n_draws(fit: "Fit") -> int:
    """Joint draws that a picture takes."""
    return min(N_DRAWS, fit.positions.shape[0] * fit.positions.shape[1])


def drawn_of(
    fit: "Fit", account: str | None, seed: int, drawn: "xr.Dataset | None" = None
) -> "tuple[str, xr.Dataset, float]":
    """Name, contributions of the account within its record, and money per outcome unit."""
    name = the_account(account, fit.panel.accounts)
    if drawn is None:  # every call takes the time of all accounts, whoever is asked for
        drawn = fit.contributions(seed=seed, draws=n_draws(fit), accounts=[name])
    drawn = drawn.sel(account=name)
    at = fit.panel.accounts.index(name)
    inside = slice(int(fit.panel.first[at]), int(fit.panel.last[at]) + 1)
    return name, drawn.isel(date=inside), float(fit.panel.unit_value[at])


def _parts(drawn: "xr.Dataset") -> list[tuple[str, str, np.ndarray]]:
    """(name, kind, (draw, date) draws) of baseline parts, then of channels that exist."""
    parts = [
        (PARTS[str(name)], "baseline", drawn["baseline"].sel(part=name).to_numpy())
        for name in drawn["part"].to_numpy()
    ]
    media = drawn["media"]
    for name in drawn["channel"].to_numpy():
        own = media.sel(channel=name).to_numpy()
        if np.isfinite(own).any():
            parts.append((str(name), "channel", own))
    return parts


def _summary(
    account: str, drawn: "xr.Dataset", name: str, kind: str, draws: np.ndarray
) -> pd.DataFrame:
    low, high = np.quantile(draws, INTERVAL, axis=0)
    facts = {"account": account, "date": drawn["date"].to_numpy(), "part": name, "kind": kind}
    return pd.DataFrame({**facts, "mean": draws.mean(axis=0), "low": low, "high": high})


def layers_of(data: Any) -> pd.DataFrame:
    """What stands on what in a stack: the baseline, channels from the largest on, and the rest.

    Parameters
    ----------
    data : of one account, from :func:`contribution_data`

    Returns
    -------
    pd.DataFrame of means by date, a column for each layer from below
    """
    wide: Any = data.set_index(["date", "part"])["mean"].unstack()  # noqa: PD010
    base = wide[[name for name in wide.columns if name in PARTS.values()]].sum(axis=1)
    channels = _largest(data[data["kind"] == "channel"])
    layers = {name: _layer(wide, data, name, channels) for name in channels}
    return pd.DataFrame({BASELINE: base} | layers, index=wide.index)


def _largest(channels: Any) -> list[str]:
    """Channels with a layer of their own, the largest first, and the rest as one."""
    sums: Any = channels.groupby("part")["mean"].sum().sort_values(ascending=False)
    names = [str(name) for name in sums.index]
    if len(names) <= MOST_STACKED:
        return names
    return [*names[: MOST_STACKED - 1], OTHERS]


def _layer(wide: Any, data: Any, name: str, shown: list[str]) -> np.ndarray:
    """Mean of one layer of the stack."""
    if name != OTHERS:
        return wide[name].to_numpy()
    rest = set(data.loc[data["kind"] == "channel", "part"]) - set(shown)
    return wide[sorted(rest)].sum(axis=1).to_numpy()
