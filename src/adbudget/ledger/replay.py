"""A logged run, run again -> the same entries, or what differs. Knows not what a run computes.

The caller brings the function that runs; it gets the entry of kind "run", with its inputs in the
payload, and the ledger as it was just before that entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adbudget.errors import LedgerError
from adbudget.ledger.entry import Entry
from adbudget.ledger.reading import Kept, Snapshot
from adbudget.ledger.schema import ENTRY

RUN = "run"
REPLAYED_KINDS = (RUN, "recommendation", "verdict", "alert")  # what a run decides by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRun:
    """One run as the ledger holds it.

    Attributes
    ----------
    sequence : place of its entry of kind "run"
    entry : that entry
    decided : key -> entry, of everything the run itself decided, the run's entry included

    Examples
    --------
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     plan = ab.apply_policy(policy, campaigns, as_of=now, ledger=ledger)
    ...     ledger.logged_run(plan.run_id).entry.kind
    'run'
    """

    sequence: int
    entry: Entry
    decided: dict[str, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A run compared with the same run again.

    Attributes
    ----------
    run_id : which run
    n_entries : how many entries were compared
    differences : one sentence for every entry that is missing, new or different

    Examples
    --------
    >>> from adbudget.policy.apply import rerun
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     plan = ab.apply_policy(policy, campaigns, as_of=now, ledger=ledger)
    ...     ledger.replay(plan.run_id, rerun).identical
    True
    """

    run_id: str
    n_entries: int
    differences: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether every entry came out again, letter by letter."""
        return not self.differences


def logged_run(reading: Snapshot, run_id: str, kinds: Sequence[str] = REPLAYED_KINDS) -> LoggedRun:
    """Everything a run decided.

    Raises
    ------
    LedgerError : the ledger holds no such run, or two of them
    """
    kept: list[Kept] = reading.kept(ENTRY.c.run_id == run_id, ENTRY.c.kind.in_([RUN, *kinds]))
    starts = [each for each in kept if each.entry.kind == RUN]
    if not run_id or len(starts) != 1:
        found = f"{len(starts)} entries" if starts else "no entry"
        raise LedgerError(f"the ledger holds {found} of kind 'run' with run_id {run_id!r}.")
    decided = {each.key: each.entry for each in kept if each.entry.kind in kinds}
    return LoggedRun(sequence=starts[0].sequence, entry=starts[0].entry, decided=decided)


def compare(run_id: str, logged: Mapping[str, Entry], again: Mapping[str, Entry]) -> Replay:
    """Differences between what was logged and what came out now, by key."""
    differences = [
        f"{key!r} was logged and did not come out again" for key in logged.keys() - again
    ]
    differences += [f"{key!r} came out now and was not logged" for key in again.keys() - logged]
    for key in logged.keys() & again.keys():
        before, now = logged[key].facts(), again[key].facts()
        for name in before:
            if before[name] != now[name]:
                differences.append(f"{key!r}: {name} was {before[name]!r} and is {now[name]!r}")
    n_entries = len(logged.keys() | again.keys())
    return Replay(run_id=run_id, n_entries=n_entries, differences=tuple(sorted(differences)))
