"""The loop -> what was promised and what was seen, what it gains, what a cycle changed."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.backtesting.history_record import HistoryBacktest
from adbudget.backtesting.world_record import WorldBacktest
from adbudget.ledger.store import Ledger
from adbudget.loop.cycle_report import CycleReport
from adbudget.loop.promises import SEEN, WIDE, Judged
from adbudget.plot.axes import (
    ROOM,
    compact,
    dress,
    from_to,
    legend_above,
    name_ends,
    named_rows,
    note,
    one_axes,
    share,
    short,
)
from adbudget.plot.palette import FAINT, HUES, INCREASE, INK, MONITOR, REDUCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VERDICT_COLOUR = {"kept": INCREASE, "unclear": MONITOR, "broken": REDUCE}
PROMISE = ["account", "periods", "promised", "promised_sd", "seen", "seen_sd", "verdict"]
MOST_ROWS = 40
ARM_COLOUR = {"oracle": INK, "loop": HUES[0][0], "roas": HUES[1][0], "frozen": FAINT}


def promises_data(judged: "Iterable[Judged] | Ledger") -> pd.DataFrame:
    """What the moves of each account were to bring, and what came in.

    Parameters
    ----------
    judged : ``CycleReport.judged``, or a ledger, whose every judged promise is taken

    Returns
    -------
    pd.DataFrame with account, periods, promised, promised_sd, seen, seen_sd (outcome units over
    these periods), verdict ("kept", "broken", "unclear"); in the order they were judged

    Examples
    --------
    >>> list(ab.plot.promises_data(cycle.judged).columns)
    ['account', 'periods', 'promised', 'promised_sd', 'seen', 'seen_sd', 'verdict']
    """
    if isinstance(judged, Ledger):
        payloads: list[Any] = judged.entries(kind=SEEN)["payload"].tolist()
        return pd.DataFrame(
            [{name: one[name] for name in PROMISE} for one in payloads], columns=PROMISE
        )
    return pd.DataFrame(
        [{name: getattr(one, name) for name in PROMISE} for one in judged], columns=PROMISE
    )


def promises(judged: "Iterable[Judged] | Ledger", *, ax: "Axes | None" = None) -> "Axes":
    """Lift that was promised (ring) against what was seen (dot), with 90% intervals.

    Parameters
    ----------
    judged : as in :func:`promises_data`
    ax : axes to draw on

    Raises
    ------
    InputError : matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.promises(cycle.judged)
    """
    data: Any = promises_data(judged)
    rows: Any = data.tail(MOST_ROWS).reset_index(drop=True)
    axes = one_axes(ax, (7.0, 1.2 + 0.3 * max(len(rows), 3)))
    if not len(rows):
        return note(axes, "No promise was judged yet.")
    for i, row in enumerate(rows.to_dict("records")):
        hue = VERDICT_COLOUR[row["verdict"]]
        for name, at, colour in (("promised", i - 0.16, FAINT), ("seen", i + 0.16, hue)):
            wide = WIDE * row[f"{name}_sd"]
            axes.plot([row[name] - wide, row[name] + wide], [at, at], color=colour, linewidth=2)
            style: Any = {"fillstyle": "none"} if name == "promised" else {}
            axes.plot([row[name]], [at], "o", color=colour, markersize=5, **style)
        right = row["seen"] + WIDE * row["seen_sd"]
        axes.annotate(
            row["verdict"], (right, i + 0.16), xytext=(5, 0), textcoords="offset points",
            va="center", fontsize=8, color=hue,
        )  # fmt: skip
    axes.axvline(0, color=FAINT, linewidth=0.8)
    named_rows(axes, [f"{short(r.account, 18)}, {r.periods} periods" for r in rows.itertuples()])
    axes.margins(x=0.12)
    dress(
        axes,
        title="Lift as promised (ring) and as seen (dot), 90%",
        x="outcome over the periods",
        x_text=compact,
    )
    axes.spines["left"].set_visible(False)
    return axes


def gains_data(world: WorldBacktest) -> pd.DataFrame:
    """What every rule truly gains, cycle by cycle, and what it leaves on the table.

    Parameters
    ----------
    world : from :func:`adbudget.backtest_world`

    Returns
    -------
    pd.DataFrame, the columns of :meth:`adbudget.WorldBacktest.to_frame` and regret (best_gain -
    gain, money per period)

    Examples
    --------
    >>> list(ab.plot.gains_data(gained).columns)
    ['arm', 'cycle', 'gain', 'best_gain', 'share', 'moved', 'regret']
    """
    frame: Any = world.to_frame()
    return frame.assign(regret=frame["best_gain"] - frame["gain"])


def gains(world: WorldBacktest, *, regret: bool = False, ax: "Axes | None" = None) -> "Axes":
    """True gain of the loop beside other rules, as a share of the best; or the regret in money.

    Parameters
    ----------
    world : from :func:`adbudget.backtest_world`
    regret : show money left on the table per period in the place of the share gained
    ax : axes to draw on

    Raises
    ------
    InputError : matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.gains(gained)
    """
    data, column = gains_data(world), "regret" if regret else "share"
    axes, ends = one_axes(ax, (7.0, 4.0)), []
    axes.axhline(0, color=FAINT, linewidth=0.6)
    for arm, own in data.groupby("arm", sort=False):
        hue = ARM_COLOUR[str(arm)]
        axes.plot(own["cycle"], own[column], color=hue, linewidth=1.6)
        ends.append((float(own["cycle"].iloc[-1]), float(own[column].iloc[-1]), str(arm), hue))
    name_ends(axes, ends)
    title = "Money left on the table" if regret else "Gain as a share of the best split's"
    return dress(
        axes,
        title=title,
        x="cycle",
        y="per period" if regret else "",
        x_text=lambda value: f"{value:,.0f}",
        y_text=compact if regret else share,
    )


def backtest_data(walk: HistoryBacktest) -> pd.DataFrame:
    """Every forecast of a walk through a history beside what came in.

    Parameters
    ----------
    walk : from :func:`adbudget.backtest`

    Returns
    -------
    pd.DataFrame with date, account, forecast, low, high (90%), seen, inside, as_before (the mean of
    as many periods before: the forecast that costs nothing)

    Examples
    --------
    >>> list(ab.plot.backtest_data(walk).columns)[:4]
    ['date', 'account', 'forecast', 'low']
    """
    columns = ["date", "account", "forecast", "low", "high", "seen", "inside", "as_before"]
    rows: Any = walk.accounts[columns]
    return rows.reset_index(drop=True)


def backtest(walk: HistoryBacktest | WorldBacktest, *, ax: "Axes | None" = None) -> "Axes":
    """Forecasts on past dates against what came in; nine of ten intervals should hold it.

    Both are shares of the account's mean, so that small and large accounts stand side by side.
    Rings are the forecast that costs nothing: the mean of as many periods before.

    Parameters
    ----------
    walk : from :func:`adbudget.backtest`, or from :func:`adbudget.backtest_world`, of which
        :func:`gains` shows the loop beside frozen budgets, the dashboard's rule and an oracle
    ax : axes to draw on

    Raises
    ------
    InputError : matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.backtest(walk)
    """
    if isinstance(walk, WorldBacktest):
        return gains(walk, ax=ax)
    data: Any = backtest_data(walk)
    axes = one_axes(ax, (5.6, 5.0))
    if not len(data):
        return note(axes, "No outcome came in after any of the dates.")
    usual = data.groupby("account")["seen"].transform("mean").replace(0.0, np.nan)
    for row, size in zip(data.to_dict("records"), usual, strict=True):
        hue = INCREASE if row["inside"] else REDUCE
        seen = row["seen"] / size
        axes.plot([seen] * 2, [row["low"] / size, row["high"] / size], color=hue, alpha=0.4)
        axes.plot([seen], [row["as_before"] / size], "o", color=FAINT, markersize=5, mfc="none")
        axes.plot([seen], [row["forecast"] / size], "o", color=hue, markersize=4)
    marks = (
        ("o", INCREASE, "holds what came in"),
        ("o", REDUCE, "does not"),
        ("o", "none", "as before"),
    )
    for mark, fill, label in marks:
        edge = FAINT if fill == "none" else fill
        axes.plot([], [], mark, color=edge, mfc=fill, markersize=5, label=label)
    legend_above(axes)
    limits = [
        min(axes.get_xlim()[0], axes.get_ylim()[0]),
        max(axes.get_xlim()[1], axes.get_ylim()[1]),
    ]
    axes.plot(limits, limits, color=FAINT, linewidth=0.8, zorder=0)
    n_inside = int(data["inside"].sum())
    inside = f"{n_inside:,} of {len(data):,} inside 90% intervals"
    return dress(
        axes,
        title=f"Forecast against what came in: {inside}",
        x=f"{walk.outcome_name} seen, of the account's mean",
        y="forecast",
        x_text=share,
        y_text=share,
        below=ROOM,
    )


def cycle_data(report: CycleReport) -> pd.DataFrame:
    """Budgets that a cycle of the loop found, decided and may set now, the largest move first.

    Parameters
    ----------
    report : of the cycle

    Returns
    -------
    pd.DataFrame with account, campaign, currency, budget, decided, set_now, verdict, state

    Examples
    --------
    >>> list(ab.plot.cycle_data(cycle).columns)
    ['account', 'campaign', 'currency', 'budget', 'decided', 'set_now', 'verdict', 'state']
    """
    columns = [
        "account",
        "campaign",
        "currency",
        "budget",
        "decided",
        "set_now",
        "verdict",
        "state",
    ]
    if not len(report.table):
        return pd.DataFrame(columns=columns)
    rows: Any = report.table[columns]
    order: Any = (
        (rows["decided"] - rows["budget"]).abs().sort_values(ascending=False, kind="stable")
    )
    return rows.loc[order.index].reset_index(drop=True)


def cycle(report: CycleReport, *, ax: "Axes | None" = None) -> "Axes":
    """What a cycle changed: every budget before (dot) and after (arrow), as a change in percent.

    Parameters
    ----------
    report : of the cycle
    ax : axes to draw on

    Raises
    ------
    InputError : matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.cycle(cycle)
    """
    data: Any = cycle_data(report)
    moves: Any = data[(data["decided"] - data["budget"]).abs() > 0].head(MOST_ROWS)
    axes = one_axes(ax, (7.0, 1.2 + 0.3 * max(len(moves), 3)))
    if not len(moves):
        return note(axes, "No budget changes in this cycle.")
    for i, row in enumerate(moves.to_dict("records")):
        before, after = row["budget"], row["decided"]
        percent = 100 * (after / before - 1) if before > 0 else 100.0
        hue = INCREASE if after > before else REDUCE
        free = row["verdict"] == "auto"
        axes.barh(
            [i], [percent], color=hue if free else "none", edgecolor=hue, height=0.6,
            hatch=None if free else "////",
        )  # fmt: skip
        told = f"{from_to(before, after)} {row['currency']}"
        told += "" if free else f", {row['verdict'].replace('_', ' ')}"
        axes.annotate(
            told, (max(percent, 0.0), i), xytext=(5, 0), textcoords="offset points", va="center",
            fontsize=8,
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=0.8)
    pairs = zip(moves["account"], moves["campaign"], strict=True)
    named_rows(axes, [f"{short(a, 14)} / {c}" for a, c in pairs])
    axes.margins(x=0.35)
    still = len(data) - len(moves)
    dress(
        axes,
        title=f"Cycle {report.key}: what changes" + (" (dry run)" if report.dry else ""),
        x="change of the daily budget" + (f"; {still:,} more stay as they are" if still else ""),
        x_text=lambda value: f"{value:+.0f}%",
    )
    axes.spines["left"].set_visible(False)
    return axes
