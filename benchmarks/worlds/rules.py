"""Tools without a model: hold today's plan, or follow the dashboard's ROAS. World -> Answer."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.worlds.answer import Answer
from benchmarks.worlds.jobs import CHANGE, Job

if TYPE_CHECKING:
    from adbudget.synthetic import World


def hold(world: "World", job: Job) -> Answer:
    """Today's plan; it claims that nothing changes, which is exactly right."""
    current = world.current()
    return Answer(plan=current, lift=lambda plan: np.zeros((1, len(plan))))


def follow_roas(world: "World", job: Job) -> Answer:
    """The dashboard rule; it cannot use controls."""
    from adbudget.synthetic import naive_roas_rule

    outcome = pd.DataFrame(world.outcome[["account", "date", world.spec.kpi]])
    return Answer(plan=naive_roas_rule(world.spend, outcome, world.current(), CHANGE))
