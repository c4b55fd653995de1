"""Ledger -> what a run has to know of the day so far, and of the run before it.

Reads, never writes. Knows nothing of tables.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from adbudget.alerts.cooldown import REMINDER
from adbudget.ledger.entry import CHANGE, CONFIRMATION
from adbudget.money import digits_of, in_digits
from adbudget.policy.day_so_far import Change, Circumstances
from adbudget.policy.made import OVERWRITTEN, Made, Ordered, compare
from adbudget.policy.readings.campaign_columns import SCOPES
from adbudget.policy.readings.campaigns import read_history
from adbudget.policy.readings.daily import History
from adbudget.policy.readings.readings import Readings
from adbudget.policy.refusals import muted, read_refusals
from adbudget.policy.rest import LOOK_BACK, longest_rest
from adbudget.policy.rulebook import Policy
from adbudget.tables.units import split_unit

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

RUN = "run"
DAILY = (*SCOPES, "campaign_id", "date", "spend", "leads", "conversions", "days")
BASELINE_DAYS = 15  # of results, where a table comes without its history
MOST_RUNS = 50  # of other accounts in the same ledger that are passed over to find the last one


def instant(as_of: datetime, policy: Policy) -> datetime:
    """``as_of`` with a time zone; that of the policy when it has none."""
    return as_of if as_of.tzinfo else as_of.replace(tzinfo=ZoneInfo(policy.timezone))


def in_zone(as_of: datetime, policy: Policy) -> datetime:
    """A moment with a time zone as the clock of the policy shows it; another one as it is."""
    return as_of.astimezone(ZoneInfo(policy.timezone)) if as_of.tzinfo else as_of


def circumstances_of(
    ledger: "Ledger", policy: Policy, readings: Readings, *, long: bool = False
) -> Circumstances:
    """What the ledger knows that bounds a run.

    Parameters
    ----------
    ledger : as it is before the run
    policy : for the time zone in which a day begins
    readings : for the moment of the run, and how its money is counted
    long : whether changes of a year count, and not only those that may still hold a campaign still
    """
    at, switch = instant(readings.as_of, policy), ledger.kill_state()
    zone = ZoneInfo(policy.timezone)
    openings = ledger.opening_budgets(at.astimezone(zone).date(), zone)
    own, wanted = digits_of(readings.currency or ""), readings.exponent
    if own != wanted:  # a run of an older version, made again
        openings = {name: in_digits(minor, own, wanted) for name, minor in openings.items()}
    start = datetime.combine(at.astimezone(zone).date(), time.min, zone)
    made = _made(ledger, policy, readings, at)
    today = _not_withdrawn(ledger, made, start)
    known = set(readings.campaign_ids)
    back = LOOK_BACK if long else longest_rest(policy, readings)
    recent = _not_withdrawn(ledger, made, at - back)
    changes = [_change(row, readings.as_of, zone, wanted) for row in _rows(recent)]
    moved_today = [_change(row, readings.as_of, zone, wanted) for row in _rows(today)]
    return Circumstances(
        openings=openings,
        kill_on=switch.on,
        past_since=_past_since(ledger, readings),
        paused_today=_paused(today, wanted),
        net_today=sum(change.minor for change in moved_today if change.unit in known),
        changes=tuple(change for change in changes if change.minor),
        earlier_days=cache(partial(_earlier_days, ledger, policy, readings)),
        logged=True,
        made=made,
        refusals=read_refusals(ledger, at, policy.constraints.rejection_rest),
        muted=muted(ledger, at),
        at=at,
    )


def _made(ledger: "Ledger", policy: Policy, readings: Readings, at: datetime) -> Made:
    """What became of the changes that were ordered before, counted as the readings count."""

    def minor(amount: Any) -> int | None:
        own, wanted = digits_of(readings.currency or ""), readings.exponent
        return None if pd.isna(amount) else in_digits(int(amount), own, wanted)

    ordered = [
        Ordered(
            key=row["change"],
            unit=row["unit"],
            old_minor=minor(row["old_minor"]),
            new_minor=minor(row["new_minor"]),
            pauses=row["action"] == "pause",
            at=row["at"].to_pydatetime(),
            starts=tuple(minor(start) or 0 for start in row["starts"]),
        )
        for row in ledger.open_changes().to_dict("records")
    ]
    known = {unit: minor(amount) or 0 for unit, amount in ledger.known_budgets().items()}
    patience = policy.constraints.patience
    return compare(readings, ordered, known, at=at, patience=patience)


def _not_withdrawn(ledger: "Ledger", made: Made, since: datetime) -> pd.DataFrame:
    """Changes since then, without those that were never made: nothing has to rest after them.

    One that somebody has overwritten stays: the budget has changed, if not as ordered.
    """
    changes = ledger.entries(kind=CHANGE, since=since)
    steps = ledger.entries(kind=CONFIRMATION, since=since)
    never = steps[(steps["verdict"] == "withdrawn") & (steps["rationale"] != OVERWRITTEN)]
    gone = {key for key, why in made.withdrawn.items() if why != OVERWRITTEN}
    gone |= {payload["change"] for payload in never["payload"]}
    return changes.loc[[key not in gone for key in changes["key"]]]


def scopes_of(readings: Readings) -> tuple[str, ...]:
    """Whose campaigns a table holds: platforms and accounts, "" for those nobody is named of."""
    return tuple(sorted({split_unit(name)[0] for name in readings.campaign_ids}))


def longest_cooldown(policy: Policy) -> timedelta:
    """How far back an alert may still silence an equal one."""
    return max([REMINDER, *(alert.cooldown for alert in policy.alerts)])


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
    zone, mine = ZoneInfo(policy.timezone), set(scopes_of(readings))
    today = instant(readings.as_of, policy).astimezone(zone).date()
    since = datetime.combine(today - timedelta(days=BASELINE_DAYS), time.min, zone)
    until = instant(readings.as_of, policy)
    last: dict[tuple[date, str], str] = {}  # tables are long: one a day and policy is read
    for key, at, policy_hash in ledger.index(kind=RUN, since=since, until=until):
        last[at.astimezone(zone).date(), policy_hash] = key
    payloads = ledger.payloads(last.values())
    tables: dict[date, dict[str, Any]] = {}
    for (day, _), key in last.items():
        payload = payloads[key]
        if "tables" in payload and mine & set(payload.get("scopes", ("",))):
            tables[day] = payload["tables"]
    frames = [_daily(day, given) for day, given in tables.items()]
    frames = [frame for frame in frames if frame is not None]
    if not frames:
        return None
    rows = pd.concat(frames)
    names = [name for name in (*SCOPES, "campaign_id", "date") if name in rows.columns]
    rows = rows.drop_duplicates(names, keep="last")
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
    """Payloads of runs, newest first; they hold whole tables, so each is read alone."""
    for key, _, _ in reversed(ledger.index(kind=RUN, last=MOST_RUNS)):
        yield ledger.payloads([key])[key]


def _in_clock(moment: datetime, as_of: datetime) -> datetime:
    """Moments with and without a time zone cannot be compared."""
    if as_of.tzinfo is None:
        return moment.replace(tzinfo=None)
    return moment if moment.tzinfo else moment.replace(tzinfo=as_of.tzinfo)
