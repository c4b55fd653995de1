"""Options of all accounts -> those of some: values by account or cell, and tables of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from adbudget.errors import InputError
from adbudget.plan import Limits

BY_ACCOUNT = ("holidays", "currency", "value_per_unit", "margin")
TABLES = ("budgets", "previous")


def for_accounts(options: Mapping[str, Any], accounts: Sequence[str]) -> dict[str, Any]:
    """The same options, less what is said of other accounts.

    Parameters
    ----------
    options : of :func:`adbudget.read_panel` or :func:`adbudget.recommend`
    accounts : names
    """
    own = dict(options)
    for name in BY_ACCOUNT:
        value = own.get(name)
        if isinstance(value, Mapping | pd.Series):
            own[name] = {key: v for key, v in value.items() if str(key) in accounts}
    for name in TABLES:
        table = own.get(name)
        if table is not None:
            rows = table[table["account"].map(str).isin(accounts)]
            own[name] = rows.reset_index(drop=True) if len(rows) else None
    current = own.get("current")
    if isinstance(current, Mapping | pd.Series):
        cells: Any = current.items()
        values = {cell: v for cell, v in cells if str(cell[0]) in accounts}
        own["current"] = pd.Series(values) if isinstance(current, pd.Series) else values
    if own.get("limits") is not None:
        own["limits"] = _limits(own["limits"], accounts)
    return own


def _limits(limits: Limits, accounts: Sequence[str]) -> Limits:
    own: dict[str, Any] = {}
    for name in ("change", "lower", "upper"):
        value = getattr(limits, name)
        if isinstance(value, Mapping):
            own[name] = {cell: v for cell, v in value.items() if cell[0] in accounts}
    if isinstance(limits.budget, Mapping):
        own["budget"] = {name: v for name, v in limits.budget.items() if name in accounts}
    own["fixed"] = tuple(
        cell for cell in limits.fixed if isinstance(cell, str) or cell[0] in accounts
    )
    own["groups"] = tuple(group for group in limits.groups if _concerns(group, accounts))
    return replace(limits, **own)


def _concerns(group: Any, accounts: Sequence[str]) -> bool:
    return one_account_of(group) in accounts


def one_account_of(group: Any) -> str | None:
    """The account all cells of a group are of; None where there may be several."""
    named = set(group.accounts or ()) | {account for account, _ in group.cells or ()}
    return named.pop() if len(named) == 1 else None


def check_apart(options: Mapping[str, Any]) -> None:
    """Refuse what ties accounts to each other: here every shard is decided by itself.

    Raises
    ------
    InputError : names it, and what to do instead
    """
    limits: Limits | None = options.get("limits")
    if limits is None:
        return
    if limits.pool is not None:
        raise InputError(
            "limits.pool joins the money of accounts that are decided apart here. Give every "
            "account a total of its own (limits.budget by account), or decide those that share "
            "money together: adbudget.recommend, or the command with one table and without "
            "--workers and --cluster."
        )
    if limits.budget is not None and not isinstance(limits.budget, Mapping):
        raise InputError(
            "limits.budget is one number for many accounts. Give it as a mapping from account to "
            "money per period."
        )
    tied = [group.name for group in limits.groups if one_account_of(group) is None]
    if tied:
        raise InputError(
            f"the groups {tied} hold cells of several accounts, which are decided apart here. Name "
            "one account in each, or decide these accounts together: adbudget.recommend, or the "
            "command with one table and without --workers and --cluster."
        )
