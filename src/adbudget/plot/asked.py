"""What is asked to be plotted -> frames of decisions, accounts and units, or a refusal."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from adbudget.decision.decisions import Decisions
from adbudget.draws import CurveDraws
from adbudget.errors import InputError

PERIOD_NOUNS = {"daily": "day", "weekly": "week", "monthly": "month"}
PERIOD_BY_DAYS = {1: "day", 7: "week"}
NEEDED = ("account", "channel", "decision", "current_spend", "recommended_spend")


def decision_rows(decisions: "pd.DataFrame | Decisions", account: str | None = None) -> Any:
    """Frame of decisions, of one account or of all.

    Parameters
    ----------
    decisions : what recommend returned, or from decide
    account : its name; every account when None

    Raises
    ------
    InputError : columns are missing, or there is no such account
    """
    frame: Any = decisions.to_frame() if isinstance(decisions, Decisions) else decisions
    if not isinstance(frame, pd.DataFrame) or not set(NEEDED) <= set(frame.columns):
        got = list(frame.columns) if isinstance(frame, pd.DataFrame) else type(frame).__name__
        raise InputError(
            f"decisions must be what recommend returned, or from decide; got {got}. Needed are "
            f"the columns {', '.join(NEEDED)}."
        )
    if account is None:
        return frame
    known_account(account, list(dict.fromkeys(frame["account"].tolist())))
    return frame[frame["account"] == account]


def known_account(account: str, accounts: Sequence[str]) -> int:
    """Position of an account.

    Raises
    ------
    InputError : there is no such account
    """
    names = list(accounts)
    if account not in names:
        raise InputError(f"there is no account {account!r}; the first are {names[:5]}.")
    return names.index(account)


def the_account(account: str | None, accounts: Sequence[str]) -> str:
    """The account asked for, or the only one there is.

    Raises
    ------
    InputError : there is no such account, or several to choose from
    """
    names = list(accounts)
    if account is None and len(names) != 1:
        raise InputError(f"name one of the {len(names)} accounts; the first are {names[:5]}.")
    name = names[0] if account is None else account
    known_account(name, names)
    return name


def period_noun(draws: CurveDraws) -> str:
    """day, week or month."""
    return PERIOD_BY_DAYS.get(round(draws.period_days), "month")


def money_of(currency: str) -> str:
    """EUR, or money where no currency is stated."""
    return currency or "money"


def code_of_rows(rows: pd.DataFrame) -> str:
    """Currency of all rows.

    Raises
    ------
    InputError : money of several currencies, which no one scale can hold
    """
    codes = list(dict.fromkeys(rows["currency"])) if "currency" in rows else [""]
    if len(codes) > 1:
        raise InputError(
            f"the decisions are in several currencies, {codes}: name one account, or choose the "
            "rows of one currency."
        )
    return str(codes[0]) if codes else ""
