"""Draws -> mean, tail mean, probability of gain, false discovery rate. Knows nothing of plans."""

from dataclasses import dataclass

import numpy as np

from adbudget.display.page import Listed
from adbudget.errors import InputError

MIN_BLOCKS = 10  # blocks of draws below which their spread says nothing of a standard error


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Risk(Listed):
    """How much a bad outcome counts against the average one.

    A plan is worth (1 - aversion) * mean + aversion * mean of its worst draws.

    Attributes
    ----------
    aversion : 0 looks at the mean only, 1 at the worst draws only
    tail : share of draws that counts as the worst, in (0, 1]

    Examples
    --------
    >>> ab.Risk(aversion=0.5)  # half of the weight on the worst tenth of outcomes
    Risk(aversion=0.5, tail=0.1)
    """

    aversion: float = 0.2
    tail: float = 0.10

    def __post_init__(self) -> None:
        if not 0 <= self.aversion <= 1:
            raise InputError(
                f"aversion must be in [0, 1]; got {self.aversion}. For the mean only, pass 0."
            )
        _check_tail(self.tail)


def count_worst(n_draws: int, tail: float) -> int:
    """Draws that make up the tail: at least one, since a tail is never empty."""
    return max(1, round(tail * n_draws))


def tail_mean(outcome_draws: np.ndarray, tail: float = 0.10) -> float:
    """Mean of the worst outcomes (lower-tail CVaR): what a bad month looks like.

    Parameters
    ----------
    outcome_draws : (draw,) account currency, or any unit of which more is better
    tail : share of worst draws to average, in (0, 1]

    Raises
    ------
    InputError : ``tail`` outside (0, 1], or no draws

    References
    ----------
    Rockafellar & Uryasev (2000), Journal of Risk 2(3), 21-41.
    """
    _check_tail(tail)
    outcome_draws = _checked_draws(outcome_draws)
    n_worst = count_worst(outcome_draws.size, tail)
    # a full sort is not needed to know which draws are the worst
    return float(np.partition(outcome_draws, n_worst - 1)[:n_worst].mean())


def risk_adjusted(outcome_draws: np.ndarray, risk: Risk) -> float:
    """(1 - aversion) * mean + aversion * tail mean, in the unit of ``outcome_draws`` (draw,)."""
    tail = tail_mean(outcome_draws, risk.tail)
    return float((1 - risk.aversion) * np.mean(outcome_draws) + risk.aversion * tail)


def prob_gain(outcome_draws: np.ndarray) -> float:
    """Share of draws above zero; a draw of exactly zero counts half.

    Parameters
    ----------
    outcome_draws : (draw,) gain against doing nothing, any unit

    Raises
    ------
    InputError : no draws
    """
    outcome_draws = _checked_draws(outcome_draws)
    return float((np.mean(outcome_draws > 0) + np.mean(outcome_draws >= 0)) / 2)


def monte_carlo_error(outcome_draws: np.ndarray) -> float:
    """Standard error of :func:`prob_gain` for want of draws: what other seeds would make of it.

    From means of blocks of neighbouring draws, so draws of chains that move slowly count for fewer;
    never less than draws that know nothing of each other would leave.

    Parameters
    ----------
    outcome_draws : (draw,) gain against doing nothing, in the order the chains drew them

    Raises
    ------
    InputError : no draws

    References
    ----------
    Flegal & Jones (2010), Annals of Statistics 38(2), 1034-1070.
    """
    outcome_draws = _checked_draws(outcome_draws)
    n = outcome_draws.size
    pays = (np.sign(outcome_draws) + 1) / 2
    # Half a draw on either side: no draw against a move is not proof that there is none.
    share = (pays.sum() + 0.5) / (n + 1)
    apart = np.sqrt(share * (1 - share) / n)
    size = int(np.sqrt(n))
    blocks = pays[: n // size * size].reshape(-1, size).mean(axis=1)
    if blocks.size < MIN_BLOCKS:
        return float(apart)
    return float(max(apart, blocks.std(ddof=1) / np.sqrt(blocks.size)))


def within_false_discovery_rate(
    prob_right: np.ndarray, rate: float, *, rank: np.ndarray | None = None
) -> np.ndarray:
    """Which calls to make so that the expected share of wrong ones stays within ``rate``.

    The surest calls are taken first, for as long as the mean of their 1 - ``prob_right`` is at
    most ``rate``: the largest list that keeps the promise.

    Parameters
    ----------
    prob_right : (call,) posterior probability that a call is right
    rate : expected share of wrong calls among those made, in [0, 1]
    rank : (call,) what is taken first, in place of the surest; the rate is kept all the same

    Returns
    -------
    (call,) bool, True for a call to make

    Raises
    ------
    InputError : ``rate`` or a probability outside [0, 1]

    References
    ----------
    Mueller, Parmigiani, Robert & Rousseau (2004), JASA 99(468), 990-1001.
    """
    prob_right = np.asarray(prob_right, dtype=float)
    if not 0 <= rate <= 1:
        raise InputError(f"rate must be in [0, 1]; got {rate}. For one wrong in ten, pass 0.10.")
    if not np.all((prob_right >= 0) & (prob_right <= 1)):
        raise InputError("prob_right must be probabilities in [0, 1].")
    first = np.argsort(-(prob_right if rank is None else rank), kind="stable")
    wrong = 1 - prob_right[first]
    expected_share = np.cumsum(wrong) / np.arange(1, wrong.size + 1)
    # a hair of tolerance: ten calls at exactly 0.9 keep a rate of exactly 0.10
    kept = np.flatnonzero(expected_share <= rate + 1e-12)
    made = np.zeros(prob_right.size, dtype=bool)
    if kept.size:
        made[first[: kept[-1] + 1]] = True
    return made


def _check_tail(tail: float) -> None:
    if not 0 < tail <= 1:
        raise InputError(f"tail must be in (0, 1]; got {tail}. For the worst tenth, pass 0.10.")


def _checked_draws(outcome_draws: np.ndarray) -> np.ndarray:
    outcome_draws = np.asarray(outcome_draws, dtype=float)
    if outcome_draws.ndim != 1 or outcome_draws.size == 0:
        raise InputError(f"outcome_draws must be (draw,), not empty; got {outcome_draws.shape}.")
    return outcome_draws
