"""Two proposals -> the money that is left on the table for want of knowledge."""

import numpy as np
import pandas as pd

from adbudget.optimizer import Proposal

MOST_DRAWS = 200


def regret(chosen: Proposal, considered: Proposal) -> "float | pd.Series":
    """Mean over draws of what the best plan would earn in hindsight, less what the chosen one does.

    Parameters
    ----------
    chosen : the plan of the calls
    considered : the plan as first proposed, whose limits say which plans there are

    Returns
    -------
    Margin money per period; a Series by currency if there are several
    """
    n = considered.draws.n_draws
    some = np.unique(np.linspace(0, n - 1, min(n, MOST_DRAWS)).round().astype(int))
    best = considered.best_in_hindsight(some)  # (draw, account)
    lost = (best - chosen.value_by_account.to_numpy()[some]).mean(axis=0)
    codes = np.array(considered.draws.currency)
    by_currency = {code: float(lost[codes == code].sum()) for code in dict.fromkeys(codes.tolist())}
    if len(by_currency) == 1:
        return next(iter(by_currency.values()))
    return pd.Series(
        list(by_currency.values()),
        index=pd.Index(list(by_currency), name="currency"),
        name="expected_regret",
    )
