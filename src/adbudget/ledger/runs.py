"""A run decided on what the ledger says -> logged while the ledger still says so.

Knows nothing of what is decided.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from adbudget.errors import LedgerConflictError
from adbudget.ledger.entry import Entry

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

MOST_TRIES = 5  # how often a run is made again because somebody else wrote meanwhile


def log_run[Result](
    ledger: "Ledger",
    kind: str,
    name: Callable[[bool], str],
    decide: Callable[[str, bool, "Ledger"], tuple[Result, list[tuple[str, Entry]]]],
) -> Result:
    """Make a run and log it. Made again, it is answered the same and writes nothing.

    Parameters
    ----------
    ledger : to be read and written
    kind : of the entry that says that a run was made
    name : run_id of the run, given whether the kill switch is on
    decide : run_id, kill switch, ledger as it was before the run was first made -> what comes out,
        and its (key, entry) pairs, that of the run first

    Raises
    ------
    LedgerConflictError : somebody else wrote during every try
    """
    for attempt in range(1, MOST_TRIES + 1):
        head = ledger.head().sequence
        kill_on = ledger.kill_state().on
        run_id = name(kill_on)
        logged = ledger.entries(kind=kind, run_id=run_id)
        before = head if logged.empty else int(logged["sequence"].iloc[0]) - 1
        result, pairs = decide(run_id, kill_on, ledger.as_of(before))
        try:
            ledger.append_many(pairs, expected_head=head, lapse_at=pairs[0][1].at)
        except LedgerConflictError:
            if attempt == MOST_TRIES:
                raise
            continue
        return result
    raise AssertionError("the last attempt either returns or raises")
