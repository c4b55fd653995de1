"""Every error adbudget raises on purpose."""

import difflib
from collections.abc import Iterable, Mapping


class AdbudgetError(Exception):
    """Base of every error adbudget raises on purpose: catch this one to catch them all."""


class InputError(AdbudgetError, ValueError):
    """The caller's data or arguments cannot be used; the message says what to change.

    Attributes
    ----------
    remedy : argument -> value that would let the data be read, when the message proposes one
    """

    def __init__(self, message: str, remedy: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.remedy = dict(remedy or {})


class InfeasibleError(AdbudgetError, ValueError):
    """No plan satisfies every limit; the message names the limits in conflict.

    Attributes
    ----------
    conflict : names of the limits that cannot hold together
    """

    def __init__(self, message: str, conflict: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.conflict = conflict


class FitError(AdbudgetError, RuntimeError):
    """The sampler could not start or finish; the message says at which stage and what to try."""


class OutOfMemoryError(FitError):
    """A fit would not fit into memory; the message says what it needs, and what helps.

    Attributes
    ----------
    needed, available : bytes of the process at its largest, and that it may hold
    """

    def __init__(self, message: str, *, needed: float = 0.0, available: float = 0.0) -> None:
        super().__init__(message)
        self.needed, self.available = needed, available


class PolicyError(AdbudgetError, ValueError):
    """A policy file cannot be used; the message names the key or rule and what to write instead."""


class FileFormatError(AdbudgetError, ValueError):
    """A saved fit cannot be read: damaged, or written by a newer version."""


class LedgerError(AdbudgetError, RuntimeError):
    """The ledger cannot be opened, read or written; the message says which one and what to do."""


class LedgerConflictError(LedgerError):
    """What is to be written contradicts what the ledger holds; the message names both."""


class KillSwitchError(LedgerError):
    """The kill switch is on, so no change was written; the message says since when, and by whom."""


class SellerError(AdbudgetError, RuntimeError):
    """A seller could not be asked, or what it answered cannot be used; the message says which."""


class SellerSilentError(SellerError):
    """A seller let a call run out of time: asking it for something else now would, too."""


class PlatformError(AdbudgetError, RuntimeError):
    """A platform could not be reached, or answered nonsense; the message says which and what.

    Attributes
    ----------
    retryable : whether the same call, with the same key, may go better later
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like this one, for a message to suggest; None if none does."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


class LoopBusyError(AdbudgetError, RuntimeError):
    """Another cycle of the same loop is being run."""
