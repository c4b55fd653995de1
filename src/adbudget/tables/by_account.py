"""Caller's one value, or value per account -> a value for every account. Knows not what it is."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import account_names, every_quoted


def by_account(
    value: Any, argument: str, accounts: tuple[str, ...], default: Any
) -> dict[str, Any]:
    """Caller's one value, or value per account, as a value for every account.

    Raises
    ------
    InputError : a mapping that misses an account, names an unknown one, or one twice
    """
    if value is None:
        return dict.fromkeys(accounts, default)
    if not isinstance(value, (Mapping, pd.Series)):
        return dict.fromkeys(accounts, value)
    given = {str(name): item for name, item in value.items()}
    if len(given) < len(value):
        raise InputError(f"{argument} names an account more than once; give each account once.")
    unknown = [name for name in given if name not in accounts]
    missing = [name for name in accounts if name not in given]
    if unknown or missing:
        wrong = [f"does not name {account_names(missing)}"] if missing else []
        wrong += [f"names unknown {account_names(unknown)}"] if unknown else []
        raise InputError(
            f"{argument} {' and '.join(wrong)}. Give one value for every account of the panel: "
            f"{every_quoted(accounts)}."
        )
    return given
