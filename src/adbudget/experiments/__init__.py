"""Fit + decisions -> which tests are worth running: what each would tell, cost and be worth.

Designs of spend (designs), what a result would say of every draw (signals), what plans there are
(choices), what calls would be made once it is known (knowing), the best set within a budget
(selecting), and what is handed over (test_plan, schedule). ``recommendation`` and the command line
import it; it fits nothing.
"""

from adbudget.experiments.planning import plan_tests
from adbudget.experiments.schedule import lift_rows
from adbudget.experiments.test_plan import TestPlan

__all__ = ["TestPlan", "lift_rows", "plan_tests"]
