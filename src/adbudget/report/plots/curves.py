"""Curve draws -> matplotlib figures."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.curves import saturation
from adbudget.draws import CurveDraws, HasDraws
from adbudget.errors import InputError
from adbudget.plan import Plan
from adbudget.report.text import PERIOD_NOUNS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INTERVAL = (0.05, 0.95)
N_POINTS = 80
REACH = 1.5  # curves are drawn up to this multiple of the largest spend that is marked
COLUMNS = 3  # panels side by side
CURVE, NOW, NEXT, BREAK_EVEN = "#1f5f8b", "#222222", "#c8553d", "#9a9a9a"
PERIOD_BY_DAYS = {1: "daily", 7: "weekly"}


def plot_curves(fit: HasDraws, account: str, plan: Plan | None = None) -> "Figure":
    """Response of every channel of one account to a constant spend, and where it stands today.

    One panel per channel: the mean curve and its 90% band in account currency per period, today's
    spend, and the line on which a channel earns back just what it costs (after margin).

    Parameters
    ----------
    fit : a Fit, or anything with ``draws`` and ``current_spend``
    account : its name
    plan : a plan whose spend is marked beside today's

    Returns
    -------
    matplotlib Figure ; save it with ``figure.savefig(path)``

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed
    """
    draws = fit.draws
    if account not in draws.accounts:
        raise InputError(f"there is no account {account!r}; the first are {draws.accounts[:5]}.")
    a = draws.accounts.index(account)
    channels = np.flatnonzero(draws.exists[a])
    now = pd.Series(fit.current_spend)
    after = None if plan is None else plan.spend
    figure, axes = _panels(channels.size)
    for place, (axis, c) in enumerate(zip(axes, channels, strict=True)):
        cell = (account, draws.channels[c])
        next_spend = None if after is None else float(after.loc[cell])
        _one_channel(axis, draws, a, int(c), float(now.loc[cell]), next_spend)
        if place % COLUMNS == 0:
            axis.set_ylabel(_unit(draws, a, "outcome"))
        if place + COLUMNS >= channels.size:
            axis.set_xlabel(_unit(draws, a, "spend"))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.suptitle(f"{account}: what each channel brings at a constant spend", x=0.01, ha="left")
    return figure


def _panels(n_panels: int) -> tuple["Figure", list[Any]]:
    """Figure with one empty panel per channel; no global state, so nothing has to be closed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("plots need matplotlib: install adbudget[plot].") from error
    n_columns = min(COLUMNS, n_panels)
    n_rows = -(-n_panels // n_columns)
    size = (3.6 * n_columns, 2.9 * n_rows + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    axes = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for unused in axes[n_panels:]:
        unused.remove()
    return figure, axes[:n_panels]


def _one_channel(
    axis: Any, draws: CurveDraws, a: int, c: int, now: float, after: float | None
) -> None:
    """Curve, band and marks of one cell."""
    top = REACH * max(now, after or 0.0, float(draws.scale[a, c]))
    spend = np.linspace(0.0, top, N_POINTS)
    money = _money(draws, a, c, spend)
    low, high = np.quantile(money, INTERVAL, axis=0)
    axis.fill_between(spend, low, high, color=CURVE, alpha=0.18, linewidth=0, label="90% band")
    axis.plot(spend, money.mean(axis=0), color=CURVE, linewidth=1.8, label="mean")
    break_even = spend / draws.margin[a]
    axis.plot(spend, break_even, color=BREAK_EVEN, linewidth=1, linestyle=":", label="break-even")
    _mark(axis, now, _money(draws, a, c, np.array([now])).mean(), NOW, "today", size=5)
    if after is not None:  # a ring, so that a spend that stays still shows today's dot
        height = _money(draws, a, c, np.array([after])).mean()
        _mark(axis, after, height, NEXT, "plan", size=9, markerfacecolor="none")
    axis.set_title(draws.channels[c], loc="left", fontsize=10)
    axis.set_xlim(0, top)
    axis.set_ylim(0, 1.05 * max(float(high.max()), float(break_even[-1])))
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.locator_params(nbins=5)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _mark(axis: Any, at: float, height: float, colour: str, label: str, size: int, **style) -> None:
    axis.axvline(at, color=colour, linewidth=0.8, alpha=0.5, zorder=1)
    axis.plot(
        [at],
        [height],
        marker="o",
        color=colour,
        markersize=size,
        label=label,
        linestyle="none",
        **style,
    )


def _money(draws: CurveDraws, a: int, c: int, spend: np.ndarray) -> np.ndarray:
    """(draw, point) outcome per period at a constant spend, in account currency."""
    basis = saturation(spend / draws.scale[a, c], draws.half_saturation)
    return draws.weights[:, a, c].sum(axis=1) @ basis.T * draws.unit_value[a]


def _unit(draws: CurveDraws, a: int, what: str) -> str:
    """Such as "spend per week, EUR"."""
    period = PERIOD_NOUNS[PERIOD_BY_DAYS.get(round(draws.period_days), "monthly")]
    currency = draws.currency[a]
    return f"{what} per {period}{', ' + currency if currency else ''}"
