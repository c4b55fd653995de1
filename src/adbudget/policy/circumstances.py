"""Ledger -> what a run has to know of the day so far, and of the run before it.

Reads, never writes. Knows nothing of tables.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from adbudget.alerts.cooldown import COOLDOWN
from adbudget.ledger.entry import CHANGE
from adbudget.money import digits_of, in_digits
from adbudget.policy.day_so_far import Change, Circumstances
from adbudget.policy.readings.campaigns import read_history
from adbudget.policy.readings.daily import History
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rest import longest_rest
from adbudget.policy.rulebook import Policy

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

RUN = "run"
DAILY = ("campaign_id", "date", "spend", "leads", "conversions", "days")
BASELINE_DAYS = 15  # of results, where a table comes without its history


def instant(as_of: datetime, policy: Policy) -> datetime:
    """``as_of`` with a time zone; that of the policy when it has none."""
    return as_of if as_of.tzinfo else as_of.replace(tzinfo=ZoneInfo(policy.timezone))


def in_zone(as_of: datetime, policy: Policy) -> datetime:
    """A moment with a time zone as the clock of the policy shows it; another one as it is."""
    return as_of.astimezone(ZoneInfo(policy.timezone)) if as_of.tzinfo else as_of


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
    start = datetime.combine(at.astimezone(zone).date(), time.min, zone)
    today = ledger.entries(kind=CHANGE, since=start)
    known = set(readings.campaign_ids)
    recent = ledger.entries(kind=CHANGE, since=at - longest_rest(policy, readings))
    changes = [_change(row, readings.as_of, zone, wanted) for row in _rows(recent)]
    moved_today = [_change(row, readings.as_of, zone, wanted) for row in _rows(today)]
    return Circumstances(
        openings=openings,
        kill_on=switch.on,
        past_since=_past_since(ledger, readings.as_of),
        paused_today=_paused(today, wanted),
        net_today=sum(change.minor for change in moved_today if change.unit in known),
        changes=tuple(change for change in changes if change.minor),
        earlier_days=cache(partial(_earlier_days, ledger, policy, readings)),
        logged=True,
    )


def longest_cooldown(policy: Policy) -> timedelta:
    """How far back an alert may still silence an equal one."""
    return max([COOLDOWN, *(alert.cooldown for alert in policy.alerts)])


def _rows(changes: pd.DataFrame) -> list[Any]:
    """Entries of changes of a budget, oldest first; pauses are none."""
    return list(changes[changes["old_minor"].notna() & changes["new_minor"].notna()].itertuples())


def _change(row: Any, now: datetime, zone: ZoneInfo, digits: int) -> Change:
    """One entry, its money in minor units of so many digits, its moment in the clock of the run."""
    at = row.at.to_pydatetime().astimezone(zone)
    return Change(
        unit=row.unit,
        rule=row.rule,
        at=at if now.tzinfo else at.replace(tzinfo=None),
        old_minor=in_digits(int(row.old_minor), row.digits, digits),
        new_minor=in_digits(int(row.new_minor), row.digits, digits),
    )


def _paused(changes: pd.DataFrame, digits: int) -> dict[str, int]:
    """Campaigns that these changes paused without a person, and their budgets in minor units."""
    rows: list[Any] = list(changes.itertuples())
    return {
        row.unit: in_digits(int(row.new_minor), row.digits, digits)
        for row in rows
        if row.payload.get("action") == "pause" and row.verdict == "auto"
    }


def _earlier_days(ledger: "Ledger", policy: Policy, readings: Readings) -> History | None:
    """Daily figures as earlier runs knew them: of the last run of each day, its latest day."""
    zone = ZoneInfo(policy.timezone)
    today = instant(readings.as_of, policy).astimezone(zone).date()
    tables: dict[date, dict[str, Any]] = {}
    for day in (today - timedelta(days=before) for before in range(BASELINE_DAYS, -1, -1)):
        start, end = (datetime.combine(day + timedelta(days=k), time.min, zone) for k in (0, 1))
        last = ledger.entries(kind=RUN, since=start, until=end, last=1)  # one table a day is read
        if not last.empty and "tables" in last["payload"].iloc[0]:
            tables[day] = last["payload"].iloc[0]["tables"]
    frames = [_daily(day, given) for day, given in tables.items()]
    frames = [frame for frame in frames if frame is not None]
    if not frames:
        return None
    rows = pd.concat(frames).drop_duplicates(["campaign_id", "date"], keep="last")
    rows = rows[rows["date"] < readings.day.max().item().isoformat()]
    return read_history(rows.reset_index(drop=True), readings, [], []) if len(rows) else None


def _daily(day: date, tables: Mapping[str, Any]) -> pd.DataFrame | None:
    """Results and spend of the latest day that a run knew; None when it knew windows only."""
    columns = tables["campaigns"]
    frame = pd.DataFrame({name: columns[name] for name in DAILY if name in columns})
    if "days" in frame and np.any(frame["days"].fillna(1).to_numpy(float) > 1):
        if tables["history"] is None:
            return None
        past = tables["history"]
        latest = max(past["date"])
        chosen = [place for place, written in enumerate(past["date"]) if written == latest]
        frame = pd.DataFrame(
            {name: [past[name][place] for place in chosen] for name in DAILY if name in past}
        )
    days = frame["date"].tolist() if "date" in frame else [day.isoformat()] * len(frame)
    frame["date"] = [str(written)[: len("2026-03-01")] for written in days]
    return frame.drop(columns="days", errors="ignore")


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
