"""Standing of deals -> alerts, in the words a buyer reads. Sends nothing and moves no money."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from adbudget.alerts.alert import Alert, fingerprint_of
from adbudget.alerts.cooldown import most_severe_first
from adbudget.money import money_text
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.measures import Measures, Track
from adbudget.pacing.delivery.status import QUIET, SEVERITIES, Standing, severity_level
from adbudget.pacing.delivery.thresholds import PaceThresholds

EVEN = 0.005  # a curve that wants less than this off the average of the rest is even here
TYPES = {
    "over": "over_delivery",
    "under": "under_delivery",
    "stalled": "stalled",
    "exhausted": "exhausted",
    "not_started": "spent_before_start",
}
ACTIONS = {
    "over_delivery": "watch",  # unless the run moves money or asks for something
    "under_delivery": "watch",
    "stalled": "ask_seller",
    "exhausted": "check_seller_cap",
    "spent_before_start": "ask_seller",
    "ended_over": "reconcile",
    "ended_under": "reconcile",
    "impressions_over": "check_price",
    "impressions_under": "check_price",
    "projected_over": "watch",
    "projected_under": "watch",
    "stale_data": "check_data",
    "missing_figures": "check_data",
    "bound_broken": "check_plan",
    **{
        f"{level}_{side}_delivery": "watch"
        for level in ("seller", "channel", "campaign")
        for side in ("over", "under")
    },
}


def deal_sentences(plan: FlightPlan, measures: Measures, standing: Standing) -> tuple[str, ...]:
    """One sentence on where each deal stands, to read aloud."""
    return tuple(_sentence(i, plan, measures, standing) for i in range(len(plan)))


def deal_alerts(
    plan: FlightPlan,
    delivery: Delivery,
    measures: Measures,
    standing: Standing,
    sentences: Sequence[str],
    thresholds: PaceThresholds,
    at: datetime,
) -> tuple[Alert, ...]:
    """Everything a person should know of deals now, most severe first.

    Parameters
    ----------
    plan, delivery, measures, standing, thresholds : of one run
    sentences : from :func:`deal_sentences`
    at : its instant, stamped on the alerts
    """
    found = [
        *_off_pace(plan, measures, standing, sentences, at),
        *_impressions_off(plan, measures, standing, thresholds, at),
        *_projected_off(plan, measures, standing, thresholds, at),
        *_stale(plan, measures, standing, thresholds, at),
        *_unknown(plan, standing, sentences, at),
    ]
    return most_severe_first(found)


def _off_pace(
    plan: FlightPlan,
    measures: Measures,
    standing: Standing,
    sentences: Sequence[str],
    at: datetime,
) -> Iterator[Alert]:
    """Deals whose state is not as it should be."""
    for i in np.flatnonzero(standing.severity != "none").tolist():
        state = standing.state[i]
        type_ = TYPES.get(state)
        if type_ is None:  # ended, or back within the warning limit but not yet far enough
            type_ = ("ended_" if state == "ended" else "projected_") + _side(measures.spend, i)
        evidence = evidence_of(measures.spend, i, 10.0 ** int(plan.exponent[i]))
        severity = standing.severity[i]
        yield pace_alert(plan.deals[i], type_, severity, evidence, sentences[i], at)


def _impressions_off(
    plan: FlightPlan,
    measures: Measures,
    standing: Standing,
    thresholds: PaceThresholds,
    at: datetime,
) -> Iterator[Alert]:
    """Deals whose impressions are further from plan than their money: the price is off."""
    track = measures.impressions
    level = severity_level(track.deviation, thresholds)
    of_spend = np.array([SEVERITIES.index(severity) for severity in standing.severity], dtype=int)
    off = (level > of_spend) & ~np.isin(standing.state, QUIET)
    for i in np.flatnonzero(off).tolist():
        side = _side(track, i)
        message = (
            f"{plan.deals[i]}: impressions are {_off(track.deviation[i])} plan "
            f"({track.delivered[i]:,.0f} of {track.planned[i]:,.0f} by now), while spend is "
            f"{_off(measures.spend.deviation[i])} plan."
        )
        severity = SEVERITIES[int(level[i])]
        evidence = evidence_of(track, i, 1.0)
        yield pace_alert(plan.deals[i], f"impressions_{side}", severity, evidence, message, at)


def _projected_off(
    plan: FlightPlan,
    measures: Measures,
    standing: Standing,
    thresholds: PaceThresholds,
    at: datetime,
) -> Iterator[Alert]:
    """Deals on pace today whose latest days lead off it, whatever end of the interval comes."""
    track = measures.spend
    over = track.low > track.target * (1 + thresholds.limits("over")[0])
    under = track.high < track.target * (1 - thresholds.limits("under")[0])
    over &= ~plan.is_asap
    for i in np.flatnonzero((standing.state == "on_pace") & (over | under)).tolist():
        message = (
            f"{plan.deals[i]}: on pace so far, but at the rate of its last "
            f"{int(track.n_days[i])} days it ends at {_money(track.projected[i], plan, i)} of "
            f"{_money(track.target[i], plan, i)}."
        )
        type_ = "projected_over" if over[i] else "projected_under"
        evidence = evidence_of(track, i, 10.0 ** int(plan.exponent[i]))
        yield pace_alert(plan.deals[i], type_, "warning", evidence, message, at)


def _stale(
    plan: FlightPlan,
    measures: Measures,
    standing: Standing,
    thresholds: PaceThresholds,
    at: datetime,
) -> Iterator[Alert]:
    """Accounts whose running deals were not reported for too long: one alert each."""
    hours = measures.data_age_hours
    running = (measures.elapsed_days > 0) & (measures.remaining_days > 0)
    old = running & (standing.state != "paused") & (hours > thresholds.max_data_age_hours)
    for account in dict.fromkeys(plan.account[old]):
        deals = np.flatnonzero(old & (plan.account == account))
        age = float(hours[deals].max())
        name = f"account {account}" if account else "the account"
        message = (
            f"{name}: no deal was reported for {age:,.0f} hours, so {len(deals)} running deals are "
            "measured on old figures. No money moves and no seller is asked on them."
        )
        evidence = {"hours": age}
        yield pace_alert(account or "account", "stale_data", "warning", evidence, message, at)


def _unknown(
    plan: FlightPlan, standing: Standing, sentences: Sequence[str], at: datetime
) -> Iterator[Alert]:
    """Deals of which a figure is missing."""
    for i in np.flatnonzero(standing.state == "unknown").tolist():
        yield pace_alert(plan.deals[i], "missing_figures", "warning", {}, sentences[i], at)


def pace_alert(
    unit: str, type_: str, severity: str, evidence: dict[str, float], message: str, at: datetime
) -> Alert:
    """One alert of the pacing engine; its advice is that of its type."""
    return Alert(
        type=type_,
        severity=severity,
        campaign_id=unit,
        trigger=type_,
        evidence=evidence,
        message=message,
        action=ACTIONS[type_],
        fingerprint=fingerprint_of(type_, unit, "pacing"),
        at=at,
    )


def evidence_of(track: Track, i: int, scale: float) -> dict[str, float]:
    """Finite figures behind an alert, in units people read."""
    figures = {
        "index": track.index[i],
        "delivered": track.delivered[i] / scale,
        "planned": track.planned[i] / scale,
        "target": track.target[i] / scale,
        "projected": track.projected[i] / scale,
        "prob_over": track.prob_over[i],
        "prob_under": track.prob_under[i],
    }
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}


def _side(track: Track, i: int) -> str:
    return "over" if track.deviation[i] > 0 else "under"


def _sentence(i: int, plan: FlightPlan, measures: Measures, standing: Standing) -> str:
    deal, state, track = plan.deals[i], standing.state[i], measures.spend
    spent, budget = _money(track.delivered[i], plan, i), _money(track.target[i], plan, i)
    if state == "not_started":
        before = f"; {spent} is spent already" if track.delivered[i] > 0 else ""
        return f"{deal}: the flight begins on {plan.start[i]}{before}."
    if state == "ended":
        return f"{deal}: ended on {plan.end[i]} with {spent} of {budget} spent."
    days = f"{measures.remaining_days[i]:.3g} days"
    if state == "unknown":
        return f"{deal}: figures are missing, so what it has delivered is unknown."
    if state == "paused":
        return f"{deal}: paused with {spent} of {budget} spent and {days} to go."
    if state == "exhausted":
        return f"{deal}: {spent} of {budget} spent with {days} to go."
    if state == "stalled":
        silent = int(standing.stalled_days[i])
        return (
            f"{deal}: no impression on the last {silent} final days; {spent} of {budget} spent "
            f"with {days} to go."
        )
    pace = "on pace" if state == "on_pace" else f"{_off(track.deviation[i])} plan"
    if np.isnan(track.deviation[i]):
        pace = "nothing planned yet"
    ahead = ""
    if np.isfinite(track.projected[i]):
        ahead = f"; heads for {_money(track.projected[i], plan, i)}"
    average, by_curve = max(track.required[i], 0.0), max(track.needed_next[i], 0.0)
    need = f", needs {_money(average, plan, i)} a day"
    if abs(by_curve - average) > EVEN * average:
        need = f", needs {_money(by_curve, plan, i)} on its next day by its curve"
    return f"{deal}: {pace}, {spent} of {budget} spent with {days} to go{ahead}{need}."


def _off(deviation: float) -> str:
    if not np.isfinite(deviation):
        return "far above" if deviation > 0 else "without"
    return f"{abs(deviation):.1%} {'below' if deviation < 0 else 'above'}"


def _money(minor: float, plan: FlightPlan, i: int) -> str:
    return money_text(minor, plan.currency[i])
