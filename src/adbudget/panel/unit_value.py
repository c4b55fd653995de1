"""What an outcome unit is worth, and the margin on it -> one value per account, and who said so."""

import re
from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.tables.by_account import by_account
from adbudget.tables.messages import Note, account_names, quoted

LARGEST = 1e15  # no unit is worth more
COUNT_WORD = re.compile(
    r"(lead|conversion|order|purchase|signup|install|download|click|booking|unit|transaction|"
    r"customer|subscription|subscriber|registration|visit|session|call|appointment|trial|demo|"
    r"application|count|ticket|user)s?|quantity|qty"
)
MONEY_WORD = re.compile(
    r"revenues?|sales|values?|amount|turnover|income|price|gmv|money|profit|margin|usd|eur|gbp"
)
MARGIN_WORD = re.compile(r"profits?|margins?|contributions?|earnings|deckungsbeitrag")
STATED = "margin_stated"  # kind of the note that says so of a margin of all of it


def counts_things(outcome_name: str) -> bool:
    """Whether a column's name says that it counts things rather than money."""
    words = _words(outcome_name)
    words.append("".join(words))  # sign_ups
    return any(map(COUNT_WORD.fullmatch, words)) and not any(map(MONEY_WORD.fullmatch, words))


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[a-z]+", spaced.casefold())


def margin_assumed(panel: Panel) -> tuple[str, ...]:
    """Accounts whose outcome counts as margin in full although nobody has said so.

    An outcome that is called a profit is margin, and so is what a lead is said to be worth.
    """
    said = any(note.kind == STATED for note in panel.notes)
    if said or any(map(MARGIN_WORD.fullmatch, _words(panel.outcome_name))):
        return ()
    whole = (panel.margin == 1) & (panel.unit_value == 1)
    return tuple(name for name, is_whole in zip(panel.accounts, whole, strict=True) if is_whole)


def read_unit_value(
    value_per_unit: Any, outcome_name: str, accounts: tuple[str, ...]
) -> np.ndarray:
    """(account,) money per outcome unit; 1 when the outcome is money.

    Raises
    ------
    InputError : the outcome counts things and no value is given, or a value is not positive
    """
    if value_per_unit is None and counts_things(outcome_name):
        raise InputError(
            f"outcome column {outcome_name!r} seems to count things, but decisions compare money "
            "with money. Say what one is worth: value_per_unit=50 (a lead its target cost, an "
            "order its margin), or a mapping from account to value. If the column already holds "
            "money, pass value_per_unit=1."
        )
    return _positive_by_account(value_per_unit, "value_per_unit", accounts)


def read_margin(margin: Any, accounts: tuple[str, ...], notes: list[Note]) -> np.ndarray:
    """(account,) share of the outcome's money that is contribution margin; 1 when not stated.

    Raises
    ------
    InputError : not positive, or above 1
    """
    shares = _positive_by_account(margin, "margin", accounts)
    above = [name for name, share in zip(accounts, shares, strict=True) if share > 1]
    if above:
        largest = shares.max()
        meant = f" Did you mean margin={largest / 100:g}?" if largest <= 100 else ""
        raise InputError(
            f"margin must be a share of the outcome's money, at most 1; got {largest:g} for "
            f"{account_names(above)}.{meant} What one unit of a KPI is worth is value_per_unit=."
        )
    if margin is not None and (shares == 1).any():
        notes.append(Note(kind=STATED, message="A margin of 100% counts as stated."))
    return shares


def _positive_by_account(value: Any, argument: str, accounts: tuple[str, ...]) -> np.ndarray:
    given_by_account = by_account(value, argument, accounts, default=1.0)
    wrong = {name: given for name, given in given_by_account.items() if not _is_positive(given)}
    if wrong:
        raise InputError(
            f"{argument} must be a positive number; got "
            f"{quoted(wrong.values())} for {account_names(wrong)}."
        )
    return np.array([float(given_by_account[name]) for name in accounts])


def _is_positive(value: Any) -> bool:
    number = isinstance(value, (int, float, np.integer, np.floating))
    return bool(number and not isinstance(value, bool) and 0 < value < LARGEST)
