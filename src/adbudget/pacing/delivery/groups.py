"""Measures of deals -> measures of their sellers, channels and campaigns.

Amounts add up. How surely the sum is known depends on whether deals vary together, which the
latest days show: the same days are good or bad for many of them. Knows no severities.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.pacing.booked.clock import times_at
from adbudget.pacing.booked.flight import FlightPlan, Level, Quantity
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.measures import Measures, Track, track_of
from adbudget.pacing.delivery.projection import project
from adbudget.pacing.delivery.thresholds import PaceThresholds
from adbudget.pacing.delivery.window import recent_days

LEVELS: tuple[Level, ...] = ("seller", "channel", "campaign")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Sellers, channels or campaigns, one entry per name and currency. Arrays are (group,).

    Attributes
    ----------
    level : "seller", "channel" or "campaign"
    name, currency : text
    exponent : digits after the point of the currency
    n_deals : how many deals
    n_assumed : how many of them have no projection yet and are taken to end on target
    spend, impressions : the deals together
    """

    level: Level
    name: np.ndarray
    currency: np.ndarray
    exponent: np.ndarray
    n_deals: np.ndarray
    n_assumed: np.ndarray
    spend: Track
    impressions: Track


def measure_groups(
    plan: FlightPlan,
    delivery: Delivery,
    measures: Measures,
    level: Level,
    thresholds: PaceThresholds | None = None,
) -> Groups:
    """Measure sellers, channels or campaigns.

    Parameters
    ----------
    plan, delivery, measures : what :func:`adbudget.pacing.measure` was given and gave
    level : which of them
    thresholds : the same as for the deals

    Returns
    -------
    Groups, sorted by name and currency. Planned impressions of a group are known when those of
    all its deals are
    """
    limits = PaceThresholds() if thresholds is None else thresholds
    now = times_at(measures.measured_at, plan.time_zone)
    window = recent_days(plan, delivery, now, limits.window_days)
    pairs = list(zip(plan.names(level), plan.currency, strict=True))
    different = sorted(set(pairs))
    position = {pair: i for i, pair in enumerate(different)}
    code = np.array([position[pair] for pair in pairs], dtype=np.int64)
    n_groups = len(different)

    def total(values: np.ndarray) -> np.ndarray:
        sums = np.zeros((n_groups, *values.shape[1:]))
        np.add.at(sums, code, values)
        return sums

    def together(of: Quantity, track: Track) -> Track:
        money = of == "spend"
        by_day = window.spend if money else window.impressions
        weight = window.weight if money else window.impressions_weight
        left = plan.share_ahead(measures.elapsed_days, of) * plan.n_days
        scores = project(by_day, window.used, weight, left).scores
        return _together(track, scores, total, limits)

    exponent = np.zeros(n_groups, dtype=np.int64)
    exponent[code] = plan.exponent
    return Groups(
        level=level,
        name=np.array([name for name, _ in different], dtype=object),
        currency=np.array([currency for _, currency in different], dtype=object),
        exponent=exponent,
        n_deals=np.bincount(code, minlength=n_groups),
        n_assumed=total(np.isnan(measures.spend.projected).astype(float)).astype(np.int64),
        spend=together("spend", measures.spend),
        impressions=together("impressions", measures.impressions),
    )


def _together(track: Track, scores: np.ndarray, total, limits: PaceThresholds) -> Track:
    """One track for each group of deals."""
    target, delivered, planned = (
        total(values) for values in (track.target, track.delivered, track.planned)
    )
    unknown = np.isnan(track.projected)
    projected = total(np.where(unknown, np.maximum(track.target, track.delivered), track.projected))
    # Days on which several deals are off together add up before they are squared.
    by_day = total(np.where(unknown, 0.0, track.projection_sd)[:, None] * scores)
    sd = np.sqrt((by_day**2).sum(axis=1))
    sd = np.where(total((np.isnan(track.projection_sd) & ~unknown).astype(float)) > 0, np.nan, sd)
    return track_of(
        target=target,
        delivered=delivered,
        planned=planned,
        required=np.where(np.isnan(target), np.nan, total(np.nan_to_num(track.required))),
        booked_next=total(np.nan_to_num(track.booked_next)),
        needed_next=total(np.nan_to_num(track.needed_next)),
        lately=total(np.nan_to_num(track.lately)),
        daily_mean=total(np.nan_to_num(track.daily_mean)),
        daily_sd=np.full(target.shape, np.nan),
        n_days=np.full(target.shape, limits.window_days),
        projected=projected,
        sd=sd,
        limits=limits,
    )
