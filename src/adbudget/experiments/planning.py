"""plan_tests: which test would turn a monitor into a decision, its cost and its worth."""

# ``takes`` fills in what is not given: every key of the options is there.
# pyright: reportTypedDictNotRequiredAccess=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from adbudget.decision.decisions import Decisions
from adbudget.decision.options import DecisionOptions
from adbudget.decision.today import spend_today
from adbudget.display.stages import stage
from adbudget.errors import InputError
from adbudget.experiments.choices import choices_of
from adbudget.experiments.deciding import decide_fit
from adbudget.experiments.designs import FACTORIAL, Design, check_kinds
from adbudget.experiments.knowing import Knowing
from adbudget.experiments.noise import noise_of
from adbudget.experiments.options import TestOptions
from adbudget.experiments.selecting import Selected, select
from adbudget.experiments.signals import Noise, Reader
from adbudget.experiments.test_plan import TestPlan
from adbudget.experiments.trials import (
    Laboratory,
    Offer,
    Trial,
    Worth,
    factorial_trials,
    group_trials,
    single_trials,
)
from adbudget.experiments.waiting import waiting
from adbudget.options import takes
from adbudget.panel.findings import check_identification
from adbudget.panel.integrity import check_data
from adbudget.tables.messages import quoted

if TYPE_CHECKING:
    from adbudget.model.fit import Fit

MOST_DRAWS = 2_000
WEEK_DAYS = 7.0
LONGEST_WEEKS = 26.0


class PlanTestsOptions(TestOptions, DecisionOptions, total=False):
    """Options of :func:`plan_tests`: of the tests, and of the calls they are to change."""


@takes(PlanTestsOptions)
def plan_tests(fit: "Fit", **options: Unpack[PlanTestsOptions]) -> TestPlan:
    """Which tests are worth running: what each tells, costs and is worth, and the best set.

    A test is worth what the calls that follow its result earn more than the calls of today would,
    on average over the results it may have. What a result would make of each plan is found by a
    regression over the posterior draws, so no new sampling is needed. What it costs is the margin
    given up while it runs, and until its carry-over has faded.

    Parameters
    ----------
    fit : what is known; its lift tests, of whatever account, are part of that
    weeks : length of a test, at least two periods of the panel
    budget : margin that all tests together may be expected to cost; by currency where there are
        several; None sets no bound
    horizon_weeks : time after the tests whose gain counts as their value
    kinds : "pulse" (spend goes up and down by a share, in turn), "on/off", "on/off pair" (two
        channels that the data hardly tell apart, in different weeks), "factorial" (pulses of all
        channels of an account at once, each in an order of its own), "holdout" (a channel is off in
        some regions of an account and the others are the control group; needs regions)
    changes : shares by which a pulse moves spend
    holdout_share : share of an account's regions that a holdout switches off
    holdout_error : standard error of a holdout's lift, scaled up to the whole account, as a share
        of the account's outcome over the test, where regions are known to be steadier, or less
        steady, than the account itself; that of the account's noise when None
    untested : channels, or (account, channel) pairs, that no test may touch, besides those that
        ``limits`` fix
    current, budgets, window_days, limits, risk, thresholds, accept_findings, previous : as in
        :func:`adbudget.recommend`: tests are to change its calls
    policy : not read: a test is not a call

    Returns
    -------
    TestPlan

    Raises
    ------
    InputError : an argument is out of range, or names what the fit does not know
    InfeasibleError : the limits contradict each other

    References
    ----------
    Strong, Oakley, Brennan & Breeze (2015), Medical Decision Making 35(5), 570-583.

    Examples
    --------
    >>> tests = ab.plan_tests(fit, weeks=6, budget=5_000)
    >>> len(tests.cells) == len(panel.cells)
    True
    """
    _check(fit, options)
    now, _, _ = spend_today(fit.panel, options)
    untrue = check_data(fit.panel, accepted=options["accept_findings"])
    found = (*untrue, *check_identification(fit.panel))
    decisions = decide_fit(fit, now, options["limits"], options, found)
    return tests_of(fit, decisions, options)


@stage("looking for tests")
def tests_of(fit: "Fit", decisions: Decisions, options: TestOptions) -> TestPlan:
    """The same where the calls are made.

    Parameters
    ----------
    decisions : of this fit
    options : all of them there
    """
    return looked_at(prepare(fit, decisions, options), options, choose=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """What tests of any length have in common.

    Attributes
    ----------
    fit, decisions : which calls tests are to change
    noise : of the accounts
    blocks : of cells that limits tie together
    testable : positions of the cells that a test may move
    learn_value, learn_flip, wait : as in :class:`TestPlan`
    """

    fit: "Fit"
    decisions: Decisions
    noise: Noise
    blocks: list[Knowing]
    testable: list[int]
    learn_value: pd.Series
    learn_flip: pd.Series
    wait: pd.DataFrame


def prepare(fit: "Fit", decisions: Decisions, options: TestOptions) -> Prepared:
    """The plans there are, and what knowing and waiting would change about them."""
    bars, some = decisions.thresholds, _some(fit.draws.n_draws)
    blocks = [Knowing.of(one, bars.prob, bars.leave) for one in choices_of(decisions, some)]
    noise, testable = noise_of(fit), _testable(decisions, options)
    lab = _laboratory(fit, decisions, options, noise, blocks)
    cells = decisions.considered.plan.spend.index
    value, flip = (pd.Series(np.nan, index=cells, name=n) for n in ("learn_value", "learn_flip"))
    for cell in testable:
        known = lab.blocks[lab.block[cell]].after(lab.reader.curve(cell), noise=0.0)
        own = lab.blocks[lab.block[cell]].choices.cells.tolist().index(cell)
        value.iloc[cell], flip.iloc[cell] = known.value, known.flips[own]
    return Prepared(
        fit=fit,
        decisions=decisions,
        noise=noise,
        blocks=blocks,
        testable=testable,
        learn_value=value,
        learn_flip=flip,
        wait=waiting(lab, fit, {cell: float(flip.iloc[cell]) for cell in testable}, some),
    )


def looked_at(given: Prepared, options: TestOptions, *, choose: bool) -> TestPlan:
    """Every test of one length, and the best set of them where that is asked for."""
    fit = given.fit
    lab = _laboratory(fit, given.decisions, options, given.noise, given.blocks)
    periods = options["horizon_weeks"] * WEEK_DAYS / fit.panel.period_days
    trials, worths = _trials(lab, given, options, periods, every_layout=choose)
    budget = _budget(options["budget"], fit.panel.currency)
    chosen = select(lab, trials, worths, periods, budget) if choose else ()
    return TestPlan(
        offers=_offers(trials, worths, chosen, periods),
        cells=fit.draws.cells,
        learn_value=given.learn_value,
        learn_flip=given.learn_flip,
        wait=given.wait,
        weeks=sum(lab.reader.lengths) * fit.panel.period_days / WEEK_DAYS,
        horizon_weeks=float(options["horizon_weeks"]),
        lengths=lab.reader.lengths,
        current=lab.reader.current,
        panel=fit.panel,
        healthy=fit.health.ok,
    )


def _some(n_draws: int) -> np.ndarray:
    """Positions of the draws that are used, evenly over the chains."""
    return np.unique(np.linspace(0, n_draws - 1, min(n_draws, MOST_DRAWS)).round().astype(int))


def _laboratory(
    fit: "Fit",
    decisions: Decisions,
    options: TestOptions,
    noise: Noise,
    blocks: list[Knowing],
) -> Laboratory:
    draws = fit.draws
    account = np.argwhere(draws.exists)[:, 0]
    return Laboratory(
        reader=Reader(
            draws=draws.isel(_some(draws.n_draws)),
            noise=noise,
            current=decisions.proposal.plan.spend.to_numpy(float),
            lengths=block_lengths(options["weeks"], draws.period_days),
            holdout_error=options["holdout_error"],
        ),
        blocks=blocks,
        account=account,
        block=decisions.considered.block_of_cell,
        currency=np.array(draws.currency, dtype=object)[account],
        channel=np.argwhere(draws.exists)[:, 1],
    )


def block_lengths(weeks: float, period_days: float) -> tuple[int, ...]:
    """Periods of each block of a test: a week each, or a period where that is longer.

    Raises
    ------
    InputError : the test has fewer than two blocks
    """
    per_block = max(1, round(WEEK_DAYS / period_days))
    n_blocks = int(np.floor(weeks * WEEK_DAYS / (per_block * period_days) + 1e-9))
    if n_blocks < 2:
        least = 2 * per_block * period_days / WEEK_DAYS
        raise InputError(
            f"weeks must be at least {least:.3g}: spend has to change during a test, and the "
            f"panel's periods are of {period_days:g} days; got {weeks:g}."
        )
    return (per_block,) * n_blocks


def _testable(decisions: Decisions, options: TestOptions) -> list[int]:
    """Positions of the cells that a test may move."""
    proposal = decisions.considered
    cells: list[Any] = proposal.plan.spend.index.tolist()
    spared = {*options["untested"], *proposal.limits.fixed}
    channels = {channel for _, channel in cells}
    unknown = [one for one in options["untested"] if one not in channels and one not in cells]
    if unknown:
        raise InputError(
            f"untested names {quoted(unknown)}, which this fit does not know. Expected channels "
            "such as 'search', or (account, channel) pairs."
        )
    now, blocked = decisions.proposal.plan.spend.to_numpy(float), decisions.blocked
    return [
        i
        for i, cell in enumerate(cells)
        if now[i] > 0 and not blocked[i] and cell not in spared and cell[1] not in spared
    ]


def _trials(
    lab: Laboratory,
    given: Prepared,
    options: TestOptions,
    periods: float,
    *,
    every_layout: bool,
) -> tuple[list[Trial], list[Worth]]:
    """Every test, of one cell and of several accounts, and what it is worth by itself."""
    kinds = check_kinds(options["kinds"])
    how = kinds, options["changes"], options["holdout_share"]
    singles = single_trials(lab, given.testable, *how, every_layout=every_layout)
    if FACTORIAL in kinds:
        value = given.learn_value.to_numpy(float)
        singles += factorial_trials(lab, given.testable, options["changes"], value)
    worths = lab.worths([trial.layouts[0] for trial in singles])
    groups = group_trials(lab, list(zip(singles, worths, strict=True)), periods)
    worths += lab.worths([trial.layouts[0] for trial in groups])
    return [*singles, *groups], worths


def _offers(
    trials: Sequence[Trial], worths: Sequence[Worth], chosen: Sequence[Selected], periods: float
) -> tuple[Offer, ...]:
    """The chosen tests, then every other one that is worth more than it costs."""
    taken = {one.trial for one in chosen}
    offers = [
        Offer(design=one.design, worth=one.worth, adds=one.adds, chosen=True) for one in chosen
    ]
    others: list[tuple[float, Design, Worth]] = [
        (worth.net(worth.gain, periods), trial.layouts[0], worth)
        for i, (trial, worth) in enumerate(zip(trials, worths, strict=True))
        if i not in taken
    ]
    others.sort(key=lambda one: -one[0])
    return (
        *offers,
        *(
            Offer(design=design, worth=worth, adds=worth.gain, chosen=False)
            for net, design, worth in others
            if net > 0
        ),
    )


def _budget(
    asked: float | Mapping[str, float] | None, currencies: Sequence[str]
) -> dict[str, float] | None:
    """Money by currency."""
    if asked is None:
        return None
    codes = list(dict.fromkeys(currencies))
    if isinstance(asked, Mapping):
        unknown = [code for code in asked if code not in codes]
        if unknown:
            raise InputError(
                f"budget names {quoted(unknown)}, but the accounts are in {quoted(codes)}."
            )
        return {code: float(asked.get(code, 0.0)) for code in codes}
    if len(codes) > 1:
        raise InputError(
            f"budget is one number, but the accounts are in {quoted(codes)}: give money by "
            f"currency, budget={{{codes[0]!r}: {asked:g}, ...}}."
        )
    return {codes[0]: float(asked)}


def _check(fit: object, options: PlanTestsOptions) -> None:
    if not (hasattr(fit, "draws") and hasattr(fit, "panel")):
        raise InputError(
            f"plan_tests needs a Fit; got {type(fit).__name__}. Make one: ab.fit(panel, seed=0)."
        )
    check_kinds(options["kinds"])
    for name, low, high in (
        ("weeks", 0.0, LONGEST_WEEKS),
        ("horizon_weeks", 0.0, 520.0),
        ("holdout_share", 0.0, 1.0),
    ):
        value = options[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and low < value <= high) or (name == "holdout_share" and value == high):
            raise InputError(
                f"{name} must be a number above {low:g}, {high:g} at most; got {value!r}."
            )
    error = options["holdout_error"]
    if error is not None and not (isinstance(error, int | float) and 0 < error < 1):
        raise InputError(
            f"holdout_error must be a share of the outcome above 0, such as 0.02; got {error!r}."
        )
    changes = options["changes"]
    if not changes or not all(isinstance(one, int | float) and 0 < one <= 1 for one in changes):
        raise InputError(f"changes must be shares above 0, 1 at most; got {changes!r}.")
    budget = options["budget"]
    amounts = list(budget.values()) if isinstance(budget, Mapping) else [budget]
    if not all(one is None or (isinstance(one, int | float) and one >= 0) for one in amounts):
        raise InputError(f"budget must be money, 0 or more; got {budget!r}.")
