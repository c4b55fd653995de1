"""The newest entry of kind "kill" -> whether changes may be written. Stops nothing by itself."""

from dataclasses import dataclass
from datetime import datetime

from adbudget.errors import KillSwitchError
from adbudget.ledger.entry import Entry
from adbudget.ledger.reading import Kept, Snapshot
from adbudget.ledger.schema import ENTRY


@dataclass(frozen=True, slots=True, kw_only=True)
class KillState:
    """Whether changes are stopped.

    Attributes
    ----------
    on : True stops every entry of kind "change"
    since : instant (UTC) of the last switch; None when nobody ever switched
    who, reason : who switched, and why

    Examples
    --------
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ledger.set_kill(True, who="Ann", at=now, reason="checking the feed")
    ...     ledger.kill_state().on, ledger.kill_state().reason
    (True, 'checking the feed')
    """

    on: bool
    since: datetime | None = None
    who: str = ""
    reason: str = ""


def kill_state(reading: Snapshot) -> KillState:
    """State of the switch; off until somebody turns it on."""
    last = last_switch(reading)
    if last is None:
        return KillState(on=False)
    entry = last.entry
    return KillState(
        on=entry.payload["on"] is True, since=entry.at, who=entry.who, reason=entry.rationale
    )


def refuse_changes(reading: Snapshot, what: str) -> None:
    """Raise when the switch is on; ``what`` is what would have been written."""
    state = kill_state(reading)
    if state.on:
        raise KillSwitchError(
            f"the kill switch is on since {state.since:%Y-%m-%d %H:%M} UTC, set by {state.who}"
            f"{f' ({state.reason})' if state.reason else ''}. Nothing was written of {what}. "
            "Alerts and recommendations still are; changes need the switch off. This cannot be "
            "overridden."
        )


def last_switch(reading: Snapshot) -> Kept | None:
    """Return the entry that set the switch as it is."""
    return reading.last(ENTRY.c.kind == "kill")


def switch_pair(
    last: Kept | None, on: bool, *, who: str, at: datetime, reason: str
) -> tuple[str, Entry]:
    """Key and entry of a switch that follows ``last``; the same again when nothing would change."""
    if last is not None and last.entry.payload["on"] is on:
        return last.key, last.entry
    entry = Entry(kind="kill", at=at, who=who, rationale=reason, payload={"on": on})
    return f"kill:{0 if last is None else last.sequence}", entry
