"""Delivery against plan: on pace or not, what is off, what to do. Imports no model.

Plan and delivery tables go in; a PacingReport, proposals and drafts come out. Names are imported
on first use, so that asking for one loads no more than it needs.
"""

from typing import TYPE_CHECKING

from adbudget._lazy import on_first_use

if TYPE_CHECKING:
    from adbudget.pacing.curves import TrafficCurve, back_loaded, custom, even, front_loaded
    from adbudget.pacing.delivered import Delivery
    from adbudget.pacing.delivery_table import read_delivery
    from adbudget.pacing.engine import pace
    from adbudget.pacing.flight import FlightPlan
    from adbudget.pacing.history import measurement_history
    from adbudget.pacing.measures import Measures, Track, measure
    from adbudget.pacing.move_rules import MoveRules
    from adbudget.pacing.plan_table import read_plan
    from adbudget.pacing.report import PacingReport
    from adbudget.pacing.requests.drafting import AskRules
    from adbudget.pacing.simulator import simulate_delivery
    from adbudget.pacing.thresholds import PaceThresholds
    from adbudget.pacing.traffic import learn_traffic

_HOME = {
    "pace": "engine",
    "PacingReport": "report",
    "PaceThresholds": "thresholds",
    "MoveRules": "move_rules",
    "AskRules": "requests.drafting",
    "even": "curves",
    "front_loaded": "curves",
    "back_loaded": "curves",
    "custom": "curves",
    "TrafficCurve": "curves",
    "learn_traffic": "traffic",
    "read_plan": "plan_table",
    "FlightPlan": "flight",
    "read_delivery": "delivery_table",
    "Delivery": "delivered",
    "measure": "measures",
    "Measures": "measures",
    "Track": "measures",
    "measurement_history": "history",
    "simulate_delivery": "simulator",
}

__all__ = [
    "AskRules",
    "Delivery",
    "FlightPlan",
    "Measures",
    "MoveRules",
    "PaceThresholds",
    "PacingReport",
    "Track",
    "TrafficCurve",
    "back_loaded",
    "custom",
    "even",
    "front_loaded",
    "learn_traffic",
    "measure",
    "measurement_history",
    "pace",
    "read_delivery",
    "read_plan",
    "simulate_delivery",
]

__getattr__ = on_first_use(__name__, _HOME)
