"""Dates of every account -> one regular grid of days, weeks or months."""

import re
from dataclasses import dataclass

import numpy as np

from adbudget.errors import InputError
from adbudget.tables.messages import Note, account_names, dates_text, quoted

PERIOD_DAYS = {"daily": 1.0, "weekly": 7.0, "monthly": 365.25 / 12}
DAYS_OF = {"d": 1.0, "w": 7.0, "m": 365.25 / 12}
ALIASES = {"d": "daily", "w": "weekly", "m": "monthly", "ms": "monthly", "me": "monthly"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MIN_COVERAGE = 2 / 3  # Monday to Friday covers 5/7 of the days; every other week is not weekly
MAX_PERIODS = 20_000  # half a century of days: beyond it, a date is mistyped


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calendar:
    """A regular grid of periods.

    Attributes
    ----------
    period : "daily", "weekly" or "monthly"
    dates : (period,) datetime64[D] label day of each period
    """

    period: str
    dates: np.ndarray

    def index(self, days: np.ndarray) -> np.ndarray:
        """Position of each day's period on the grid."""
        return period_number(days, self.period) - period_number(self.dates[:1], self.period)[0]


def checked_freq(freq: object) -> str | None:
    """Caller's freq as "daily", "weekly" or "monthly"; None to detect it."""
    if freq is None:
        return None
    name = str(freq).casefold().split("-")[0]  # pandas writes W-MON for weeks
    name = ALIASES.get(name, name)
    if name not in PERIOD_DAYS:
        raise InputError(
            f"freq must be 'daily', 'weekly', 'monthly' or None to detect it; got {freq!r}."
        )
    return name


def make_calendar(
    days_by_account: dict[str, np.ndarray],
    spend_days_by_account: dict[str, np.ndarray],
    freq: str | None,
    notes: list[Note],
) -> Calendar:
    """Grid that holds every account's dates.

    The table with the outcome sets the calendar; spend has to fit it, gaps and all.

    Parameters
    ----------
    days_by_account : datetime64[D] of the outcome rows
    spend_days_by_account : datetime64[D] of the spend rows
    freq : the period when the caller states it
    notes : gains a note when dates are relabelled

    Raises
    ------
    InputError : irregular dates, or accounts whose periods or weekdays differ
    """
    days_by_account = {name: np.unique(days) for name, days in days_by_account.items()}
    spend_days = {name: np.unique(days) for name, days in spend_days_by_account.items()}
    period = _common_period({n: _period_of(n, d, freq) for n, d in days_by_account.items()})
    if period == "weekly":
        _check_common_weekday(days_by_account)
    for name, days in spend_days.items():
        _check_spend_fits(name, days, period, days_by_account[name])
    every_day = np.concatenate([*days_by_account.values(), *spend_days.values()])
    if period == "monthly" and (every_day != _month_start(every_day)).any():
        message = "Monthly dates are labelled with the first day of their month."
        notes.append(Note(kind="month_labels", message=message))
    return Calendar(period=period, dates=regular_grid(every_day, period))


def period_number(days: np.ndarray, period: str) -> np.ndarray:
    """Whole periods since 1970; consecutive periods have consecutive numbers."""
    if period == "monthly":
        return days.astype("datetime64[M]").astype(np.int64)
    return days.astype(np.int64) // int(PERIOD_DAYS[period])


def periods_in(length: object, period_days: float, argument: str) -> int:
    """Whole periods in a length of time: "8w", "56d", "2m", or the number of periods itself.

    Raises
    ------
    InputError : neither of them, or less than one period
    """
    if isinstance(length, int | np.integer) and not isinstance(length, bool) and length >= 1:
        return int(length)
    found = re.fullmatch(r"(\d+)([dwm])", length) if isinstance(length, str) else None
    n_periods = round(int(found[1]) * DAYS_OF[found[2]] / period_days) if found else 0
    if n_periods < 1:
        raise InputError(
            f'{argument} must be a length such as "8w", "56d" or "2m", or a number of periods, and '
            f"hold at least one period; got {length!r}."
        )
    return n_periods


def dates_after(last: np.datetime64, period: str, n_periods: int) -> np.ndarray:
    """(period,) datetime64[D] label days of the periods after one."""
    ahead = np.arange(1, n_periods + 1)
    if period == "monthly":
        return (last.astype("datetime64[M]") + ahead).astype("datetime64[D]")
    return last.astype("datetime64[D]") + ahead * int(PERIOD_DAYS[period])


def _month_start(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[M]").astype("datetime64[D]")


def regular_grid(days: np.ndarray, period: str) -> np.ndarray:
    """(period,) label day of every period from the first to the last of some label days."""
    first, last = days.min(), days.max()
    n_periods = int(np.diff(period_number(np.array([first, last]), period))[0]) + 1
    if n_periods > MAX_PERIODS:
        raise InputError(
            f"dates run from {first} to {last}, which is {n_periods:,} {period} periods; expected "
            f"at most {MAX_PERIODS:,}. One of the two dates is probably mistyped: correct it."
        )
    if period == "monthly":
        months = first.astype("datetime64[M]") + np.arange(n_periods).astype("timedelta64[M]")
        return months.astype("datetime64[D]")
    return first + (np.arange(n_periods) * int(PERIOD_DAYS[period])).astype("timedelta64[D]")


def _period_of(account: str, days: np.ndarray, freq: str | None) -> str:
    """Period of one account's outcome dates, or the error that says what breaks it."""
    found = detect_period(days)
    if freq is None:
        if found is None:
            raise _irregular(account, days)
        return found
    if not _fits(days, freq).all():
        raise _off_calendar(account, days, freq)
    if found is not None and PERIOD_DAYS[found] > PERIOD_DAYS[freq]:
        raise InputError(
            f"freq={freq!r}, but the dates of account {account!r} are {found}: "
            f"{dates_text(days)}. Pass freq={found!r}, or give {freq} rows."
        )
    return freq


def detect_period(days: np.ndarray) -> str | None:
    """Coarsest period whose calendar holds all of the sorted days with few gaps, if any."""
    for period in ("monthly", "weekly", "daily"):
        if _fits(days, period).all() and _coverage(days, period) >= MIN_COVERAGE:
            return period
    return None


def _coverage(days: np.ndarray, period: str) -> float:
    numbers = period_number(days, period)
    return days.size / (numbers[-1] - numbers[0] + 1)


def _fits(days: np.ndarray, period: str) -> np.ndarray:
    """Which days lie on the calendar most of them share."""
    if period == "weekly":
        return weekday_of(days) == _common(weekday_of(days))
    if period == "monthly":
        return _fits_monthly(days)
    return np.ones(days.size, dtype=bool)


def _fits_monthly(days: np.ndarray) -> np.ndarray:
    """Fit days to one day of every month; in a shorter month its last day stands for it."""
    day_of_month = (days - _month_start(days)).astype(np.int64) + 1
    next_month = (days.astype("datetime64[M]") + np.timedelta64(1, "M")).astype("datetime64[D]")
    month_length = (next_month - _month_start(days)).astype(np.int64)
    if (day_of_month == month_length).all():
        return np.ones(days.size, dtype=bool)
    return day_of_month == np.minimum(_common(day_of_month), month_length)


def weekday_of(days: np.ndarray) -> np.ndarray:
    """0 for Monday to 6 for Sunday."""
    return (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday


def _common(numbers: np.ndarray) -> int:
    """Most frequent number; of several, the largest."""
    values, counts = np.unique(numbers, return_counts=True)
    return int(values[counts == counts.max()][-1])


def _irregular(account: str, days: np.ndarray) -> InputError:
    steps = np.diff(days).astype(np.int64)
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[np.argmax(counts)]) if values.size else 0
    if step == 7 and not _fits(days, "weekly").all():
        return _off_calendar(account, days, "weekly")
    if 28 <= step <= 31 and not _fits(days, "monthly").all():
        return _off_calendar(account, days, "monthly")
    widest = int(np.argmax(steps)) if steps.size else 0
    span = f"{days[widest]} to {days[min(widest + 1, days.size - 1)]}"
    if step in (1, 7) or 28 <= step <= 31:
        return InputError(
            f"dates of account {account!r} have so many gaps that their period is unclear: "
            f"{days.size} dates from {days[0]} to {days[-1]}, most often {step} day(s) apart, "
            f"widest gap {span}. Correct mistyped dates, or state the period: freq='daily', "
            "'weekly' or 'monthly'."
        )
    return InputError(
        f"dates of account {account!r} are irregular: most often {step} days apart, first "
        f"{dates_text(days)}. Expected daily, weekly or monthly dates: aggregate to one of these."
    )


def _off_calendar(account: str, days: np.ndarray, period: str) -> InputError:
    fits = _fits(days, period)
    expected = f"the same day of every month, like {days[fits][0]}"
    if period == "weekly":
        expected = f"a {WEEKDAYS[_common(weekday_of(days))]}, like {days[fits][0]}"
    return InputError(
        f"dates of account {account!r} are not {period}: expected every date to be {expected}; "
        f"{dates_text(days[~fits])} {'are' if (~fits).sum() > 1 else 'is'} not. "
        f"Correct them, or aggregate to {period} periods first."
    )


def _common_period(period_by_account: dict[str, str]) -> str:
    periods = sorted(set(period_by_account.values()), key=PERIOD_DAYS.__getitem__)
    if len(periods) > 1:
        raise InputError(
            f"accounts have different periods: {_grouped(period_by_account, periods)}. All "
            f"accounts of a panel need one period: aggregate the finer ones to {periods[-1]}, or "
            "read the accounts apart."
        )
    return periods[0]


def _check_common_weekday(days_by_account: dict[str, np.ndarray]) -> None:
    weekday = {name: WEEKDAYS[weekday_of(days[:1])[0]] for name, days in days_by_account.items()}
    found = sorted(set(weekday.values()), key=WEEKDAYS.index)
    if len(found) > 1:
        raise InputError(
            f"weeks of the accounts begin on different days: {_grouped(weekday, found)}. All "
            "accounts of a panel need the same week: aggregate daily data again, or shift the "
            "dates if only their labels differ."
        )


def _grouped(value_by_account: dict[str, str], values: list[str]) -> str:
    groups = [[name for name, v in value_by_account.items() if v == value] for value in values]
    return "; ".join(f"{v}: {quoted(names)}" for v, names in zip(values, groups, strict=True))


def _check_spend_fits(account: str, days: np.ndarray, period: str, outcome: np.ndarray) -> None:
    """Spend dates may be sparse, but each has to be one of the calendar's label days."""
    fits = _fits(days, period)
    if period == "weekly":
        fits = weekday_of(days) == weekday_of(outcome[:1])[0]
    if not fits.all():
        raise InputError(
            f"the outcome of {account_names([account])} is {period} ({dates_text(outcome)}), but "
            f"its spend has other dates: {dates_text(days[~fits])}. Aggregate both tables to the "
            "same periods, with the same label day."
        )
