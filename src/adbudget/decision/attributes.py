"""Decisions and what is behind them -> what a log should keep beside the table, as plain values."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.decision_table import frontier_rows
from adbudget.decision.decisions import BARS, Decisions
from adbudget.decision.reach import BEYOND, STOPPED, check_reach
from adbudget.decision.schema import BETWEEN
from adbudget.decision.thresholds import Thresholds
from adbudget.optimizer import Proposal
from adbudget.panel.findings import Finding, check_identification
from adbudget.panel.panel import Panel
from adbudget.plain_json import to_plain
from adbudget.plan import Limits
from adbudget.risk import Risk


def asked_of(options: Mapping[str, Any], policy_hash: str | None) -> dict[str, Any]:
    """What the caller asked of plan and calls, so that the next run can compare.

    As it was asked: what a policy makes of it in money depends on the spend of the day.
    """
    asked = {
        "limits": options["limits"] or Limits(),
        "risk": options["risk"] or Risk(),
        "thresholds": options["thresholds"] or Thresholds(),
        "policy": policy_hash,
    }
    return to_plain(asked, where="what is asked", infinite="text")


def finite(value: float) -> float | None:
    """JSON knows no infinity."""
    return float(value) if np.isfinite(value) else None


def history_of(panel: Panel) -> dict[str, Any]:
    """What periods the panel covers: first and last, and those of accounts that differ from it.

    A period is named by its label day, as the table names it.
    """
    dates = [str(day) for day in panel.dates]
    whole = {"from": dates[0], "through": dates[-1], "periods": panel.n_periods}
    by_account = {
        name: {
            "from": dates[first],
            "through": dates[last],
            "periods": int(last - first + 1),
        }
        for name, first, last in zip(panel.accounts, panel.first, panel.last, strict=True)
    }
    differs = {name: own for name, own in by_account.items() if own != whole}
    return {**whole, "by_account": differs}


def data_hash(panel: Panel) -> str:
    """Whether two runs saw the same rows."""
    seen = hashlib.sha256(repr((panel.accounts, panel.channels, panel.controls)).encode())
    for values in (panel.dates, panel.spend, panel.outcome, panel.control_values):
        seen.update(np.ascontiguousarray(values).tobytes())
    return seen.hexdigest()[:16]


def findings_of(
    decisions: Decisions, panel: Panel, identified: tuple[Finding, ...] | None = None
) -> tuple[Finding, ...]:
    """What the data cannot tell apart, and where plan or calls leave what they have seen.

    ``identified`` are the former, where somebody has looked already.
    """
    identified = check_identification(panel) if identified is None else identified
    beyond = [one for one in check_reach(decisions.proposal) if one.kind == BEYOND]
    return (*identified, *stops_of(decisions.considered), *beyond)


def stops_of(proposal: Proposal) -> list[Finding]:
    """Where the best plan stands at the highest spend of the history."""
    return [one for one in check_reach(proposal) if one.kind == STOPPED]


def findings_of_cells(found: Iterable[Finding], cells: pd.Index) -> list[str]:
    """(cell,) the kinds of findings about each, once each, "" where there is none."""
    kinds: dict[Any, dict[str, None]] = {cell: {} for cell in cells}
    for finding in found:
        for cell in finding.cells:
            kinds.get(cell, {})[finding.kind] = None
    return [BETWEEN.join(names) for names in kinds.values()]


def limit_prices(decisions: Decisions) -> list[dict[str, Any]]:
    """What one more unit of room is worth at each limit that binds the best plan, dearest first.

    Of the plan as first proposed: in the plan of the calls, cells without a call are held, which is
    no limit of anybody's.
    """
    return to_plain(decisions.considered.shadow_prices.to_dict("records"))


def totals_held(decisions: Decisions) -> list[dict[str, Any]]:
    """The totals that are spent where more would be likely enough to pay."""
    return [
        {
            "pool": one.pool,
            "accounts": list(one.accounts),
            "currency": one.currency,
            "total": one.total,
            "next_spend": one.added,
            "next_value": one.gain,
            "next_value_low": one.gain_low,
            "next_value_high": one.gain_high,
            "one_more_brings": one.price,
            "one_more_low": one.price_low,
            "one_more_high": one.price_high,
            "channels": list(one.channels),
        }
        for one in decisions.held_totals
    ]


def frontier_of(decisions: Decisions, probs: Sequence[float] = BARS) -> list[dict[str, Any]]:
    """What other bars for a call would have brought and risked, and the decisions as they are.

    Rows are those of :meth:`adbudget.Decisions.frontier`, and ``asked``: whether that is the bar of
    these decisions, in which case the row is of them and nothing else.
    """
    own, wrong = float(decisions.thresholds.prob), decisions.expected_wrong_share
    rows = frontier_rows(decisions.calls, decisions.proposal, own, wrong)
    rest = sorted({*probs} - {own})
    others = decisions.frontier(rest).to_dict("records") if rest else []
    return [{**to_plain(row), "asked": row["prob"] == own} for row in (*rows, *others)]
