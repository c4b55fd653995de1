"""Fit + plan by date -> joint predictive draws of outcome, ROAS and CPA; and plans for a target.

A fit, a horizon and a plan go in; a :class:`Forecast` comes out. ``cli`` and people import it; it
knows no policy and no ledger.
"""

from adbudget.forecasting.forecasts import forecast
from adbudget.forecasting.record import Forecast
from adbudget.forecasting.target import TargetPlan, reach_target

__all__ = ["Forecast", "TargetPlan", "forecast", "reach_target"]
