"""Ledger -> what a run has to know of the day so far, and of the run before it.

Reads, never writes. Knows nothing of tables.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from adbudget.alerts.cooldown import COOLDOWN
from adbudget.money import digits_of, in_digits
from adbudget.policy.made import Made, Ordered, compare
from adbudget.policy.readings.readings import Readings
from adbudget.policy.refusals import muted, read_refusals
from adbudget.policy.rulebook import Policy
from adbudget.policy.safety import Circumstances
from adbudget.tables.units import split_unit

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

RUN = "run"
MOST_RUNS = 50  # of other accounts in the same ledger that are passed over to find the last one


def instant(as_of: datetime, policy: Policy) -> datetime:
    """``as_of`` with a time zone; that of the policy when it has none."""
    return as_of if as_of.tzinfo else as_of.replace(tzinfo=ZoneInfo(policy.timezone))


def circumstances_of(ledger: "Ledger", policy: Policy, readings: Readings) -> Circumstances:
    """What the ledger knows that bounds a run.

    Parameters
    ----------
    ledger : as it is before the run
    policy : for the time zone in which a day begins
    readings : for the moment of the run, and how its money is counted
    """
    at, switch = instant(readings.as_of, policy), ledger.kill_state()
    zone = ZoneInfo(policy.timezone)
    openings = ledger.opening_budgets(at.astimezone(zone).date(), zone)
    own, wanted = digits_of(readings.currency or ""), readings.exponent
    if own != wanted:  # a run of an older version, made again
        openings = {name: in_digits(minor, own, wanted) for name, minor in openings.items()}
    return Circumstances(
        openings=openings,
        kill_on=switch.on,
        past_since=_past_since(ledger, readings),
        made=_made(ledger, policy, readings, at),
        refusals=read_refusals(ledger, at, policy.constraints.rejection_rest),
        muted=muted(ledger, at),
        at=at,
    )


def _made(ledger: "Ledger", policy: Policy, readings: Readings, at: datetime) -> Made:
    """What became of the changes that were ordered before, counted as the readings count."""

    def minor(amount: Any) -> int | None:
        own, wanted = digits_of(readings.currency or ""), readings.exponent
        return None if amount is pd.NA else in_digits(int(amount), own, wanted)

    import pandas as pd

    ordered = [
        Ordered(
            key=row["change"],
            unit=row["unit"],
            old_minor=minor(row["old_minor"]),
            new_minor=minor(row["new_minor"]),
            pauses=row["action"] == "pause",
            at=row["at"].to_pydatetime(),
        )
        for row in ledger.open_changes().to_dict("records")
    ]
    known = {unit: minor(amount) or 0 for unit, amount in ledger.known_budgets().items()}
    patience = policy.constraints.approval_expires
    return compare(readings, ordered, known, at=at, patience=patience)


def scopes_of(readings: Readings) -> tuple[str, ...]:
    """Whose campaigns a table holds: platforms and accounts, "" for those nobody is named of."""
    return tuple(sorted({split_unit(name)[0] for name in readings.campaign_ids}))


def longest_cooldown(policy: Policy) -> timedelta:
    """How far back an alert may still silence an equal one."""
    return max([COOLDOWN, *(alert.cooldown for alert in policy.alerts)])


def _past_since(ledger: "Ledger", readings: Readings) -> dict[str, datetime]:
    """Of the last run about each account of the table, in the clock of its moment."""
    wanted, found = set(scopes_of(readings)), {}
    for payload in _newest_runs(ledger):
        theirs = wanted & set(payload.get("scopes", [""]))
        for name, text in payload.get("past_since", {}).items():
            if split_unit(name)[0] in theirs:
                found[name] = _in_clock(datetime.fromisoformat(text), readings.as_of)
        wanted -= theirs
        if not wanted:
            break
    return found


def _newest_runs(ledger: "Ledger") -> Iterator[dict[str, Any]]:
    """Payloads of runs, newest first; they hold whole tables, so the last one is read alone."""
    yield from ledger.entries(kind=RUN, last=1)["payload"]
    yield from reversed(ledger.entries(kind=RUN, last=MOST_RUNS)["payload"].tolist()[:-1])


def _in_clock(moment: datetime, as_of: datetime) -> datetime:
    """Moments with and without a time zone cannot be compared."""
    if as_of.tzinfo is None:
        return moment.replace(tzinfo=None)
    return moment if moment.tzinfo else moment.replace(tzinfo=as_of.tzinfo)
