"""Alerts + moves + requests of one run -> the same alerts, whose advice the others bear out."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from adbudget.alerts.alert import Alert
from adbudget.pacing.moves.move import MovePlan

if TYPE_CHECKING:
    from adbudget.pacing.requests.request import SellerRequest

OFF_PACE = ("over_delivery", "under_delivery", "projected_over", "projected_under", "stalled")


def agreeing(
    alerts: Iterable[Alert], moves: MovePlan, requests: "Iterable[SellerRequest]"
) -> tuple[Alert, ...]:
    """Let the advice of every alert about pace be what the run does about its deal.

    Parameters
    ----------
    alerts, moves : of one run
    requests : its drafts, and those of earlier runs; settled ones say nothing
    """
    asked = {request.ask.deal: request.ask.intent for request in requests if request.is_open}
    gaining, giving = moves.gaining, moves.giving

    def advice(alert: Alert) -> str:
        if alert.type not in OFF_PACE:
            return alert.action
        if alert.campaign_id in gaining:
            return "give_budget"
        if alert.campaign_id in giving:
            return "take_budget"
        return asked.get(alert.campaign_id, alert.action)

    return tuple(replace(alert, action=advice(alert)) for alert in alerts)
