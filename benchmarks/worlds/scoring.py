"""Answer + Truth -> measures: what the plan earns, which calls are wrong, what intervals cover.

Lifts are judged as returns on the money moved (money per money), so that large and small cells
count alike. Two questions are asked of every tool that states lifts: of its own best plan (what its
user acts on) and of the truly best plan (the same question for all).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.worlds.answer import Answer, Move
from benchmarks.worlds.jobs import CHANGE

if TYPE_CHECKING:
    from adbudget.synthetic import Truth

LEVEL = 0.90  # of the intervals
SMALLEST_MOVE = 0.01  # share of today's spend; the lift of a cell that does not move is no question


def score(answer: Answer, truth: "Truth", current: pd.Series) -> dict[str, Any]:
    """Every measure of one answer.

    Parameters
    ----------
    answer : of the tool
    truth : of the world
    current : today's spend per period, by (account, channel)

    Returns
    -------
    name -> number; None where the tool states nothing or nothing could be judged. ``moves`` lists
    [stated probability, 1 when truly right] of every considered move
    """
    measures = {**answer.facts, "n_cells": len(current)}
    measures |= _plan_measures(answer.plan, truth, current, "")
    if answer.calls is not None:
        measures |= _plan_measures(answer.calls.plan, truth, current, "calls_")
        right = [is_right(move, truth, current) for move in answer.calls.called]
        measures |= {
            "n_calls": len(right),
            "n_wrong": len(right) - sum(right),
            "expected_wrong": answer.calls.expected_wrong,
            "moves": [
                [move.prob, int(is_right(move, truth, current))] for move in answer.calls.considered
            ],
        }
    if answer.lift is not None:
        best = truth.optimal(current, CHANGE, "fixed")
        for name, plan in (("own", answer.plan), ("best", best)):
            plan = plan.reindex(truth.cells)
            asked = lift_measures(answer.lift(plan), plan, truth, current)
            measures |= {f"{name}_{measure}": value for measure, value in asked.items()}
    return measures


def _plan_measures(plan: pd.Series, truth: "Truth", current: pd.Series, prefix: str) -> dict:
    found = truth.captured(plan, current, CHANGE, "fixed")
    by_account = found.by_account.dropna()
    now = pd.Series(current.groupby("account").sum()).reindex(found.gain.index)
    return {
        f"{prefix}captured": found.overall,
        f"{prefix}worst_account": float(by_account.min()),
        f"{prefix}account_mean": float(by_account.mean()),
        f"{prefix}hurt": float((found.gain < -1e-9 * now).mean()),
    }


def is_right(move: Move, truth: "Truth", current: pd.Series) -> bool:
    """Whether the plan with the move truly earns at least what the plan without it does."""
    full = [current.copy(), current.copy()]
    for whole, part in zip(full, (move.plan, move.without), strict=True):
        whole.loc[part.index] = part
    earned = [truth.value * truth.total(whole) - whole.sum() for whole in full]
    return bool(earned[0] >= earned[1])


def lift_measures(
    lift: np.ndarray, plan: pd.Series, truth: "Truth", current: pd.Series
) -> dict[str, float | None]:
    """Coverage and width of the intervals, and CRPS, over the cells that the plan moves.

    Parameters
    ----------
    lift : (draw, cell) stated outcome per period over today's, in the order of ``truth.cells``
    plan, current : spend in that order
    """
    now = current.reindex(truth.cells).to_numpy(float)
    move = plan.to_numpy(float) - now
    asked = np.abs(move) > SMALLEST_MOVE * now
    true = (truth.response(plan) - truth.response(current)).to_numpy()
    per_unit = truth.value / np.where(asked, move, 1.0)
    stated, actual = (lift * per_unit)[:, asked], (true * per_unit)[asked]
    dud = (truth.weight == 0)[asked]
    measures: dict[str, float | None] = {
        "n_live": int((~dud).sum()),
        "n_dud": int(dud.sum()),
        "crps": _mean([crps(column, y) for column, y in zip(stated.T, actual, strict=True)]),
    }
    if lift.shape[0] > 1:  # a point estimate has no interval
        low, high = np.quantile(stated, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        slack = 1e-9 * (1 + np.abs(actual))  # a true zero met by draws of exactly zero is covered
        covered = (low - slack <= actual) & (actual <= high + slack)
        for name, group in (("live", ~dud), ("dud", dud)):
            measures[f"cover_{name}"] = _mean(covered[group])
            measures[f"width_{name}"] = _mean((high - low)[group])
    return measures


def crps(draws: np.ndarray, actual: float) -> float:
    """Continuous ranked probability score from draws: E|X - y| - E|X - X'| / 2, lower is better.

    The fair version: unbiased in the number of draws. With one draw it is the absolute error.

    Parameters
    ----------
    draws : (draw,) any unit
    actual : what came, same unit

    References
    ----------
    Ferro (2014), Quarterly Journal of the Royal Meteorological Society 140(683), 1917-1923.
    """
    n = draws.size
    error = np.abs(draws - actual).mean()
    if n == 1:
        return float(error)
    rank_weight = 2 * np.arange(n) - n + 1
    spread = (rank_weight * np.sort(draws)).sum() / (n * (n - 1))
    return float(error - spread)


def _mean(values) -> float | None:
    values = np.asarray(values, dtype=float)
    return float(values.mean()) if values.size else None
