"""Facts of a decision -> why: a code, and a sentence a buyer can read aloud. Decides nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.moves import Moves, marginal_money
from adbudget.decision.reason_code import ReasonCode
from adbudget.decision.thresholds import Thresholds
from adbudget.decision.totals import NextMoney
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
    margin : (cell,) share of the outcome's money that is margin
    marginal, marginal_low, marginal_high : (cell,) outcome money of one more unit of spend, in the
        money of the columns: before margin
    hurdle : (cell,) the same of what a unit of the move's money brings elsewhere; 1 / margin where
        it stays unspent
    next : what more money would do where totals are spent
    total : (cell,) "today's total of the account (EUR 1,200 a week)": which total it is part of
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
    margin: np.ndarray
    marginal: np.ndarray
    marginal_low: np.ndarray
    marginal_high: np.ndarray
    hurdle: np.ndarray
    next: NextMoney
    total: tuple[str, ...]
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
        more: NextMoney,
        prior_share: np.ndarray,
        problem: str,
        flip: np.ndarray,
        said: tuple[str, ...],
        blocked: tuple[str, ...],
    ) -> "Facts":
        """Collect the facts from the final plan, the last moves and the first plan's limits."""
        draws = kept.draws
        account = np.argwhere(draws.exists)[:, 0]
        period = PERIOD_WORDS.get(round(draws.period_days), "a month")
        slope = marginal_money(draws, kept.current.spend) / draws.margin[account]
        low, high = np.quantile(slope, INTERVAL, axis=0)
        return Facts(
            current=kept.current.spend.to_numpy(float),
            recommended=kept.plan.spend.to_numpy(float),
            considered=seen.current + seen.move,
            prob=seen.prob,
            needed=seen.needed,
            margin=draws.margin[account],
            marginal=slope.mean(axis=0),
            marginal_low=low,
            marginal_high=high,
            hurdle=seen.elsewhere / draws.margin[account],
            next=more,
            total=_total_names(considered, period),
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
            period=period,
        )


def above_history(draws: CurveDraws, spend: pd.Series) -> np.ndarray:
    """(cell,) whether a spend is higher than any the history behind the curves has seen."""
    highest = draws.highest_spend
    if highest is None:
        return np.zeros(len(spend), dtype=bool)
    return spend.to_numpy(float) > highest[draws.exists] * (1 + ROUNDING)  # NaN is never exceeded


def _total_names(considered: Proposal, period: str) -> tuple[str, ...]:
    """(cell,) how a sentence calls the total that each cell is part of, "" where it is free."""
    totals: Any = considered.totals
    pool: Any = considered.pool_of_cell
    if totals.empty:
        return ("",) * len(pool)
    currency = dict(zip(considered.draws.accounts, considered.draws.currency, strict=True))
    budget: Any = considered.limits.budget
    told = []
    for (account, _), name in pool.items():
        given = budget.get(name) if isinstance(budget, dict) else budget
        whose = "the account" if name == account else str(name)
        money = estimate_text(float(totals[name]), currency[account])
        told.append(f"{'the' if given else "today's"} total of {whose} ({money} {period})")
    return tuple(told)


def reason_code(facts: Facts, i: int, *, called: bool, forced: bool) -> ReasonCode:
    """Why cell ``i`` is decided as it is."""
    if facts.problem:
        return ReasonCode.UNHEALTHY
    if facts.blocked[i]:
        return ReasonCode.NOT_JUDGED
    if called:
        if forced:
            return ReasonCode.FORCED
        return ReasonCode.STANDS if facts.prob[i] < facts.min_prob else ReasonCode.PAYS
    if facts.current[i] == 0:
        return ReasonCode.NOTHING_SPENT
    share = _considered_share(facts, i)
    if facts.next.pays[i] and share > -facts.min_change:
        return ReasonCode.HELD_BY_TOTAL
    if abs(share) >= facts.min_change * (1 - 1e-9):
        return _not_called(facts, i, share)
    limit = facts.at_limit[i]
    if limit == "fixed":
        return ReasonCode.FIXED
    if limit and limit != "total":
        return ReasonCode.HELD_BY_LIMIT
    if np.isfinite(facts.next.prob[i]) and not facts.next.pays[i]:
        return ReasonCode.TOO_UNCERTAIN
    if abs(facts.marginal[i] - facts.hurdle[i]) > CLOSE * facts.hurdle[i]:
        return ReasonCode.NO_BETTER_PLAN
    return ReasonCode.BALANCED


def _not_called(facts: Facts, i: int, share: float) -> ReasonCode:
    """Why a move of meaningful size is not called."""
    if facts.prob[i] < facts.min_prob:
        return ReasonCode.TOO_UNCERTAIN
    if facts.prob[i] < facts.needed[i]:
        return ReasonCode.NOT_INFORMED
    return ReasonCode.NOT_FUNDED if share > 0 else ReasonCode.NOT_NEEDED


def explain(facts: Facts, i: int, code: ReasonCode) -> str:
    """The sentence for cell ``i``, whose :func:`reason_code` is ``code``."""
    if code == ReasonCode.UNHEALTHY:
        return f"Monitor: the fit is not healthy, so no move is trusted. {facts.problem}"
    if code == ReasonCode.NOT_JUDGED:
        return f"Monitor, not judged. {facts.blocked[i]}{_caveat(facts, i)}"
    if code in (ReasonCode.PAYS, ReasonCode.STANDS, ReasonCode.FORCED):
        sentence = _call(facts, i, forced=code == ReasonCode.FORCED)
        fragile = "" if code == ReasonCode.FORCED else _fragile(facts, i)
        return sentence + fragile + _caveat(facts, i)
    return _monitor(facts, i, code) + _caveat(facts, i)


def _call(facts: Facts, i: int, *, forced: bool) -> str:
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


def _monitor(facts: Facts, i: int, code: ReasonCode) -> str:
    """Sentence of a cell that keeps its spend, for reasons of its own returns or limits."""
    brings = f"one more {_unit(facts, i)} brings {_slope(facts, i)}"
    against = f"{brings}, against the {_hurdle(facts, i)}."
    found = _found(facts, i)
    if code == ReasonCode.NOTHING_SPENT:
        return "Monitor: nothing is spent here now, so there is nothing to compare."
    if code == ReasonCode.HELD_BY_TOTAL:
        would = f"one more {_unit(facts, i)} would bring {_slope(facts, i)}"
        within = f" Within it, {found}." if found else ""
        return (
            f"Monitor, held by {facts.total[i]}: {would}, more than the {_costs(facts, i)}, "
            f"{_likely(facts.next.prob[i])} likely to pay.{within}"
        )
    if code == ReasonCode.TOO_UNCERTAIN and not found:
        found = f"more money here is {_likely(facts.next.prob[i])} likely to pay"
        against = f"{brings}, against the {_costs(facts, i)}."
    if code == ReasonCode.HELD_BY_LIMIT:
        return (
            f"Monitor, blocked: the limit ({facts.at_limit[i]}) leaves less room than the smallest "
            f"meaningful move; {against}"
        )
    return {
        ReasonCode.TOO_UNCERTAIN: f"Monitor, too uncertain: {found}; {against}",
        ReasonCode.NOT_INFORMED: f"Monitor, not informed: {found}; {against}",
        ReasonCode.NOT_FUNDED: "Monitor, not funded: no channel can safely give up the money; "
        f"{found}; {against}",
        ReasonCode.NOT_NEEDED: "Monitor, not needed: no other channel can safely use the money; "
        f"{found}; {against}",
        ReasonCode.FIXED: "Monitor, blocked: this cell is fixed.",
        ReasonCode.NO_BETTER_PLAN: "Monitor: no better plan was found within the limits; "
        f"{against}",
        ReasonCode.BALANCED: f"Monitor, already balanced: {brings}, about the {_hurdle(facts, i)}.",
    }[code]


def _found(facts: Facts, i: int) -> str:
    """The best move that was found and not called, "" if none of meaningful size."""
    share = _considered_share(facts, i)
    if not abs(share) >= facts.min_change * (1 - 1e-9):
        return ""
    return f"the best move found was {share:+.0%}, {_likely(facts.prob[i])} likely to pay"


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


def _considered_share(facts: Facts, i: int) -> float:
    """Share of today's spend that the considered move is; 0 where nothing is spent."""
    return facts.considered[i] / facts.current[i] - 1 if facts.current[i] > 0 else 0.0


def _slope(facts: Facts, i: int) -> str:
    return f"{facts.marginal[i]:.2f} ({facts.marginal_low[i]:.2f} to {facts.marginal_high[i]:.2f})"


def _hurdle(facts: Facts, i: int) -> str:
    if abs(facts.hurdle[i] * facts.margin[i] - 1) < 5e-3:
        return _costs(facts, i)
    return f"{facts.hurdle[i]:.2f} it can earn elsewhere"


def _costs(facts: Facts, i: int) -> str:
    """What one unit of spend must bring to pay for itself, in the outcome's money."""
    if facts.margin[i] == 1:
        return "1.00 it costs"
    return f"{1 / facts.margin[i]:.2f} that pay for it at a margin of {facts.margin[i]:.0%}"


def _likely(prob: float) -> str:
    """No draw is proof, so nothing is ever 100% or 0% likely."""
    if prob >= 0.995:
        return "over 99%"
    return "under 1%" if prob < 0.005 else f"{prob:.0%}"


def _unit(facts: Facts, i: int) -> str:
    return facts.currency[i] or "unit of spend"


def _money(facts: Facts, i: int, amount: float) -> str:
    return estimate_text(amount, facts.currency[i])
