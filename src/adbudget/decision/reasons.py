"""Facts of a decision -> one sentence a buyer can read aloud. Decides nothing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from adbudget.decision.moves import Moves
from adbudget.decision.thresholds import Thresholds
from adbudget.draws import CurveDraws
from adbudget.money import estimate_text
from adbudget.optimizer import Proposal

INTERVAL = (0.05, 0.95)
CLOSE = 0.25  # share of the hurdle within which a return is "about" the hurdle
ROUNDING = 1e-9
PERIOD_WORDS = {1: "a day", 7: "a week"}
ASSUMED = "Its own data say almost nothing: this is mostly what is assumed of any channel."
UNSEEN = "Its history has seen no spend this high, so the curve there is assumed."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """Everything the sentences quote, cell by cell. Money is account currency per period.

    Attributes
    ----------
    current, recommended, considered : (cell,) spend today, in the final plan, and of the move that
        ``prob`` is about
    prob, needed : (cell,) probability that the considered move pays, and the one that it needs
    marginal, marginal_low, marginal_high : (cell,) margin money of one more unit of spend
    hurdle : (cell,) what a unit of the move's money brings elsewhere; 1 where it stays unspent
    at_limit : (cell,) limit that stopped the first plan, "" if none
    prior_share : (cell,) how much of the answer is prior
    currency : (cell,) code, "" when not stated
    min_change, min_prob, max_prior_share : smallest meaningful move as a share of today's spend,
        the probability from which it is called, and the share of prior from which more is asked
    flip : (cell,) error of the cell's own return at which the decision changes; NaN if unknown
    fragile_below : a call whose ``flip`` is smaller says so
    beyond : (cell,) whether the final spend is above all its history has seen
    said : (cell,) what else there is to say of a cell, "" if nothing
    blocked : (cell,) why nothing said of it would mean anything, "" where something does
    problem : why the fit is unhealthy, "" when it is not
    period : "a day", "a week", "a month"
    """

    current: np.ndarray
    recommended: np.ndarray
    considered: np.ndarray
    prob: np.ndarray
    needed: np.ndarray
    marginal: np.ndarray
    marginal_low: np.ndarray
    marginal_high: np.ndarray
    hurdle: np.ndarray
    at_limit: np.ndarray
    prior_share: np.ndarray
    currency: np.ndarray
    min_change: float
    min_prob: float
    max_prior_share: float
    flip: np.ndarray
    fragile_below: float
    beyond: np.ndarray
    said: tuple[str, ...]
    blocked: tuple[str, ...]
    problem: str
    period: str

    @staticmethod
    def of(
        kept: Proposal,
        seen: Moves,
        considered: Proposal,
        bars: Thresholds,
        *,
        prior_share: np.ndarray,
        problem: str,
        flip: np.ndarray,
        said: tuple[str, ...],
        blocked: tuple[str, ...],
    ) -> "Facts":
        """Collect the facts from the final plan, the last moves and the first plan's limits."""
        draws = kept.draws
        account = np.argwhere(draws.exists)[:, 0]
        slope = marginal_money(draws, kept.current.spend)
        low, high = np.quantile(slope, INTERVAL, axis=0)
        return Facts(
            current=kept.current.spend.to_numpy(float),
            recommended=kept.plan.spend.to_numpy(float),
            considered=seen.current + seen.move,
            prob=seen.prob,
            needed=seen.needed,
            marginal=slope.mean(axis=0),
            marginal_low=low,
            marginal_high=high,
            hurdle=seen.elsewhere,
            at_limit=considered.at_limit.to_numpy(object),
            prior_share=prior_share,
            currency=np.array(draws.currency, dtype=object)[account],
            min_change=bars.min_change,
            min_prob=bars.prob,
            max_prior_share=bars.max_prior_share,
            flip=flip,
            fragile_below=bars.fragile_below,
            beyond=above_history(draws, kept.plan.spend),
            said=said,
            blocked=blocked,
            problem=problem,
            period=PERIOD_WORDS.get(round(draws.period_days), "a month"),
        )


def marginal_money(draws: CurveDraws, spend) -> np.ndarray:
    """(draw, cell) margin money that one more unit of spend brings."""
    account = np.argwhere(draws.exists)[:, 0]
    slope = draws.marginal(spend).to_numpy()[:, draws.exists]
    return slope * (draws.margin * draws.unit_value)[account]


def above_history(draws: CurveDraws, spend: pd.Series) -> np.ndarray:
    """(cell,) whether a spend is higher than any the history behind the curves has seen."""
    highest = draws.highest_spend
    if highest is None:
        return np.zeros(len(spend), dtype=bool)
    return spend.to_numpy(float) > highest[draws.exists] * (1 + ROUNDING)  # NaN is never exceeded


def explain(facts: Facts, i: int, *, called: bool, forced: bool) -> str:
    """The sentence for cell ``i``."""
    if facts.problem:
        return f"Monitor: the fit is not healthy, so no move is trusted. {facts.problem}"
    if facts.blocked[i]:
        return f"Monitor, not judged. {facts.blocked[i]}{_caveat(facts, i)}"
    if called:
        sentence = _call(facts, i, forced)
    elif facts.current[i] == 0:
        sentence = "Monitor: nothing is spent here now, so there is nothing to compare."
    else:
        sentence = _monitor(facts, i)
    fragile = _fragile(facts, i) if called and not forced else ""
    return sentence + fragile + _caveat(facts, i)


def _call(facts: Facts, i: int, forced: bool) -> str:
    prob = facts.prob[i]
    move = facts.recommended[i] - facts.current[i]
    verb = "Increase" if move > 0 else "Reduce"
    share = f" ({_share(facts, i):+.0%})" if facts.current[i] > 0 else " from nothing"
    amount = f"{verb} by {_money(facts, i, abs(move))} {facts.period}{share}"
    if forced:
        return f"{amount}: the limits do not allow today's plan; {_likely(prob)} likely to pay."
    if move > 0:
        return (
            f"{amount}: one more {_unit(facts, i)} brings {_slope(facts, i)}, more than the "
            f"{_hurdle(facts, i)}; {_likely(prob)} likely to pay{_stands(facts, i)}."
        )
    return (
        f"{amount}: the last {_unit(facts, i)} brings only {_slope(facts, i)}, less than the "
        f"{_hurdle(facts, i)}; {_likely(prob)} likely to pay{_stands(facts, i)}."
    )


def _stands(facts: Facts, i: int) -> str:
    """What keeps a call that would not be made anew."""
    if facts.prob[i] >= facts.min_prob:
        return ""
    return f", which keeps the call of the previous run (a new one needs {facts.min_prob:.0%})"


def _monitor(facts: Facts, i: int) -> str:
    prob = facts.prob[i]
    share = facts.considered[i] / facts.current[i] - 1
    if abs(share) >= facts.min_change * (1 - 1e-9):
        found = (
            f"the best move found was {share:+.0%}, {_likely(prob)} likely to pay; one more "
            f"{_unit(facts, i)} brings {_slope(facts, i)}, against the {_hurdle(facts, i)}."
        )
        if prob < facts.min_prob:
            return f"Monitor, too uncertain: {found}"
        if prob < facts.needed[i]:
            return f"Monitor, not informed: {found}"
        if share > 0:
            return f"Monitor, not funded: no channel can safely give up the money; {found}"
        return f"Monitor, not needed: no other channel can safely use the money; {found}"
    limit = facts.at_limit[i]
    if limit == "fixed":
        return "Monitor, blocked: this cell is fixed."
    brings = f"one more {_unit(facts, i)} brings {_slope(facts, i)}"
    if limit and limit != "total":
        return (
            f"Monitor, blocked: the limit ({limit}) leaves less room than the smallest meaningful "
            f"move; {brings}, against the {_hurdle(facts, i)}."
        )
    if abs(facts.marginal[i] - facts.hurdle[i]) > CLOSE * facts.hurdle[i]:
        return (
            f"Monitor: no better plan was found within the limits; {brings}, against the "
            f"{_hurdle(facts, i)}."
        )
    return f"Monitor, already balanced: {brings}, about the {_hurdle(facts, i)}."


def _fragile(facts: Facts, i: int) -> str:
    """Say how little has to be wrong with the return before the call is no longer made."""
    if not facts.flip[i] < facts.fragile_below:
        return ""
    wrong = "under 1%" if facts.flip[i] < 0.005 else f"{facts.flip[i]:.0%}"
    if facts.recommended[i] > facts.current[i]:
        return f" Fragile: if {wrong} of its return would have come anyway, this is no call."
    return f" Fragile: if its return is really {wrong} higher, this is no call."


def _caveat(facts: Facts, i: int) -> str:
    """What the reader should know of the cell, whatever is decided."""
    told = [
        ASSUMED if facts.prior_share[i] > facts.max_prior_share else "",
        UNSEEN if facts.beyond[i] else "",
        facts.said[i],
    ]
    return "".join(f" {sentence}" for sentence in told if sentence)


def _share(facts: Facts, i: int) -> float:
    return facts.recommended[i] / facts.current[i] - 1


def _slope(facts: Facts, i: int) -> str:
    return f"{facts.marginal[i]:.2f} ({facts.marginal_low[i]:.2f} to {facts.marginal_high[i]:.2f})"


def _hurdle(facts: Facts, i: int) -> str:
    if abs(facts.hurdle[i] - 1) < 5e-3:
        return "1.00 it costs"
    return f"{facts.hurdle[i]:.2f} it can earn elsewhere"


def _likely(prob: float) -> str:
    """No draw is proof, so nothing is ever 100% or 0% likely."""
    if prob >= 0.995:
        return "over 99%"
    return "under 1%" if prob < 0.005 else f"{prob:.0%}"


def _unit(facts: Facts, i: int) -> str:
    return facts.currency[i] or "unit of spend"


def _money(facts: Facts, i: int, amount: float) -> str:
    return estimate_text(amount, facts.currency[i])
