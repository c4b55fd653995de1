"""Worlds with known truth: spend, outcome, and the curves that made them. Knows nothing of fitting.

WorldSpec + seed -> World (spend frame, outcome frame, Truth). The truth answers what a plan would
really earn and which plan is best, so that any tool's recommendation can be scored.
"""

from adbudget.synthetic.continuation import Ahead, Continuation, Continued, continue_world
from adbudget.synthetic.experiment import run_lift_test
from adbudget.synthetic.rule import naive_roas_rule
from adbudget.synthetic.spec import WorldSpec, families, noise_families
from adbudget.synthetic.truth import Captured, Truth
from adbudget.synthetic.world import World, load_spec, load_truth, synthesize

__all__ = [
    "Ahead",
    "Captured",
    "Continuation",
    "Continued",
    "Truth",
    "World",
    "WorldSpec",
    "continue_world",
    "families",
    "load_spec",
    "load_truth",
    "naive_roas_rule",
    "noise_families",
    "run_lift_test",
    "synthesize",
]
