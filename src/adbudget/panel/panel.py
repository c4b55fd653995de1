"""Panel: what was spent and earned, by account, channel and period, on one calendar."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.errors import InputError
from adbudget.tables.messages import Note


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Panel(Shown):
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
    last_spend : (account, channel) position of the last period whose spend was given, 0 or more;
        -1 where none was: after it nothing is known to have been spent, or not spent
    today : day the panel was read on, "2026-03-01"; "" when the caller did not say
    notes : what is worth saying about the input and is not an error

    Examples
    --------
    >>> panel.spend.shape  # (account, channel, period)
    (5, 2, 52)
    >>> list(panel.to_frame().columns)
    ['account', 'channel', 'date', 'spend', 'outcome']
    >>> panel.n_accounts, panel.n_channels, panel.n_periods, len(panel.cells), panel.exists.sum()
    (5, 2, 52, 10, np.int64(10))
    >>> panel.in_words
    "5 accounts, 2 channels, 52 weekly periods, 2024-04-08 to 2025-03-31, outcome 'revenue'"
    >>> panel.outcome_money.shape, bool(panel.in_record.all())
    ((5, 52), True)
    >>> bool((panel.current_spend() <= panel.highest_spend()).all()), list(panel.summary())[:4]
    (True, ['account', 'periods', 'first', 'last'])
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
    last_spend: np.ndarray
    today: str = ""
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
            "last_spend": (a, c),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise InputError(
                    f"{name} must have shape {shape} for {a} accounts, {c} channels and {t} "
                    f"periods; got {getattr(self, name).shape}."
                )
        if not (np.isfinite(self.spend) & (self.spend >= 0)).all():
            raise InputError("spend must be finite and >= 0; use 0 where nothing was spent.")

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        kinds = Counter(note.kind for note in self.notes)
        told = ", ".join(f"{kind} ({n:,})" for kind, n in kinds.items()) or "none"
        columns = ["account", "periods", "first", "last", "channels", "spend", "outcome", "roas"]
        return Page(
            title=f"Panel of {self.in_words}",
            facts=[("channels", ", ".join(self.channels)), ("notes", told)],
            next=(".summary()  .to_frame()  .notes  ab.fit(panel, seed=0)",),
            **table_of(self.summary(), columns),
        )

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
    def in_words(self) -> str:
        """What it holds, in one line."""
        return (
            f"{counted(self.n_accounts, 'account')}, {counted(self.n_channels, 'channel')}, "
            f"{self.n_periods:,} {self.period} periods, {self.dates[0]} to {self.dates[-1]}, "
            f"outcome {self.outcome_name!r}"
        )

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
