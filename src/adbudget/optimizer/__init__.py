"""CurveDraws + current plan + Limits + Risk -> Proposal, with a certificate of how good it is.

Curves and limits go in; the best plan, its prices and what bounds its gap come out. ``decision``,
``recommendation`` and the command line import it; it knows no panel and no model.
"""

from adbudget.optimizer.proposal import Proposal, optimize

__all__ = ["Proposal", "optimize"]
