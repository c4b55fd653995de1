"""Facts about input -> words: how rows, dates and values are named in messages."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

MAX_NAMED = 5
LONE_ACCOUNT = "account"  # the account of tables without an account column


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something about the input worth knowing that is not an error.

    Attributes
    ----------
    kind : machine-readable, e.g. "constant_spend", "zero_filled", "masked_outcome"
    message : one sentence
    account, channel : what it is about; None when it is about the whole panel
    """

    kind: str
    message: str
    account: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of one table, so that a message can name some of them.

    Attributes
    ----------
    table : how messages call the table, e.g. "the spend table"
    labels : (row,) the caller's index
    account : (row,) position in ``accounts``; None before the account column is read
    accounts : account names
    """

    table: str
    labels: pd.Index
    account: np.ndarray | None = None
    accounts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, position: np.ndarray) -> "Rows":
        """Rows at these positions, in this order; a position may be taken more than once."""
        account = None if self.account is None else self.account[position]
        return replace(self, labels=self.labels[position], account=account)

    def numbered(self, chosen: np.ndarray) -> str:
        """Rows where ``chosen`` is true: "rows 3, 17 of the spend table"."""
        labels = list(dict.fromkeys(self.labels[chosen].tolist()))
        return f"{'rows' if len(labels) > 1 else 'row'} {listed(labels)} of {self.table}"

    def named(self, chosen: np.ndarray) -> str:
        """As :meth:`numbered`, with the accounts: "row 3 of the spend table (account 'A')"."""
        if self.account is None or self.accounts == (LONE_ACCOUNT,):
            return self.numbered(chosen)
        accounts = [self.accounts[code] for code in np.unique(self.account[chosen])]
        return f"{self.numbered(chosen)} ({account_names(accounts)})"


def listed(items: Iterable[object], at_most: int = MAX_NAMED) -> str:
    """First five items and how many more there are."""
    every = [str(item) for item in items]
    rest = len(every) - at_most
    return ", ".join(every[:at_most]) + (f" and {rest} more" if rest > 0 else "")


def quoted(items: Iterable[object]) -> str:
    """As :func:`listed`, each item as it would be written in code."""
    return listed(repr(item) for item in items)


def every_quoted(items: Iterable[object]) -> str:
    """As :func:`quoted`, but up to thirty: for lists of columns, to choose from."""
    return listed((repr(item) for item in items), at_most=30) or "none"


def distinct_values(values: Iterable[object]) -> str:
    """First five different values, as written in code."""
    return listed(dict.fromkeys(repr(value) for value in values))


def account_names(names: Iterable[str]) -> str:
    """Either "account 'A'" or "accounts 'A', 'B'"."""
    every = list(names)
    return f"{'account' if len(every) == 1 else 'accounts'} {quoted(every)}"


def dates_text(dates: np.ndarray) -> str:
    """First five dates, in order, as ISO text."""
    return listed(np.unique(dates).astype("datetime64[D]"))
