"""Panel -> how fast evidence should fade, by what would have forecast best.

Returns drift: creatives wear out, auctions get dearer. Discounting old rows follows them, at the
price of knowing less. Which of the two weighs more is asked of the data: every few weeks of the
history are forecast from the discounted rows before them (West & Harrison 1997). Knows nothing of
pooling or sampling.
"""

from typing import Literal

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.model.design import Design, carried_spend, first_state
from adbudget.model.evidence import Baseline
from adbudget.model.priors import Priors
from adbudget.model.reweighting import System, account_system
from adbudget.model.row_noise import RowNoise
from adbudget.panel.panel import Panel

Forgetting = float | Literal["auto"] | None

HALF_LIVES = (728.0, 364.0, 182.0)  # days tried by "auto", beside not forgetting
SHORTEST_PERIODS = 4  # half-life in periods below which hardly anything would be left
BLOCK_DAYS = 28  # forecast at once, as a plan is made for weeks, not for one day
BURN_IN = 0.5  # share of an account's rows that is only learned from
PASSES = 5
CLEAR_SIGMAS = 1.0  # the one-standard-error rule: the simpler choice unless clearly beaten


def choose_half_life(
    forgetting: Forgetting,
    panel: Panel,
    design: Design,
    baseline: Baseline,
    priors: Priors,
    noise: RowNoise,
) -> float | None:
    """Half-life of evidence in days; None when nothing is forgotten.

    "auto" takes the half-life with the highest forecast score of :func:`forecast_scores`, and none
    at all unless it beats counting every row in full by a standard error: forgetting widens every
    interval, so it has to earn its place.

    Raises
    ------
    InputError : not None, "auto" or a number of days that leaves a few periods

    References
    ----------
    Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, section 3.4.
    """
    if forgetting is None:
        return None
    if isinstance(forgetting, str):
        if forgetting != "auto":
            raise _wrong(forgetting)
        scores = forecast_scores(panel, design, baseline, priors, noise)
        gain = scores["gain"].to_numpy()
        best = int(np.argmax(gain))
        clear = gain[best] > CLEAR_SIGMAS * scores["standard_error"].to_numpy()[best]
        return float(scores.index[best]) if best > 0 and clear else None
    numeric = isinstance(forgetting, int | float | np.number) and not isinstance(forgetting, bool)
    shortest = SHORTEST_PERIODS * panel.period_days
    if not numeric or not np.isfinite(forgetting) or forgetting < shortest:
        raise _wrong(forgetting, shortest)
    return float(forgetting)


def forecast_scores(
    panel: Panel,
    design: Design,
    baseline: Baseline,
    priors: Priors,
    noise: RowNoise,
    half_lives: tuple[float, ...] = HALF_LIVES,
) -> pd.DataFrame:
    """How well each half-life would have forecast the later part of the history.

    Each account is a regression of its own under the model's priors; blocks of 28 days are
    forecast from the discounted rows before them, baseline and noise level integrated out.

    Parameters
    ----------
    panel, design, baseline, priors, noise : rows, and what the regression is made of
    half_lives : days; infinity, not forgetting, is always the first

    Returns
    -------
    pd.DataFrame by half-life in days: ``log_score`` (sum of the log densities of the forecast
    outcomes), ``gain`` over not forgetting, and its ``standard_error`` over the blocks

    References
    ----------
    West & Harrison (1997), Bayesian Forecasting and Dynamic Models, 2nd ed., section 6.3.
    Dawid (1984), Journal of the Royal Statistical Society A 147(2), 278-292.
    """
    stock = carried_spend(panel, design, first_state(panel, design))
    every = (np.inf, *half_lives)
    blocks: list[np.ndarray] = []
    for a in range(panel.n_accounts):
        system = account_system(panel, design, baseline, priors, stock, a)
        observed = np.isfinite(panel.outcome[a])
        days = (panel.dates[observed] - panel.dates[0]) / np.timedelta64(1, "D")
        root = np.sqrt(noise.weights[a, observed])
        rows = np.column_stack([system.columns, system.outcome]) * root[:, None]
        blocks += _block_scores(rows, root, days, system, every, priors, noise.information)
    scores = np.array(blocks).reshape(-1, len(every))
    gains = scores - scores[:, :1]
    spread = gains.std(axis=0, ddof=1) if len(gains) > 1 else np.full(len(every), np.inf)
    return pd.DataFrame(
        {
            "log_score": scores.sum(axis=0),
            "gain": gains.sum(axis=0),
            "standard_error": spread * np.sqrt(len(gains)),
        },
        index=pd.Index(every, name="half_life_days"),
    )


def _block_scores(rows, root, days, system, half_lives, priors, worth) -> list[np.ndarray]:
    """(half-life,) log score of every block of one account after its burn-in."""
    begin = int(np.ceil(BURN_IN * len(rows)))
    scores = []
    while begin < len(rows):
        end = int(np.searchsorted(days, days[begin] + BLOCK_DAYS))
        past = slice(0, begin)
        scores.append(
            np.array(
                [
                    _forecast(
                        rows[past],
                        worth * 0.5 ** ((days[begin - 1] - days[past]) / half_life),
                        rows[begin:end],
                        system,
                        priors,
                    )
                    + np.log(root[begin:end]).sum()
                    for half_life in half_lives
                ]
            )
        )
        begin = end
    return scores


def _forecast(past, counts, ahead, system: System, priors: Priors) -> float:
    """Sum of the log densities of the rows ahead, each by itself, given discounted rows."""
    from scipy.stats import t as student_t

    gram = (past * counts[:, None]).T @ past
    inner, cross, total = gram[:-1, :-1], gram[:-1, -1], gram[-1, -1]
    prior_scale = priors.noise_df * priors.noise_share**2
    freedom = priors.noise_df + counts.sum() - 1
    variance = total / counts.sum()
    precision, centre = inner, cross
    for _ in range(PASSES):  # the returns' prior is not in units of the noise: both must agree
        precision = inner + system.relative + np.diag(system.absolute * variance)
        centre = np.linalg.solve(precision, cross)
        variance = (prior_scale + max(total - cross @ centre, 0.0)) / freedom
    columns, outcome = ahead[:, :-1], ahead[:, -1]
    reach = 1 + (columns * np.linalg.solve(precision, columns.T).T).sum(axis=1)
    return float(
        student_t.logpdf(
            outcome, freedom, loc=columns @ centre, scale=np.sqrt(variance * reach)
        ).sum()
    )


def _wrong(forgetting: object, shortest: float | None = None) -> InputError:
    least = f" of at least {shortest:g} ({SHORTEST_PERIODS} periods)" if shortest else ""
    return InputError(
        f'forgetting must be None, "auto" or a half-life in days{least}; got {forgetting!r}.'
    )
