"""Records -> nothing, or the error that says what is wrong with them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from adbudget.errors import InputError
from adbudget.panel.forms import Records
from adbudget.panel.joining import OutcomeRecords, SpendRecords
from adbudget.tables.messages import LONE_ACCOUNT, Rows, account_names, dates_text, listed, quoted

MIN_PERIODS = 8
LEAST_NET = 0.5  # of an outcome's absolute sum: refunds take less from sales


def check_no_duplicates(records: Records) -> None:
    """One spend per account, channel and date; one outcome per account and date."""
    spend, outcome = records.spend, records.outcome
    values = [spend.spend]
    if spend.wide and records.one_table:
        values.append(np.tile(outcome.outcome, len(records.channels)))
    repeated, conflicting = _repeated(_spend_key(spend, len(records.channels)), values)
    if repeated.any():
        keys, summed = list(spend.key_columns), list(spend.value_columns)
        advice = f"frame.groupby({keys}, as_index=False)[{summed}].sum()"
        if records.one_table:
            advice += ", with the outcome as a table of its own"
        raise _duplicates(repeated, conflicting, spend.rows, spend.date, keys, advice)
    if records.one_table and not spend.wide:
        return  # the outcome repeats on purpose; whether it agrees is another check
    repeated, conflicting = _repeated(_outcome_key(outcome), [outcome.outcome])
    if repeated.any():
        keys = list(outcome.key_columns)
        advice = f"frame.groupby({keys}, as_index=False)[{records.outcome_name!r}].sum()"
        raise _duplicates(repeated, conflicting, outcome.rows, outcome.date, keys, advice)


def _spend_key(spend: SpendRecords, n_channels: int) -> np.ndarray:
    days = spend.date.astype(np.int64)
    cell = np.asarray(spend.rows.account) * n_channels + spend.channel
    return cell * (int(np.ptp(days)) + 1) + days - days.min()


def _outcome_key(outcome: OutcomeRecords) -> np.ndarray:
    days = outcome.date.astype(np.int64)
    return np.asarray(outcome.rows.account) * (int(np.ptp(days)) + 1) + days - days.min()


def _repeated(key: np.ndarray, values: list[np.ndarray]) -> tuple[np.ndarray, bool]:
    """(row,) whether the row's key occurs again, and whether any repeat has other values."""
    _, group, count = np.unique(key, return_inverse=True, return_counts=True)
    repeated = count[group] > 1
    if not repeated.any():
        return repeated, False
    return repeated, any(_disagrees(group, column).any() for column in values)


def _duplicates(
    repeated: np.ndarray, conflicting: bool, rows: Rows, date: np.ndarray, keys: list, summed: str
) -> InputError:
    where = f"{rows.named(repeated)}, dates {dates_text(date[repeated])}"
    hint = " (if these are several accounts, name their column: columns={'account': ...})"
    lone = hint if rows.accounts == (LONE_ACCOUNT,) else ""
    if conflicting:
        return InputError(
            f"duplicate rows: more than one for the same {keys}{lone} with conflicting values: "
            f"{where}. Keep the right one; or, if they are parts such as campaigns, sum them: "
            f"duplicates='sum', or {summed}.",
            remedy={"duplicates": "sum"},
        )
    return InputError(
        f"duplicate rows: more than one for the same {keys}{lone} with equal values: {where}. "
        f"If they are copies, drop them: frame.drop_duplicates({keys}); if they are parts such as "
        f"campaigns, sum them: duplicates='sum', or {summed}.",
        remedy={"duplicates": "sum"},
    )


def _disagrees(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(row,) whether the row's group holds different values; missing differs from a number."""
    comparable = np.where(np.isnan(values), np.inf, values)  # numbers are finite, so inf is free
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    low = np.minimum.reduceat(comparable[order], starts)
    high = np.maximum.reduceat(comparable[order], starts)
    return (low != high)[group]


def one_row_per_date(records: Records) -> OutcomeRecords:
    """Outcome with one row per account and date, after checking that repeats agree.

    Raises
    ------
    InputError : outcome or a control differs between the channel rows of one date
    """
    outcome = records.outcome
    _, first, group = np.unique(_outcome_key(outcome), return_index=True, return_inverse=True)
    for name, values in _repeated_columns(records):
        differs = _disagrees(group, values)
        if differs.any():
            raise _disagreement(name, values, differs, outcome)
    return replace(
        outcome,
        rows=outcome.rows.take(first),
        date=outcome.date[first],
        outcome=outcome.outcome[first],
        control_values=outcome.control_values[:, first],
    )


def _repeated_columns(records: Records) -> Iterator[tuple[str, np.ndarray]]:
    yield records.outcome_name, records.outcome.outcome
    yield from zip(records.controls, records.outcome.control_values, strict=True)


def _disagreement(
    name: str, values: np.ndarray, differs: np.ndarray, outcome: OutcomeRecords
) -> InputError:
    account = np.asarray(outcome.rows.account)
    at = np.flatnonzero(differs)[0]
    same = (account == account[at]) & (outcome.date == outcome.date[at])
    example = (
        f"account {outcome.rows.accounts[account[at]]!r} has {quoted(values[same].tolist())} on "
        f"{outcome.date[at]}"
    )
    return InputError(
        f"column {name!r} differs between channel rows of one account and date: {example}; see "
        f"{outcome.rows.named(differs)}. It must be the account's total, repeated on each row (nan "
        "is a missing value). If it is credited to channels, the sum over them may stand for it: "
        "duplicates='sum'; or pass the true total as a table of its own: "
        f"frame.groupby({list(outcome.key_columns)}, as_index=False)[{name!r}].sum().",
        remedy={"duplicates": "sum"},
    )


def check_enough_periods(outcome: OutcomeRecords) -> None:
    """Every account needs a few observed outcomes; fewer say nothing about anything."""
    account = np.asarray(outcome.rows.account)
    observed = np.isfinite(outcome.outcome)
    n_periods = np.bincount(account[observed], minlength=len(outcome.rows.accounts))
    short = [
        f"{name!r} ({n})"
        for name, n in zip(outcome.rows.accounts, n_periods, strict=True)
        if n < MIN_PERIODS
    ]
    if short:
        raise InputError(
            f"too few periods with an outcome in {len(short)} account(s): {', '.join(short)}; "
            f"every account needs at least {MIN_PERIODS}. Add history, or drop these accounts."
        )


def check_some_period_with_both(
    recorded: np.ndarray, outcome: np.ndarray, dates: np.ndarray, accounts: tuple[str, ...]
) -> None:
    """Spend and outcome of different times say nothing of each other.

    Parameters
    ----------
    recorded : (account, period) whether any spend was given
    outcome : (account, period) NaN where it was not observed
    """
    seen = np.isfinite(outcome)
    apart = np.flatnonzero(recorded.any(axis=1) & seen.any(axis=1) & ~(recorded & seen).any(axis=1))
    if apart.size:
        first = int(apart[0])
        spent, came = dates[recorded[first]], dates[seen[first]]
        names = account_names([accounts[a] for a in apart])
        raise InputError(
            f"no period has both spend and an outcome, for {names}. Spend is from {spent[0]} to "
            f"{spent[-1]}, the outcome from {came[0]} to {came[-1]}"
            f"{f' (account {accounts[first]!r})' if apart.size > 1 else ''}. Export both of the "
            "same time; is a year mistyped?"
        )


def check_some_spend(
    spend: np.ndarray, accounts: tuple[str, ...], channels: tuple[str, ...]
) -> None:
    """Every account and every channel has to spend something somewhere.

    Parameters
    ----------
    spend : (account, channel, period) account currency, NaN where not recorded
    """
    positive = np.any(spend > 0, axis=-1)
    idle = [name for name, used in zip(accounts, np.any(positive, axis=1), strict=True) if not used]
    if idle:
        raise InputError(
            f"{account_names(idle)} never spent anything: every spend is 0 or missing. "
            "Drop what has no spend; there is no budget to decide on."
        )
    unused = [
        name for name, used in zip(channels, np.any(positive, axis=0), strict=True) if not used
    ]
    if unused:
        raise InputError(
            f"channel(s) {quoted(unused)} have no spend in any account: every value is 0 or "
            "missing. Leave them out, e.g. with channels=[...], or check the column."
        )


def check_outcome_size(outcome: np.ndarray, accounts: tuple[str, ...]) -> None:
    """Every account has to sell something: its outcome is an amount, above zero on the whole.

    What sells without advertising and what advertising adds are both zero or more. A difference
    (deposits less withdrawals, sales less their mean) has no such base, and would make every
    return look like nothing.

    Parameters
    ----------
    outcome : (account, period) outcome units, NaN where not recorded
    """
    total, size = np.nansum(outcome, axis=1), np.nansum(np.abs(outcome), axis=1)
    nothing = [name for name, amount in zip(accounts, size, strict=True) if amount == 0]
    if nothing:
        raise InputError(
            f"{account_names(nothing)}: the outcome is 0 in every period, so there is nothing to "
            "learn from. Was it recorded? Put the true values in, or leave these accounts out: "
            f"account_of={dict.fromkeys(nothing[:5], '-')!r}."
        )
    signed = total < LEAST_NET * size
    if signed.any():
        n_below = (outcome < 0).sum(axis=1)
        named = listed(
            f"account {accounts[a]!r} ({n_below[a]} periods below zero, sum {total[a]:,.0f})"
            for a in np.flatnonzero(signed)
        )
        raise InputError(
            f"the outcome is a difference rather than an amount in {named}: what is below zero "
            "takes away more than a third of what is above. Base sales and what advertising adds "
            "are both taken to be 0 or more. Pass the amount itself (sales before the mean is "
            "taken off, deposits rather than net flow), or drop these accounts."
        )


def check_no_missing_spend(
    missing: np.ndarray, records: Records, period: np.ndarray, dates: np.ndarray
) -> None:
    """Spend between a channel's first and last value has to be there.

    Parameters
    ----------
    missing : (account, channel, period) no value, though the channel has one before and after
    period : (row,) position of each spend row's date in ``dates``
    """
    if not missing.any():
        return
    spend = records.spend
    account = np.asarray(spend.rows.account)
    empty = np.isnan(spend.spend) & missing[account, spend.channel, period]
    a, c, _ = np.nonzero(missing)
    cells = list(dict.fromkeys(zip(a.tolist(), c.tolist(), strict=True)))
    named = "; ".join(
        f"account {spend.rows.accounts[i]!r}, channel {records.channels[j]!r} on "
        f"{dates_text(dates[missing[i, j]])}"
        for i, j in cells[:3]
    )
    more = f"; and {len(cells) - 3} more channel(s)" if len(cells) > 3 else ""
    where = f" ({spend.rows.numbered(empty)})" if empty.any() else " (no row for these dates)"
    raise InputError(
        f"spend is missing between a channel's first and last value: {named}{more}{where}. "
        "If missing means that nothing was spent, pass missing_spend='zero'; otherwise fill in "
        "the true spend.",
        remedy={"missing_spend": "zero"},
    )


def check_none_later(
    records: Records, outcome_records: OutcomeRecords, period: str, today: str
) -> None:
    """No row may lie after the day the tables are read on, as far as its label can tell.

    A day may be a day ahead, in time zones east of the caller; a week may be named by its last day.

    Parameters
    ----------
    outcome_records : one row per account and date
    period : "daily", "weekly" or "monthly"
    today : the day the tables are read on; "" checks nothing
    """
    if not today:
        return
    day = np.datetime64(today, "D")
    last = {"daily": day + 1, "weekly": day + 6, "monthly": _month_end(day)}[period]
    for rows, date in (
        (outcome_records.rows, outcome_records.date),
        (records.spend.rows, records.spend.date),
    ):
        later = date > last
        if later.any():
            raise InputError(
                f"{rows.named(later)} lie after today ({today}): {dates_text(date[later])}. Nobody "
                "knows them yet: if they are planned, leave them out, e.g. "
                f"frame[frame['date'] <= {today!r}]; if a date is mistyped, correct it; if the "
                "tables are right, say on which day they are read with today."
            )


def _month_end(day: np.datetime64) -> np.datetime64:
    return (day.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1


def check_controls_known(outcome: OutcomeRecords, controls: tuple[str, ...]) -> None:
    """Every control has to be known wherever the outcome is."""
    observed = np.isfinite(outcome.outcome)
    for name, values in zip(controls, outcome.control_values, strict=True):
        unknown = observed & np.isnan(values)
        if unknown.any():
            raise InputError(
                f"control column {name!r} has no value in {outcome.rows.named(unknown)}, where the "
                "outcome is observed. Fill it in (0 for an event that did not happen), or leave "
                "the control out."
            )
