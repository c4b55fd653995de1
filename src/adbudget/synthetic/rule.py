"""Spend and outcome -> the dashboard rule's plan: more for the best reported ROAS."""

import numpy as np
import pandas as pd

from adbudget.errors import InputError

MIN_DATES = 8  # fewer common dates give no slope worth ranking


def naive_roas_rule(
    spend: pd.DataFrame, outcome: pd.DataFrame, current: pd.Series, change: float = 0.3
) -> pd.Series:
    """Shift money to the channels whose dashboard ROAS is best, as a buyer would.

    A channel's reported ROAS is the slope of the account's outcome on that channel's spend alone,
    over all dates they share. Like a platform that credits itself with whatever sold while it was
    on, it claims season and demand too. It is given the whole history and the same limits as
    anybody else: the better half rises by ``change``, the other half falls, at the same total. The
    half with less money limits how much moves; a channel in the middle holds.

    Parameters
    ----------
    spend : long frame account, channel, date, spend
    outcome : frame account, date, and one outcome column; a ``demand_index`` is not looked at
    current : spend per period by (account, channel); a channel at 0 stays there
    change : share by which a channel moves, in [0, 1]

    Returns
    -------
    Series by (account, channel), spend per period

    Raises
    ------
    InputError : ``change`` outside [0, 1], or more than one outcome column

    Examples
    --------
    >>> from adbudget.synthetic import naive_roas_rule
    >>> plan = naive_roas_rule(spend, revenue, panel.current_spend())
    >>> len(plan) == len(panel.cells)
    True
    """
    if not 0 <= change <= 1:
        raise InputError(f"change must be in [0, 1]; got {change}. For +-30%, pass 0.3.")
    known = ("account", "date", "demand_index")
    kpis = [column for column in outcome.columns if column not in known]
    if len(kpis) != 1:
        raise InputError(f"outcome must have one column beside account and date; got {kpis}.")
    both = spend.merge(outcome, on=["account", "date"]).rename(columns={kpis[0]: "outcome"})
    roas = _slopes(both).reindex(current.index, fill_value=0.0)
    plan = current.astype(float)
    accounts = current.index.get_level_values(0)
    for account in accounts.unique():
        active = current.index[(accounts == account) & (plan > 0)]
        ranked = active[np.argsort(-roas.loc[active].to_numpy(), kind="stable")]
        half = len(ranked) // 2
        if half:
            better, worse = ranked[:half], ranked[-half:]
            moved = change * min(plan[better].sum(), plan[worse].sum())
            plan[better] *= 1 + moved / plan[better].sum()
            plan[worse] *= 1 - moved / plan[worse].sum()
    return plan.rename("spend")


def _slopes(both: pd.DataFrame) -> pd.Series:
    """Regression slope of outcome on spend by (account, channel); 0 where there is none."""
    cells = pd.MultiIndex.from_arrays([both["account"], both["channel"]])
    names = cells.unique()
    cell = names.get_indexer(cells)
    n_dates = np.bincount(cell)
    spend, outcome = both["spend"].to_numpy(float), both["outcome"].to_numpy(float)
    spend = spend - (np.bincount(cell, spend) / n_dates)[cell]
    xx, xy = np.bincount(cell, spend**2), np.bincount(cell, spend * outcome)
    usable = (n_dates >= MIN_DATES) & (xx > 0)
    return pd.Series(np.where(usable, xy / np.where(usable, xx, 1.0), 0.0), index=names)
