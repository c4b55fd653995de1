"""Ledger -> what a run has to know of the day so far, and of the run before it.

Reads, never writes. Knows nothing of tables.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from adbudget.alerts.cooldown import COOLDOWN
from adbudget.money import digits_of, in_digits
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy
from adbudget.policy.safety import Circumstances

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

RUN = "run"


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
        past_since=_past_since(ledger, readings.as_of),
    )


def longest_cooldown(policy: Policy) -> timedelta:
    """How far back an alert may still silence an equal one."""
    return max([COOLDOWN, *(alert.cooldown for alert in policy.alerts)])


def _past_since(ledger: "Ledger", as_of: datetime) -> dict[str, datetime]:
    """Of the last run before this moment, in the clock of ``as_of``."""
    runs = ledger.entries(kind=RUN, last=1)
    if runs.empty:
        return {}
    payload: Mapping = runs["payload"].iloc[0]
    since = payload.get("past_since", {})
    return {name: _in_clock(datetime.fromisoformat(text), as_of) for name, text in since.items()}


def _in_clock(moment: datetime, as_of: datetime) -> datetime:
    """Moments with and without a time zone cannot be compared."""
    if as_of.tzinfo is None:
        return moment.replace(tzinfo=None)
    return moment if moment.tzinfo else moment.replace(tzinfo=as_of.tzinfo)
