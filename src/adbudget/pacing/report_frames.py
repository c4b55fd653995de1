"""Records of a run -> the DataFrames people read. Money is in units of the currency.

Budgets and what was spent are exact Decimals; rates and projections are floats. Computes no
measure.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from adbudget.alerts.alert import Alert
from adbudget.money import exact_amounts
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.daily.daily_budgets import DailyBudgets
from adbudget.pacing.delivery.delivered import Correction
from adbudget.pacing.delivery.groups import Groups
from adbudget.pacing.delivery.measures import Measures, Track
from adbudget.pacing.delivery.run_out import run_out_days
from adbudget.pacing.delivery.status import Standing

ALERT_COLUMNS = (
    *("severity", "type", "unit", "message", "action", "new", "at", "fingerprint", "evidence"),
)
CORRECTION_COLUMNS = (
    *("deal", "day", "currency", "spend_before", "spend", "impressions_before", "impressions"),
)


def status_frame(
    plan: FlightPlan,
    measures: Measures,
    standing: Standing,
    daily: DailyBudgets,
    sentences: Sequence[str],
) -> pd.DataFrame:
    """One row per deal, in the order of the plan."""
    about = {
        "deal": list(plan.deals),
        "campaign": plan.campaign,
        "channel": plan.channel,
        "seller": plan.seller,
        "account": plan.account,
        "state": standing.state,
        "severity": standing.severity,
        "currency": plan.currency,
        "budget": _objects(exact_amounts(plan.budget_minor, plan.exponent)),
        "spent": _objects(exact_amounts(measures.spent_minor, plan.exponent)),
    }
    when = {
        "start": plan.start.astype("datetime64[s]"),
        "end": plan.end.astype("datetime64[s]"),
        "curve": [plan.curves[code].name for code in plan.curve_code],
        "elapsed_share": measures.elapsed_share,
        "planned_share": measures.planned_share,
        "remaining_days": measures.remaining_days,
        "runs_out": run_out_days(plan, measures).astype("datetime64[s]"),
        "measured_at": pd.to_datetime(measures.measured_at, utc=True),
        "stalled_days": standing.stalled_days,
        "reason": list(sentences),
    }
    return pd.DataFrame(
        about
        | _spend_columns(measures.spend, plan.exponent)
        | _impression_columns(measures.impressions)
        | _daily_columns(daily, plan.exponent)
        | when
    )


def groups_frame(groups: Sequence[Groups], severities: Sequence[np.ndarray]) -> pd.DataFrame:
    """One row per seller, channel and campaign, and currency."""
    frames = []
    for group, severity in zip(groups, severities, strict=True):
        about = {
            "level": group.level,
            "name": group.name,
            "severity": severity,
            "currency": group.currency,
            "n_deals": group.n_deals,
            "n_assumed": group.n_assumed,
            "budget": _objects(exact_amounts(_whole(group.spend.target), group.exponent)),
            "spent": _objects(exact_amounts(_whole(group.spend.delivered), group.exponent)),
        }
        frames.append(
            pd.DataFrame(
                about
                | _spend_columns(group.spend, group.exponent)
                | _impression_columns(group.impressions)
            )
        )
    return pd.concat(frames, ignore_index=True)


def alerts_frame(alerts: Sequence[Alert], fresh: Sequence[Alert]) -> pd.DataFrame:
    """One row per alert; ``new`` tells which were not told lately."""
    new = {alert.fingerprint for alert in fresh}
    rows = [
        (
            *(alert.severity, alert.type, alert.campaign_id, alert.message, alert.action),
            *(alert.fingerprint in new, alert.at, alert.fingerprint, dict(alert.evidence)),
        )
        for alert in alerts
    ]
    frame = pd.DataFrame(rows, columns=list(ALERT_COLUMNS))
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    frame["new"] = frame["new"].astype(bool)
    return frame


def corrections_frame(corrections: Sequence[Correction], plan: FlightPlan) -> pd.DataFrame:
    """One row per figure that a later one replaced."""
    place = plan.place
    at = np.array([place[one.deal] for one in corrections], dtype=np.int64)
    digits = plan.exponent[at]
    before = np.array([one.spend_minor_before for one in corrections], dtype=np.int64)
    after = np.array([one.spend_minor for one in corrections], dtype=np.int64)
    columns = {
        "deal": [one.deal for one in corrections],
        "day": [one.day for one in corrections],
        "currency": plan.currency[at],
        "spend_before": _objects(exact_amounts(before, digits)),
        "spend": _objects(exact_amounts(after, digits)),
        "impressions_before": [one.impressions_before for one in corrections],
        "impressions": [one.impressions for one in corrections],
    }
    return pd.DataFrame(columns, columns=list(CORRECTION_COLUMNS))


def _spend_columns(track: Track, exponent: np.ndarray) -> dict[str, Any]:
    scale = 10.0**exponent
    return {
        "planned": track.planned / scale,
        "index": track.index,
        "deviation_pct": 100 * track.deviation,
        "delivery_ratio": track.delivery_ratio,
        "required_rate": track.required / scale,
        "daily_mean": track.daily_mean / scale,
        "daily_sd": track.daily_sd / scale,
        "projected": track.projected / scale,
        "projected_low": track.low / scale,
        "projected_high": track.high / scale,
        "prob_over": track.prob_over,
        "prob_under": track.prob_under,
    }


def _impression_columns(track: Track) -> dict[str, Any]:
    return {
        "planned_impressions": track.target,
        "impressions": track.delivered,
        "impressions_index": track.index,
        "impressions_deviation_pct": 100 * track.deviation,
        "impressions_delivery_ratio": track.delivery_ratio,
        "impressions_required_rate": track.required,
        "impressions_projected": track.projected,
        "impressions_projected_low": track.low,
        "impressions_projected_high": track.high,
        "impressions_prob_over": track.prob_over,
        "impressions_prob_under": track.prob_under,
    }


def _daily_columns(daily: DailyBudgets, exponent: np.ndarray) -> dict[str, Any]:
    """None, "" and NaN for a deal that does not run on the day."""
    budgets = exact_amounts(daily.minor, exponent)
    runs = daily.basis != ""
    return {
        "daily_budget": _objects(
            [budget if run else None for budget, run in zip(budgets, runs, strict=True)]
        ),
        "daily_basis": daily.basis,
        "daily_traffic": daily.traffic_minor / 10.0**exponent,
    }


def _whole(values: np.ndarray) -> np.ndarray:
    """Sums of whole minor units, held as floats, as whole numbers again."""
    return np.rint(values).astype(np.int64)


def _objects(values: list[Any]) -> np.ndarray:
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return cells
