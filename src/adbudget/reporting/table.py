"""Decisions -> what a terminal shows: totals, a line for each cell, why, and what it rests on.

Reads the frame of :func:`adbudget.recommend` and its attrs only.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding

from adbudget.errors import InputError, nearest
from adbudget.money import amount, estimate_text
from adbudget.reporting.cells import STYLE, by_account, cells_table, listed_apart
from adbudget.reporting.columns import INDENT
from adbudget.reporting.summary import facts_of, footer, headline, margin_told
from adbudget.reporting.text import (
    PERIOD_NOUNS,
    UNCHANGED,
    Text,
    change,
    change_between,
    counted,
    percent,
)

MOST_WITH_DECIMALS = 1_000  # spend of an account per period
MOST_LISTED = 200  # cells up to which those to monitor have their line, too
MOST_REASONS = 3  # told without being asked for


def report(
    frame: pd.DataFrame, *, width: int, why: Sequence[str] = (), everything: bool = False
) -> RenderableType:
    """Everything a terminal shows of a recommendation.

    Parameters
    ----------
    frame : from :func:`adbudget.recommend`
    width : columns of the terminal; what does not fit is left out, and the report says so
    why : cells to explain in full, as "account/channel", or whole accounts by name; the moves that
        are worth most when empty
    everything : list and explain every cell, and leave out no note or finding

    Returns
    -------
    rich renderable

    Raises
    ------
    InputError : ``why`` names a cell that is not in the frame
    """
    rows = _rows(frame)
    asked = _asked_for(rows, why)
    parts = [_title(frame), headline(frame, everything=everything), Text()]
    parts += [_table(frame, rows, width, everything), Text()]
    if everything or asked:
        parts.append(_explained(frame, rows if everything else asked))
    else:
        parts.append(_main_reasons(frame, rows))
    return Group(*parts, footer(frame, everything=everything))


def _title(frame: pd.DataFrame) -> Text:
    """What was read, whose money it is, and which periods it covers."""
    facts = facts_of(frame)
    period, data = facts.get("period", ""), facts.get("data", {})
    told = [
        f"{period} {facts.get('outcome_name', '')}".strip() + margin_told(facts),
        f"{data['from']} to {data['through']}" if data else "",
        counted(len(set(frame["account"])), "account"),
        counted(len(frame), "account-channel"),
    ]
    line = ", ".join(filter(None, told))
    per = f"Money per {PERIOD_NOUNS[period]}; brackets" if period in PERIOD_NOUNS else "Brackets"
    return Text(f"{line[0].upper()}{line[1:]}. {per} hold 90%.\n")


def _rows(frame: pd.DataFrame) -> list[Any]:
    """One record per cell, with the decimals that suit its account: none from 1,000 on."""
    spend = frame[["current_spend", "recommended_spend"]].groupby(frame["account"])
    total = spend.transform("sum").max(axis=1)
    digits = (total < MOST_WITH_DECIMALS).map({True: 2, False: 0})
    return list(frame.assign(digits=digits).itertuples(index=False))


def _asked_for(rows: list[Any], why: Sequence[str]) -> list[Any]:
    """Rows of the cells, or accounts, that somebody asks about."""
    check_asked(why, [(row.account, row.channel) for row in rows])
    return [row for row in rows if {row.account, f"{row.account}/{row.channel}"} & {*why}]


def check_asked(why: Sequence[str], cells: Sequence[tuple[str, str]]) -> None:
    """Refuse to explain what is not decided on.

    Parameters
    ----------
    why : cells as "account/channel", or whole accounts by name
    cells : (account, channel) of all decisions

    Raises
    ------
    InputError : names what is not among them
    """
    known = dict.fromkeys([account for account, _ in cells])
    known |= dict.fromkeys([f"{account}/{channel}" for account, channel in cells])
    for name in why:
        if name not in known:
            near = nearest(name, tuple(known))
            meant = f" (did you mean {near!r}?)" if near else ""
            raise InputError(
                f"--why names {name!r}{meant}, which is not decided on. Write a cell as "
                f"account/channel, such as {'/'.join(cells[0])!r}, or the name of an account."
            )


def _table(frame: pd.DataFrame, rows: list[Any], width: int, everything: bool) -> RenderableType:
    """A line for each cell; of very many, for those that move."""
    headings = {
        name: _heading(name, [rows[i] for i in members], frame)
        for name, members in by_account(rows)
    }
    moving = [row for row in rows if row.decision != "monitor"]
    if everything or len(rows) <= MOST_LISTED:
        return cells_table(rows, headings, width)
    apart = Text(listed_apart(len(rows) - len(moving)), style="dim")
    return Group(cells_table(moving, headings, width), Text(), apart) if moving else apart


def _heading(account: str, rows: list[Any], frame: pd.DataFrame) -> RenderableType:
    """Account, what it spends now and next, and where its data end if that is earlier."""
    facts = facts_of(frame)
    currency = facts.get("currency", {}).get(account, "")
    before = sum(row.current_spend for row in rows)
    after = sum(row.recommended_spend for row in rows)
    spends = estimate_text(before, currency, rows[0].digits)
    if change_between(before, after) != UNCHANGED:
        moved = change_between(before, after)
        spends = f"{spends} -> {amount(after, rows[0].digits)} ({moved})"
    whole = facts.get("data", {})
    own = whole.get("by_account", {}).get(account, whole)
    ends_early = own.get("through") != whole.get("through")
    data = f"; data through {own['through']}" if ends_early else ""
    return Text.assemble((account, "bold"), "  ", (f"{spends}{data}", "dim"))


def _main_reasons(frame: pd.DataFrame, rows: list[Any]) -> RenderableType:
    """The reasons of the moves that are worth most, or the one reason why nothing moves."""
    moving = [row for row in rows if row.decision != "monitor"]
    if not moving:
        reasons = frame["reason"].unique()
        why = f" {reasons[0]}" if len(reasons) == 1 else " --all tells why, for every channel."
        return Group(Text(f"No call moves money.{why}"), Text())
    worth = sorted(moving, key=lambda row: -getattr(row, "expected_value", 0.0))
    most = worth[:MOST_REASONS]
    left = len(rows) - len(most)
    title = Text("Why", style="bold")
    if left:
        cell = f"{most[0].account}/{most[0].channel}"
        of = f"of the {counted(len(most), 'move')} worth most"
        title.append(f"  {of}; --why {_quoted(cell)} explains one cell, --all all", style="dim")
    return Group(title, *_sentences(most), Text())


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _sentences(rows: list[Any]) -> Iterator[RenderableType]:
    for row in rows:
        told = Text(f"{row.account}/{row.channel}", style=STYLE.get(row.decision, ""))
        told.append(f"  {row.reason}", style="default")
        yield Padding(told, (0, 0, 0, INDENT))


def _explained(frame: pd.DataFrame, rows: list[Any]) -> RenderableType:
    """Every figure and sentence there is about some cells."""
    facts = facts_of(frame)
    per = PERIOD_NOUNS.get(facts.get("period", ""), "period")
    findings = facts.get("findings", [])
    parts: list[RenderableType] = [Text("Why", style="bold")]
    for row, told in zip(rows, _sentences(rows), strict=True):
        parts.append(told)
        lines = [*_figures(row, per)]
        lines += [
            str(one["message"])
            for one in findings
            if one.get("account") == row.account
            and row.channel in one.get("channels", [])
            and "message" in one
        ]
        parts += [Padding(Text(line, style="dim"), (0, 0, 0, 2 * INDENT)) for line in lines]
    return Group(*parts, Text())


def _figures(row: Any, per: str) -> Iterator[str]:
    """The numbers behind one decision."""
    if row.decision != "monitor":
        now, after = (
            amount(value, row.digits) for value in (row.current_spend, row.recommended_spend)
        )
        low, high = (amount(value, row.digits) for value in (row.lift_low, row.lift_high))
        lift = amount(row.expected_lift, row.digits, signed=True)
        worth = amount(getattr(row, "expected_value", float("nan")), row.digits, signed=True)
        moved = f"{now} -> {after} a {per} ({change(row.change_pct)})"
        yield f"spend {moved}, lift {lift} [{low}; {high}], worth {worth} after spend"
    needed = getattr(row, "prob_needed", None)
    bar = "" if needed is None else f" (a call needs {percent(needed)})"
    considered = getattr(row, "considered_spend", row.recommended_spend)
    of = "" if row.decision != "monitor" else f" of {amount(considered, row.digits)}"
    if considered != row.current_spend:
        yield f"P(gain){of} {percent(row.prob_gain)}{bar}; flips at {percent(row.flip_at)}"
    ratios = [
        f"{title} {mean:,.2f} [{low:,.2f}; {high:,.2f}]"
        for title, name in (("marginal ROI", "marginal_roi"), ("ROI", "roi"))
        for mean, low, high in [[getattr(row, name + end) for end in ("", "_low", "_high")]]
        if mean == mean
    ]
    hurdle = getattr(row, "hurdle", None)
    if hurdle is not None:
        ratios.insert(1, f"hurdle {hurdle:,.2f}")
    yield ", ".join(ratios)
    prior = getattr(row, "prior_share", None)
    if prior is not None:
        yield f"{percent(prior)} of the answer is prior, data {row.data_from} to {row.data_through}"
