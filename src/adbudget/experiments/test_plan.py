"""TestPlan: which tests are worth running, what knowing would be worth, and what waiting does."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.errors import InputError
from adbudget.experiments.designs import FACTORIAL, HOLDOUT, Design
from adbudget.experiments.schedule import Timing, path_of, schedule_of
from adbudget.experiments.trials import Offer
from adbudget.money import amount, estimate_text
from adbudget.panel.panel import Panel
from adbudget.tables.messages import quoted

COLUMNS = (
    "test",
    "chosen",
    "kind",
    "channel",
    "accounts",
    "n_accounts",
    "change",
    "weeks",
    "extra_spend",
    "cost",
    "cost_high",
    "value",
    "net",
    "gain_per_period",
    "prob_flip",
    "calls_changed",
    "payback_weeks",
    "power",
    "currency",
)
QUARTER_WEEKS = 13.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TestPlan(Shown):
    """Tests, the best set first, and what else could be done. Money is account currency.

    Attributes
    ----------
    offers : every test worth more than it costs, the chosen ones first
    cells : (account, channel) of every cell that was looked at
    learn_value : Series by cell: margin money per period that knowing its curve would be worth, the
        most that any test of it can bring
    learn_flip : Series by cell: probability that its call would be another one then
    wait : per cell and number of weeks, what plain history would decide; see
        :func:`adbudget.experiments.waiting.waiting`
    weeks, horizon_weeks : length of the tests, and of the time after them that ``value`` counts
    lengths : periods of each block of a test
    current : (cell,) spend per period today
    panel : the history
    healthy : whether the fit can be trusted; what it says of tests is as good as that

    Examples
    --------
    >>> tests = ab.plan_tests(fit, weeks=6, kinds=("pulse",))
    >>> len(tests.cells) == len(panel.cells), tests.weeks
    (True, 6.0)
    >>> list(tests.to_frame().columns[:3]), tests.horizon, len(tests.chosen) <= len(tests.offers)
    (['test', 'chosen', 'kind'], 52.0, True)
    >>> list(tests.schedule("2026-04-06", tests=["T1"]).columns[:3]), tests.path(["T1"]).empty
    (['test', 'kind', 'account'], False)
    >>> "weeks" in tests.in_words(tests.offers[0])
    True
    """

    __test__: ClassVar[bool] = False  # to pytest: the name is a plan of tests, not a test

    offers: tuple[Offer, ...]
    cells: pd.MultiIndex
    learn_value: pd.Series
    learn_flip: pd.Series
    wait: pd.DataFrame
    weeks: float
    horizon_weeks: float
    lengths: tuple[int, ...]
    current: np.ndarray
    panel: Panel
    healthy: bool

    @property
    def chosen(self) -> tuple[Offer, ...]:
        """The set that is worth most, in the order in which its tests add to it."""
        return tuple(offer for offer in self.offers if offer.chosen)

    @property
    def horizon(self) -> float:
        """Periods after the tests whose gain counts."""
        return self.horizon_weeks * 7 / self.panel.period_days

    def to_frame(self) -> pd.DataFrame:
        """One row per test, the chosen ones first.

        Columns
        -------
        test (a name), chosen, kind, channel, accounts (names with ";"), n_accounts, change (largest
        change of spend, as a share), weeks, extra_spend (spent more over the test), cost (margin
        given up while it runs and its carry-over lasts: expected), cost_high (95% quantile), value
        (expected margin gained over ``horizon_weeks`` by the calls that its result changes; of a
        chosen test, what it adds to those before it), net (value less cost, where that is above
        0), gain_per_period,
        prob_flip (mean probability, over its cells, that the call is another one then),
        calls_changed (how many calls of all are expected to be others), payback_weeks (cost over
        weekly gain), power (probability that the 95% interval of its result excludes zero),
        currency
        """
        rows = [self._row(i, offer) for i, offer in enumerate(self.offers, start=1)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _row(self, number: int, offer: Offer) -> dict[str, object]:
        worth, names = offer.worth, self._names(offer.design)
        value = offer.adds * self.horizon
        weekly = offer.adds * 7 / self.panel.period_days
        accounts = list(dict.fromkeys(account for account, _ in names))
        tested = [worth.flips[arm.cell] for arm in offer.design.arms]
        return {
            "test": f"T{number}",
            "chosen": offer.chosen,
            "kind": offer.design.kind,
            "channel": " & ".join(dict.fromkeys(channel for _, channel in names)),
            "accounts": ";".join(accounts),
            "n_accounts": len(accounts),
            "change": offer.design.change,
            "weeks": self.weeks,
            "extra_spend": worth.extra_spend,
            "cost": worth.cost,
            "cost_high": worth.cost_high,
            "value": value,
            "net": worth.net(offer.adds, self.horizon),
            "gain_per_period": offer.adds,
            "prob_flip": float(np.mean(tested)),
            "calls_changed": float(sum(worth.flips.values())),
            "payback_weeks": max(worth.cost, 0.0) / weekly if weekly > 0 else np.inf,
            "power": worth.power,
            "currency": self._currency(offer.design),
        }

    def _names(self, design: Design) -> list[tuple[str, str]]:
        cells: list[tuple[str, str]] = self.cells.tolist()
        return [cells[arm.cell] for arm in design.arms]

    def _currency(self, design: Design) -> str:
        account = self._names(design)[0][0]
        return self.panel.currency[self.panel.accounts.index(account)]

    def schedule(self, start: object = None, *, tests: object = None) -> pd.DataFrame:
        """The chosen tests ready to hand over, one row per cell and stretch of equal spend.

        Parameters
        ----------
        start : first day of the tests; the period after the record when None
        tests : names of the tests to write out, as in :meth:`to_frame`; the chosen ones when None

        Returns
        -------
        pd.DataFrame: test, kind, account, channel, start, end (first and last day), spend_before,
        spend_after (per period, today and in the test), spend_per_day, share (of the account's
        regions that take part; 1 for all), record (what to note). Of a holdout, lift_total and
        standard_error are there to be filled in: with them its rows are what
        :func:`adbudget.fit` takes as ``lift_tests``, see :func:`adbudget.experiments.lift_rows`

        Raises
        ------
        InputError : start is no date, or falls into the record; a test is not known
        """
        return schedule_of(self._wanted(tests), self._timing, start)

    def path(self, tests: object = None) -> pd.DataFrame:
        """Spend of every cell period by period while the chosen tests run.

        Parameters
        ----------
        tests : names of the tests, as in :meth:`schedule`

        Returns
        -------
        pd.DataFrame indexed by (account, channel), one column per period: what
        :func:`adbudget.simulate` and :func:`adbudget.forecast` take as a plan. A holdout, which
        concerns a share of an account, counts as that share of its change

        Raises
        ------
        InputError : a test is not known
        """
        return path_of(self._wanted(tests), self._timing)

    @property
    def _timing(self) -> Timing:
        return Timing(
            cells=self.cells, lengths=self.lengths, current=self.current, panel=self.panel
        )

    def _wanted(self, tests: object) -> dict[str, Offer]:
        """Name -> test of those that are asked for, the chosen ones when None."""
        named = {f"T{i}": offer for i, offer in enumerate(self.offers, start=1)}
        if tests is None:
            return {name: offer for name, offer in named.items() if offer.chosen}
        wanted = [tests] if isinstance(tests, str) else list(tests)  # pyright: ignore
        unknown = [name for name in wanted if name not in named]
        if unknown:
            raise InputError(
                f"this plan has no test called {quoted(unknown)}; it has {quoted(list(named))}, "
                "see .to_frame()."
            )
        return {name: named[name] for name in wanted}

    def in_words(self, offer: Offer, cell: int | None = None) -> str:
        """A test as a sentence that a buyer can read aloud.

        Parameters
        ----------
        offer : of this plan
        cell : whose chance of being decided is told; the mean of its cells when None
        """
        worth, design = offer.worth, offer.design
        accounts = dict.fromkeys(account for account, _ in self._names(design))
        many = f" in {counted(len(accounts), 'account')}" if len(accounts) > 1 else ""
        tested = [worth.flips[arm.cell] for arm in design.arms]
        flips = float(np.mean(tested)) if cell is None else worth.flips[cell]
        code = self._currency(design)
        price = f"for about {estimate_text(worth.cost, code)}"
        if worth.cost <= 0:
            price = "at no expected cost"
        quarter = QUARTER_WEEKS * 7 / self.panel.period_days
        value = estimate_text(worth.gain * quarter, code)
        return (
            f"{_weeks(self.weeks)} {_how(design)}{many} would change this call with {flips:.0%} "
            f"probability, {price}; worth {value} a quarter."
        )

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        frame = self.to_frame()
        chosen: Any = frame[frame["chosen"]]
        columns = ["test", "chosen", "kind", "channel", "accounts", "cost", "value"]
        shown = frame[columns].assign(flips=[f"{one:.0%}" for one in frame["prob_flip"]])
        told = "none is worth more than it costs"
        if len(chosen):
            sums: Any = chosen.groupby("currency", sort=True)[["cost", "value"]].sum()
            told = f"{counted(len(chosen), 'test')}: " + ", ".join(
                f"cost {amount(row.cost)}, worth {amount(row.value)} {row.Index}".strip()
                for row in sums.itertuples()
            )
        return Page(
            title=f"Tests of {self.weeks:g} weeks: {counted(len(self.offers), 'test')} worth "
            f"more than {'it costs' if len(self.offers) == 1 else 'they cost'}",
            facts=[
                ("best set", told),
                ("value", f"over {self.horizon_weeks:g} weeks after the tests"),
                *([] if self.healthy else [("fit", "not healthy: none of this can be trusted")]),
            ],
            next=(".to_frame()  .schedule(start)  .learn_value  .wait",),
            **table_of(shown),
        )


def _weeks(weeks: float) -> str:
    words = {1: "One week", 2: "Two weeks", 3: "Three weeks", 4: "Four weeks"}
    return words.get(int(weeks), f"{weeks:g} weeks") if weeks == int(weeks) else f"{weeks:g} weeks"


def _how(design: Design) -> str:
    if design.kind == HOLDOUT:
        return f"off in {design.arms[0].share:.0%} of the regions"
    if design.change == -1:
        return "on and off in turn"
    turns = f"at {design.change:+.0%} and {-design.change:+.0%} in turn"
    return f"with all channels {turns}" if design.kind == FACTORIAL else turns
