"""A flight's curve + pauses + a plan made anew in mid-flight -> the share planned by any moment.

Money and impressions are shares of a target here; what the target is, is not known.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DAY = np.timedelta64(1, "D")
Shares = Callable[[np.ndarray], np.ndarray]  # (deal, time) elapsed days -> share, the same shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Days on which a deal is not to deliver; its curve goes on after them.

    Attributes
    ----------
    row : position of the deal
    first, last : datetime64[D], local days, both included
    """

    row: int
    first: np.datetime64
    last: np.datetime64


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A newer plan of one deal, from one day on. Money is minor units.

    A plan that somebody changed goes on from what the one before had planned by then; one that a
    seller agreed to, from what was delivered by then.

    Attributes
    ----------
    row : position of the deal
    day : datetime64[D], the first local day of the newer plan
    budget_before_minor : the budget until then; None when the newer plan is an agreement
    daily_minor, daily_impressions : agreed for every day from then on; None when not agreed
    rest_minor, rest_impressions : agreed for all days from then on together, in the proportions of
        the curve; None when not agreed
    only_impressions : the money goes on as it was planned
    """

    row: int
    day: np.datetime64
    budget_before_minor: int | None = None
    daily_minor: float | None = None
    daily_impressions: float | None = None
    rest_minor: float | None = None
    rest_impressions: float | None = None
    only_impressions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """From when on a flight is measured against a newer plan. Arrays are (deal,).

    Attributes
    ----------
    since : float, elapsed days at which the newer plan begins; NaN where the booked one holds
    reached : share of the target that counts as planned by then
    end : share of the target planned at the end of the flight; 1 unless an agreed pace leads
        elsewhere
    steady : bool, from then on every day alike, whatever the curve
    promised : bool, the newer plan is a pace that the seller agreed to, so that the days before it
        say nothing of the days after it
    """

    since: np.ndarray
    reached: np.ndarray
    end: np.ndarray
    steady: np.ndarray
    promised: np.ndarray


def no_baseline(n_deals: int) -> Baseline:
    """The booked plan holds everywhere."""
    unknown = np.full(n_deals, np.nan)
    return Baseline(
        since=unknown,
        reached=unknown.copy(),
        end=np.ones(n_deals),
        steady=np.zeros(n_deals, dtype=bool),
        promised=np.zeros(n_deals, dtype=bool),
    )


def with_pauses(
    booked: np.ndarray,
    elapsed: np.ndarray,
    at: Shares,
    pauses: tuple[Pause, ...],
    start: np.ndarray,
    n_days: np.ndarray,
) -> np.ndarray:
    """Hold a curve while its deal is paused; the days after it carry what is left.

    Parameters
    ----------
    booked : (deal, time) shares of the curves
    elapsed : (deal, time) days
    at : the curves at other times, one per deal: (deal, 1) -> (deal, 1)
    pauses : of one deal they do not overlap, and stand in the order of time
    start, n_days : (deal,)
    """
    shares = booked.copy()
    offset, slope = np.zeros(len(start)), np.ones(len(start))  # share = offset + slope * booked
    for every in _rounds(pauses):
        rows = np.array([pause.row for pause in every], dtype=np.int64)
        first = np.array([pause.first for pause in every], dtype="datetime64[D]")
        last = np.array([pause.last for pause in every], dtype="datetime64[D]")
        begins, ends = np.zeros((2, len(start), 1))
        begins[rows, 0] = np.clip((first - start[rows]).astype(float), 0, n_days[rows])
        ends[rows, 0] = np.clip((last + DAY - start[rows]).astype(float), 0, n_days[rows])
        before, after = at(begins)[rows, 0], at(ends)[rows, 0]
        held = offset[rows] + slope[rows] * before  # what was planned when the pause began
        slope[rows] = np.divide(1 - held, 1 - after, out=np.zeros_like(held), where=after < 1)
        offset[rows] = held - slope[rows] * after
        later = offset[rows, None] + slope[rows, None] * booked[rows]
        times = elapsed[rows]
        held_or_before = np.where(times > begins[rows], held[:, None], shares[rows])
        shares[rows] = np.where(times > ends[rows], later, held_or_before)
    return shares


def _rounds(pauses: tuple[Pause, ...]) -> list[list[Pause]]:
    """First pauses of all deals, second ones, and so on."""
    seen: dict[int, int] = {}
    rounds: dict[int, list[Pause]] = {}
    for pause in pauses:
        seen[pause.row] = seen.get(pause.row, -1) + 1
        rounds.setdefault(seen[pause.row], []).append(pause)
    return list(rounds.values())


def with_baseline(
    shares: np.ndarray,
    elapsed: np.ndarray,
    at: Shares,
    baseline: Baseline,
    n_days: np.ndarray,
) -> np.ndarray:
    """Lead a curve through what was reached when the newer plan began.

    Parameters
    ----------
    shares : (deal, time) of the curves, pauses included
    elapsed : (deal, time) days
    at : the same curves at other times: (deal, 1) -> (deal, 1)
    baseline : the newer plans
    n_days : (deal,)
    """
    new = np.flatnonzero(~np.isnan(baseline.since))
    since = np.where(np.isnan(baseline.since), 0.0, baseline.since)[:, None]
    known, whole = at(since), at(n_days.astype(float)[:, None])
    times = elapsed[new]
    begun, end = since[new], n_days[new, None].astype(float)
    reached, goal = baseline.reached[new, None], baseline.end[new, None]
    before, last = known[new], whole[new]
    even_past = np.divide(times, begun, out=np.ones_like(times), where=begun > 0)
    past = np.divide(shares[new], before, out=even_past, where=before > 0)
    even_rest = np.divide(times - begun, end - begun, out=np.ones_like(times), where=end > begun)
    curved = (last > before) & ~baseline.steady[new, None]
    rest = np.divide(shares[new] - before, last - before, out=even_rest, where=curved)
    out = shares.copy()
    out[new] = np.where(times <= begun, reached * past, reached + (goal - reached) * rest)
    return out
