"""WorldSpec + seed + the orders it is given -> a platform with known truth, on a clock of its own.

Budgets become spend by the hour, spend becomes outcome under the world's curves, and both are
reported as platforms do: late, in part, and with conversions that are still to come. The same seed
and the same orders at the same instants give the same figures, however the clock was moved between.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError, PlatformError
from adbudget.money import digits_of
from adbudget.platforms.campaign_book import CampaignBook
from adbudget.platforms.day_book import DayBook
from adbudget.platforms.deciding import Answered, answer_in, changes, check_days, decide
from adbudget.platforms.outcome_book import OutcomeBook
from adbudget.platforms.platform import (
    BudgetOrder,
    OrderAnswer,
    OutcomeReport,
    Performance,
    StandingBudget,
)
from adbudget.platforms.rules import PlatformRules
from adbudget.platforms.traffic import (
    DEMAND_TRAFFIC,
    HOURS,
    DayFigures,
    credited,
    draw_day,
    draw_traits,
    figures_of,
    hour_spend,
)
from adbudget.platforms.wire import answer_to_json, order_from_json, order_to_json
from adbudget.synthetic import Truth, World, WorldSpec, continue_world, synthesize

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RECENT_DAYS = 28  # whose spend makes the budgets of the start
DEMO = WorldSpec(n_accounts=4, n_channels=4, n_periods=364, period="daily", noise=0.1)
DAYS_IN = {"daily": 1, "weekly": 7, "monthly": 30}

Journal = Callable[[Mapping[str, Any]], None]


def daily_spec(spec: WorldSpec, start: date | None = None) -> WorldSpec:
    """The same world day by day, as a platform reports it.

    Parameters
    ----------
    spec : of any period; lengths of weeks and months become days
    start : first day after the history; None leaves the end where it is

    Examples
    --------
    >>> from adbudget.platforms import daily_spec
    >>> daily_spec(WorldSpec(n_accounts=1, n_channels=2, period="daily")).period
    'daily'
    """
    days = DAYS_IN[spec.period]
    low, high = (length * days for length in spec.period_range)
    last = spec.last_date if start is None else (start - DAY).isoformat()
    length = low if low == high else (low, high)
    return replace(spec, period="daily", n_periods=length, last_date=last)


class SimulatedPlatform:
    """A platform whose campaigns have true curves; see :class:`Platform`. Safe to share by threads.

    Parameters
    ----------
    spec : a daily world; None is the demo of 4 accounts x 4 channels with a year of history
    seed : whole number >= 0
    rules : how the platform behaves
    name : how messages call it
    journal : is told every order and every pause before it takes effect, as plain JSON, to keep it;
        :meth:`replay` reads it

    Raises
    ------
    InputError : the world is not daily; :func:`daily_spec` makes it so

    Examples
    --------
    >>> from adbudget.platforms import SimulatedPlatform
    >>> simulated = SimulatedPlatform(seed=1)
    >>> simulated.advance(hours=3)
    >>> len(simulated.budgets()) > 0
    True
    >>> account, channel, campaign = simulated.budgets()[0].unit
    >>> simulated.pause(account, channel, campaign)
    >>> simulated.advance_to(simulated.now + pd.Timedelta(days=1))
    >>> again = {"account": account, "channel": channel, "campaign": campaign, "paused": False}
    >>> simulated.replay({"at": simulated.now.isoformat(), "pause": again})  # as a journal tells it
    >>> simulated.budgets()[0].paused, (account, channel) in simulated.truth.cells
    (False, True)
    >>> simulated.world.seed
    1
    >>> list(simulated.outcome(simulated.now.date(), simulated.now.date()).frame)
    ['account', 'date', 'revenue']
    """

    def __init__(
        self,
        spec: WorldSpec | None = None,
        seed: int = 0,
        *,
        rules: PlatformRules | None = None,
        name: str = "simulated platform",
        journal: Journal | None = None,
    ) -> None:
        spec = DEMO if spec is None else spec
        if spec.period != "daily":
            raise InputError(f"a platform reports days; this world is {spec.period}: daily_spec.")
        self.name, self.spec, self.seed = name, spec, int(seed)
        self.rules = PlatformRules() if rules is None else rules
        self.journal = journal
        self._lock = threading.RLock()
        self._answers: dict[str, Answered] = {}
        self._world = continue_world(spec, seed)
        history, truth = self._world.history, self._world.truth
        self._account = history.account_of_cell
        self._digits = digits_of(spec.currency)
        self._traits = draw_traits(history, self.rules)
        recorded = history.population.recorded(history.demand.dates.size)
        self._skipped = int((~recorded.any(axis=0)).sum())  # a year before the records
        self.start = _instant(_date(history.demand.dates, -1)) + DAY
        self._hours_passed = 0
        self._clock = self.start
        units = [
            (account, channel, f"{channel}-{self._account[i] + 1:02d}")
            for i, (account, channel) in enumerate(truth.cells)
        ]
        self._days = self._of_history(tuple(units))
        self._campaigns = self._at_start(units)
        skipped = self._skipped
        self._outcomes = OutcomeBook(
            spec=spec,
            first=self._days.first,
            n_periods=history.population.n_periods,
            outcome=list(history.outcome.T[skipped:]),
            signal=list(history.demand.signal.T[skipped:]),
        )
        self._begin_day()

    # What is known of it -------------------------------------------------------------------------

    @property
    def truth(self) -> Truth:
        """The true curves; spend per day in account currency."""
        return self._world.truth

    @cached_property
    def world(self) -> World:
        """The world as it was at the start, without what was spent here since."""
        return synthesize(self.spec, self.seed)

    @property
    def now(self) -> datetime:
        """The platform's clock, in UTC."""
        return self._clock

    def budgets(self) -> tuple[StandingBudget, ...]:
        """See :class:`Platform`."""
        with self._lock:
            book = self._campaigns
            found = [book.standing(i, self._clock) for i in range(len(book.units))]
        return tuple(sorted(found, key=lambda budget: budget.unit))

    def performance(self, since: date, until: date, *, by_hour: bool = False) -> Performance:
        """See :class:`Platform`. Days and hours are in UTC."""
        check_days(since, until)
        with self._lock:
            seen = _hour_before(self._clock - self.rules.delay_hours * HOUR)
            frame = self._days.report((since, until), self._today(), seen=seen, by_hour=by_hour)
            return Performance(frame=frame, complete_until=seen, reported_at=self._clock)

    def outcome(self, since: date, until: date) -> OutcomeReport:
        """What the accounts themselves recorded: the sales of their shops, whoever claims them."""
        check_days(since, until)
        with self._lock:
            seen = self._clock - self.rules.outcome_delay_hours * HOUR
            life = self.rules.outcome_maturity_days
            return OutcomeReport(
                frame=self._outcomes.report((since, until), seen=seen, half_life=life),
                complete_until=_instant(seen.date()),
                reported_at=self._clock,
            )

    def answer_of(self, key: str) -> OrderAnswer | None:
        """See :class:`Platform`."""
        with self._lock:
            return answer_in(self._answers, key)

    # What changes it -----------------------------------------------------------------------------

    def set_budget(self, order: BudgetOrder, *, validate_only: bool = False) -> OrderAnswer:
        """See :class:`Platform`."""
        with self._lock:
            i = self._campaigns.cell_of(order.unit)
            standing = None if i is None else self._campaigns.standing(i, self._clock)
            earlier = self._answers.get(order.key)
            answer = decide(order, standing, earlier, at=self._clock, validate_only=validate_only)
            if earlier is not None or validate_only:
                return answer
            told = {"order": order_to_json(order), "answer": answer_to_json(answer)}
            self._note(told)  # kept before it takes effect, and before anybody hears of it
            self._answers[order.key] = (order, answer)
            if i is not None and changes(order, answer):
                self._touched.add(i)
                self._campaigns.change(i, order.daily_minor, self._clock)
            return answer

    def pause(self, account: str, channel: str, campaign: str, *, paused: bool = True) -> None:
        """Pause a campaign by hand, as its owner might, or let it run again.

        Raises
        ------
        InputError : nobody knows the campaign
        """
        with self._lock:
            i = self._campaigns.cell_of((account, channel, campaign))
            if i is None:
                raise InputError(f"there is no campaign {campaign!r} in {account}, {channel}.")
            unit = {"account": account, "channel": channel, "campaign": campaign}
            self._note({"pause": unit | {"paused": paused}})
            self._touched.add(i)
            self._campaigns.pause(i, paused, self._clock)

    def advance_to(self, instant: datetime) -> None:
        """Let the clock run to an instant; one that has passed changes nothing.

        Raises
        ------
        InputError : no time zone
        """
        if instant.tzinfo is None:
            raise InputError(f"the instant needs a time zone; got {instant.isoformat()}.")
        instant = instant.astimezone(UTC)
        with self._lock:
            while self.start + (self._hours_passed + 1) * HOUR <= instant:
                self._clock = self.start + (self._hours_passed + 1) * HOUR
                self._pass_hour()
            self._clock = max(self._clock, instant)

    def advance(self, *, days: float = 0, hours: float = 0) -> None:
        """Let the clock run for so long."""
        self.advance_to(self._clock + timedelta(days=days, hours=hours))

    def replay(self, event: Mapping[str, Any]) -> None:
        """Let one thing that the journal was told happen again, at its instant.

        Raises
        ------
        PlatformError : it would not happen again as it did
        """
        journal, self.journal = self.journal, None
        try:
            self.advance_to(datetime.fromisoformat(event["at"]))
            if "pause" in event:
                self.pause(**event["pause"])
                return
            answer = answer_to_json(self.set_budget(order_from_json(event["order"], self.name)))
        finally:
            self.journal = journal
        if answer != event["answer"]:
            raise PlatformError(
                f"{self.name}: order {answer['key']!r} was answered {event['answer']}, and would "
                f"now be answered {answer}. The state was made with another world or version."
            )

    def _note(self, event: dict[str, Any]) -> None:
        if self.journal is not None:
            self.journal({"at": self._clock.isoformat()} | event)

    # How days pass -------------------------------------------------------------------------------

    def _begin_day(self) -> None:
        """Fix what the day holds in store, whatever is spent on it."""
        n_cells = len(self._account)
        self._campaigns.begin_day()
        self._day_start = self.start + self._hours_passed // HOURS * DAY
        self._ahead = self._world.ahead(1)
        self._chance = draw_day(self.seed, len(self._days.days), n_cells, self.rules.unspent)
        swing = self._ahead.log_demand[:, 0] - self._usual_demand
        traffic = np.exp(DEMAND_TRAFFIC * swing)[self._account]
        self._capacity = np.floor(self._usual_spend * self._traits.headroom * traffic)
        self._hours = np.zeros((n_cells, HOURS))
        self._touched: set[int] = set()

    def _pass_hour(self) -> None:
        hour = self._hours_passed % HOURS
        limit = np.floor(self._campaigns.highest * self._chance.filled)
        target = np.minimum(limit, self._capacity)
        spent = self._hours.sum(axis=1)
        spend = hour_spend(target, spent, self._traits.hours, hour)
        self._hours[:, hour] = np.where(self._campaigns.paused, 0.0, spend)
        self._hours_passed += 1
        if self._hours_passed % HOURS == 0:
            self._end_day()

    def _end_day(self) -> None:
        figures, self._world, outcome = self._day_so_far()
        if self._touched:
            cells = np.array(sorted(self._touched))
            self._days.odd[len(self._days.days)] = (cells, self._hours[cells])
        self._days.days.append(figures)
        self._outcomes.outcome.append(outcome)
        self._outcomes.signal.append(self._ahead.signal[:, 0])
        self._begin_day()

    def _day_so_far(self) -> tuple[DayFigures, Any, np.ndarray]:
        """Figures of the day as if it ended now, the world after it, and the outcome."""
        start = self._day_start
        spend = self._hours.sum(axis=1)
        learns = self._campaigns.learning(start, start + DAY)
        noise = self.rules.learning_noise
        less = (1 - self.rules.learning_loss) * np.exp(noise * self._chance.learning - noise**2 / 2)
        after, brought = self._world.advance(
            spend[:, None] / 10.0**self._digits,
            efficiency=np.where(learns, less, 1.0)[:, None],
            ahead=self._ahead,
        )
        figures = self._figures(spend, brought.owed[:, 0], brought.base[:, 0], self._chance)
        return figures, after, brought.outcome[:, 0]

    def _today(self) -> tuple[DayFigures, np.ndarray]:
        return self._day_so_far()[0], self._hours

    def _figures(
        self, spend: np.ndarray, owed: np.ndarray, base: np.ndarray, chance: Any
    ) -> DayFigures:
        units = credited(owed, base, spend, self._account, self.rules.claimed)
        return figures_of(spend, units, self._traits, chance, self._digits)

    # How it begins -------------------------------------------------------------------------------

    def _of_history(self, units: tuple[tuple[str, str, str], ...]) -> DayBook:
        """The book of the days before the start."""
        history, skipped = self._world.history, self._skipped
        population, demand = history.population, history.demand
        spend = np.rint(history.spend[population.used][:, skipped:] * 10.0**self._digits)
        base = history.sales.base[:, None] * np.exp(demand.log_demand[:, skipped:])
        number = np.arange(spend.shape[1])
        born = (spend.shape[1] - population.n_periods)[self._account]
        starts, stops = population.starts[population.used], population.stops[population.used]
        there = (number >= (born + starts)[:, None]) & (number < (born + stops)[:, None])
        days = DayBook(
            first=_date(demand.dates, skipped),
            units=units,
            traits=self._traits,
            digits=self._digits,
            there=there,
        )
        for t in number:
            chance = draw_day(self.seed, int(t), len(units), self.rules.unspent)
            owed = history.owed[:, skipped + t]
            days.days.append(self._figures(spend[:, t], owed, base[:, t], chance))
        return days

    def _at_start(self, units: list[tuple[str, str, str]]) -> CampaignBook:
        """Budgets of what was spent of late; a campaign that had stopped is paused."""
        demand = self._world.history.demand.log_demand[:, self._skipped :]
        self._usual_demand = demand[:, -365:].mean(axis=1)
        there = self._days.there
        spend = np.stack([day.spend for day in self._days.days], axis=1) * there
        # Its last weeks, whenever they were.
        late = there & (there[:, ::-1].cumsum(axis=1)[:, ::-1] <= RECENT_DAYS)
        usual = (spend * late).sum(axis=1) / np.maximum(late.sum(axis=1), 1)
        mean = self._world.truth.scale * 10.0**self._digits
        self._usual_spend = np.maximum(usual, mean)  # it may have been between two flights
        one = 10**self._digits
        minimum = round(self.rules.minimum * one)
        minor = np.maximum(np.rint(usual / one) * one, minimum).astype("int64")
        return CampaignBook(units, self.spec.currency, minor, ~there[:, -1], self.rules, minimum)


def _date(dates: pd.DatetimeIndex, i: int) -> date:
    return dates.to_numpy()[i].astype("datetime64[D]").item()


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _hour_before(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
