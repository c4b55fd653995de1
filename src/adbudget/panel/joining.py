"""Records of one table, or of several -> one record for each account, channel and date.

Parts such as campaigns are summed; what an export leaves out because nothing happened is put back.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import LONE_ACCOUNT, Note, Rows, account_names, quoted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpendRecords:
    """One row per account, channel and date that the caller gave."""

    rows: Rows
    date: np.ndarray  # (row,) datetime64[D]
    channel: np.ndarray  # (row,) position in the channels
    spend: np.ndarray  # (row,) account currency, NaN where the caller gave none
    wide: bool  # one column per channel: a duplicate repeats all channels of a date
    key_columns: tuple[Hashable, ...]  # the caller's names of what makes a row unique
    value_columns: tuple[Hashable, ...]  # the caller's names of the columns with money
    source: np.ndarray | None = None  # (row,) position in the table, of a long one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeRecords:
    """One row per row of the table with the outcome; dates may repeat on channel rows."""

    rows: Rows
    date: np.ndarray  # (row,) datetime64[D]
    outcome: np.ndarray  # (row,) outcome units, NaN where not observed
    control_values: np.ndarray  # (control, row)
    key_columns: tuple[Hashable, ...]  # the caller's names of what makes a date unique


def summed_spend(
    spend: SpendRecords, feed: np.ndarray | None, notes: list[Note], *, idle: bool
) -> SpendRecords:
    """Add up the rows of one account, channel and date.

    Parameters
    ----------
    feed : (row,) code of the platform each row is from; None when all are from one
    notes : gains how many rows were added up
    idle : whether a channel without a row on the last day of its account and platform spent
        nothing then; days in between are for the caller to fill
    """
    keys = {"account": spend.rows.account, "channel": spend.channel, "date": spend.date}
    table = pd.DataFrame(keys | {"spend": spend.spend, "row": np.arange(len(spend.rows))})
    groups: Any = table.groupby(["account", "channel", "date"], sort=False)
    one = groups.agg(row=("row", "first")).reset_index()
    one["spend"] = groups["spend"].sum(min_count=1).to_numpy()
    if len(one) < len(table):
        message = (
            f"{spend.rows.table[:1].upper()}{spend.rows.table[1:]}: {len(table):,} rows are summed "
            f"to {len(one):,}, one for each account, channel and date."
        )
        notes.append(Note(kind="rows_summed", message=message))
    if idle:
        feeds = np.zeros(len(table), dtype=np.intp) if feed is None else feed
        one = _with_idle_ends(one, feeds)
    place = one["row"].to_numpy()
    return replace(
        spend,
        rows=spend.rows.take(place),
        date=one["date"].to_numpy().astype("datetime64[D]"),
        channel=one["channel"].to_numpy(),
        spend=one["spend"].to_numpy(dtype=float),
        source=None,
    )


def _with_idle_ends(one: pd.DataFrame, feed: np.ndarray) -> pd.DataFrame:
    """Put a row of no spend where a channel has none on the last day of its platform."""
    one = one.assign(feed=feed[one["row"].to_numpy()])
    ends = one.groupby(["account", "feed"], sort=False)["date"].transform("max")
    last = one.loc[one.groupby(["account", "feed", "channel"], sort=False)["date"].idxmax()]
    idle = last.assign(date=ends.loc[last.index], spend=0.0)[last["date"] < ends.loc[last.index]]
    return pd.concat([one, idle], ignore_index=True).drop(columns="feed")


def summed_outcome(outcome: OutcomeRecords, controls: tuple[str, ...]) -> OutcomeRecords:
    """Add up the outcome of one account and date; controls have to agree.

    Raises
    ------
    InputError : a control differs between the rows of one account and date
    """
    columns = {"account": outcome.rows.account, "date": outcome.date, "outcome": outcome.outcome}
    table = pd.DataFrame(columns | {"row": np.arange(len(outcome.rows))})
    groups: Any = table.groupby(["account", "date"], sort=False)
    for name, values in zip(controls, outcome.control_values, strict=True):
        by_date: Any = table.assign(value=values).groupby(["account", "date"])["value"]
        differs = (by_date.transform("nunique") > 1).to_numpy()
        if differs.any():
            named = outcome.rows.named(differs)
            raise InputError(
                f"control column {name!r} differs between rows of one account and date, in "
                f"{named}. It must be the same on each of them: give it in a table of its own."
            )
    one = groups.agg(row=("row", "first")).reset_index()
    place = one["row"].to_numpy()
    return replace(
        outcome,
        rows=outcome.rows.take(place),
        date=outcome.date[place],
        outcome=groups["outcome"].sum(min_count=1).to_numpy(dtype=float),
        control_values=outcome.control_values[:, place],
    )


def joined_spend(
    every: Sequence[tuple[tuple[str, ...], SpendRecords]],
) -> tuple[tuple[str, ...], SpendRecords]:
    """Channels and records of several tables as one."""
    if len(every) == 1:
        return every[0]
    channels = tuple(sorted({name for names, _ in every for name in names}))
    place = {name: position for position, name in enumerate(channels)}
    of_channel = [
        np.array([place[name] for name in names])[spend.channel] for names, spend in every
    ]
    records = [spend for _, spend in every]
    return channels, SpendRecords(
        rows=joined_rows([spend.rows for spend in records], "the spend tables"),
        date=np.concatenate([spend.date for spend in records]),
        channel=np.concatenate(of_channel),
        spend=np.concatenate([spend.spend for spend in records]),
        wide=all(spend.wide for spend in records),
        key_columns=("account", "channel", "date"),
        value_columns=("spend",),
    )


def joined_outcome(every: Sequence[OutcomeRecords]) -> OutcomeRecords:
    """Outcome records of several tables as one."""
    if len(every) == 1:
        return every[0]
    return OutcomeRecords(
        rows=joined_rows([one.rows for one in every], "the outcome tables"),
        date=np.concatenate([one.date for one in every]),
        outcome=np.concatenate([one.outcome for one in every]),
        control_values=np.concatenate([one.control_values for one in every], axis=1),
        key_columns=("account", "date"),
    )


def joined_rows(every: Sequence[Rows], table: str) -> Rows:
    """Rows of several tables as one; labels say which table they are from."""
    accounts = tuple(sorted({name for rows in every for name in rows.accounts}))
    place = {name: position for position, name in enumerate(accounts)}
    codes = [
        np.array([place[n] for n in rows.accounts])[np.asarray(rows.account)] for rows in every
    ]
    labels = [f"{label} of {rows.table}" for rows in every for label in rows.labels]
    return Rows(
        table=table,
        labels=pd.Index(labels, dtype=object),
        account=np.concatenate(codes),
        accounts=accounts,
    )


def as_one_account(
    every: Sequence[tuple[Rows, np.ndarray | None]], notes: list[Note]
) -> list[Rows]:
    """Rows of spend whose outcome is one total: the accounts of its platforms are one account.

    Parameters
    ----------
    every : rows of each table, and the code of the platform that each is from

    Raises
    ------
    InputError : one platform has several accounts, which may be several shops
    """
    for rows, feed in every:
        feeds = np.zeros(len(rows), dtype=np.intp) if feed is None else feed
        pairs = pd.DataFrame({"feed": feeds, "account": rows.account}).drop_duplicates()
        if pairs["feed"].duplicated().any():
            raise InputError(
                f"{rows.table} has {account_names(rows.accounts)}, and the outcome has no account "
                "column. Name it: columns={'account': 'your account column'}; or, if these are "
                "accounts of one shop, say so: account_of={'*': 'shop'}; or leave some out: "
                f"account_of={{{rows.accounts[0]!r}: '-'}}."
            )
    named = dict.fromkeys(name for rows, _ in every for name in rows.accounts)
    if list(named) != [LONE_ACCOUNT]:
        message = (
            f"The outcome has no account column: accounts {quoted(named)} of the platforms are "
            "read as one account, 'account'."
        )
        notes.append(Note(kind="one_account", message=message))
    return [
        replace(rows, account=np.zeros(len(rows), dtype=np.intp), accounts=(LONE_ACCOUNT,))
        for rows, _ in every
    ]
