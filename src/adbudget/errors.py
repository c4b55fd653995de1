"""Every error adbudget raises on purpose."""

import difflib
from collections.abc import Iterable, Mapping


class AdbudgetError(Exception):
    """Base of every error adbudget raises on purpose: catch this one to catch them all.

    Examples
    --------
    >>> try:
    ...     ab.Risk(aversion=2)
    ... except ab.AdbudgetError as error:  # the parent of all of them
    ...     type(error).__name__
    'InputError'
    """


class InputError(AdbudgetError, ValueError):
    """The caller's data or arguments cannot be used; the message says what to change.

    Attributes
    ----------
    remedy : argument -> value that would let the data be read, when the message proposes one

    Examples
    --------
    >>> ab.read_panel(spend.drop(columns="date"), revenue)
    Traceback (most recent call last):
        ...
    adbudget.errors.InputError: the spend table has no date column: looked for one called 'date'.
     ...
    """

    def __init__(self, message: str, remedy: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.remedy = dict(remedy or {})


class InfeasibleError(AdbudgetError, ValueError):
    """No plan satisfies every limit; the message names the limits in conflict.

    Attributes
    ----------
    conflict : names of the limits that cannot hold together

    Examples
    --------
    >>> total = float(fit.current_spend.loc["account_01"].sum())
    >>> limits = ab.Limits(change=0.1, total="fixed", budget={"account_01": 2 * total})
    >>> try:
    ...     ab.optimize(fit, limits=limits)
    ... except ab.InfeasibleError as error:
    ...     len(error.conflict) > 0  # the limits that cannot hold together
    True
    """

    def __init__(self, message: str, conflict: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.conflict = conflict


class FitError(AdbudgetError, RuntimeError):
    """The sampler could not start or finish; the message says at which stage and what to try.

    Examples
    --------
    >>> issubclass(ab.FitError, ab.AdbudgetError)  # raised by fit, when the sampler cannot run
    True
    """


class OutOfMemoryError(FitError):
    """A fit would not fit into memory; the message says what it needs, and what helps.

    Attributes
    ----------
    needed, available : bytes of the process at its largest, and that it may hold

    Examples
    --------
    >>> issubclass(ab.OutOfMemoryError, ab.FitError)
    True
    """

    def __init__(self, message: str, *, needed: float = 0.0, available: float = 0.0) -> None:
        super().__init__(message)
        self.needed, self.available = needed, available


class PolicyError(AdbudgetError, ValueError):
    """A policy file cannot be used; the message names the key or rule and what to write instead.

    Examples
    --------
    >>> ab.load_policy({"target_clp": 50})
    Traceback (most recent call last):
        ...
    adbudget.errors.PolicyError: the policy: unknown key 'target_clp' (did you mean
     'target_cpm'?)....
    """


class FileFormatError(AdbudgetError, ValueError):
    """A saved fit cannot be read: damaged, or written by a newer version.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("shops.fit").write_text("not a fit")
    >>> ab.Fit.load("shops.fit")
    Traceback (most recent call last):
        ...
    adbudget.errors.FileFormatError: shops.fit is not a saved fit, or it is damaged (This file
     contains...
    """


class LedgerError(AdbudgetError, RuntimeError):
    """The ledger cannot be opened, read or written; the message says which one and what to do.

    Examples
    --------
    >>> ab.open_ledger("nowhere.db", create=False)
    Traceback (most recent call last):
        ...
    adbudget.errors.LedgerError: there is no ledger at nowhere.db; check the path....
    """


class LedgerConflictError(LedgerError):
    """What is to be written contradicts what the ledger holds; the message names both.

    Examples
    --------
    >>> from adbudget.ledger import Entry
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ledger.append(Entry(kind="run", at=now, who="Ann"), key="first")
    ...     ledger.append(Entry(kind="run", at=now, who="Bob"), key="first")
    Traceback (most recent call last):
        ...
    adbudget.errors.LedgerConflictError: key 'first' already stands for another entry in entry 1:
     who is 'A...
    """


class KillSwitchError(LedgerError):
    """The kill switch is on, so no change was written; the message says since when, and by whom.

    Examples
    --------
    >>> from adbudget.ledger import Entry
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ledger.set_kill(True, who="Ann", at=now, reason="checking the feed")
    ...     ledger.append(Entry(kind="change", at=now, who="Ann", unit="A"), key="first")
    Traceback (most recent call last):
        ...
    adbudget.errors.KillSwitchError: the kill switch is on since 2026-03-11 08:00 UTC, set by Ann
     (chec...
    """


class SellerError(AdbudgetError, RuntimeError):
    """A seller could not be asked, or what it answered cannot be used; the message says which.

    Examples
    --------
    >>> issubclass(ab.SellerError, ab.AdbudgetError)  # no, or a nonsensical, answer
    True
    """


class SellerSilentError(SellerError):
    """A seller let a call run out of time: asking it for something else now would, too.

    Examples
    --------
    >>> issubclass(ab.SellerSilentError, ab.SellerError)  # it let the call run out of time
    True
    """


class PlatformError(AdbudgetError, RuntimeError):
    """A platform could not be reached, or answered nonsense; the message says which and what.

    Attributes
    ----------
    retryable : whether the same call, with the same key, may go better later

    Examples
    --------
    >>> error = ab.PlatformError("no answer", retryable=True)
    >>> error.retryable  # the same call may go better later
    True
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like this one, for a message to suggest; None if none does."""
    found = difflib.get_close_matches(word, list(known), n=3, cutoff=0.6)
    # Of words as close, letters in another order are likelier a slip than another letter.
    return max(found, key=lambda one: _likeness(word, one), default=None)


def _likeness(word: str, other: str) -> tuple[float, bool]:
    alike = difflib.SequenceMatcher(None, other, word).ratio()
    return alike, sorted(other) == sorted(word)


class LoopBusyError(AdbudgetError, RuntimeError):
    """Another cycle of the same loop is being run."""
