"""Changes that a platform made -> what was moved lately, and what is promised of it.

A move is a move when it was made, whoever approved it and however late: from then on its campaign
rests, and from then on its account is promised something. Knows nothing of how it was decided.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.loop.applying import unit_of_budget
from adbudget.loop.campaigns import current_spend
from adbudget.loop.doors import Doors
from adbudget.loop.promises import PROMISE, promise_pairs

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

LATELY = timedelta(days=28)  # a move nobody promised anything of by then is not promised any more


def made_since(ledger: "Ledger", since: datetime) -> pd.DataFrame:
    """Changes that were made: sequence, at, unit, old_minor, new_minor, change (its key)."""
    words = ledger.entries(kind="confirmation", since=since)
    made: Any = words[(words["verdict"] == "confirmed").to_numpy(bool)]
    names = ["sequence", "at", "unit", "old_minor", "new_minor"]
    found = made[names].assign(change=[payload["change"] for payload in made["payload"]])
    return found[found["old_minor"].notna() & found["new_minor"].notna()]


def moved_units(made: pd.DataFrame, at: datetime, days: float) -> set[str]:
    """Units that were moved so lately that nothing of it can have been seen."""
    late = made["at"] > pd.Timestamp(at - timedelta(days=days))
    return set(made.loc[late, "unit"].tolist())


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
    made: Any = made_since(ledger, doors.now - LATELY)
    made = made[~made["change"].isin(_promised(ledger, doors.now - LATELY))]
    fit = doors.state.fit() if len(made) else None
    if fit is None:
        return
    before = dict(zip(made["unit"][::-1], made["old_minor"][::-1], strict=True))  # the first stands
    after = dict(zip(made["unit"], made["new_minor"], strict=True))
    standing = doors.platform.budgets()
    days, cells = doors.settings.period_days, fit.draws.cells
    spend = [
        current_spend(
            [
                replace(one, daily_minor=int(minor.get(unit_of_budget(one), one.daily_minor)))
                for one in standing
            ],
            cells,
            days,
        )
        for minor in (before, after)
    ]
    pairs = promise_pairs(
        fit,
        *spend,
        cycle=cycle,
        at=max(doors.now, made["at"].iloc[-1].to_pydatetime()),
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


def _by_account(made: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Account -> the changes of it, and their places in the ledger."""
    found: dict[str, dict[str, int]] = {}
    for row in made.to_dict("records"):
        found.setdefault(row["unit"].partition("::")[0], {})[row["change"]] = row["sequence"]
    return found
