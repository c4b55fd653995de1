"""HistoryBacktest: what would have been proposed on past dates, and how it forecast. A record."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from adbudget.display.page import Page, Shown, counted
from adbudget.errors import InputError

MOST_NOTES = 3
UNSCORED = (
    "A proposal that was not carried out has no outcome and is not scored; what is scored is the "
    "forecast of what was really spent."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class HistoryBacktest(Shown):
    """A walk forward through a history.

    Attributes
    ----------
    period, horizon : of the panel; periods that were forecast from every date
    outcome_name : the caller's column
    accounts : one row per date and account whose outcomes came in. Outcome units over the horizon:
        forecast, low, high (90%) of what was really spent; seen; inside; as_before (the mean of as
        many periods before); lift, lift_sd: what the moves that were really made were forecast to
        bring against spend as it was; lift_seen, lift_seen_sd: what came in less what was expected
        without them, and how far chance moves that; verdict, as the loop gives it: kept, broken,
        unclear, or "" where nothing was moved. Money per period: plan_gain, plan_gain_low,
        plan_gain_high (90%), what the proposal was expected to gain
    moves : one row per date and cell: spend (per period, as it was), proposed, spent (what was then
        really spent per period)
    notes : what is worth knowing
    seed : of fits and forecasts

    Examples
    --------
    >>> walk.horizon, walk.outcome_name
    (4, 'revenue')
    >>> list(walk.to_frame().columns[:3]), list(walk.summary())[:3]
    (['date', 'account', 'forecast'], ['dates', 'rows', 'coverage'])
    """

    period: str
    horizon: int
    outcome_name: str
    accounts: pd.DataFrame
    moves: pd.DataFrame
    notes: tuple[str, ...]
    seed: int

    def to_frame(self, by: Literal["account", "channel"] = "account") -> pd.DataFrame:
        """The rows of accounts, or of channels: what was proposed.

        Raises
        ------
        InputError : ``by`` is something else
        """
        if by not in ("account", "channel"):
            raise InputError(f'by must be "account" or "channel"; got {by!r}.')
        return (self.accounts if by == "account" else self.moves).copy()

    def summary(self) -> dict[str, Any]:
        """The walk in few numbers.

        Returns
        -------
        dates, rows (accounts times dates that came in), coverage (share of outcomes inside 90%
        intervals), error and error_as_before (mean absolute error over mean outcome: of the
        forecast, and of taking what was), bias (mean forecast over mean outcome, less 1),
        lift_slope (seen lift per unit of forecast lift, each row weighed by how surely it was seen)
        and lift_slope_sd, kept, broken, unclear, moved (share of spend that proposals move),
        same_direction (share of proposed money that spend then followed)
        """
        rows: Any = self.accounts
        verdicts = rows["verdict"].tolist() if len(rows) else []
        slope, slope_sd = _slope(rows)
        return {
            "dates": len(set(self.moves["date"].tolist())),
            "rows": len(rows),
            "coverage": float(rows["inside"].mean()) if len(rows) else np.nan,
            "error": _error(rows, "forecast"),
            "error_as_before": _error(rows, "as_before"),
            "bias": float(rows["forecast"].sum() / rows["seen"].sum() - 1) if len(rows) else np.nan,
            "lift_slope": slope,
            "lift_slope_sd": slope_sd,
            **{name: verdicts.count(name) for name in ("kept", "broken", "unclear")},
            **_directions(self.moves),
        }

    def page(self) -> Page:
        """What ``repr`` and a notebook show: the summary in words."""
        told = self.summary()
        inside = (
            f"{told['coverage']:.0%} inside 90% intervals; mean error {told['error']:.1%} of the "
            f"outcome (as before: {told['error_as_before']:.1%}), bias {told['bias']:+.1%}"
        )
        made = (
            f"per unit of lift forecast {told['lift_slope']:.2f} ± {told['lift_slope_sd']:.2f} was "
            f"seen; {told['kept']} promises kept, {told['broken']} broken, "
            f"{told['unclear']} unclear"
        )
        proposed = (
            f"move {told['moved']:.1%} of spend; {told['same_direction']:.0%} of that money is in "
            "cells that then went the same way"
        )
        more = len(self.notes) - MOST_NOTES
        return Page(
            title=f"HistoryBacktest: {counted(told['dates'], 'date')}, {self.horizon} "
            f"{self.period} periods ahead, {told['rows']} forecasts of {self.outcome_name}",
            facts=[
                ("forecasts", inside),
                ("moves made", made),
                ("proposals", proposed),
                ("not scored", UNSCORED),
                *(("note", note) for note in self.notes[:MOST_NOTES]),
                *([("", f"... and {more} more notes")] if more > 0 else []),
            ],
            next=('.to_frame()  .to_frame("channel")  .summary()',),
        )


def _error(rows: Any, column: str) -> float:
    """Mean absolute error over the mean outcome."""
    if not len(rows):
        return float("nan")
    return float((rows[column] - rows["seen"]).abs().sum() / rows["seen"].abs().sum())


def _slope(rows: Any) -> tuple[float, float]:
    """Weighted least squares of seen lift on forecast lift through zero, and its sd."""
    known = rows[rows["lift_seen"].notna() & (rows["lift_seen_sd"] > 0)] if len(rows) else rows
    if not len(known):
        return float("nan"), float("nan")
    weight = 1 / known["lift_seen_sd"] ** 2
    size = float((weight * known["lift"] ** 2).sum())
    if size <= 0:
        return float("nan"), float("nan")
    slope = float((weight * known["lift"] * known["lift_seen"]).sum()) / size
    return slope, float(1 / np.sqrt(size))


def _directions(moves: Any) -> dict[str, float]:
    step = moves["proposed"] - moves["spend"]
    then = moves["spent"] - moves["spend"]
    size = float(step.abs().sum())
    same = float(step.abs()[np.sign(step) == np.sign(then)].sum())
    return {
        "moved": size / 2 / float(moves["spend"].sum()) if moves["spend"].sum() > 0 else np.nan,
        "same_direction": same / size if size > 0 else np.nan,
    }
