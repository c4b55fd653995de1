"""Decisions -> returns: of the next unit of money against its hurdle, and on average."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.decision.decisions import Decisions
from adbudget.plot.asked import decision_rows
from adbudget.plot.axes import (
    ROOM,
    dress,
    legend_above,
    name_points,
    named_rows,
    note,
    one_axes,
    ratio,
    short,
)
from adbudget.plot.palette import ACTION_COLOUR, FAINT, INK, MONITOR, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 40
MOST_NAMED = 10  # dots with a name beside them: those with the largest spend
MARGINAL = ("marginal_roi", "marginal_roi_low", "marginal_roi_high", "hurdle")
AVERAGE = ("roi", "roi_low", "roi_high")


def marginal_data(
    decisions: "pd.DataFrame | Decisions", account: str | None = None
) -> pd.DataFrame:
    """What the next unit of money would bring in every cell, and what it must bring.

    Parameters
    ----------
    decisions : what recommend returned, or from decide
    account : its name; every account when None

    Returns
    -------
    pd.DataFrame with account, channel, decision, marginal_roi, marginal_roi_low,
    marginal_roi_high (90%, money per money), hurdle; the highest return first

    Raises
    ------
    InputError : there is no such account

    Examples
    --------
    >>> list(ab.plot.marginal_data(frame, "account_01").columns)
    ['account', 'channel', 'decision', 'marginal_roi', 'marginal_roi_low', 'marginal_roi_high',
     'hurdle']
    """
    rows: Any = decision_rows(decisions, account)
    chosen = rows[["account", "channel", "decision", *MARGINAL]]
    return chosen.sort_values("marginal_roi", ascending=False, kind="stable", ignore_index=True)


def marginal(
    decisions: "pd.DataFrame | Decisions", account: str | None = None, *, ax: "Axes | None" = None
) -> "Axes":
    """Return of the next unit of money in every cell, with its 90% interval, against its hurdle.

    Right of its hurdle (the upright stroke) one more unit pays, left of it one less does. Colours
    say what is decided.

    Parameters
    ----------
    decisions, account : as in :func:`marginal_data`
    ax : axes to draw on

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.marginal(frame, "account_01")
    """
    data: Any = marginal_data(decisions, account)
    shown: Any = data.head(MOST_ROWS)
    names = _names(shown, account)
    axes = one_axes(ax, (7.0, 1.1 + 0.26 * max(len(shown), 3)))
    if not len(shown):
        return note(axes, "There is no cell.")
    for i, row in enumerate(_records(shown)):
        hue = ACTION_COLOUR[row["decision"]]
        axes.plot(
            [row["marginal_roi_low"], row["marginal_roi_high"]], [i, i], color=hue, linewidth=2.2,
            alpha=0.55, solid_capstyle="butt",
        )  # fmt: skip
        axes.plot([row["marginal_roi"]], [i], "o", color=hue, markersize=5)
        axes.plot([row["hurdle"]] * 2, [i - 0.38, i + 0.38], color=INK, linewidth=1.4)
    named_rows(axes, names)
    axes.set_xlim(left=0)
    left = len(data) - len(shown)
    axes.plot([], [], "|", color=INK, markersize=9, markeredgewidth=1.4, label="hurdle")
    _say_actions(axes, shown["decision"])
    dress(
        axes,
        title=f"{short(account or 'All accounts')}: return of the next unit",
        x="return of the next unit, 90%"
        + (f"; {left:,} cells with lower returns are left out" if left else ""),
        x_text=ratio,
        below=ROOM,
    )
    axes.spines["left"].set_visible(False)
    return axes


def roi_data(decisions: "pd.DataFrame | Decisions", account: str | None = None) -> pd.DataFrame:
    """Average return beside the return of the next unit, by cell.

    Parameters
    ----------
    decisions, account : as in :func:`marginal_data`

    Returns
    -------
    pd.DataFrame with account, channel, decision, current_spend, roi, roi_low, roi_high,
    marginal_roi, marginal_roi_low, marginal_roi_high, hurdle. Cells without spend have no average
    and are left out

    Raises
    ------
    InputError : there is no such account

    Examples
    --------
    >>> list(ab.plot.roi_data(frame, "account_01").columns)
    ['account', 'channel', 'decision', 'current_spend', 'roi', 'roi_low', 'roi_high',
     'marginal_roi', 'marginal_roi_low', 'marginal_roi_high', 'hurdle']
    """
    rows: Any = decision_rows(decisions, account)
    columns = ["account", "channel", "decision", "current_spend", *AVERAGE, *MARGINAL]
    return rows.loc[rows["roi"].notna(), columns].reset_index(drop=True)


def roi(
    decisions: "pd.DataFrame | Decisions", account: str | None = None, *, ax: "Axes | None" = None
) -> "Axes":
    """Average return against the return of the next unit: a good average can hide a full channel.

    On the diagonal the next unit brings what all have brought on average; the further below it, the
    more a channel is saturated. Money moves by the height of a dot, not by how far right it is.

    Parameters
    ----------
    decisions, account : as in :func:`marginal_data`
    ax : axes to draw on

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.roi(frame, "account_01")
    """
    data: Any = roi_data(decisions, account)
    axes = one_axes(ax, (5.6, 4.6))
    if not len(data):
        return note(axes, "Nothing is spent, so there is no average return.")
    hues = colours(decision_rows(decisions)["channel"])
    few = len(data) <= 12
    for row in _records(data):
        hue = hues[row["channel"]]
        if few:
            axes.plot(
                [row["roi_low"], row["roi_high"]], [row["marginal_roi"]] * 2, color=hue, alpha=0.4
            )
            ends = [row["marginal_roi_low"], row["marginal_roi_high"]]
            axes.plot([row["roi"]] * 2, ends, color=hue, alpha=0.4)
        axes.plot([row["roi"]], [row["marginal_roi"]], "o", color=hue, markersize=6 if few else 4)
    columns = ["roi", "marginal_roi"] + (["roi_high", "marginal_roi_high"] if few else [])
    top = 1.05 * float(np.nanmax(data[columns].to_numpy()))
    axes.plot([0, top], [0, top], color=FAINT, linewidth=0.8, zorder=0)
    hurdles = data["hurdle"].unique()
    if len(hurdles) == 1:
        axes.axhline(hurdles[0], color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
        axes.annotate(
            f"hurdle {ratio(hurdles[0])}", (top, hurdles[0]), ha="right", va="bottom", fontsize=8,
            xytext=(0, 2), textcoords="offset points",
        )  # fmt: skip
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    dress(
        axes,
        title=f"{short(account or 'All accounts')}: average against next unit",
        x="average return at today's spend",
        y="return of the next unit",
        x_text=ratio,
        y_text=ratio,
    )
    largest: Any = data.nlargest(MOST_NAMED, "current_spend")
    rows = zip(_names(largest, account), _records(largest), strict=True)
    name_points(axes, [(r["roi"], r["marginal_roi"], name, hues[r["channel"]]) for name, r in rows])
    return axes


def _names(rows: Any, account: str | None) -> list[str]:
    """Channel, with its account where there are several."""
    if account is not None or len(set(rows["account"])) == 1:
        return rows["channel"].tolist()
    return [f"{short(a, 14)} / {c}" for a, c in zip(rows["account"], rows["channel"], strict=True)]


def _records(rows: Any) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _say_actions(axes: "Axes", decisions: Any) -> None:
    """Which colour is which decision, of those that are there."""
    for name in ("increase", "monitor", "reduce"):
        if (decisions == name).any():
            axes.plot([], [], color=ACTION_COLOUR.get(name, MONITOR), linewidth=4, label=name)
    legend_above(axes)
