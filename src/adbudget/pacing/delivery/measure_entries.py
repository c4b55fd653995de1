"""What a run measured -> the entries a ledger keeps of it. Writes nothing.

One entry for the run; one measurement per deal, seller, channel and campaign; one per figure
that a later one replaced; one per alert not told lately. Moves and requests bring their own.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from adbudget.alerts.alert import Alert
from adbudget.ledger.entry import Entry
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Correction, Delivery
from adbudget.pacing.delivery.earlier_runs import MEASUREMENT, RUN
from adbudget.pacing.delivery.groups import Groups
from adbudget.pacing.delivery.measures import Measures, Track
from adbudget.pacing.delivery.past_days import days_payload
from adbudget.pacing.delivery.status import Standing
from adbudget.plain_json import to_plain

WHO = "adbudget pace"
Pair = tuple[str, Entry]
TRACK = (
    *("target", "delivered", "planned", "index", "delivery_ratio", "required", "daily_mean"),
    *("daily_sd", "projected", "projection_sd", "low", "high", "prob_over", "prob_under"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingRunFacts:
    """What every entry of a run shares, and what its first one holds.

    Attributes
    ----------
    run_id : of the run
    at : its instant, with time zone
    inputs_hash : SHA-256 of plan and delivery
    policy_hash : of the policy; "" without one
    payload : of the run's own entry
    """

    run_id: str
    at: datetime
    inputs_hash: str
    policy_hash: str
    payload: dict[str, Any]

    def shared(self) -> dict[str, Any]:
        """Fields that every entry of the run has."""
        return {
            "at": self.at,
            "who": WHO,
            "run_id": self.run_id,
            "inputs_hash": self.inputs_hash,
            "policy_hash": self.policy_hash,
        }


def inputs_hash(plan: FlightPlan, delivery: Delivery) -> str:
    """SHA-256 of what was read, 64 hexadecimal digits: equal for equal figures, however written."""
    digest = hashlib.sha256()
    parts: list[Any] = [plan.deals, plan.limits, tuple(repr(curve) for curve in plan.curves)]
    parts += [plan.pauses, plan.marks]
    texts = (plan.campaign, plan.channel, plan.seller, plan.account, plan.currency, plan.time_zone)
    texts += (plan.order_id, plan.seller_account)
    parts += [text.tolist() for text in texts]
    digest.update(repr(parts).encode())
    arrays = [plan.budget_minor, plan.minimum_minor, plan.maximum_minor, plan.start, plan.end]
    arrays += [plan.curve_code, plan.planned_impressions, plan.locked, plan.paused]
    arrays += [delivery.reported_until]
    arrays += [delivery.deal, delivery.day, delivery.spend_minor, delivery.impressions]
    arrays += [delivery.final, delivery.unknown]
    arrays += [each for each in (delivery.conversions, delivery.revenue_minor) if each is not None]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def run_pair(facts: PacingRunFacts) -> Pair:
    """The run's own entry."""
    return f"pace:{facts.run_id}", Entry(kind=RUN, payload=facts.payload, **facts.shared())


def deal_pairs(
    plan: FlightPlan,
    delivery: Delivery,
    measures: Measures,
    standing: Standing,
    sentences: Sequence[str],
    daily: Sequence[Mapping[str, Any]],
    booked: Sequence[Mapping[str, Any]],
    facts: PacingRunFacts,
) -> list[Pair]:
    """One measurement per deal.

    Parameters
    ----------
    daily, booked : (deal,) what is kept of its daily budgets, and of its booking
    """
    shared = facts.shared()
    figures = zip(
        plan.deals,
        _rows(measures.spend),
        _rows(measures.impressions),
        days_payload(plan, delivery, measures),
        strict=True,
    )
    return [
        (
            f"measure:{facts.run_id}:deal:{deal}",
            Entry(
                kind=MEASUREMENT,
                unit=deal,
                currency=plan.currency[i],
                rule=standing.state[i],
                rationale=sentences[i],
                payload={
                    "level": "deal",
                    "campaign": plan.campaign[i],
                    "state": standing.state[i],
                    "severity": standing.severity[i],
                    "exponent": int(plan.exponent[i]),
                    "elapsed_share": float(measures.elapsed_share[i]),
                    "planned_share": float(measures.planned_share[i]),
                    "spend": spend,
                    "impressions": impressions,
                    "known": days,
                    "daily": daily[i],
                    "booked": booked[i],
                },
                **shared,
            ),
        )
        for i, (deal, spend, impressions, days) in enumerate(figures)
    ]


def group_pairs(
    groups: Iterable[Groups], severities: Iterable[np.ndarray], facts: PacingRunFacts
) -> list[Pair]:
    """One measurement per seller, channel and campaign."""
    shared = facts.shared()
    pairs = []
    for group, severity in zip(groups, severities, strict=True):
        figures = zip(group.name, _rows(group.spend), _rows(group.impressions), strict=True)
        for i, (name, spend, impressions) in enumerate(figures):
            payload = {
                "level": group.level,
                "severity": severity[i],
                "exponent": int(group.exponent[i]),
                "n_deals": int(group.n_deals[i]),
                "n_assumed": int(group.n_assumed[i]),
                "spend": spend,
                "impressions": impressions,
            }
            currency = group.currency[i]
            entry = Entry(kind=MEASUREMENT, unit=name, currency=currency, payload=payload, **shared)
            pairs.append((f"measure:{facts.run_id}:{group.level}:{currency}:{name}", entry))
    return pairs


def correction_pairs(
    corrections: Iterable[Correction], plan: FlightPlan, facts: PacingRunFacts
) -> list[Pair]:
    """One entry per figure that was replaced."""
    place = plan.place
    return [
        (
            f"correction:{facts.run_id}:{number}",
            Entry(
                kind="correction",
                unit=one.deal,
                currency=plan.currency[place[one.deal]],
                rationale=(
                    f"{one.deal}: delivery of {one.day} was reported as "
                    f"{one.spend_minor_before} minor units and {one.impressions_before:.0f} "
                    f"impressions, now as {one.spend_minor} and {one.impressions:.0f}."
                ),
                payload=to_plain(one),
                **facts.shared(),
            ),
        )
        for number, one in enumerate(corrections)
    ]


def alert_pairs(alerts: Iterable[Alert], facts: PacingRunFacts) -> list[Pair]:
    """One entry per alert that is told now."""
    return [
        (
            f"alert:{facts.run_id}:{number}",
            Entry(
                kind="alert",
                unit=alert.campaign_id,
                rule=alert.type,
                rationale=alert.message,
                payload=alert.as_dict(),
                **facts.shared(),
            ),
        )
        for number, alert in enumerate(alerts)
    ]


def _rows(track: Track) -> Iterator[dict[str, float | None]]:
    """One JSON mapping per deal or group; None for what is not known or not finite."""
    columns = [to_plain(getattr(track, name)) for name in TRACK]
    return (dict(zip(TRACK, row, strict=True)) for row in zip(*columns, strict=True))
