"""Frame -> Panel: what was spent and earned, checked once. Knows nothing of models or decisions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbudget._arrays import make_arrays, similar_name_notes
from adbudget._calendar import PERIOD_DAYS, checked_freq, make_calendar
from adbudget._checks import (
    check_controls_known,
    check_enough_periods,
    check_no_duplicates,
    check_outcome_size,
    one_row_per_date,
)
from adbudget._messages import Note
from adbudget._money import read_currency, read_margin, read_unit_value
from adbudget._reading import read_records
from adbudget.controls import HOLIDAY, holiday_control
from adbudget.errors import InputError

__all__ = ["Note", "Panel", "read_panel"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """What every account spent and earned, on one regular calendar.

    A cell is one channel of one account. Axes are always (account, channel, period).

    Attributes
    ----------
    accounts, channels : names, sorted, in axis order
    controls : names, as the caller listed them; () when there are none
    period : "daily", "weekly" or "monthly"
    period_days : days in one period: 1, 7 or 365.25 / 12
    dates : (period,) datetime64[D] label day of each period, over all accounts
    spend : (account, channel, period) account currency; 0 outside the channel's life
    live : (account, channel, period) from the cell's first to its last positive spend
    outcome : (account, period) outcome units; NaN where it was not observed
    control_values : (account, control, period) NaN only where the outcome is NaN
    outcome_name : the caller's column
    unit_value : (account,) money per outcome unit; 1 when the outcome is money
    margin : (account,) share of that money that is contribution margin
    currency : (account,) currency code; "" when not stated
    first, last : (account,) position of the account's first and last recorded period
    notes : what is worth saying about the input and is not an error
    """

    accounts: tuple[str, ...]
    channels: tuple[str, ...]
    controls: tuple[str, ...] = ()
    period: str
    period_days: float
    dates: np.ndarray
    spend: np.ndarray
    live: np.ndarray
    outcome: np.ndarray
    control_values: np.ndarray
    outcome_name: str
    unit_value: np.ndarray
    margin: np.ndarray
    currency: tuple[str, ...]
    first: np.ndarray
    last: np.ndarray
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        a, c, t = len(self.accounts), len(self.channels), self.dates.size
        wanted = {
            "spend": (a, c, t),
            "live": (a, c, t),
            "outcome": (a, t),
            "control_values": (a, len(self.controls), t),
            "unit_value": (a,),
            "margin": (a,),
            "first": (a,),
            "last": (a,),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise InputError(
                    f"{name} must have shape {shape} for {a} accounts, {c} channels and {t} "
                    f"periods; got {getattr(self, name).shape}."
                )
        if not (np.isfinite(self.spend) & (self.spend >= 0)).all():
            raise InputError("spend must be finite and >= 0; use 0 where nothing was spent.")

    @property
    def n_accounts(self) -> int:
        """Number of accounts."""
        return len(self.accounts)

    @property
    def n_channels(self) -> int:
        """Number of channels over all accounts."""
        return len(self.channels)

    @property
    def n_periods(self) -> int:
        """Number of periods of the calendar."""
        return self.dates.size

    @property
    def exists(self) -> np.ndarray:
        """(account, channel) whether the account has ever used the channel."""
        return np.any(self.live, axis=-1)

    @property
    def cells(self) -> pd.MultiIndex:
        """(account, channel) of every cell that exists, in axis order."""
        pairs = [(self.accounts[a], self.channels[c]) for a, c in np.argwhere(self.exists)]
        return pd.MultiIndex.from_tuples(pairs, names=["account", "channel"])

    @property
    def outcome_money(self) -> np.ndarray:
        """(account, period) outcome in account currency; NaN where it was not observed."""
        return self.outcome * self.unit_value[:, None]

    @property
    def in_record(self) -> np.ndarray:
        """(account, period) from the account's first to its last recorded period."""
        period = np.arange(self.n_periods)
        return (period >= self.first[:, None]) & (period <= self.last[:, None])

    def current_spend(self, window_days: float = 28) -> pd.Series:
        """Mean spend per period at the end of each account's own record.

        A channel that has stopped before the window is at 0.

        Parameters
        ----------
        window_days : length of the window; rounded to whole periods, at least one

        Returns
        -------
        pd.Series by (account, channel), account currency per period

        Raises
        ------
        InputError : ``window_days`` is not a positive number
        """
        n_window = self._periods_in(window_days)
        begin = np.maximum(self.first, self.last - n_window + 1)
        recent = self.in_record & (np.arange(self.n_periods) >= begin[:, None])
        mean = (self.spend * recent[:, None]).sum(axis=-1) / recent.sum(axis=-1)[:, None]
        return pd.Series(mean[self.exists], index=self.cells, name="spend")

    def highest_spend(self, window_days: float = 7) -> pd.Series:
        """Highest mean spend per period that any window of each account's record has held.

        Parameters
        ----------
        window_days : length of the windows; rounded to whole periods, at least one

        Returns
        -------
        pd.Series by (account, channel), account currency per period

        Raises
        ------
        InputError : ``window_days`` is not a positive number
        """
        n_window = self._periods_in(window_days)
        highest = np.zeros(self.spend.shape[:2])
        for a, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            size = min(n_window, last - first + 1)
            total = np.cumsum(np.pad(self.spend[a, :, first : last + 1], ((0, 0), (1, 0))), axis=1)
            highest[a] = (total[:, size:] - total[:, :-size]).max(axis=1) / size
        return pd.Series(highest[self.exists], index=self.cells, name="spend")

    def _periods_in(self, window_days: float) -> int:
        """Whole periods in a window, at least one."""
        if not (np.isreal(window_days) and np.isfinite(window_days) and window_days > 0):
            raise InputError(f"window_days must be a positive number; got {window_days!r}.")
        return max(1, round(window_days / self.period_days))

    def to_frame(self) -> pd.DataFrame:
        """One row per existing cell and period of its account's record, for inspection.

        Returns
        -------
        pd.DataFrame with columns account, channel, date, spend, outcome
        """
        a, c, t = np.nonzero(self.exists[:, :, None] & self.in_record[:, None])
        return pd.DataFrame(
            {
                "account": np.array(self.accounts, dtype=object)[a],
                "channel": np.array(self.channels, dtype=object)[c],
                "date": self.dates[t].astype("datetime64[s]"),
                "spend": self.spend[a, c, t],
                "outcome": self.outcome[a, t],
            }
        )

    def summary(self) -> pd.DataFrame:
        """One row per account: its record, channels, totals and ROAS (money per money spent).

        ``spend`` and ``outcome`` are totals over the record; outcome is in outcome units, and
        ``roas`` uses its money.
        """
        spend = self.spend.sum(axis=(1, 2))
        return pd.DataFrame(
            {
                "account": self.accounts,
                "periods": self.last - self.first + 1,
                "first": self.dates[self.first].astype("datetime64[s]"),
                "last": self.dates[self.last].astype("datetime64[s]"),
                "channels": self.exists.sum(axis=1),
                "spend": spend,
                "outcome": np.nansum(self.outcome, axis=1),
                "roas": np.nansum(self.outcome_money, axis=1) / spend,
                "currency": self.currency,
            }
        )


def read_panel(
    data: Any,
    outcome: Any = None,
    *,
    columns: Any = None,
    channels: Any = None,
    controls: Any = None,
    holidays: Any = None,
    freq: str | None = None,
    currency: Any = None,
    value_per_unit: Any = None,
    margin: Any = None,
    missing_spend: str = "error",
) -> Panel:
    """Read spend and outcome tables, check everything, and put them on one calendar.

    Three forms are read: two long tables, ``data`` (account, channel, date, spend) and ``outcome``
    (account, date, one KPI); one long table with the outcome repeated on each channel row; one
    wide table (account, date, outcome, one column of spend per channel). The tables are never
    changed, and the order of their rows and columns does not matter.

    Parameters
    ----------
    data : pandas or polars frame with the spend. Without an account column it is one account
    outcome : frame with the outcome, or the name of the outcome column of ``data``
    columns : mapping from role (account, channel, date, spend, outcome, currency) to your column;
        by default each has the name of its role, the outcome also revenue, sales or
        conversion_value
    channels : the spend columns of a wide table; by default those whose names end in "spend". In
        a long table, the channels to keep
    controls : columns of the outcome's table that move it besides advertising: promotions, prices
    holidays : country whose public holidays become the control ``holiday``, such as "DE" or
        "DE-BY", or mapping from account to country; see
        :func:`adbudget.controls.calendar_controls`
    freq : "daily", "weekly" or "monthly"; detected by default
    currency : code such as "EUR", or mapping from account to code; by default the currency column
    value_per_unit : money per outcome unit, or mapping from account; needed for a KPI that counts
    margin : share of the outcome's money that is contribution margin, or mapping from account
    missing_spend : "error", or "zero" when a missing value between two others means no spend

    Returns
    -------
    Panel

    Raises
    ------
    InputError : anything in the tables or arguments that cannot be used; says what to change
    """
    if not isinstance(missing_spend, str) or missing_spend not in ("error", "zero"):
        raise InputError(f"missing_spend must be 'error' or 'zero'; got {missing_spend!r}.")
    stated_period = checked_freq(freq)
    records = read_records(data, outcome, columns, channels, controls)
    notes = list(records.notes)
    accounts = records.outcome.rows.accounts
    check_no_duplicates(records)
    outcome_records = one_row_per_date(records)
    check_enough_periods(outcome_records)
    check_controls_known(outcome_records, records.controls)
    outcome_days = _days_by_account(outcome_records.rows.account, outcome_records.date, accounts)
    spend_days = _days_by_account(records.spend.rows.account, records.spend.date, accounts)
    calendar = make_calendar(outcome_days, spend_days, stated_period, notes)
    arrays = make_arrays(
        records, outcome_records, calendar, missing_is_zero=missing_spend == "zero", notes=notes
    )
    check_outcome_size(arrays.outcome, accounts)
    control_names, control_values = records.controls, arrays.control_values
    if holidays is not None:
        at = (accounts, calendar.dates, calendar.period, control_names, notes)
        control_values = np.concatenate([control_values, holiday_control(holidays, *at)], axis=1)
        control_names = (*control_names, HOLIDAY)
    notes += similar_name_notes(accounts, "account")
    notes += similar_name_notes(records.channels, "channel")
    return Panel(
        accounts=accounts,
        channels=records.channels,
        controls=control_names,
        period=calendar.period,
        period_days=PERIOD_DAYS[calendar.period],
        dates=calendar.dates,
        spend=arrays.spend,
        live=arrays.live,
        outcome=arrays.outcome,
        control_values=control_values,
        outcome_name=records.outcome_name,
        unit_value=read_unit_value(value_per_unit, records.outcome_name, accounts),
        margin=read_margin(margin, accounts, notes),
        currency=read_currency(currency, records.currency_columns, accounts),
        first=arrays.first,
        last=arrays.last,
        notes=tuple(notes),
    )


def _days_by_account(
    account: np.ndarray | None, date: np.ndarray, accounts: tuple[str, ...]
) -> dict[str, np.ndarray]:
    codes = np.asarray(account)
    return {name: date[codes == code] for code, name in enumerate(accounts)}
