"""When a move becomes a call, and when a call of the last run stays one. Compares nothing."""

from dataclasses import dataclass

import numpy as np

from adbudget.display.page import Listed
from adbudget.errors import InputError

NEVER = 1 + 1e-9  # more than any share of draws


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Thresholds(Listed):
    """When a proposed move becomes a call.

    Attributes
    ----------
    prob : smallest probability that the move pays
    leave : a call of the previous run in the same direction stands down to this probability;
        counts only where ``previous`` is given, and never above ``prob``
    max_wrong_share : expected share of wrong calls over the whole list, at most
    max_prior_share : from this share of prior in a cell's answer on, the probability asked rises in
        step with it, to certainty; a cell whose answer is all prior is not moved
    min_change : smallest meaningful move, as a share of today's spend
    min_step : smallest meaningful move in money per period
    fragile_below : a call that changes if a smaller share than this of the cell's return is
        spurious says so in its reason; it is made all the same

    Examples
    --------
    >>> ab.Thresholds(prob=0.9, max_wrong_share=0.05)
    Thresholds(prob=0.9, leave=0.75, max_wrong_share=0.05, max_prior_share=0.95, min_change=0.05,
     min_step=0.0, fragile_below=0.25)
    """

    prob: float = 0.8
    leave: float = 0.75
    max_wrong_share: float = 0.10
    max_prior_share: float = 0.95
    min_change: float = 0.05
    min_step: float = 0.0
    fragile_below: float = 0.25

    def __post_init__(self) -> None:
        for name, low, high in (
            ("prob", 0.5, 1.0),
            ("leave", 0.5, 1.0),
            ("max_wrong_share", 0.0, 1.0),
            ("max_prior_share", 0.0, 1.0),
            ("min_change", 0.0, 1.0),
            ("min_step", 0.0, np.inf),
            ("fragile_below", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not low <= value <= high:
                raise InputError(
                    f"Thresholds.{name} must be between {low} and {high}; got {value!r}."
                )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Needed:
    """The probability that each cell's move needs.

    Attributes
    ----------
    enter : (cell,) for a call that is new
    stay : (cell,) for a call in the direction of ``before``
    before : (cell,) direction of the previous run's call: 1, -1, or 0 for none
    """

    enter: np.ndarray
    stay: np.ndarray
    before: np.ndarray

    @staticmethod
    def by(thresholds: Thresholds, prior_share: np.ndarray, before: np.ndarray) -> "Needed":
        """Raise the bars of cells that know little of themselves.

        Parameters
        ----------
        prior_share : (cell,) share of prior in the answer, in [0, 1]
        before : (cell,) direction of the previous run's call
        """
        over = prior_share - thresholds.max_prior_share
        # Nothing but prior asks for certainty; a share that is noisy in its second digit must not
        # decide, so the bar rises step by step in between.
        rise = np.clip(over / max(1 - thresholds.max_prior_share, 1e-12), 0.0, 1.0)
        leave = min(thresholds.leave, thresholds.prob)
        enter, stay = (bar + (1 - bar) * rise for bar in (thresholds.prob, leave))
        never = rise >= 1  # all draws agreeing is no certainty where they are draws of the prior
        enter[never] = stay[never] = NEVER
        return Needed(enter=enter, stay=stay, before=before)

    def of(self, move: np.ndarray) -> np.ndarray:
        """(cell,) probability from which each move of a plan is a call; above 1 where none is."""
        return np.where(self.stands(move), self.stay, self.enter)

    def stands(self, move: np.ndarray) -> np.ndarray:
        """(cell,) whether a move goes on where the previous run's call pointed."""
        return (self.before != 0) & (np.sign(move) == self.before)
