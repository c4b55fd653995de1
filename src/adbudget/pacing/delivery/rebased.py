"""Plan with marks + delivery -> the same plan, measured from the newest mark of every deal on."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.booked.replanned import Baseline, Mark, no_baseline
from adbudget.pacing.delivery.delivered import Delivery


def rebased(plan: FlightPlan, delivery: Delivery, today: np.ndarray) -> FlightPlan:
    """Lead every curve through what was planned, or delivered, when a newer plan began.

    Parameters
    ----------
    plan : its budgets are those of today; ``marks`` in any order
    delivery : of the same deals
    today : (deal,) datetime64[D], local day of each deal; later marks do not count yet

    Returns
    -------
    The plan with its two baselines; both None when nothing is marked
    """
    marks = [mark for mark in plan.marks if mark.day <= today[mark.row]]
    if not marks:
        return replace(plan, spend_baseline=None, impressions_baseline=None)
    spend, impressions = no_baseline(len(plan)), no_baseline(len(plan))
    budget = plan.budget_minor
    for every in _rounds(marks):
        now = replace(plan, spend_baseline=spend, impressions_baseline=impressions)
        reached = _Reached(now, delivery, every)
        spend, impressions = _after(now, reached, budget)
    return replace(plan, spend_baseline=spend, impressions_baseline=impressions)


class _Reached:
    """What had been planned and delivered of marked deals when their marks began.

    Attributes
    ----------
    marks, rows : one per deal
    since : (mark,) elapsed days
    spend, impressions : (mark,) delivered before; minor units, counts
    planned, planned_impressions : (mark,) shares planned by then
    days : (mark,) days left that are no pauses
    """

    def __init__(self, plan: FlightPlan, delivery: Delivery, marks: list[Mark]) -> None:
        self.marks = marks
        self.rows = np.array([mark.row for mark in marks], dtype=np.int64)
        day = np.array([mark.day for mark in marks], dtype="datetime64[D]")
        n_days = plan.n_days[self.rows]
        self.since = np.clip((day - plan.start[self.rows]).astype(float), 0, n_days)
        first_day = np.full(len(plan), np.datetime64("9999-01-01", "D"))
        first_day[self.rows] = day
        before = delivery.day < first_day[delivery.deal]
        self.spend = delivery.total(np.where(before, delivery.spend_minor, 0))[self.rows]
        self.impressions = delivery.total(np.where(before, delivery.impressions, 0.0))[self.rows]
        elapsed = np.zeros(len(plan))
        elapsed[self.rows] = self.since
        self.planned = plan.planned_share(elapsed)[self.rows]
        self.planned_impressions = plan.planned_share(elapsed, "impressions")[self.rows]
        self.days = n_days - self.since - plan.paused_ahead(elapsed)[self.rows]


def _rounds(marks: Iterable[Mark]) -> list[list[Mark]]:
    """First marks of all deals, second ones, and so on, each in the order of time."""
    seen: dict[int, int] = {}
    rounds: dict[int, list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: mark.day):
        seen[mark.row] = seen.get(mark.row, -1) + 1
        rounds.setdefault(seen[mark.row], []).append(mark)
    return list(rounds.values())


def _after(plan: FlightPlan, then: _Reached, budget: np.ndarray) -> tuple[Baseline, Baseline]:
    """The two baselines after one more mark of some deals."""
    spend, impressions = _copy(plan.spend_baseline), _copy(plan.impressions_baseline)
    for i, mark in enumerate(then.marks):
        row = mark.row
        money, count = float(budget[row]), float(plan.planned_impressions[row])
        if mark.budget_before_minor is not None:  # a person's: what was planned stays planned
            scale = mark.budget_before_minor / money if money else 1.0
            reached = (scale * then.planned[i], then.planned_impressions[i])
            rests, steady = (1 - reached[0], 1 - reached[1]), False
        else:
            reached = (_share(then.spend[i], money), _share(then.impressions[i], count))
            rests, steady = _agreed_rests(mark, then.days[i], money, count, reached)
        for one, at, rest in zip((spend, impressions), reached, rests, strict=True):
            if mark.only_impressions and one is spend:
                continue
            one.since[row], one.reached[row] = then.since[i], at
            one.end[row], one.steady[row] = at + rest, steady
            one.promised[row] = mark.budget_before_minor is None
    return spend, impressions


def _copy(baseline: Baseline | None) -> Baseline:
    """The same in arrays of its own."""
    assert baseline is not None
    return Baseline(
        since=baseline.since.copy(),
        reached=baseline.reached.copy(),
        end=baseline.end.copy(),
        steady=baseline.steady.copy(),
        promised=baseline.promised.copy(),
    )


def _agreed_rests(
    mark: Mark, days: float, money: float, count: float, reached: tuple[float, float]
) -> tuple[tuple[float, float], bool]:
    """Shares of money and impressions still to come as agreed, and whether evenly.

    What is agreed of one of the two holds for the other at the booked price.
    """
    rest_money = mark.rest_minor
    if rest_money is None and mark.daily_minor is not None:
        rest_money = mark.daily_minor * days
    rest_count = mark.rest_impressions
    if rest_count is None and mark.daily_impressions is not None:
        rest_count = mark.daily_impressions * days
    steady = mark.rest_minor is None and mark.rest_impressions is None
    if rest_money is not None:
        rest = _share(rest_money, money)
        return (rest, rest if rest_count is None else _share(rest_count, count)), steady
    if rest_count is not None:
        rest = _share(rest_count, count)
        return (rest, rest), steady
    return (max(1 - reached[0], 0.0), max(1 - reached[1], 0.0)), False


def _share(part: float, whole: float) -> float:
    """A part of a target; 0 of none."""
    return float(part / whole) if whole > 0 else 0.0
