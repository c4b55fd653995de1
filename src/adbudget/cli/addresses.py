"""Addresses of ledgers, which may hold a password -> how a command names them."""

import os

from adbudget.plain_json import without_secrets

LEDGER = "ADBUDGET_LEDGER"  # environment variable


def ledger_option(address: str) -> str:
    """How a command that is suggested names the ledger: not at all where the environment does.

    A password stays in the environment, where it came from or where it should be.
    """
    if address == os.environ.get(LEDGER):
        return ""
    if without_secrets(address) != address:
        return f" (with {LEDGER} set)"
    return f" --ledger {address}"
