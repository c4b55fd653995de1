"""The run before + this run -> what stands, what changed, and why. Decides nothing itself."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.action import NEAR, SIGN, Decision
from adbudget.errors import InputError
from adbudget.plan import Cell

COLUMNS = ("account", "channel", "decision")
LIMITS, DATA, CHANCE, PROBLEM = "new limits", "new data", "borderline", "fit not healthy"
FINDINGS = "findings"


def rows_of(previous: pd.DataFrame) -> dict[Cell, dict[Any, Any]]:
    """(account, channel) -> row of a previous run's frame.

    Raises
    ------
    InputError : a column is missing, a cell is named twice, a decision is unknown
    """
    if not isinstance(previous, pd.DataFrame) or not set(COLUMNS) <= set(previous.columns):
        got = list(previous.columns) if isinstance(previous, pd.DataFrame) else type(previous)
        raise InputError(
            f"previous must be a frame of decisions with columns {', '.join(COLUMNS)}; got {got}. "
            "Give what recommend returned in the run before, or the file it was written to."
        )
    rows: dict[Cell, dict[Any, Any]] = {}
    for row in previous.to_dict("records"):
        cell = (str(row["account"]), str(row["channel"]))
        if str(row["decision"]) not in SIGN:
            raise InputError(
                f"previous holds an unknown decision {row['decision']!r} for {cell}; there are "
                f"{', '.join(SIGN)}."
            )
        if cell in rows:
            raise InputError(f"previous names {cell} more than once; keep one row for each cell.")
        rows[cell] = row
    return rows


def directions(previous: pd.DataFrame | None, cells: Iterable[Cell]) -> np.ndarray:
    """(cell,) direction of the previous run's call: 1, -1, or 0 for monitor or none."""
    rows = {} if previous is None else rows_of(previous)
    return np.array([SIGN[rows[c]["decision"]] if c in rows else 0 for c in cells], dtype=int)


def changes(
    calls: Iterable[Decision], previous: pd.DataFrame, facts: Mapping[Any, Any]
) -> list[dict[str, str]]:
    """Every decision that differs from the previous run's, and why.

    Parameters
    ----------
    calls : of this run
    previous : frame of the previous run; its ``attrs`` say what was asked then, where kept
    facts : ``attrs`` of this run's frame

    Returns
    -------
    list of {account, channel, before, after, why}; cells that only one of the runs has are left
    out. ``why`` is the first of these that holds: "fit not healthy"; "findings" (the cell is not
    judged in one of the runs, for what its data say); "new limits" (limits, risk, thresholds or
    policy were asked otherwise); "borderline" (the probability is, or was, so near its bar that
    other draws would have decided otherwise; or the data are the same, and only other draws did);
    "new data"
    """
    old = rows_of(previous)
    known = {str(name): fact for name, fact in previous.attrs.items()}
    new_limits = "asked" in known and known["asked"] != facts["asked"]
    unhealthy = not all(run.get("health", {}).get("ok", True) for run in (facts, known))
    same_data = known.get("data_hash") == facts["data_hash"]
    not_judged = _not_judged(facts) | _not_judged(known)
    found = []
    for call in calls:
        cell = (call.account, call.channel)
        if cell not in old or str(old[cell]["decision"]) == call.action:
            continue
        why = DATA
        if unhealthy:
            why = PROBLEM
        elif cell in not_judged:
            why = FINDINGS
        elif new_limits:
            why = LIMITS
        elif same_data or call.borderline or _was_borderline(old[cell]):
            why = CHANCE
        found.append(
            {
                "account": call.account,
                "channel": call.channel,
                "before": str(old[cell]["decision"]),
                "after": str(call.action),
                "why": why,
            }
        )
    return found


def _not_judged(facts: Mapping[Any, Any]) -> set[Cell]:
    """Cells that a run held for what their data say."""
    return {
        (finding["account"], channel)
        for finding in facts.get("findings", [])
        if finding.get("decides", False)  # files of earlier versions do not say
        for channel in finding["channels"]
    }


def _was_borderline(row: Mapping[Any, Any]) -> bool:
    """Whether the previous run's probability was as near its bar as chance goes."""
    names = ("prob_gain", "prob_needed", "prob_error")
    if not set(names) <= set(row):
        return False
    prob, needed, error = (float(row[name]) for name in names)
    return abs(prob - needed) <= NEAR * error
