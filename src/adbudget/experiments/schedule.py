"""TestPlan -> who spends what, when, and what to record; and the results back as lift tests."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.experiments.designs import HOLDOUT
from adbudget.panel.calendar import dates_after
from adbudget.tables.messages import quoted

if TYPE_CHECKING:
    from adbudget.experiments.designs import Arm
    from adbudget.experiments.test_plan import Offer, TestPlan

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


def schedule_of(plan: "TestPlan", start: object, tests: object) -> pd.DataFrame:
    """See :meth:`TestPlan.schedule`."""
    dates = _dates(plan, start)
    rows = [
        row
        for name, offer in _wanted(plan, tests).items()
        for arm in offer.design.arms
        for row in _stretches(plan, name, offer, arm, dates)
    ]
    columns = ["test", "kind", *LIFT_COLUMNS[:6], "spend_per_day", "share", "record"]
    return pd.DataFrame(rows, columns=[*columns, *LIFT_COLUMNS[6:]])


def path_of(plan: "TestPlan", tests: object) -> pd.DataFrame:
    """See :meth:`TestPlan.path`."""
    path = np.repeat(plan.current[:, None], sum(plan.lengths), axis=1)
    for offer in _wanted(plan, tests).values():
        for arm in offer.design.arms:
            share = 1.0 if arm.share is None else arm.share
            factors = np.repeat(arm.factors, plan.lengths)
            path[arm.cell] = plan.current[arm.cell] * (1 + share * (factors - 1))
    return pd.DataFrame(path, index=plan.cells, columns=range(1, path.shape[1] + 1))


def _wanted(plan: "TestPlan", tests: object) -> "dict[str, Offer]":
    """Name -> test of those that are asked for."""
    named = {f"T{i}": offer for i, offer in enumerate(plan.offers, start=1)}
    if tests is None:
        return {name: offer for name, offer in named.items() if offer.chosen}
    wanted = [tests] if isinstance(tests, str) else list(tests)  # pyright: ignore
    unknown = [name for name in wanted if name not in named]
    if unknown:
        raise InputError(
            f"this plan has no test called {quoted(unknown)}; it has {quoted(list(named))}, see "
            ".to_frame()."
        )
    return {name: named[name] for name in wanted}


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


def _dates(plan: "TestPlan", start: object) -> np.ndarray:
    """(period + 1,) first day of every period of the tests, and of the one after them."""
    panel, n = plan.panel, sum(plan.lengths)
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
    plan: "TestPlan", name: str, offer: "Offer", arm: "Arm", dates: np.ndarray
) -> list[dict[str, Any]]:
    """Blocks of equal spend next to each other are one row."""
    account, channel = plan.cells[arm.cell]
    ends = np.cumsum(plan.lengths)
    rows: list[dict[str, Any]] = []
    now = float(plan.current[arm.cell])
    for factor, last, length in zip(arm.factors, ends, plan.lengths, strict=True):
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
                "spend_per_day": now * factor / plan.panel.period_days,
                "share": 1.0 if arm.share is None else arm.share,
                "record": FED_BACK if arm.share is None else MEASURED,
                "lift_total": np.nan,
                "standard_error": np.nan,
            }
        )
    return rows
