"""What every platform can do, and the records that go in and come out. Knows no protocol.

Money of budgets is whole minor units of the account's currency per day, as ``adbudget.money``
counts them. Instants have a time zone. Days are those of the account, as its platform counts them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol, runtime_checkable

import pandas as pd

from adbudget.errors import InputError
from adbudget.money import LARGEST_EXACT

KEY_LENGTH = 250  # characters of an idempotency key, at most
UNIT = ("account", "channel", "campaign")
FIGURES = ("spend", "impressions", "clicks", "conversions", "revenue")
DAILY = (*UNIT, "date", *FIGURES)
HOURLY = (*UNIT, "date", "hour", *FIGURES)

Status = Literal["made", "valid", "refused", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingBudget:
    """The budget of one campaign as it stands at its platform.

    Attributes
    ----------
    account, channel, campaign : whose it is; ``campaign`` is the platform's own id, and together
        they are different for every budget of a platform
    currency : ISO code
    daily_minor : minor units a day
    version : opaque text that is another one after every change of this budget
    paused : whether the campaign spends nothing whatever its budget
    minimum_minor : least daily budget the platform takes; None when it tells none
    changed_at : when the budget was last changed; None when nobody knows
    edits_left : how many more changes the platform takes within this hour; None when it does not
        count them
    learning_until : until when the platform learns after a large change, and the campaign is less
        efficient and less even; None when it does not

    Examples
    --------
    >>> budget = platform.budgets()[0]
    >>> budget.unit, budget.currency, budget.daily_minor > 0, budget.paused
    (('account_01', 'search', 'search-01'), 'EUR', True, False)
    """

    account: str
    channel: str
    campaign: str
    currency: str
    daily_minor: int
    version: str
    paused: bool = False
    minimum_minor: int | None = None
    changed_at: datetime | None = None
    edits_left: int | None = None
    learning_until: datetime | None = None

    @property
    def unit(self) -> tuple[str, str, str]:
        """(account, channel, campaign)."""
        return (self.account, self.channel, self.campaign)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOrder:
    """Set the budget of one campaign, provided it is still what the plan was based on.

    Attributes
    ----------
    key : idempotency key, 1 to 250 printable characters. The same order sent again under the same
        key is done once; another order under it is a conflict
    account, channel, campaign, currency : as in :class:`StandingBudget`
    based_on_minor : daily budget that the plan was based on
    daily_minor : daily budget wanted
    at : when it is asked for; a repeated order may be later, and is the same order all the same

    Examples
    --------
    >>> from adbudget.platforms import BudgetOrder
    >>> budget = platform.budgets()[0]
    >>> order = BudgetOrder(
    ...     key="first", account=budget.account, channel=budget.channel, campaign=budget.campaign,
    ...     currency=budget.currency, based_on_minor=budget.daily_minor,
    ...     daily_minor=round(1.1 * budget.daily_minor), at=platform.now,
    ... )
    >>> order.daily_minor > order.based_on_minor
    True
    >>> order.unit == budget.unit, order.content[:3] == order.unit
    (True, True)
    """

    key: str
    account: str
    channel: str
    campaign: str
    currency: str
    based_on_minor: int
    daily_minor: int
    at: datetime

    def __post_init__(self) -> None:
        if not (isinstance(self.key, str) and 1 <= len(self.key) <= KEY_LENGTH):
            raise InputError(f"key must be text of 1 to {KEY_LENGTH} characters; got {self.key!r}.")
        if not self.key.isprintable() or self.key != self.key.strip():
            raise InputError(f"key must be printable and not begin or end blank; got {self.key!r}.")
        for name in ("based_on_minor", "daily_minor"):
            minor = getattr(self, name)
            if isinstance(minor, bool) or not isinstance(minor, int):
                raise InputError(f"{name} must be whole minor units (int); got {minor!r}.")
            if not 0 <= minor < LARGEST_EXACT:
                raise InputError(f"{name} must be from 0 to 2**53; got {minor}.")
        if self.at.tzinfo is None:
            raise InputError(f"at must have a time zone; got {self.at.isoformat()}. Add UTC.")

    @property
    def unit(self) -> tuple[str, str, str]:
        """(account, channel, campaign)."""
        return (self.account, self.channel, self.campaign)

    @property
    def content(self) -> tuple[str, str, str, str, int, int]:
        """What is asked for: two orders with the same key and content are one order."""
        return (*self.unit, self.currency, self.based_on_minor, self.daily_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAnswer:
    """What became of an order.

    Attributes
    ----------
    key : of the order
    status : "made", the budget stands as ordered; "valid", it would be made (``validate_only``);
        "refused", the platform does not take it; "conflict", the budget was not what the order was
        based on, or the key belongs to another order
    daily_minor : budget that stands after the answer; None for a campaign that nobody knows
    reason : why, in words; "" when made or valid
    at : when it was decided, by the platform's clock

    Examples
    --------
    >>> from adbudget.platforms import BudgetOrder
    >>> budget = platform.budgets()[0]
    >>> order = BudgetOrder(
    ...     key="first", account=budget.account, channel=budget.channel, campaign=budget.campaign,
    ...     currency=budget.currency, based_on_minor=budget.daily_minor,
    ...     daily_minor=round(1.1 * budget.daily_minor), at=platform.now,
    ... )
    >>> platform.set_budget(order, validate_only=True).status  # nothing is changed
    'valid'
    """

    key: str
    status: Status
    daily_minor: int | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Performance:
    """What a platform reports SO FAR: conversions and revenue of young days are still to rise.

    Attributes
    ----------
    frame : account, channel, campaign, date (midnight, no zone) and, by hour, hour (0 to 23); spend
        and revenue in account currency, impressions, clicks and conversions as counts. One row for
        a campaign and day or hour; sorted; a campaign has none for days on which it was not there
    complete_until : what was spent before this instant is in; later days are in part or not there
    reported_at : when the platform answered, by its clock

    Examples
    --------
    >>> until = platform.now.date()
    >>> report = platform.performance(until - pd.Timedelta(days=3).to_pytimedelta(), until)
    >>> "spend" in report.frame, report.complete_until <= platform.now, report.by_hour
    (True, True, False)
    """

    frame: pd.DataFrame
    complete_until: datetime
    reported_at: datetime

    @property
    def by_hour(self) -> bool:
        """Whether rows are hours; otherwise they are days."""
        return "hour" in self.frame.columns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeReport:
    """What the accounts themselves recorded, such as the sales of their shops, so far.

    No part of :class:`Platform`: the outcome comes from a feed of its own, which a simulated
    platform and a service over HTTP may offer beside it.

    Attributes
    ----------
    frame : account, date (midnight, no zone), the outcome under its name, and controls if there are
        any; one row for an account and day
    complete_until, reported_at : as in :class:`Performance`

    Examples
    --------
    >>> until = platform.now.date()
    >>> report = platform.outcome(until - pd.Timedelta(days=3).to_pytimedelta(), until)
    >>> report.complete_until <= platform.now
    True
    """

    frame: pd.DataFrame
    complete_until: datetime
    reported_at: datetime


@runtime_checkable
class Platform(Protocol):
    """Somewhere budgets stand and money is spent.

    Examples
    --------
    >>> from adbudget.platforms import BudgetOrder, Platform
    >>> isinstance(platform, Platform), platform.name
    (True, 'simulated platform')
    >>> budget, today = platform.budgets()[0], platform.now.date()
    >>> bool(platform.performance(today, today).frame["spend"].sum() > 0)
    True
    >>> order = BudgetOrder(
    ...     key="second", account=budget.account, channel=budget.channel, campaign=budget.campaign,
    ...     currency=budget.currency, based_on_minor=budget.daily_minor,
    ...     daily_minor=round(1.1 * budget.daily_minor), at=platform.now,
    ... )
    >>> platform.set_budget(order, validate_only=True).status, platform.answer_of("never sent")
    ('valid', None)
    """

    @property
    def name(self) -> str:
        """How messages call it; holds no secret."""
        ...

    def budgets(self) -> tuple[StandingBudget, ...]:
        """Every budget as it stands now, sorted by account, channel and campaign.

        Raises
        ------
        PlatformError : the platform cannot be reached, or answers nonsense
        """
        ...

    def performance(self, since: date, until: date, *, by_hour: bool = False) -> Performance:
        """What was spent and earned from the first day to the last, both included.

        Parameters
        ----------
        since, until : days of the accounts; days without a report are not in the frame
        by_hour : rows by hour, if the platform reports so; by day otherwise

        Raises
        ------
        InputError : ``since`` is after ``until``
        PlatformError : as :meth:`budgets`
        """
        ...

    def set_budget(self, order: BudgetOrder, *, validate_only: bool = False) -> OrderAnswer:
        """Make the order, or say why not; never asks twice by itself.

        A key that was answered before is answered the same way again, and nothing is done: a
        refused order needs a new key. A budget that is not ``based_on_minor`` is never overwritten.

        Parameters
        ----------
        order : what to set
        validate_only : say what would be answered; nothing changes and the key stays free

        Raises
        ------
        PlatformError : no answer, so nobody knows whether the budget was set; :meth:`answer_of`
            tells
        """
        ...

    def answer_of(self, key: str) -> OrderAnswer | None:
        """What became of the order with this key; None when the platform has never got it.

        Raises
        ------
        PlatformError : as :meth:`budgets`
        """
        ...
