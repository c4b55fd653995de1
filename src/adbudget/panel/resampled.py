"""Records of days or weeks -> the same records summed to weeks or months, and nothing in half.

A coarser period begins on the dates of the coarser table; a daily one alone has weeks from Monday.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.panel.calendar import PERIOD_DAYS, WEEKDAYS, detect_period, weekday_of
from adbudget.panel.forms import Records
from adbudget.panel.joining import OutcomeRecords, SpendRecords
from adbudget.tables.messages import Note, account_names, dates_text

COARSER = ("weekly", "monthly")


def checked_resample(resample: object) -> str | None:
    """Period to sum to, or None.

    Raises
    ------
    InputError : neither weekly nor monthly
    """
    if resample not in (None, *COARSER):
        raise InputError(f"resample must be 'weekly' or 'monthly'; got {resample!r}.")
    return None if resample is None else str(resample)


def check_one_period(records: Records, outcome: OutcomeRecords) -> None:
    """Refuse spend by week beside an outcome by day, and the like: gaps are no days without spend.

    Raises
    ------
    InputError : names both periods, and how to sum to the coarser one
    """
    for code, name in enumerate(outcome.rows.accounts):
        by = {}
        for what, one in (("outcome", outcome), ("spend", records.spend)):
            days = np.unique(one.date[np.asarray(one.rows.account) == code])
            by[what] = (detect_period(days) if days.size > 2 else None, days)
        (earned, _), (spent, dates) = by["outcome"], by["spend"]
        if earned is None or spent is None or earned == spent:
            continue
        coarser = max(earned, spent, key=PERIOD_DAYS.__getitem__)
        raise InputError(
            f"the outcome of {account_names([name])} is {earned} and its spend is {spent} "
            f"({dates_text(dates)}). Sum both to the coarser period: resample={coarser!r}.",
            remedy={"resample": coarser},
        )


def resampled(
    records: Records,
    outcome: OutcomeRecords,
    period: str,
    notes: list[Note],
    *,
    missing_is_zero: bool,
) -> tuple[Records, OutcomeRecords]:
    """Sum spend and outcome to a coarser period; controls become their means.

    A period that the outcome covers in part, at the ends of its record, is left out; one that it
    covers with gaps has no outcome.

    Parameters
    ----------
    outcome : one row per account and date
    period : "weekly" or "monthly"
    notes : gains what was summed and left out
    missing_is_zero : whether a day without spend inside a channel's life had none

    Raises
    ------
    InputError : days of spend are missing, or the dates are coarser than the period
    """
    first_day = _first_weekday(records, outcome)
    summed, left_out = _outcome(outcome, period, first_day)
    kept = np.unique(summed.date)
    spend = _spend(records, period, first_day, missing_is_zero=missing_is_zero)
    inside = np.isin(spend.date, kept)
    dropped = np.unique(spend.date[~inside])
    spend = _taken(spend, np.flatnonzero(inside))
    begin = {"weekly": f"weeks begin on {WEEKDAYS[first_day]}", "monthly": "by calendar month"}
    message = f"Spend and outcome are summed to {period} periods, as asked ({begin[period]})."
    if left_out.size or dropped.size:
        lost = np.union1d(left_out, dropped)
        message += f" Left out, as they are covered in part only: {dates_text(lost)}."
    if outcome.control_values.shape[0]:
        message += " Controls are the means of their days."
    notes.append(Note(kind="resampled", message=message))
    return replace(records, spend=spend, outcome=summed), summed


def _first_weekday(records: Records, outcome: OutcomeRecords) -> int:
    """Weekday of the dates of a table that is weekly already; Monday when none is."""
    for one in (outcome.date, records.spend.date):
        days = np.unique(one)
        if days.size > 2 and detect_period(days) == "weekly":
            return int(weekday_of(days[:1])[0])
    return 0


def _label(days: np.ndarray, period: str, first_day: int) -> np.ndarray:
    """First day of the period that each day lies in."""
    if period == "monthly":
        return days.astype("datetime64[M]").astype("datetime64[D]")
    return days - ((weekday_of(days) - first_day) % 7).astype("timedelta64[D]")


def _length(labels: np.ndarray, period: str) -> np.ndarray:
    """Days in the period that begins on each label."""
    if period == "weekly":
        return np.full(labels.size, 7)
    following = (labels.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return (following - labels).astype(int)


def _step(days: np.ndarray, period: str) -> int:
    """Days that one row stands for: 1, 7, or a whole period."""
    found = detect_period(np.unique(days))
    if found == "monthly" and period == "weekly":
        raise InputError("resample='weekly', but the dates are monthly; pass resample='monthly'.")
    return 1 if found == "daily" or found is None else 7 if found == "weekly" else 0


def _outcome(
    outcome: OutcomeRecords, period: str, first_day: int
) -> tuple[OutcomeRecords, np.ndarray]:
    """Outcome by period, and the labels of periods that are covered in part at the ends."""
    step = _step(outcome.date, period)
    label = _label(outcome.date, period, first_day)
    table = pd.DataFrame(
        {"account": outcome.rows.account, "label": label, "outcome": outcome.outcome}
    ).assign(row=np.arange(len(outcome.rows)))
    groups: Any = table.groupby(["account", "label"], sort=True)
    one = groups.agg(
        row=("row", "first"),
        total=("outcome", lambda values: values.sum(skipna=False)),
        n=("row", "size"),
    ).reset_index()
    labels = one["label"].to_numpy().astype("datetime64[D]")
    due = np.ones(len(one)) if step == 0 else np.ceil(_length(labels, period) / step)
    if step == 7 and period == "monthly":
        due = np.floor(_length(labels, period) / step)  # four or five weeks begin in a month
    whole = one["n"].to_numpy() >= due
    of_account = one.groupby("account")["label"]
    first, last = (of_account.transform(end).eq(one["label"]) for end in ("min", "max"))
    lost = ~whole & (first | last).to_numpy()
    total = np.where(whole, one["total"].to_numpy(dtype=float), np.nan)
    means = np.array([_means(table, control) for control in outcome.control_values])
    means = means.reshape(-1, len(one))
    kept = np.flatnonzero(~lost)
    place = one["row"].to_numpy()[kept]
    summed = replace(
        outcome,
        rows=outcome.rows.take(place),
        date=labels[kept],
        outcome=total[kept],
        control_values=means[:, kept],
    )
    return summed, labels[lost]


def _means(table: Any, control: np.ndarray) -> np.ndarray:
    return table.assign(control=control).groupby(["account", "label"])["control"].mean().to_numpy()


def _spend(records: Records, period: str, first_day: int, *, missing_is_zero: bool) -> SpendRecords:
    spend = records.spend
    told = np.array([name in records.idle_channels for name in records.channels])
    if not missing_is_zero:
        _check_every_day(records, ~told)
    label = _label(spend.date, period, first_day)
    keys = {"account": spend.rows.account, "channel": spend.channel, "label": label}
    table = pd.DataFrame(keys | {"spend": spend.spend, "row": np.arange(len(spend.rows))})
    groups: Any = table.groupby(["account", "channel", "label"], sort=False)
    one = groups.agg(row=("row", "first")).reset_index()
    one["spend"] = groups["spend"].sum(min_count=1).to_numpy()
    return replace(
        spend,
        rows=spend.rows.take(one["row"].to_numpy()),
        date=one["label"].to_numpy().astype("datetime64[D]"),
        channel=one["channel"].to_numpy(),
        spend=one["spend"].to_numpy(dtype=float),
        source=None,
    )


def _check_every_day(records: Records, asked: np.ndarray) -> None:
    """Spend of every day between a channel's first and last must be there before it is summed."""
    spend = records.spend
    known = np.isfinite(spend.spend) & asked[spend.channel]
    columns = {"account": spend.rows.account, "channel": spend.channel, "date": spend.date}
    table: Any = pd.DataFrame(columns)[known]
    if table.empty:
        return
    found = detect_period(np.unique(table["date"].to_numpy().astype("datetime64[D]")))
    if found not in ("daily", "weekly"):
        return
    step = np.timedelta64(int(PERIOD_DAYS[found]), "D")
    for (account, channel), dates in table.groupby(["account", "channel"])["date"]:
        days = np.unique(dates.to_numpy().astype("datetime64[D]"))
        missing = np.setdiff1d(np.arange(days[0], days[-1] + step, step), days)
        if missing.size:
            raise InputError(
                f"spend is missing between a channel's first and last value: account "
                f"{spend.rows.accounts[account]!r}, channel {records.channels[channel]!r} on "
                f"{dates_text(missing)}. If missing means that nothing was spent, pass "
                "missing_spend='zero'; otherwise fill in the true spend.",
                remedy={"missing_spend": "zero"},
            )


def _taken(spend: SpendRecords, place: np.ndarray) -> SpendRecords:
    return replace(
        spend,
        rows=spend.rows.take(place),
        date=spend.date[place],
        channel=spend.channel[place],
        spend=spend.spend[place],
    )
