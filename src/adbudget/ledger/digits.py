"""Entries -> how many digits after the point their amounts count. Writes nothing.

Amounts are whole minor units as ISO 4217 counts them. Runs of a policy once counted nine
currencies in hundredths whatever ISO 4217 says; what they wrote stays as it is, and the entry of
the run tells: its figures hold the digits it used.
"""

from collections.abc import Iterable

from adbudget.ledger.reading import Snapshot
from adbudget.ledger.schema import ENTRY
from adbudget.money import digits_of, in_digits

ONCE_IN_HUNDREDTHS = frozenset(["BIF", "CLF", "DJF", "GNF", "KMF", "RWF", "UYI", "UYW", "VUV"])
STARTS = ("run", "rollback")  # kinds of the entries that say what those of their run count in
STATED = "exponent"


def digits_of_entries(reading: Snapshot, entries: Iterable[tuple[str, str]]) -> list[int]:
    """Digits after the point of the amounts of entries.

    Parameters
    ----------
    reading : where the entries of their runs stand
    entries : (currency, run_id) of each

    Returns
    -------
    One number per entry; that of ISO 4217 unless the run says otherwise
    """
    known: dict[tuple[str, str], int] = {}
    found = []
    for currency, run_id in entries:
        pair = (currency, run_id)
        if pair not in known:
            stated = _stated(reading, run_id) if currency in ONCE_IN_HUNDREDTHS else None
            known[pair] = digits_of(currency) if stated is None else stated
        found.append(known[pair])
    return found


def iso_minor(reading: Snapshot, amounts: Iterable[tuple[int, str, str]]) -> list[int]:
    """Amounts as ISO 4217 counts them; what an old one says more finely is rounded.

    Parameters
    ----------
    reading : where the entries of their runs stand
    amounts : (minor units, currency, run_id) of each
    """
    amounts = list(amounts)
    digits = digits_of_entries(reading, ((currency, run) for _, currency, run in amounts))
    return [
        minor if own == digits_of(currency) else in_digits(minor, own, digits_of(currency))
        for (minor, currency, _), own in zip(amounts, digits, strict=True)
    ]


def counts_in(currency: str) -> dict[str, int]:
    """What the entry that starts a rollback says of its digits, where that cannot go unsaid."""
    return {STATED: digits_of(currency)} if currency in ONCE_IN_HUNDREDTHS else {}


def _stated(reading: Snapshot, run_id: str) -> int | None:
    """What a run says of its digits; a rollback counts like the run it undoes, or says its own."""
    seen = {""}
    while run_id not in seen:
        seen.add(run_id)
        starts = reading.kept(ENTRY.c.kind.in_(STARTS), ENTRY.c.run_id == run_id)
        for payload in (kept.entry.payload for kept in starts):
            figures = payload.get("figures", payload)
            if STATED in figures:
                return int(figures[STATED])
            run_id = str(payload.get("run_id", ""))
    return None
