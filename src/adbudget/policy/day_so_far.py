"""Circumstances: what a run has to know besides policy and tables. Records; read no ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adbudget.policy.made import Made
from adbudget.policy.readings.daily import History
from adbudget.policy.refusals import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A budget that was changed. Money is minor units per day.

    Attributes
    ----------
    unit : campaign
    rule : names of the rules that moved it, joined by " + "
    at : when, in the clock of the run
    old_minor, new_minor : budget before and after
    """

    unit: str
    rule: str
    at: datetime
    old_minor: int
    new_minor: int

    @property
    def minor(self) -> int:
        """By how much."""
        return self.new_minor - self.old_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a run has to know besides policy and tables. All of it comes from the ledger.

    Attributes
    ----------
    openings : minor units per campaign at the start of the day, of those that moved today
    kill_on : the kill switch stops every change
    past_since : campaigns that were past the trigger of a cutting rule in the last run, and the
        moment of the first run of those without a gap
    paused_today : campaigns that were paused without a person today, and their budgets
    net_today : minor units by which today's changes moved the total of the table's campaigns
    changes : of budgets, oldest first, as far back as any rest or cadence reaches
    earlier_days : reads daily figures as earlier runs knew them; called only where they matter
    logged : a ledger says all this, so what it does not hold did not happen
    made : what became of the changes that were ordered before
    refusals : moves that people rejected or rolled back
    muted : campaigns that a person has muted, and until when
    at : moment of the run with its time zone; None without a ledger
    """

    openings: Mapping[str, int] = field(default_factory=dict)
    kill_on: bool = False
    past_since: Mapping[str, datetime] = field(default_factory=dict)
    paused_today: Mapping[str, int] = field(default_factory=dict)
    net_today: int = 0
    changes: tuple[Change, ...] = ()
    earlier_days: Callable[[], History | None] | None = None
    logged: bool = False
    made: Made = field(default_factory=Made)
    refusals: tuple[Refusal, ...] = ()
    muted: Mapping[str, datetime | None] = field(default_factory=dict)
    at: datetime | None = None
