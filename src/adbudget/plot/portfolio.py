"""Decisions of many accounts -> one picture: every cell, spend before and after, what changed."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.decision.decisions import Decisions
from adbudget.display.page import counted
from adbudget.plot.asked import code_of_rows, decision_rows, money_of
from adbudget.plot.axes import compact, dress, from_to, named_rows, note, one_axes, plain, short
from adbudget.plot.palette import ACTION_COLOUR, FAINT, INCREASE, INK, REDUCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FULL_MOVE = 30.0  # percent from which a cell has the full colour
MOST_NAMED = 60  # rows whose names can be read
LABELLED = 12  # columns and rows up to which cells hold their move in figures
MOST_BARS = 30


def portfolio_data(decisions: "pd.DataFrame | Decisions") -> pd.DataFrame:
    """Every cell with what is decided, how far it moves and how sure that is.

    Parameters
    ----------
    decisions : what recommend returned, or from decide

    Returns
    -------
    pd.DataFrame with account, channel, decision, current_spend, recommended_spend, change_pct,
    prob_gain, reason_code

    Examples
    --------
    >>> list(ab.plot.portfolio_data(frame).columns)
    ['account', 'channel', 'decision', 'current_spend', 'recommended_spend', 'change_pct',
     'prob_gain', 'reason_code']
    """
    columns = ["account", "channel", "decision", "current_spend", "recommended_spend"]
    columns += ["change_pct", "prob_gain", "reason_code"]
    return decision_rows(decisions)[columns].reset_index(drop=True)


def portfolio(decisions: "pd.DataFrame | Decisions", *, ax: "Axes | None" = None) -> "Axes":
    """All decisions at a glance: accounts down, channels across, hundreds of cells.

    Blue raises, orange cuts, the stronger the further (full from 30%); grey is kept. A cell without
    colour is not there. Triangles say the same for those who see no colour.

    Parameters
    ----------
    decisions : what recommend returned, or from decide
    ax : axes to draw on

    Raises
    ------
    InputError : matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.portfolio(frame)
    """
    data: Any = portfolio_data(decisions)
    accounts, channels = sorted(set(data["account"])), sorted(set(data["channel"]))
    width = 2.2 + 0.75 * max(len(channels), 3)
    height = 1.4 + (0.24 if len(accounts) <= MOST_NAMED else 0.09) * max(len(accounts), 3)
    axes = one_axes(ax, (min(width, 16.0), min(height, 18.0)))
    if not len(data):
        return note(axes, "There is no cell.")
    from matplotlib.patches import Rectangle

    small = len(accounts) > MOST_NAMED
    for row in data.to_dict("records"):
        x, y = channels.index(row["channel"]), accounts.index(row["account"])
        moves = row["decision"] != "monitor"
        share = min(abs(float(row["change_pct"])) / FULL_MOVE, 1.0) if moves else 1.0
        hue, opacity = ACTION_COLOUR[row["decision"]], (0.35 + 0.65 * share) if moves else 0.22
        gap = 0.0 if small else 0.04
        axes.add_patch(
            Rectangle(
                (x - 0.5 + gap, y - 0.5 + gap), 1 - 2 * gap, 1 - 2 * gap, facecolor=hue,
                alpha=opacity, linewidth=0,
            )
        )  # fmt: skip
        if moves and not small:
            sign = "▲" if row["decision"] == "increase" else "▼"
            told = f"{sign} {_move(row)}" if len(channels) <= LABELLED else sign
            axes.text(x, y, told, ha="center", va="center", fontsize=7, color=INK)
    axes.set_xlim(-0.5, len(channels) - 0.5)
    named_rows(axes, accounts)
    if small:
        axes.set_yticks([])
    turned = len(channels) > 6 or max(map(len, channels)) > 12
    axes.xaxis.tick_top()
    axes.set_xticks(
        range(len(channels)), [plain(short(name, 22)) for name in channels],
        rotation=40 if turned else 0, ha="left" if turned else "center", rotation_mode="anchor",
    )  # fmt: skip
    counts = data["decision"].value_counts()
    told = ", ".join(f"{counts.get(k, 0):,} {k}" for k in ("increase", "monitor", "reduce"))
    dress(axes)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    size = f"{counted(len(accounts), 'account')}, {counted(len(data), 'cell')}"
    axes.set_xlabel(f"{size}: {told}", fontsize=9)
    return axes


def allocation_data(
    decisions: "pd.DataFrame | Decisions", account: str | None = None
) -> pd.DataFrame:
    """Spend by channel today and as recommended.

    Parameters
    ----------
    decisions : what recommend returned, or from decide
    account : its name; the sum over all accounts when None, which need one currency

    Returns
    -------
    pd.DataFrame with channel, when ("today", "recommended"), spend (money per period), share

    Raises
    ------
    InputError : no such account, or money of several currencies

    Examples
    --------
    >>> list(ab.plot.allocation_data(frame).columns)
    ['channel', 'when', 'spend', 'share']
    """
    rows: Any = decision_rows(decisions, account)
    code_of_rows(rows)
    sums: Any = rows.groupby("channel")[["current_spend", "recommended_spend"]].sum()
    sums.columns = pd.Index(["today", "recommended"], name="when")
    long: Any = sums.stack().rename("spend").reset_index()  # noqa: PD013
    total = long.groupby("when")["spend"].transform("sum")
    return long.assign(share=np.where(total > 0, long["spend"] / total, 0.0))


def allocation(
    decisions: "pd.DataFrame | Decisions", account: str | None = None, *, ax: "Axes | None" = None
) -> "Axes":
    """Spend by channel before and after: a dot for today, an arrow to the recommended spend.

    Parameters
    ----------
    decisions, account : as in :func:`allocation_data`
    ax : axes to draw on

    Raises
    ------
    InputError : no such account, several currencies, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.allocation(frame)
    """
    data: Any = allocation_data(decisions, account)
    wide: Any = data.set_index(["channel", "when"])["spend"].unstack()  # noqa: PD010
    wide = wide.sort_values("today", ascending=False, kind="stable")
    left, wide = len(wide) - MOST_BARS, wide.head(MOST_BARS)
    axes = one_axes(ax, (7.0, 1.3 + 0.3 * max(len(wide), 3)))
    top = max(float(wide.to_numpy().max()), 1e-9)
    for i, (_, row) in enumerate(wide.iterrows()):
        before, after = float(row["today"]), float(row["recommended"])
        hue = INK if after == before else INCREASE if after > before else REDUCE
        axes.plot([0, top * 1.1], [i, i], color=FAINT, linewidth=0.4, zorder=0)
        axes.plot([before], [i], "o", color=INK, markersize=5, zorder=2)
        if after != before:
            axes.annotate(
                "", (after, i), (before, i),
                arrowprops={"arrowstyle": "-|>", "color": hue, "lw": 2, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
        told = compact(before) if after == before else from_to(before, after)
        axes.annotate(
            told, (max(before, after), i), xytext=(9, 0), textcoords="offset points",
            va="center", fontsize=8, color=hue,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    named_rows(axes, [str(name) for name in wide.index])
    axes.set_xlim(0, 1.25 * top)
    totals = data.groupby("when")["spend"].sum()
    code = money_of(code_of_rows(decision_rows(decisions, account)))
    told = f"in all {compact(totals['today'])} → {compact(totals['recommended'])} {code} per period"
    dress(
        axes,
        title=f"{short(account or 'All accounts')}: spend today (dot) and as recommended (arrow)",
        x=told + (f"; {left} smaller channels are left out" if left > 0 else ""),
        x_text=compact,
    )
    axes.spines["left"].set_visible(False)
    return axes


def changes_data(
    decisions: "pd.DataFrame | Decisions", previous: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What is decided otherwise than in the run before, and why.

    Parameters
    ----------
    decisions : what recommend returned with ``previous=``
    previous : the frame of the run before, for the spend it recommended; not needed

    Returns
    -------
    pd.DataFrame with account, channel, before, after, why, spend_before, spend_after
    (recommended by both runs, NaN where nothing is known)

    Examples
    --------
    >>> list(ab.plot.changes_data(frame).columns)
    ['account', 'channel', 'before', 'after', 'why', 'spend_before', 'spend_after']
    """
    frame: Any = decision_rows(decisions)
    rows: Any = pd.DataFrame(
        frame.attrs.get("changes", []), columns=["account", "channel", "before", "after", "why"]
    )
    keys = ["account", "channel"]
    after = frame.set_index(keys)["recommended_spend"]
    before: Any = (
        pd.Series(dtype=float)
        if previous is None
        else decision_rows(previous).set_index(keys)["recommended_spend"]
    )
    cells = list(zip(rows["account"], rows["channel"], strict=True))
    return rows.assign(
        spend_before=[float(before.get(cell, np.nan)) for cell in cells],
        spend_after=[float(after.get(cell, np.nan)) for cell in cells],
    )


def changes(
    decisions: "pd.DataFrame | Decisions",
    previous: pd.DataFrame | None = None,
    *,
    ax: "Axes | None" = None,
) -> "Axes":
    """What is decided otherwise than in the run before: one arrow for each cell, and why.

    Parameters
    ----------
    decisions, previous : as in :func:`changes_data`
    ax : axes to draw on

    Raises
    ------
    InputError : matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.changes(frame)
    """
    data: Any = changes_data(decisions, previous).head(MOST_BARS)
    axes = one_axes(ax, (7.0, 1.2 + 0.3 * max(len(data), 2)))
    if not len(data):
        known = "changes" in decision_rows(decisions).attrs
        told = "Nothing is decided otherwise than in the previous run."
        return note(axes, told if known else "There is no previous run to compare with.")
    places = {"reduce": 0, "monitor": 1, "increase": 2}
    for i, row in enumerate(_records(data)):
        here, there = places[row["before"]], places[row["after"]]
        hue = ACTION_COLOUR[row["after"]]
        axes.plot([here], [i], "o", color=FAINT, markersize=5)
        axes.annotate(
            "", (there, i), (here, i),
            arrowprops={"arrowstyle": "-|>", "color": hue, "lw": 2, "shrinkA": 3, "shrinkB": 0},
        )  # fmt: skip
        axes.annotate(plain(row["why"]), (2.12, i), va="center", fontsize=8, annotation_clip=False)
    named_rows(axes, [f"{short(a, 14)} / {c}" for a, c in data[["account", "channel"]].to_numpy()])
    axes.set_xlim(-0.2, 2.9)
    dress(axes, title="What changed since the previous run, and why")
    axes.set_xticks(list(places.values()), list(places))
    for place in places.values():
        axes.axvline(place, color=FAINT, linewidth=0.4, zorder=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    return axes


def _move(row: dict[Any, Any]) -> str:
    """+30%; new for what starts from nothing."""
    percent = float(row["change_pct"])
    return f"{percent:+.0f}%" if np.isfinite(percent) else "new"


def _records(rows: Any) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
