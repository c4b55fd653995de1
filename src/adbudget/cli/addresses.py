"""Addresses of ledgers, which may hold a password -> what may be shown of them."""

import os
import re

LEDGER = "ADBUDGET_LEDGER"  # environment variable
SECRET = re.compile(r"(://[^:/@\s]*):[^@\s]*@|(?i:((?:password|token|secret|key)=))[^&\s]+")


def without_secrets(text: str) -> str:
    """Text whose addresses are shown without their passwords.

    >>> without_secrets("postgresql+psycopg://ann:secret@db/ads")
    'postgresql+psycopg://ann:***@db/ads'
    """
    return SECRET.sub(lambda found: f"{found[1]}:***@" if found[1] else f"{found[2]}***", text)


def ledger_option(address: str) -> str:
    """How a command that is suggested names the ledger: not at all where the environment does.

    A password stays in the environment, where it came from or where it should be.
    """
    if address == os.environ.get(LEDGER):
        return ""
    if without_secrets(address) != address:
        return f" (with {LEDGER} set)"
    return f" --ledger {address}"
