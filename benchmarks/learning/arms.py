"""How a round of four weeks may be spent to learn: every arm returns spend by cell and period.

All begin with the plan of the calls and may be expected to cost as much as the planned tests are
allowed to. Knows no truth.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import adbudget as ab

WEEKS = 4
HOLDOUT_ERROR = 0.02  # of the account's outcome over the test
HALVINGS = 8  # until a cost is met
MOST = 1.0  # largest change of a cell in a random test, as a share


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """What an arm knows.

    Attributes
    ----------
    fit : of all that was recorded
    start : spend that calls are measured from
    base : the plan of the calls
    limits : of plans
    budget : margin that the round may be expected to cost
    seed : of its chance
    """

    fit: "ab.Fit"
    start: pd.Series
    base: pd.Series
    limits: "ab.Limits"
    budget: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spent:
    """What an arm does.

    Attributes
    ----------
    path : spend by cell, one column per period
    predicted : margin money per period that it expects its results to be worth; NaN if unknown
    holdouts : schedule of holdouts, whose lifts are to be measured; None without any
    """

    path: pd.DataFrame
    predicted: float
    holdouts: pd.DataFrame | None = None


def none(given: Round) -> Spent:
    """The plan of the calls, week after week."""
    return Spent(path=_constant(given.base), predicted=0.0)


def planned(given: Round) -> Spent:
    """The best set of tests within the budget."""
    import adbudget as ab

    plan = ab.plan_tests(
        given.fit, current=given.start, limits=given.limits, weeks=WEEKS, budget=given.budget
    )
    gain = sum(offer.adds for offer in plan.chosen)
    return Spent(path=plan.path(), predicted=float(gain))


def holdouts(given: Round) -> Spent:
    """The best set of holdouts, where regions tell a lift to 2% of the account's outcome."""
    import adbudget as ab

    plan = ab.plan_tests(
        given.fit,
        current=given.start,
        limits=given.limits,
        weeks=WEEKS,
        budget=given.budget,
        kinds=["holdout"],
        holdout_error=HOLDOUT_ERROR,
    )
    gain = sum(offer.adds for offer in plan.chosen)
    return Spent(path=plan.path(), predicted=float(gain), holdouts=plan.schedule())


def random(given: Round) -> Spent:
    """Every cell up and down in an order of its own, as far as the budget goes."""
    rng = np.random.default_rng(given.seed)
    signs = rng.permuted(np.tile(np.repeat([1.0, -1.0], WEEKS // 2), (given.base.size, 1)), axis=1)
    base = given.base.to_numpy(float)[:, None]
    return _within(given, lambda size: base * (1 + size * MOST * signs))


def thompson(given: Round) -> Spent:
    """Every week the best plan of one posterior draw, as far towards it as the budget goes."""
    import adbudget as ab

    rng = np.random.default_rng(given.seed)
    draws = given.fit.draws
    plans = [
        ab.optimize(
            draws.isel([int(d)]), given.start, given.limits, ab.Risk(aversion=0.0)
        ).plan.spend.to_numpy(float)
        for d in rng.choice(draws.n_draws, WEEKS, replace=False)
    ]
    base = given.base.to_numpy(float)[:, None]
    wanted = np.stack(plans, axis=1)
    return _within(given, lambda size: base + size * (wanted - base))


ARMS = {
    "none": none,
    "planned": planned,
    "holdouts": holdouts,
    "random": random,
    "thompson": thompson,
}


def _constant(base: pd.Series) -> pd.DataFrame:
    values = np.repeat(base.to_numpy(float)[:, None], WEEKS, axis=1)
    return pd.DataFrame(values, index=base.index, columns=range(1, WEEKS + 1))


def _within(given: Round, path_of) -> Spent:
    """The largest size, 1 at most, whose expected cost keeps the budget."""
    low, high = 0.0, 1.0
    if expected_cost(given, path_of(1.0)) <= given.budget:
        low = 1.0
    else:
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            fits = expected_cost(given, path_of(middle)) <= given.budget
            low, high = (middle, high) if fits else (low, middle)
    path = pd.DataFrame(path_of(low), index=given.base.index, columns=range(1, WEEKS + 1))
    return Spent(path=path, predicted=float("nan"))


def expected_cost(given: Round, path: np.ndarray) -> float:
    """Margin given up against the plan of the calls, on average over some draws."""
    import adbudget as ab

    frame = pd.DataFrame(path, index=given.base.index, columns=range(1, path.shape[1] + 1))
    few = given.fit.draws.isel(slice(None, None, max(1, given.fit.draws.n_draws // 100)))
    value = ab.simulate(few, frame, current=given.base, carry_in=False).value
    return -float(value.sum("account").mean("draw"))
