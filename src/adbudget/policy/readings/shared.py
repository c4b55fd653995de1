"""Rows of campaigns on one budget -> one row of the budget. Knows columns of tables, no rules.

Several campaigns may share a budget: the money is there once, and can only be moved for all of
them. Their counts and money are added up; their rates follow from the sums.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.policy.metrics.registry import METRICS, table_columns
from adbudget.tables.messages import Rows, distinct_values, quoted
from adbudget.tables.roles import column_of

BUDGET_ID = "budget_id"
# Of a budget, so once for all; a budget of the same name in another account is another budget.
SAME = ("account", "platform", "budget", "days", "date", "monthly_cap", "currency")
FIRST, LAST = ("started_at", "updated_at"), ("changed_at",)
STATES = ("active", "enabled", "running", "paused")  # the first of them that any campaign is in


def shared_budgets(frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Budgets that more than one campaign is on: name -> ids of the campaigns."""
    if BUDGET_ID not in frame.columns:
        return {}
    found: dict[str, list[str]] = {}
    for budget, campaign in zip(
        _texts(frame, BUDGET_ID), _texts(frame, "campaign_id"), strict=True
    ):
        if budget:
            found.setdefault(budget, []).append(campaign)
    return {name: tuple(own) for name, own in sorted(found.items()) if len(own) > 1}


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
    ids = _texts(frame, "campaign_id")
    days = frame["date"].tolist() if by_day else [None] * len(frame)
    places: dict[tuple[str, Any], list[int]] = {}
    for place, (campaign, day) in enumerate(zip(ids, days, strict=True)):
        if campaign in budget_of:
            places.setdefault((budget_of[campaign], day), []).append(place)
    if not places:
        return frame
    alone = [place for place, campaign in enumerate(ids) if campaign not in budget_of]
    clash = sorted(set(members) & {ids[place] for place in alone})
    if clash:
        raise InputError(f"{BUDGET_ID}: {quoted(clash)} is a campaign_id too; call it otherwise.")
    merged = pd.DataFrame(
        [_one_row(frame.iloc[own], name, rows) for (name, _), own in places.items()], dtype=object
    )
    return pd.concat([frame.iloc[alone].astype(object), merged]).infer_objects()


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    """Names of a column as text, "" where missing; 7 and 7.0 are the same."""
    values = column_of(frame, name)
    whole = [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        for value in values
    ]
    return ["" if gone else text.strip() for text, gone in zip(whole, values.isna(), strict=True)]


def _one_row(own: pd.DataFrame, name: str, rows: Rows) -> pd.Series:
    """Row of one budget, labelled as its first campaign."""
    row = own.iloc[0].copy()
    for column in own.columns:
        values = column_of(own, column)
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
            "shared budget has it once: write the same into every row, or call budgets of "
            "different accounts differently."
        )
