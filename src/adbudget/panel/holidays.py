"""Dates, country -> columns of public holidays, to be used as controls.

The dates of holidays come from the ``holidays`` package (extra ``calendar``).
"""

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.panel.calendar import PERIOD_DAYS, detect_period
from adbudget.tables.by_account import by_account
from adbudget.tables.messages import Note, listed, quoted

if TYPE_CHECKING:
    from adbudget.panel.panel import Panel

HOLIDAY = "holiday"  # name of the column
SUBSTITUTE = " (observed)"  # how the package marks the day off for a holiday on a weekend
LEAST_PERIODS = 3  # dates from which a period can be told


def calendar_controls(
    dates: "Panel | Any",
    country: str,
    *,
    period: str | None = None,
    each: bool = False,
    observed: bool = False,
) -> pd.DataFrame:
    """Count the public holidays of every period, as columns to merge with an outcome table.

    Parameters
    ----------
    dates : a Panel, or the dates of one: a column, index or list; repeats count once. A date is
        the first day of its week, or any day of its month
    country : ISO code such as "DE", or with a subdivision "DE-BY"
    period : "daily", "weekly" or "monthly"; a Panel's own, else found in the dates
    each : one column per holiday, such as "holiday: Neujahr", in place of one column for all;
        worth it when every holiday falls into several years of history
    observed : count the day off that stands in for a holiday on a weekend, too

    Returns
    -------
    pd.DataFrame, one row per different date, ascending: ``date`` and ``holiday`` (holidays in the
    period), or ``date`` and one column per holiday that occurs

    Raises
    ------
    InputError : dates that cannot be read or have no period, an unknown country or subdivision,
        or the holidays package is not installed
    """
    days, found = _days_and_period(dates, period)
    named = _named_holidays(country, days, found, observed=observed)
    table = pd.DataFrame({"date": days.astype("datetime64[s]")})
    if not each:
        return table.assign(**{HOLIDAY: _count(days, found, list(named))})
    by_name: dict[str, list[datetime.date]] = {}
    for day, names in named.items():
        for name in names.split("; "):
            by_name.setdefault(name.removesuffix(SUBSTITUTE), []).append(day)
    counts = {f"{HOLIDAY}: {name}": _count(days, found, on) for name, on in by_name.items()}
    return table.assign(**{name: count for name, count in counts.items() if count.any()})


def holiday_control(
    asked: Any,
    accounts: tuple[str, ...],
    dates: np.ndarray,
    period: str,
    controls: tuple[str, ...],
    notes: list[Note],
) -> np.ndarray:
    """(account, 1, period) holidays in every period, by each account's own country.

    Parameters
    ----------
    asked : a country, or mapping from account to country
    dates : (period,) datetime64[D] label days
    controls : names that are taken
    notes : gains a note that says what was counted

    Raises
    ------
    InputError : as :func:`calendar_controls`; or a control is called ``holiday`` already
    """
    if HOLIDAY in controls:
        raise InputError(
            f"a control is called {HOLIDAY!r} already, the name of the column that holidays= "
            "makes. Rename it, or leave holidays= out."
        )
    country_of = by_account(asked, "holidays", accounts, default=None)
    counts = {
        country: _count(dates, period, list(_named_holidays(country, dates, period)))
        for country in dict.fromkeys(country_of.values())
    }
    begins = "" if period == "daily" else ", which begins on its date"
    message = (
        f"Control {HOLIDAY!r} counts the public holidays of {listed(counts)} in every "
        f"{period} period{begins}."
    )
    notes.append(Note(kind="holidays", message=message))
    return np.array([counts[country_of[name]] for name in accounts])[:, None, :]


def _days_and_period(dates: Any, period: str | None) -> tuple[np.ndarray, str]:
    """Different days, ascending, and what lies between them."""
    if period is not None and period not in PERIOD_DAYS:
        raise InputError(f"period must be one of {tuple(PERIOD_DAYS)}; got {period!r}.")
    own = getattr(dates, "period", None)
    if isinstance(own, str) and hasattr(dates, "control_values"):
        if period not in (None, own):
            raise InputError(f"the panel is {own}; period={period!r} contradicts it. Leave it out.")
        return dates.dates, own
    try:
        stamps = pd.DatetimeIndex(pd.to_datetime(pd.Index(dates), format="ISO8601"))
    except (TypeError, ValueError) as cause:
        raise InputError(
            "dates must be a Panel or dates, years first, such as '2025-03-31'; got "
            f"{quoted(np.ravel(np.array(dates, dtype=object)).tolist())}."
        ) from cause
    odd = stamps.isna() | (stamps != stamps.normalize())
    if odd.any() or not len(stamps):
        raise InputError(
            "dates must be whole days, at least one and none missing; got "
            f"{quoted(map(str, stamps[odd])) or 'none'}."
        )
    days = np.unique(stamps.tz_localize(None).to_numpy().astype("datetime64[D]"))
    found = period or (detect_period(days) if days.size >= LEAST_PERIODS else None)
    if found is None:
        raise InputError(
            "the dates have no period that can be told (daily, weekly or monthly). State it: "
            "period='weekly'."
        )
    return days, found


def _named_holidays(
    country: object, days: np.ndarray, period: str, *, observed: bool = False
) -> Mapping[datetime.date, str]:
    """Date -> name of every public holiday from the first to after the last period."""
    try:
        from holidays import country_holidays
    except ImportError as cause:
        raise InputError(
            "holidays need the holidays package: install adbudget[calendar], or give a column of "
            "your own as a control."
        ) from cause
    if not isinstance(country, str) or not country.strip():
        raise InputError(
            f"a country must be a code such as 'DE' (or 'DE-BY', a subdivision); got {country!r}."
        )
    code, _, part = country.strip().partition("-")
    begins, ends = _edges(days, period)
    years = range(begins[0].astype(object).year, ends[-1].astype(object).year + 1)
    try:
        found = country_holidays(code.upper(), part or None, years=years, observed=observed)
    # NotImplementedError is how the package says that it has no such country or subdivision.
    except NotImplementedError as cause:
        raise InputError(
            f"there are no holidays for {country!r}: {cause.args[0]}. Expected an ISO code such as "
            "'DE', 'GB' or 'US', or one with a subdivision such as 'DE-BY'."
        ) from cause
    return dict(sorted(found.items()))


def _edges(days: np.ndarray, period: str) -> tuple[np.ndarray, np.ndarray]:
    """(period,) first day of each period, and first day after it; a month is the date's month."""
    if period == "monthly":
        month = days.astype("datetime64[M]")
        after = month + np.timedelta64(1, "M")
        return month.astype("datetime64[D]"), after.astype("datetime64[D]")
    return days, days + np.timedelta64(int(PERIOD_DAYS[period]), "D")


def _count(days: np.ndarray, period: str, holidays: list[datetime.date]) -> np.ndarray:
    """(period,) how many of the holidays lie in each period."""
    when = np.sort(np.array(holidays, dtype="datetime64[D]"))
    begun, ended = (np.searchsorted(when, edge) for edge in _edges(days, period))
    return (ended - begun).astype(float)
