"""The budgets of a simulated platform as they stand, and what each change does to a campaign.

Changed only by :class:`SimulatedPlatform`, which holds the lock. Instants are its clock's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from adbudget.platforms.platform import StandingBudget
from adbudget.platforms.rules import PlatformRules

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Unit = tuple[str, str, str]


class CampaignBook:
    """Budgets, pauses, edits and learning of every campaign.

    Attributes
    ----------
    units : (account, channel, campaign) of every cell
    minor : (cell,) daily budgets in whole minor units
    highest : (cell,) highest budget of the day so far, which the day's spend may reach
    paused : (cell,) whether it spends nothing
    """

    def __init__(
        self,
        units: Sequence[Unit],
        currency: str,
        minor: np.ndarray,
        paused: np.ndarray,
        rules: PlatformRules,
        minimum_minor: int,
    ) -> None:
        self.units, self.minor, self.paused = tuple(units), minor.copy(), paused.copy()
        self.highest = minor.copy()
        self._currency, self._rules, self._minimum = currency, rules, minimum_minor
        self._versions = np.ones(minor.size, dtype=int)
        self._edits: dict[int, list[tuple[datetime, int]]] = {}  # when, and the budget before
        self._changed: dict[int, datetime] = {}
        self._learns: dict[int, tuple[datetime, datetime]] = {}
        self._cell = {unit: i for i, unit in enumerate(units)}

    def cell_of(self, unit: Unit) -> int | None:
        """Place of a campaign; None when nobody knows it."""
        return self._cell.get(unit)

    def standing(self, i: int, now: datetime) -> StandingBudget:
        """The budget of one campaign as it stands."""
        account, channel, campaign = self.units[i]
        learns = self._learns.get(i)
        return StandingBudget(
            account=account,
            channel=channel,
            campaign=campaign,
            currency=self._currency,
            daily_minor=int(self.minor[i]),
            version=str(self._versions[i]),
            paused=bool(self.paused[i]),
            minimum_minor=self._minimum,
            changed_at=self._changed.get(i),
            edits_left=max(self._rules.edits_per_hour - len(self._within(i, now, HOUR)), 0),
            learning_until=learns[1] if learns is not None and learns[1] > now else None,
        )

    def change(self, i: int, minor: int, now: datetime) -> None:
        """Set a budget; a large step from what stood 24 hours ago starts learning."""
        edits = self._within(i, now, DAY)
        before = edits[0][1] if edits else int(self.minor[i])
        if abs(minor - before) > self._rules.large_edit * before and self._rules.learning_days:
            learns = self._learns.get(i)
            since = learns[0] if learns is not None and learns[1] > now else now
            self._learns[i] = (since, now + timedelta(days=self._rules.learning_days))
        self._edits[i] = [*edits, (now, int(self.minor[i]))]
        self.minor[i] = minor
        self.highest[i] = max(self.highest[i], minor)
        self._touch(i, now)

    def pause(self, i: int, paused: bool, now: datetime) -> None:
        """Pause a campaign or let it run again."""
        self.paused[i] = paused
        self._touch(i, now)

    def begin_day(self) -> None:
        """Let yesterday's higher budgets count no longer."""
        self.highest = self.minor.copy()

    def learning(self, start: datetime, end: datetime) -> np.ndarray:
        """(cell,) whether a campaign learns at any time between two instants."""
        mask = np.zeros(self.minor.size, dtype=bool)
        for i, (since, until) in self._learns.items():
            mask[i] = since < end and until > start
        return mask

    def _within(self, i: int, now: datetime, span: timedelta) -> list[tuple[datetime, int]]:
        return [edit for edit in self._edits.get(i, ()) if edit[0] > now - span]

    def _touch(self, i: int, now: datetime) -> None:
        self._versions[i] += 1
        self._changed[i] = now
