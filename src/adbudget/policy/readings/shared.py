"""Rows of campaigns on one budget -> one row of the budget. Knows columns of tables, no rules.

Several campaigns may share a budget: the money is there once, and can only be moved for all of
them. Their counts and money are added up; their rates follow from the sums.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.policy.metrics.registry import METRICS, table_columns
from adbudget.tables.messages import Rows, distinct_values, quoted

BUDGET_ID = "budget_id"
SAME = ("budget", "days", "date", "monthly_cap", "currency")  # of a budget, so once for all
FIRST, LAST = ("started_at", "updated_at"), ("changed_at",)
STATES = ("active", "enabled", "running", "paused")  # the first of them that any campaign is in


def shared_budgets(frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Budgets that more than one campaign is on: name -> ids of the campaigns."""
    if BUDGET_ID not in frame.columns:
        return {}
    known = frame[frame[BUDGET_ID].notna()]
    ids = known["campaign_id"].astype(str).groupby(known[BUDGET_ID].astype(str), sort=True)
    return {name: tuple(own) for name, own in ids if len(own) > 1}


def pooled(
    frame: pd.DataFrame, members: Mapping[str, tuple[str, ...]], rows: Rows, *, by_day: bool = False
) -> pd.DataFrame:
    """The table with one row for every shared budget, called as the budget, behind the others.

    Parameters
    ----------
    frame : campaign table, or history ``by_day``
    members : from :func:`shared_budgets` of the campaign table

    Raises
    ------
    InputError : rows of one budget differ in what a budget has once, or its name is a campaign's
    """
    budget_of = {campaign: name for name, own in members.items() for campaign in own}
    owner = frame["campaign_id"].astype(str).map(budget_of)
    shared = owner.notna().to_numpy()
    if not shared.any():
        return frame
    alone = frame[~shared]
    clash = sorted(set(members) & set(alone["campaign_id"].astype(str)))
    if clash:
        raise InputError(f"{BUDGET_ID}: {quoted(clash)} is a campaign_id too; call it otherwise.")
    keys = [owner[shared], frame["date"][shared]] if by_day else [owner[shared]]
    merged = []
    for key, own in frame[shared].groupby(keys, sort=True):
        merged.append(_one_row(own, key[0] if isinstance(key, tuple) else str(key), rows))
    return pd.concat(
        [alone, pd.DataFrame(merged).astype(object)], ignore_index=False
    ).infer_objects()


def _one_row(own: pd.DataFrame, name: object, rows: Rows) -> pd.Series:
    """Row of one budget, labelled as its first campaign."""
    row = own.iloc[0].copy()
    for column in own.columns:
        values = own[column]
        if column == "campaign_id":
            row[column] = name
        elif column in SAME:
            _check_same(values, str(column), name, rows)
        elif column in FIRST or column in LAST:
            known = values.dropna()
            least = known.min() if column in FIRST else known.max()
            row[column] = least if len(known) else values.iloc[0]
        elif column == "status":
            states = [str(value).strip().lower() for value in values]
            row[column] = next((s for s in STATES if s in states), values.iloc[0])
        elif column == "locked":
            row[column] = bool(values.astype(bool).any())
        elif column in table_columns():
            row[column] = np.nan if METRICS[str(column)].parts else _sum(values)
        elif not _are_same(values):
            row[column] = None
    return row


def _sum(values: pd.Series) -> float:
    """Sum; unknown where any of them is."""
    return float(np.sum(values.to_numpy(dtype=float, na_value=np.nan)))


def _are_same(values: pd.Series) -> bool:
    return len(values.drop_duplicates()) == 1


def _check_same(values: pd.Series, column: str, name: object, rows: Rows) -> None:
    if not _are_same(values):
        where = Rows(table=rows.table, labels=values.index)
        raise InputError(
            f"{column} differs between campaigns of the budget {name!r} in "
            f"{where.named(np.ones(len(values), bool))}: {distinct_values(values.tolist())}. A "
            "shared budget has it once: write the same into every row."
        )
