"""Changes that a platform made -> what was moved lately, and what is promised of it.

A move is a move when it was made, whoever approved it and however late: from then on its campaign
rests, and from then on its account is promised something. Knows nothing of how it was decided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from adbudget.loop.applying import unit_of_budget
from adbudget.loop.campaigns import current_spend
from adbudget.loop.doors import Doors
from adbudget.loop.promises import PROMISE, promise_pairs
from adbudget.tables.units import split_unit

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

LATELY = timedelta(days=28)  # a move nobody promised anything of by then is not promised any more


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeMove:
    """A change of a budget that was made. Minor units a day.

    Attributes
    ----------
    change, sequence : key of the change, and place of its confirmation in the ledger
    unit : whose budget
    at : since when it stands
    old_minor, new_minor : before, and as it was made
    """

    change: str
    sequence: int
    unit: str
    at: datetime
    old_minor: int
    new_minor: int


def made_since(ledger: "Ledger", since: datetime) -> list[MadeMove]:
    """Changes that were made from an instant on, in the order of the ledger."""
    return [
        MadeMove(
            change=row["payload"]["change"],
            sequence=int(row["sequence"]),
            unit=row["unit"],
            at=row["at"].to_pydatetime(),
            old_minor=int(row["old_minor"]),
            new_minor=int(row["new_minor"]),
        )
        for row in ledger.entries(kind="confirmation", since=since).to_dict("records")
        if row["verdict"] == "confirmed"
        and not (pd.isna(row["old_minor"]) or pd.isna(row["new_minor"]))
    ]


def opening_minor(made: Sequence[MadeMove]) -> dict[str, int]:
    """Unit -> its budget before the first of these moves."""
    return {one.unit: one.old_minor for one in reversed(made)}


def moved_units(made: Iterable[MadeMove], at: datetime, days: float) -> set[str]:
    """Units that were moved so lately that nothing of it can have been seen."""
    return {one.unit for one in made if one.at > at - timedelta(days=days)}


def promise_made(doors: Doors, cycle: str) -> None:
    """Write what the moves promise that were made and have no promise yet.

    Parameters
    ----------
    doors : of the cycle
    cycle : its key

    Raises
    ------
    PlatformError : the budgets that stand cannot be read
    """
    ledger = doors.state.ledger
    promised = _promised(ledger, doors.now - LATELY)
    made = [one for one in made_since(ledger, doors.now - LATELY) if one.change not in promised]
    fit = doors.state.fit() if made else None
    if fit is None:
        return
    standing = doors.platform.budgets()
    days, cells = doors.settings.period_days, fit.draws.cells
    spend = [
        current_spend(
            [
                replace(one, daily_minor=minor.get(unit_of_budget(one), one.daily_minor))
                for one in standing
            ],
            cells,
            days,
        )
        for minor in (opening_minor(made), {one.unit: one.new_minor for one in made})
    ]
    pairs = promise_pairs(
        fit,
        *spend,
        cycle=cycle,
        at=max(doors.now, made[-1].at),
        horizon=doors.settings.horizon,
        seed=int(fit.seed),
        changes=_by_account(made),
    )
    if pairs:
        ledger.append_many(pairs)


def _promised(ledger: "Ledger", since: datetime) -> set[str]:
    """Changes that something was promised of."""
    payloads: Iterable[dict] = ledger.entries(kind=PROMISE, since=since)["payload"]
    return {change for one in payloads for change in one.get("changes", ())}


def _by_account(made: Iterable[MadeMove]) -> dict[str, dict[str, int]]:
    """Account -> the changes of it, and their places in the ledger."""
    found: dict[str, dict[str, int]] = {}
    for one in made:
        found.setdefault(split_unit(one.unit)[0], {})[one.change] = one.sequence
    return found
