"""CurveDraws + current plan + Limits + Risk -> Proposal, with a certificate of how good it is."""

from adbudget.optimizer.proposal import Proposal, optimize

__all__ = ["Proposal", "optimize"]
