"""What can be done with the spend of a cell, and the record that says it of one."""

from dataclasses import dataclass
from enum import StrEnum

from adbudget.decision.reason_code import ReasonCode
from adbudget.display.page import Listed

NEAR = 2.0  # Monte-Carlo standard errors within which chance decides on which side of a bar one is


class Action(StrEnum):
    """What to do with the spend of one cell.

    Examples
    --------
    >>> [str(action) for action in ab.Action]
    ['increase', 'monitor', 'reduce']
    """

    INCREASE = "increase"
    MONITOR = "monitor"
    REDUCE = "reduce"


SIGN: dict[str, int] = {Action.INCREASE: 1, Action.MONITOR: 0, Action.REDUCE: -1}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Decision(Listed):
    """What to do with one cell, and why. Money is account currency per period.

    Attributes
    ----------
    account, channel : the cell
    action : increase, monitor or reduce
    current_spend, recommended_spend : per period; equal when monitored
    considered_spend : of the move that ``prob_gain`` is about: the call, or the most likely move of
        all plans that were tried on the way to the calls
    prob_gain : probability that the plan with the considered move is worth more than the best one
        without it
    prob_error : Monte-Carlo standard error of it: another seed gives another probability
    prob_needed : smallest probability that makes the move a call
    confidence : "high", "medium" or "low"
    reason : one sentence a buyer can read aloud
    reason_code : the same as one word for programs
    flip_at : share of the cell's estimated return that would have to be spurious before the
        decision changes: before a raise, or the cut of a held cell, turns; for a cut, the share by
        which the return would have to be under-estimated, without upper end. NaN where no return
        decides: a forced move, a fixed or uninformed cell, nothing spent, an unhealthy fit

    Examples
    --------
    >>> call = decisions.calls[0]
    >>> call.account, call.channel, 0 <= call.prob_gain <= 1, call.borderline in (True, False)
    ('account_01', 'search', True, True)
    """

    account: str
    channel: str
    action: Action
    current_spend: float
    recommended_spend: float
    considered_spend: float
    prob_gain: float
    prob_error: float
    prob_needed: float
    confidence: str
    reason: str
    reason_code: ReasonCode
    flip_at: float = float("nan")

    @property
    def borderline(self) -> bool:
        """Whether other draws of the same posterior might decide otherwise."""
        moves = self.considered_spend != self.current_spend
        return moves and abs(self.prob_gain - self.prob_needed) <= NEAR * self.prob_error
