"""Panel + Design -> RowNoise: outliers, growth and persistence of the noise, found from the data.

A Black Friday or a tracking outage is not drawn from the noise of an ordinary week, and spend often
moves with it, so one such row can buy a channel a return it never had. Residuals are taken as
Student-t; a row's weight is what that distribution expects its precision to be, given its residual.
Noise that grows with the level (a December of three times the sales is noisier; leads are counts)
makes high periods look like evidence they are not. How far shocks persist is asked of rows whose
outliers were taken back (``persistence.py``). Knows nothing of sampling.
"""

from dataclasses import replace

import numpy as np

from adbudget.model.design import Design, carried_spend, first_state
from adbudget.model.evidence import Baseline
from adbudget.model.persistence import find_persistence
from adbudget.model.priors import Priors
from adbudget.model.reweighting import Weighted, account_system, regrow, reweight
from adbudget.model.row_noise import RowNoise
from adbudget.panel.panel import Panel

# Degrees of freedom tried; infinity is plain Gaussian noise, which gives every row weight 1.
TAIL_GRID = (np.inf, 12.0, 4.0, 2.0)  # from light to heavy: each starts from the one before
# Variance of the noise as a power of the level: even, as counts have it, a constant share.
LEVEL_POWERS = (0.0, 1.0, 2.0)
LEAST_GAIN, LEAST_GAIN_PER_ROW = 10.0, 0.015  # log density; see find_noise


def find_noise(panel: Panel, design: Design, baseline: Baseline, priors: Priors) -> RowNoise:
    """Find the tail of the noise, how it grows, the weight of every row, and how shocks persist.

    Tail and growth are shared by all accounts.

    Parameters
    ----------
    panel, design : rows
    baseline, priors : of the baseline and the returns, which keep the reweighted regression sane

    Returns
    -------
    RowNoise

    References
    ----------
    Lange, Little & Taylor (1989), Journal of the American Statistical Association 84, 881-896;
    Davidian & Carroll (1987), the same journal 82, 1079-1091.
    """
    stock = carried_spend(panel, design, first_state(panel, design))
    every = range(panel.n_accounts)
    systems = [account_system(panel, design, baseline, priors, stock, a) for a in every]
    n_rows = int(np.isfinite(panel.outcome).sum())
    fits = [reweight(system, TAIL_GRID) for system in systems]
    # What other accounts have shown stands until these rows clearly say otherwise.
    usual = (np.inf, LEVEL_POWERS[0])
    if priors.learned is not None:
        usual = priors.learned.tail_df, priors.learned.level_power
    tail = best_option(fits, n_rows, TAIL_GRID.index(usual[0]))
    grown = [
        [own[tail], *(regrow(system, own[tail], TAIL_GRID[tail], p) for p in LEVEL_POWERS[1:])]
        for system, own in zip(systems, fits, strict=True)
    ]
    power = best_option(grown, n_rows, LEVEL_POWERS.index(usual[1]))
    chosen = [own[power] for own in grown]
    noise = _row_noise(panel, chosen, TAIL_GRID[tail], LEVEL_POWERS[power])
    calm, even = panel, replace(noise, tail_df=np.inf, weights=noise.spread**-2.0)
    if np.isfinite(noise.tail_df):
        calm = replace(panel, outcome=_calmed(panel, design, chosen, noise.information))
    return replace(noise, autocorrelation=find_persistence(calm, design, even, priors))


def best_option(fits: list[list[Weighted]], n_rows: int, usual: int = 0) -> int:
    """The option whose gain over the usual one, summed over accounts, is highest and past a bar.

    Parameters
    ----------
    fits : per account, one regression for each option
    n_rows : of all accounts
    usual : place of the option that stands unless another is clearly better

    Notes
    -----
    Reweighting fits its own choices a little too well, so a small gain is no reason to doubt rows:
    clean panels of 832 rows gain up to 11, 3% of outliers gain 100 and more.
    """
    bar = LEAST_GAIN + LEAST_GAIN_PER_ROW * n_rows
    gain = np.sum([[option.score - own[usual].score for option in own] for own in fits], axis=0)
    return int(np.argmax(gain)) if gain.max() > bar else usual


def _row_noise(panel: Panel, fits: list[Weighted], tail_df: float, power: float) -> RowNoise:
    """Rows of every account put back into their periods."""
    weights, spread = np.ones(panel.outcome.shape), np.ones(panel.outcome.shape)
    for a, fit in enumerate(fits):
        observed = np.isfinite(panel.outcome[a])
        row_weights = fit.weights / fit.spread**2
        weights[a, observed] = row_weights / row_weights.mean()
        spread[a, observed] = fit.spread * np.sqrt(np.mean(fit.spread**-2.0))
    return RowNoise(
        weights=weights,
        tail_df=tail_df,
        level_power=power,
        spread=spread,
        autocorrelation=np.zeros(panel.n_accounts),
    )


def _calmed(panel: Panel, design: Design, fits: list[Weighted], information: float) -> np.ndarray:
    """(account, period) outcome in which every residual counts as its weight lets it.

    Least squares on these pseudo-values gives the estimates of the weighted rows, and their
    residuals the right errors, so a Gaussian likelihood may be asked of them (Huber 1981, 7.6).
    """
    outcome = np.array(panel.outcome)
    for a, fit in enumerate(fits):
        observed = np.isfinite(outcome[a])
        level = fit.level * design.outcome_scale[a] / panel.unit_value[a]
        residual = outcome[a, observed] - level
        outcome[a, observed] = level + residual * fit.weights / information
    return outcome
