"""Rows of a delivery table -> the deal of the plan that each is about, and which can be used."""

from typing import cast

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.tables.messages import Note, Rows, quoted
from adbudget.tables.roles import column_of
from adbudget.tables.values import read_names


def deals_of_rows(
    table: pd.DataFrame, plan: FlightPlan, rows: Rows
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Position of each row's deal in the plan, -1 for others; and code and names of the column.

    Raises
    ------
    InputError : a name that several campaigns share, without the column ``campaign``
    """
    codes, names = read_names(column_of(table, "deal"), "deal", rows)
    place = dict(plan.place)
    labels: dict[str, list[int]] = {}
    for row, label in enumerate(plan.label):
        labels.setdefault(str(label), []).append(row)
    place |= {label: at[0] for label, at in labels.items() if len(at) == 1}
    deal = np.array([place.get(name, -1) for name in names])[codes]
    shared = np.array([len(labels.get(name, ())) > 1 for name in names])[codes]
    if not shared.any():
        return deal, codes, names
    if "campaign" not in table.columns:
        twice = sorted({names[code] for code in codes[shared]})
        raise InputError(
            f"deals {quoted(twice)} stand in several campaigns of the plan, so "
            f"{rows.named(shared)} could be about either. Add the column 'campaign', or "
            'write "campaign / deal".'
        )
    campaigns = column_of(table, "campaign").astype(str).to_numpy()
    pairs = {(str(plan.campaign[row]), str(plan.label[row])): row for row in range(len(plan))}
    for row in np.flatnonzero(shared).tolist():
        deal[row] = pairs.get((campaigns[row].strip(), names[codes[row]]), -1)
    return deal, codes, names


def complete_only(
    table: pd.DataFrame, deal: np.ndarray, plan: FlightPlan, rows: Rows, notes: list[Note]
) -> tuple[pd.DataFrame, np.ndarray, Rows, np.ndarray]:
    """Rows whose figures are all there, and which deals have others: (deal,) bool."""
    missing = np.zeros(deal.size, dtype=bool)
    for name in ("spend", "impressions"):
        missing |= column_of(table, name).isna().to_numpy(dtype=bool)
    unknown = np.zeros(len(plan), dtype=bool)
    if not missing.any():
        return table, deal, rows, unknown
    unknown[deal[missing]] = True
    held = [plan.deals[i] for i in np.flatnonzero(unknown)]
    message = (
        f"delivery: spend or impressions are missing in {rows.named(missing)}. What {quoted(held)} "
        "delivered is unknown until they are there, so nothing is done about them. Write 0 for a "
        "day without any, or leave out a row nothing is known of."
    )
    notes.append(Note(kind="missing_value", message=message))
    kept = np.flatnonzero(~missing)
    return cast(pd.DataFrame, table.iloc[kept]), deal[kept], rows.take(kept), unknown


def planned_only(
    table: pd.DataFrame,
    deal: np.ndarray,
    names: tuple[str, ...],
    codes: np.ndarray,
    notes: list[Note],
) -> pd.DataFrame:
    """Rows of planned deals, with a note on the others."""
    if (deal >= 0).all():
        return table
    unknown = [names[code] for code in np.unique(codes[deal < 0])]
    message = (
        f"delivery: {len(unknown)} deals are not in the plan, and their {int((deal < 0).sum())} "
        f"rows are not read: {quoted(unknown)}."
    )
    notes.append(Note(kind="unknown_deal", message=message))
    if (deal < 0).all():
        raise InputError(f"{message} No row is about a planned deal; are the names the same?")
    return cast(pd.DataFrame, table[deal >= 0])
