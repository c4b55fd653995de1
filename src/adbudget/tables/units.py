"""Platform, account and name -> the unit that the ledger knows it by, and back. Knows no tables.

A campaign or deal is called by its name alone where nobody says whose it is, and "acme::brand" or
"google/acme::brand" where somebody does. Two accounts in one ledger so never share a unit.
"""

import hashlib

from adbudget.errors import InputError

SCOPE = "::"  # between the account and the name
WITHIN = "/"  # between the platform and the account
LONGEST = 150  # characters of a name that stand in a key as they are


def scope_of(account: str = "", platform: str = "") -> str:
    """Whose units they are: "", "acme", "google" or "google/acme".

    Raises
    ------
    InputError : a name holds the signs that stand between the parts
    """
    for name, text in (("account", account), ("platform", platform)):
        if SCOPE in text or text.endswith(":"):
            raise InputError(
                f'{name} {text!r} holds "{SCOPE}" or ends in ":", which stands between an account '
                "and its campaigns in the ledger; write it another way."
            )
    if WITHIN in platform:
        raise InputError(f'platform {platform!r} must not hold "{WITHIN}"; write "google".')
    return WITHIN.join(part for part in (platform, account) if part)


def unit_of(name: str, scope: str = "") -> str:
    """Name of a campaign or deal in the ledger; no two of different scopes are alike.

    Parameters
    ----------
    name : of the campaign or deal, as its platform calls it
    scope : from :func:`scope_of`
    """
    return f"{scope}{SCOPE}{name}" if scope or SCOPE in name else name


def split_unit(unit: str) -> tuple[str, str]:
    """Undo :func:`unit_of`: scope and name."""
    scope, between, name = unit.partition(SCOPE)
    return (scope, name) if between else ("", unit)


def key_part(unit: str) -> str:
    """Unit as a part of an idempotency key: itself, or escaped and told apart by its hash.

    Keys are short and printable; names of campaigns need not be.
    """
    if unit.isprintable() and unit == unit.strip() and len(unit) <= LONGEST:
        return unit
    shown = unit.encode("unicode_escape").decode("ascii").strip()[:LONGEST]
    return f"{shown}#{hashlib.sha256(unit.encode()).hexdigest()[:12]}"
