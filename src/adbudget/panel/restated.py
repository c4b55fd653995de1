"""Panel + the same with corrected rows -> which were restated, what is said, what is refused."""

from typing import Literal

import numpy as np

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.tables.messages import Note, dates_text

REFIT = "Fit the whole history again: fit(read_panel(...), seed=...)."
Restated = Literal["error", "replace"]


def restated_rows(panel: Panel, longer: Panel) -> np.ndarray:
    """(account, period) of the longer panel: outcome, spend or controls differ from what was known.

    Periods after the old record of an account are new, not restated.
    """
    n = panel.n_periods
    differs = np.zeros(longer.outcome.shape, dtype=bool)
    differs[:, :n] = ~_same(longer.outcome[:, :n], panel.outcome)
    differs[:, :n] |= (longer.spend[..., :n] != panel.spend).any(axis=1)
    differs[:, :n] |= ~_same(longer.control_values[..., :n], panel.control_values).all(axis=1)
    return differs & (np.arange(longer.n_periods) <= panel.last[:, None])


def _same(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one == other) | (np.isnan(one) & np.isnan(other))


def restated_notes(panel: Panel, longer: Panel) -> list[Note]:
    """One note per account on old rows that were replaced."""
    differs = restated_rows(panel, longer)
    notes = []
    for a in np.flatnonzero(differs.any(axis=1)):
        which = np.flatnonzero(differs[a])
        before, after = (np.nansum(one.outcome[a, which]) for one in (panel, longer))
        spent = [float(one.spend[a][:, which].sum()) for one in (panel, longer)]
        message = (
            f"Account {panel.accounts[a]!r}: {which.size} row(s) were restated "
            f"({dates_text(longer.dates[which])}): {panel.outcome_name} {before:,.0f} -> "
            f"{after:,.0f}, spend {spent[0]:,.0f} -> {spent[1]:,.0f}."
        )
        notes.append(Note(kind="restated", account=panel.accounts[a], message=message))
    return notes


def check_within(panel: Panel, account: int, dates: np.ndarray) -> None:
    """A restated row must lie in the record of its account, which cannot begin earlier."""
    early = dates < panel.dates[panel.first[account]]
    if early.any():
        raise InputError(
            f"the history of account {panel.accounts[account]!r} begins on "
            f"{panel.dates[panel.first[account]]}; the new rows have {dates_text(dates[early])}. "
            f"An update cannot add rows before it. {REFIT}"
        )


def check_cells_kept(panel: Panel, longer: Panel) -> None:
    """No cell may lose all of its spend, which its scales are made of."""
    gone = panel.exists & ~longer.exists
    if gone.any():
        a, c = np.argwhere(gone)[0]
        raise InputError(
            f"restated rows leave account {panel.accounts[a]!r}, channel {panel.channels[c]!r} "
            f"without any spend in its history, so there is nothing to learn of it. {REFIT}"
        )
