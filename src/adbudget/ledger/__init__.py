"""The ledger: every recommendation, verdict, approval and change, written once and for good.

Entries go in; receipts, frames and a verdict on the chain come out. It knows nothing of rules,
models or deals: it keeps what they say. Names are imported on first use, so that looking at an
``Entry`` loads no database library.
"""

from typing import TYPE_CHECKING

from adbudget._lazy import on_first_use

if TYPE_CHECKING:
    from adbudget.ledger.approvals import Ruling
    from adbudget.ledger.entry import Entry, Receipt, canonical_json, digest
    from adbudget.ledger.killswitch import KillState
    from adbudget.ledger.replay import LoggedRun, Replay
    from adbudget.ledger.store import Ledger, open_ledger
    from adbudget.ledger.verify import Head, Verification

_HOME = {
    "Entry": "entry",
    "Receipt": "entry",
    "canonical_json": "entry",
    "digest": "entry",
    "Ledger": "store",
    "open_ledger": "store",
    "Ruling": "approvals",
    "KillState": "killswitch",
    "Head": "verify",
    "Verification": "verify",
    "LoggedRun": "replay",
    "Replay": "replay",
}

__all__ = [
    "Entry",
    "Head",
    "KillState",
    "Ledger",
    "LoggedRun",
    "Receipt",
    "Replay",
    "Ruling",
    "Verification",
    "canonical_json",
    "digest",
    "open_ledger",
]

__getattr__ = on_first_use(__name__, _HOME)
