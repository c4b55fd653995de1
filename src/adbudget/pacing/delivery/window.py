"""Delivery of the latest final days, side by side. Sums nothing up and projects nothing.

A day counts for a deal when it lies in its flight, is over, is final and was no pause. Where the
account has final rows for a day but a deal has none, nothing was delivered: platforms leave such
rows out.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.pacing.booked.clock import LocalTime
from adbudget.pacing.booked.flight import FlightPlan, Quantity
from adbudget.pacing.booked.replanned import Baseline
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.delivery_table import account_codes

LOOK_BACK = 4  # windows of days among which final ones are looked for
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """Days before now. Matrices are (deal, day), the same calendar days in every row.

    Attributes
    ----------
    days : (day,) datetime64[D], ascending
    final : bool, the day is over, in the flight and final, so what stands here is known
    used : bool, the latest of these days, as many as the window has
    spend, impressions : float; minor units; 0 where nothing was delivered or is known
    weight, impressions_weight : float, what the plan wants of the day as a multiple of an
        average day; 1 throughout an even flight
    """

    days: np.ndarray
    final: np.ndarray
    used: np.ndarray
    spend: np.ndarray
    impressions: np.ndarray
    weight: np.ndarray
    impressions_weight: np.ndarray


def recent_days(plan: FlightPlan, delivery: Delivery, now: LocalTime, n_days: int) -> Window:
    """The last ``n_days`` final days of every deal.

    Parameters
    ----------
    plan, delivery : the deals and what they delivered
    now : the instant at the place of each deal: (deal,)
    n_days : days of the window
    """
    last: np.ndarray = now.day - DAY  # the latest day that is over
    newest = last.max() if len(plan) else np.datetime64("1970-01-01", "D")
    reach = max(LOOK_BACK * n_days, n_days + 1)
    days = newest - np.arange(reach)[::-1].astype("timedelta64[D]")

    column = (delivery.day - days[0]).astype(np.int64)
    inside = (column >= 0) & (column < reach)
    deal, column = delivery.deal[inside], column[inside]
    spend, impressions = np.zeros((2, len(plan), reach))
    spend[deal, column] = delivery.spend_minor[inside]
    impressions[deal, column] = delivery.impressions[inside]

    final = _final_days(plan, deal, column, delivery.final[inside], reach)
    final &= (days >= plan.start[:, None]) & (days <= plan.end[:, None])
    final &= (days <= last[:, None]) & ~plan.paused_days(days)
    newer = np.cumsum(final[:, ::-1], axis=1)[:, ::-1]
    used = final & (newer <= n_days)
    spend, impressions = np.where(final, spend, 0.0), np.where(final, impressions, 0.0)
    weight = day_weights(plan, days)
    impressions_weight = weight
    if plan.spend_baseline is not None and plan.impressions_baseline is not None:
        impressions_weight = day_weights(plan, days, "impressions")
        money, count = plan.budget_minor.astype(float), plan.planned_impressions
        weight = _as_agreed(plan, plan.spend_baseline, days, used, spend, weight, money)
        impressions_weight = _as_agreed(
            plan, plan.impressions_baseline, days, used, impressions, impressions_weight, count
        )
    return Window(
        days=days,
        final=final,
        used=used,
        spend=spend,
        impressions=impressions,
        weight=weight,
        impressions_weight=impressions_weight,
    )


def _as_agreed(
    plan: FlightPlan,
    baseline: Baseline,
    days: np.ndarray,
    used: np.ndarray,
    delivered: np.ndarray,
    weight: np.ndarray,
    target: np.ndarray,
) -> np.ndarray:
    """Weights by which days before an agreed pace are what was planned of them, on average."""
    begins = np.where(baseline.promised, np.nan_to_num(baseline.since), 0.0)
    before = (days - plan.start[:, None]).astype(float) < begins[:, None]
    counts = used & before
    number = np.maximum(counts.sum(axis=1), 1)
    mean = np.where(counts, delivered, 0.0).sum(axis=1) / number
    average = target / plan.n_days
    own = np.divide(mean, average, out=np.zeros_like(mean), where=average > 0)
    return np.where(before, own[:, None], weight)


def _final_days(
    plan: FlightPlan, deal: np.ndarray, column: np.ndarray, final: np.ndarray, reach: int
) -> np.ndarray:
    """Whether the figures of each day are final: (deal, day)."""
    account, n_accounts = account_codes(plan)
    reported = np.zeros((n_accounts, reach), dtype=bool)
    provisional = np.zeros((n_accounts, reach), dtype=bool)
    reported[account[deal], column] = True
    np.logical_or.at(provisional, (account[deal], column), ~final)
    known = (reported & ~provisional)[account]  # without a row of its own
    known[deal, column] = final
    return known


def day_weights(plan: FlightPlan, days: np.ndarray, of: Quantity = "spend") -> np.ndarray:
    """Planned share of each calendar day, as a multiple of an average day: (deal, day).

    Parameters
    ----------
    plan : the flights
    days : (day,) datetime64[D], consecutive; outside a flight the weight is 0
    of : money, or impressions
    """
    edges = np.append(days, days[-1] + DAY)
    share = plan.planned_share((edges - plan.start[:, None]).astype(float), of)
    return np.diff(share, axis=1) * plan.n_days[:, None]
