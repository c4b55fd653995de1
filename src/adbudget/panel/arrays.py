"""Records + Calendar -> the arrays of a Panel, with notes on what was read into them."""

from dataclasses import dataclass

import numpy as np

from adbudget.panel.calendar import Calendar
from adbudget.panel.checks import (
    check_no_missing_spend,
    check_some_period_with_both,
    check_some_spend,
)
from adbudget.panel.forms import Records
from adbudget.panel.joining import OutcomeRecords
from adbudget.tables.messages import Note, dates_text, quoted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrays:
    """Spend and outcome on the grid; shapes and meaning as in Panel."""

    spend: np.ndarray
    live: np.ndarray
    outcome: np.ndarray
    control_values: np.ndarray
    first: np.ndarray
    last: np.ndarray
    last_spend: np.ndarray


def make_arrays(
    records: Records,
    outcome_records: OutcomeRecords,
    calendar: Calendar,
    *,
    missing_is_zero: bool,
    notes: list[Note],
) -> Arrays:
    """Put every row on the grid.

    Raises
    ------
    InputError : missing spend that nobody said means zero, or no spend at all
    """
    accounts = outcome_records.rows.accounts
    n_periods = calendar.dates.size
    at = (np.asarray(outcome_records.rows.account), calendar.index(outcome_records.date))
    outcome = np.full((len(accounts), n_periods), np.nan)
    outcome[at] = outcome_records.outcome
    control_values = np.full((len(accounts), len(records.controls), n_periods), np.nan)
    control_values[at[0], :, at[1]] = outcome_records.control_values.T

    period = calendar.index(records.spend.date)
    given = np.full((len(accounts), len(records.channels), n_periods), np.nan)
    given[np.asarray(records.spend.rows.account), records.spend.channel, period] = (
        records.spend.spend
    )
    check_some_spend(given, accounts, records.channels)
    recorded = np.isfinite(given)
    missing = span(recorded) & ~recorded
    if not missing_is_zero:
        told = np.array([name in records.idle_channels for name in records.channels])
        unknown = missing & ~told[:, None]
        check_no_missing_spend(unknown, records, period, calendar.dates)
    spend = np.where(recorded, given, 0.0)
    live = span(spend > 0)

    has_record = np.isfinite(outcome) | recorded.any(axis=1)
    arrays = Arrays(
        spend=spend,
        live=live,
        outcome=outcome,
        control_values=control_values,
        first=has_record.argmax(axis=1),
        last=n_periods - 1 - has_record[:, ::-1].argmax(axis=1),
        last_spend=last_true(recorded),
    )
    check_some_period_with_both(np.any(recorded, axis=1), outcome, calendar.dates, accounts)
    notes.extend(_spend_notes(arrays, recorded, records, accounts))
    notes.extend(_coverage_notes(arrays, recorded, calendar.dates, accounts))
    notes.extend(_outcome_notes(arrays, calendar.dates, accounts))
    return arrays


def span(mask: np.ndarray) -> np.ndarray:
    """From the first to the last true along the last axis, inclusive."""
    begun = np.logical_or.accumulate(mask, axis=-1)
    to_come = np.logical_or.accumulate(mask[..., ::-1], axis=-1)[..., ::-1]
    return begun & to_come


def last_true(mask: np.ndarray) -> np.ndarray:
    """Position of the last true along the last axis, -1 where there is none."""
    last = mask.shape[-1] - 1 - mask[..., ::-1].argmax(axis=-1)
    return np.where(mask.any(axis=-1), last, -1)


def _spend_notes(
    arrays: Arrays, recorded: np.ndarray, records: Records, accounts: tuple[str, ...]
) -> list[Note]:
    notes = []
    for a, c in np.argwhere(recorded.any(axis=-1)):
        account, channel = accounts[a], records.channels[c]
        named = f"Account {account!r}, channel {channel!r}"
        life = arrays.live[a, c]
        paid = arrays.spend[a, c, life]
        n_filled = int((life & ~recorded[a, c]).sum())
        said = []
        if not life.any():
            said.append(("all_zero_cell", "every spend is zero, so there is nothing to decide."))
        elif np.ptp(paid) <= 1e-12 * paid.max():
            said.append(("constant_spend", "spend never changes, so its curve is prior only."))
        if n_filled:
            said.append(("zero_filled", f"{n_filled} missing spend value(s) read as zero."))
        notes += [
            Note(kind=kind, account=account, channel=channel, message=f"{named}: {text}")
            for kind, text in said
        ]
    return notes


def _coverage_notes(
    arrays: Arrays, recorded: np.ndarray, dates: np.ndarray, accounts: tuple[str, ...]
) -> list[Note]:
    """Say where an outcome has no spend around it: no advertising then, or a short export."""
    outside = np.isfinite(arrays.outcome) & ~span(np.any(recorded, axis=1))
    return [
        Note(
            kind="no_spend_record",
            account=accounts[a],
            message=f"Account {accounts[a]!r}: {int(outside[a].sum())} period(s) have an outcome "
            f"but lie before or after every spend value ({dates_text(dates[outside[a]])}); "
            "read as no advertising.",
        )
        for a in np.flatnonzero(outside.any(axis=1))
    ]


def _outcome_notes(arrays: Arrays, dates: np.ndarray, accounts: tuple[str, ...]) -> list[Note]:
    notes = []
    for a, account in enumerate(accounts):
        record = slice(arrays.first[a], arrays.last[a] + 1)
        outcome, days = arrays.outcome[a, record], dates[record]
        observed = outcome[np.isfinite(outcome)]
        hidden, below = days[~np.isfinite(outcome)], days[outcome < 0]
        said = []
        if hidden.size:
            text = f"{hidden.size} of {days.size} periods have no outcome and are masked"
            said.append(("masked_outcome", f"{text} ({dates_text(hidden)})."))
        if below.size:
            text = f"{below.size} period(s) have a negative outcome, kept as net of refunds"
            said.append(("negative_outcome", f"{text} ({dates_text(below)})."))
        if np.ptp(observed) == 0:
            said.append(("constant_outcome", "the outcome never changes, so it shows no effect."))
        notes += [
            Note(kind=kind, account=account, message=f"Account {account!r}: {text}")
            for kind, text in said
        ]
    return notes


def similar_name_notes(names: tuple[str, ...], role: str) -> list[Note]:
    """Names that differ only in case or blanks are probably one, but are kept apart."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(" ".join(name.casefold().split()), []).append(name)
    return [
        Note(
            kind="similar_names",
            account=alike[0] if role == "account" else None,
            channel=alike[0] if role == "channel" else None,
            message=f"The {role} names {quoted(alike)} differ only in case or blanks and are kept "
            "apart; rename them if they are one.",
        )
        for alike in groups.values()
        if len(alike) > 1
    ]
