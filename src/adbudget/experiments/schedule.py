"""TestPlan -> who spends what, when, and what to record; and the results back as lift tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.experiments.designs import HOLDOUT, Arm
from adbudget.experiments.trials import Offer
from adbudget.panel.calendar import dates_after
from adbudget.panel.panel import Panel
from adbudget.tables.messages import quoted

FED_BACK = "spend and outcome of every period, as in the history: fit.update takes them"
MEASURED = (
    "outcome of the regions without spend against what the others say it would have been, divided "
    "by share: lift_total (below zero when it is missed) and its standard_error"
)
LIFT_COLUMNS = (
    "account",
    "channel",
    "start",
    "end",
    "spend_before",
    "spend_after",
    "lift_total",
    "standard_error",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timing:
    """When tests run, and from which spend.

    Attributes
    ----------
    cells : (account, channel) by position
    lengths : periods of each block of a test
    current : (cell,) spend per period without a test
    panel : the history they follow
    """

    cells: pd.MultiIndex
    lengths: tuple[int, ...]
    current: np.ndarray
    panel: Panel


def schedule_of(tests: Mapping[str, Offer], timing: Timing, start: object) -> pd.DataFrame:
    """See :meth:`TestPlan.schedule`."""
    dates = _dates(timing, start)
    rows = [
        row
        for name, offer in tests.items()
        for arm in offer.design.arms
        for row in _stretches(timing, name, offer, arm, dates)
    ]
    columns = ["test", "kind", *LIFT_COLUMNS[:6], "spend_per_day", "share", "record"]
    return pd.DataFrame(rows, columns=[*columns, *LIFT_COLUMNS[6:]])


def path_of(tests: Mapping[str, Offer], timing: Timing) -> pd.DataFrame:
    """See :meth:`TestPlan.path`."""
    now = timing.current
    path = np.repeat(now[:, None], sum(timing.lengths), axis=1)
    for offer in tests.values():
        for arm in offer.design.arms:
            share = 1.0 if arm.share is None else arm.share
            factors = np.repeat(arm.factors, timing.lengths)
            path[arm.cell] = now[arm.cell] * (1 + share * (factors - 1))
    return pd.DataFrame(path, index=timing.cells, columns=range(1, path.shape[1] + 1))


def lift_rows(schedule: pd.DataFrame) -> pd.DataFrame:
    """Holdouts of a schedule whose results are filled in, as ``lift_tests`` of a fit.

    Parameters
    ----------
    schedule : from :meth:`TestPlan.schedule`, with lift_total and standard_error filled in

    Raises
    ------
    InputError : a column is gone; no result is filled in, or only half of one
    """
    gone = [name for name in ("kind", *LIFT_COLUMNS) if name not in schedule.columns]
    if gone:
        raise InputError(f"the schedule lacks the column(s) {quoted(gone)}; keep all of them.")
    own = schedule.loc[schedule["kind"] == HOLDOUT, list(LIFT_COLUMNS)]
    filled = own[["lift_total", "standard_error"]].notna()
    half = own.index[filled.any(axis=1) & ~filled.all(axis=1)].tolist()
    if half:
        raise InputError(
            f"rows {quoted(half)} of the schedule state only one of lift_total and "
            "standard_error; a result needs both."
        )
    done = own[filled.all(axis=1)]
    if done.empty:
        raise InputError(
            "no result is filled in: lift_total and standard_error of the rows whose kind is "
            f"{HOLDOUT!r}. Other tests need none: give their periods to fit.update."
        )
    return done.reset_index(drop=True)


def _dates(timing: Timing, start: object) -> np.ndarray:
    """(period + 1,) first day of every period of the tests, and of the one after them."""
    panel, n = timing.panel, sum(timing.lengths)
    first = dates_after(panel.dates[-1], panel.period, n + 1)
    if start is None:
        return first
    try:
        asked = np.datetime64(pd.Timestamp(start), "D")  # pyright: ignore
    except (ValueError, TypeError):
        raise InputError(f"start must be a date such as 2026-03-02; got {start!r}.") from None
    if np.isnat(asked) or asked < first[0]:
        raise InputError(
            f"start must be a day after the record, which ends with the period of "
            f"{panel.dates[-1]}: {first[0]} or later; got {start!r}."
        )
    return dates_after(asked - (first[1] - first[0]), panel.period, n + 1)


def _stretches(
    timing: Timing, name: str, offer: Offer, arm: Arm, dates: np.ndarray
) -> list[dict[str, Any]]:
    """Blocks of equal spend next to each other are one row."""
    account, channel = timing.cells[arm.cell]
    ends = np.cumsum(timing.lengths)
    rows: list[dict[str, Any]] = []
    now = float(timing.current[arm.cell])
    for factor, last, length in zip(arm.factors, ends, timing.lengths, strict=True):
        end = dates[last] - np.timedelta64(1, "D")
        if rows and rows[-1]["spend_after"] == now * factor:
            rows[-1]["end"] = str(end)
            continue
        rows.append(
            {
                "test": name,
                "kind": offer.design.kind,
                "account": account,
                "channel": channel,
                "start": str(dates[last - length]),
                "end": str(end),
                "spend_before": now,
                "spend_after": now * factor,
                "spend_per_day": now * factor / timing.panel.period_days,
                "share": 1.0 if arm.share is None else arm.share,
                "record": FED_BACK if arm.share is None else MEASURED,
                "lift_total": np.nan,
                "standard_error": np.nan,
            }
        )
    return rows
