"""A synthetic world on its way: what was recorded so far, its true curves of now, its next period.

Outcomes may come in late, and returns may drift. Knows no budget rule.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from adbudget.synthetic import Continuation, Truth, WorldSpec, continue_world, synthesize

DOUBLINGS = 12  # of a cell, until the best split of all is reached
RETURNS = 7  # stream of chance of the returns to come; the world's own come before it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """A world after some periods.

    Attributes
    ----------
    world : its curves and what comes next
    returns : (cell, period) factor on what advertising brings in, from the first period on
    spend : account, channel, date, spend, of all periods so far
    outcome : account, date, the outcome and controls, of all periods so far
    passed : periods since the history
    """

    world: Continuation
    returns: np.ndarray
    spend: pd.DataFrame
    outcome: pd.DataFrame
    passed: int

    @property
    def truth(self) -> Truth:
        """The true curves of the period to come."""
        truth = self.world.truth
        return replace(truth, weight=truth.weight * self.returns[:, self.passed])

    def after(self, spend: pd.Series) -> "Market":
        """The world one period later, in which this was spent by cell."""
        truth = self.world.truth
        money = truth.aligned(spend)
        world, brought = self.world.advance(
            money[:, None], efficiency=self.returns[:, self.passed : self.passed + 1]
        )
        date = brought.ahead.dates[0]
        accounts, channels = (truth.cells.get_level_values(i) for i in (0, 1))
        spent = pd.DataFrame(
            {"account": accounts, "channel": channels, "date": date, "spend": money}
        )
        spec = self.world.history.spec
        earned = pd.DataFrame(
            {"account": spec.account_names, "date": date, spec.kpi: brought.outcome[:, 0]}
        )
        if spec.demand_signal:
            earned["demand_index"] = brought.ahead.signal[:, 0].round(4)
        return replace(
            self,
            world=world,
            spend=pd.concat([self.spend, spent], ignore_index=True),
            outcome=pd.concat([self.outcome, earned], ignore_index=True),
            passed=self.passed + 1,
        )


def open_market(
    spec: WorldSpec, seed: int, n_periods: int, drift: float
) -> tuple[Market, pd.Series]:
    """The world of a spec and seed at the end of its history, and the budgets of then.

    Parameters
    ----------
    spec, seed : of the world
    n_periods : how far it may go
    drift : sd, over a year, of the random walk of the log returns of every channel

    Returns
    -------
    Market, and what was spent per period over the last 28 days, by cell
    """
    recorded = synthesize(spec, seed)
    world = continue_world(spec, seed)
    truth = world.truth
    window = max(1, round(28 / truth.period_days))
    rng = np.random.default_rng([seed, RETURNS])
    step = drift * np.sqrt(truth.period_days / 365.25)
    walk = rng.normal(0.0, step, (spec.n_channels, n_periods + 1)).cumsum(axis=1)
    channel = [spec.channel_names.index(name) for name in truth.cells.get_level_values(1)]
    market = Market(
        world=world,
        returns=np.exp(walk[channel]),
        spend=recorded.spend,
        outcome=recorded.outcome,
        passed=0,
    )
    return market, recorded.current(window).rename("spend")


def money_per_period(truth: Truth, spend: pd.Series) -> float:
    """Money that advertising truly brings in per period at a constant spend, less the spend."""
    return truth.value * truth.total(spend) - float(spend.sum())


def best_of_all(truth: Truth, spend: pd.Series) -> pd.Series:
    """The split of every account's total that truly earns the most, however far it is."""
    best = spend
    for _ in range(DOUBLINGS):
        further = truth.optimal(best, 1.0, "fixed")
        if np.abs(further - best).max() <= 1e-6 * float(spend.sum()):
            return further
        best = further
    return best
