"""Plan + today's budgets -> what the plan would bring on the same draws, and a plan that passes.

A plan passes where the probability of ending worse than today by more than x stays under y,
account by account. One that does not is pulled back towards today until it does, and what that
gives up is said.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws
from adbudget.loop.settings import LoopSettings
from adbudget.simulation import simulate

HALVINGS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rehearsal:
    """A plan that passes, and what it would bring over the horizon. Money is account currency.

    Attributes
    ----------
    plan : Series by cell, spend per period
    accounts : frame by account: value_mean, value_low, value_high (of the plan against today),
        prob_worse (of ending worse by more than the settings allow), kept (share of the plan that
        was kept; 1 where it passed as it was), given_up (expected value that was pulled back)
    """

    plan: pd.Series
    accounts: pd.DataFrame


def rehearse(
    draws: CurveDraws, current: pd.Series, plan: pd.Series, settings: LoopSettings
) -> Rehearsal:
    """Play both plans from today's carry-over, and pull back what is too risky.

    Parameters
    ----------
    draws : joint posterior draws
    current, plan : spend per period by cell
    settings : horizon and risk
    """
    accounts = list(draws.accounts)
    totals: Any = current.groupby(level=0).sum()
    bound: Any = settings.worse_by * settings.horizon * totals.reindex(accounts)
    asked = _values(draws, current, plan, settings)
    kept = np.ones(len(accounts))
    risky = _prob_worse(asked, bound) > settings.worse_prob
    low, high = np.where(risky, 0.0, 1.0), np.ones(len(accounts))
    for _ in range(HALVINGS if risky.any() else 0):
        middle = (low + high) / 2
        trial = _mixed(current, plan, pd.Series(middle, accounts))
        fails = _prob_worse(_values(draws, current, trial, settings), bound) > settings.worse_prob
        low, high = np.where(risky & ~fails, middle, low), np.where(risky & fails, middle, high)
    kept = np.where(risky, low, 1.0)
    final = _mixed(current, plan, pd.Series(kept, accounts))
    values = _values(draws, current, final, settings) if risky.any() else asked
    lowest, highest = np.quantile(values, [0.05, 0.95], axis=0)
    table = pd.DataFrame(
        {
            "value_mean": values.mean(axis=0),
            "value_low": lowest,
            "value_high": highest,
            "prob_worse": _prob_worse(values, bound),
            "kept": kept,
            "given_up": asked.mean(axis=0) - values.mean(axis=0),
        },
        index=pd.Index(accounts, name="account"),
    )
    return Rehearsal(plan=final, accounts=table)


def _mixed(current: pd.Series, plan: pd.Series, kept: pd.Series) -> pd.Series:
    share = kept.reindex(plan.index.get_level_values(0)).to_numpy()
    return current + (plan - current) * share


def _values(
    draws: CurveDraws, current: pd.Series, plan: pd.Series, settings: LoopSettings
) -> np.ndarray:
    """(draw, account) value of a plan against today over horizon and carry-over."""
    return simulate(draws, plan, current=current, horizon=settings.horizon).value.to_numpy()


def _prob_worse(values: np.ndarray, bound: pd.Series) -> np.ndarray:
    return (values < -bound.to_numpy()).mean(axis=0)
