"""What one cycle is handed: where it reads and writes, its instant, chance, and what it may do."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from adbudget.loop.settings import LoopSettings
from adbudget.loop.sources import Source, today_of
from adbudget.loop.state import LoopState
from adbudget.plan import Limits
from adbudget.platforms.platform import Platform
from adbudget.policy.rulebook import Policy

WHO = "adbudget loop"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doors:
    """The doors of one cycle; :func:`adbudget.loop.run_cycle` says what each is."""

    sources: tuple[Source, ...]
    platform: Platform
    policy: Policy
    state: LoopState
    now: datetime
    rng: np.random.Generator
    settings: LoopSettings
    limits: Limits | None
    cores: int | None

    @property
    def today(self) -> date:
        """The day of the accounts; days before it are over in all of them."""
        return today_of(self.now, self.settings.zones)

    def seed(self) -> int:
        """A number for whatever needs a seed of its own."""
        return int(self.rng.integers(2**31))
