"""Rules, constraints, balancing, safety: policy file + campaign table -> plan.

Documents and readings go in; a PolicyPlan with verdicts and alerts comes out. ``decision``,
``pacing`` and the command line import it; it imports no model.
"""
