"""Decisions -> the frontier of gain against risk: what other bars for a call would have brought."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.decision.attributes import frontier_of
from adbudget.decision.decisions import BARS, Decisions
from adbudget.display.page import counted
from adbudget.errors import InputError
from adbudget.plot.asked import money_of
from adbudget.plot.axes import compact, dress, one_axes, plain
from adbudget.plot.palette import FAINT, INCREASE, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = (
    "prob",
    "currency",
    "calls",
    "expected_wrong_share",
    "moved",
    "expected_gain",
    "worst_tenth",
    "asked",
)


def frontier_data(
    decisions: "pd.DataFrame | Decisions", probs: Sequence[float] = BARS
) -> pd.DataFrame:
    """What other bars would have called, and today's plan, which gains and risks nothing.

    Parameters
    ----------
    decisions : from decide; or a frame of ``recommend(..., frontier=True)``
    probs : smallest probabilities of a call, each at least 0.5; a frame holds those of
        :meth:`adbudget.Decisions.frontier`, and the bar that was asked for

    Returns
    -------
    pd.DataFrame, the columns of :meth:`adbudget.Decisions.frontier` and ``asked`` (whether that is
    the bar of these decisions, in which case the row is of them and nothing else); today is the
    row without a prob, in every currency

    Raises
    ------
    InputError : a bar outside [0.5, 1]; a frame that does not hold it

    Examples
    --------
    >>> list(ab.plot.frontier_data(decisions, probs=(0.7, 0.9)).columns)
    ['prob', 'currency', 'calls', 'expected_wrong_share', 'moved', 'expected_gain', 'worst_tenth',
     'asked']
    """
    if isinstance(decisions, Decisions):
        made = pd.DataFrame(frontier_of(decisions, probs))
    else:
        made = _kept(decisions, probs)
    codes = list(dict.fromkeys(made["currency"]))
    today = pd.DataFrame(
        {
            "currency": codes,
            "calls": 0,
            "expected_wrong_share": 0.0,
            "moved": 0.0,
            "expected_gain": 0.0,
            "worst_tenth": 0.0,
            "asked": False,
        }
    )
    return pd.concat([made, today], ignore_index=True)


def _kept(frame: pd.DataFrame, probs: Sequence[float]) -> pd.DataFrame:
    """The rows that a frame of decisions holds of some bars, and of its own."""
    kept = pd.DataFrame(frame.attrs.get("frontier", []), columns=list(COLUMNS))
    if kept.empty:
        raise InputError(
            "this frame does not hold what other bars for a call would bring: make it with "
            "recommend(..., frontier=True), or give the Decisions of ab.decide."
        )
    unknown = sorted({*probs} - {*kept["prob"]})
    if unknown:
        raise InputError(
            f"this frame holds nothing of the bars {unknown}, only of "
            f"{sorted({*kept['prob']})}. The Decisions of ab.decide can be asked for any."
        )
    wanted: Any = kept[kept["prob"].isin(list(probs)) | kept["asked"]]
    return wanted.reset_index(drop=True)


def frontier(
    decisions: "pd.DataFrame | Decisions",
    probs: Sequence[float] = BARS,
    *,
    currency: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Expected gain of every bar for a call against its worst tenth, with today's plan at zero.

    Up is more gain; left is more to lose. The ring is the bar that was asked for.

    Parameters
    ----------
    decisions, probs : as in :func:`frontier_data`
    currency : whose, where there are several; the first when None
    ax : axes to draw on

    Raises
    ------
    InputError : a bar outside [0.5, 1], or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.frontier(decisions, probs=(0.7, 0.9))
    """
    data: Any = frontier_data(decisions, probs)
    code = data["currency"].iloc[0] if currency is None else currency
    data = data[data["currency"] == code]
    made: Any = data[data["prob"].notna()].sort_values("prob")
    axes = one_axes(ax, (6.0, 4.2))
    axes.axhline(0, color=FAINT, linewidth=0.6)
    axes.axvline(0, color=FAINT, linewidth=0.6)
    axes.plot(made["worst_tenth"], made["expected_gain"], "-o", color=INCREASE, markersize=5)
    axes.plot([0], [0], "s", color=INK, markersize=6)
    axes.annotate("today", (0, 0), xytext=(5, -11), textcoords="offset points", fontsize=8)
    asked = {_place(row) for row in made[made["asked"]].itertuples()}
    gap, last = 0.055 * max(float(made["expected_gain"].abs().max()), 1e-9), np.inf
    for row in made.itertuples():
        at = _place(row)
        if row.asked:
            axes.plot(*at, "o", color=INK, markersize=11, fillstyle="none", markeredgewidth=1.4)
        ends = row.Index in (made.index[0], made.index[-1])
        apart = abs(at[1] - last)
        named = row.asked or apart >= gap or (ends and apart > gap / 2)
        if not row.calls or not named or (at in asked and not row.asked):
            continue  # its name would cover another one
        last = at[1]
        told = f"{row.prob:.0%}: {counted(int(row.calls), 'call')}"  # type: ignore[arg-type]
        told += " (asked)" if row.asked else ""
        axes.annotate(told, at, xytext=(9, -3), textcoords="offset points", fontsize=8, va="center")
    axes.margins(x=0.2, y=0.12)
    return dress(
        axes,
        title="Gain against risk, by the probability a call needs",
        x=plain(f"mean of the worst tenth, {money_of(code)} per period"),
        y=plain(f"expected gain, {money_of(code)} per period"),
        x_text=compact,
        y_text=compact,
    )


def _place(row: Any) -> tuple[float, float]:
    """Where a bar stands; bars that call the same stand in one place."""
    return round(float(row.worst_tenth), 6), round(float(row.expected_gain), 6)
