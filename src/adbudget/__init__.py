"""adbudget decides where an advertising budget should go, and says how sure it is.

The public names, in the order of the road. Each is imported on first use, so that ``import
adbudget`` and everything that does not sample start at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adbudget.decision import Action, Decision, Decisions, Thresholds, decide
    from adbudget.draws import CurveDraws, Health
    from adbudget.errors import (
        AdbudgetError,
        FileFormatError,
        FitError,
        InfeasibleError,
        InputError,
        KillSwitchError,
        LedgerConflictError,
        LedgerError,
        PolicyError,
        SellerError,
    )
    from adbudget.ledger.store import Ledger, open_ledger
    from adbudget.model.fit import Fit, fit
    from adbudget.model.predict import prior_predictive
    from adbudget.model.priors import Priors
    from adbudget.model.scores import predictive_scores
    from adbudget.optimizer import Proposal, optimize
    from adbudget.pacing.engine import pace
    from adbudget.pacing.report import PacingReport
    from adbudget.pacing.requests.outbox import FileOutbox
    from adbudget.pacing.requests.request import SellerRequest
    from adbudget.pacing.requests.seller_api import HttpGateway
    from adbudget.pacing.requests.sending import send_requests
    from adbudget.pacing.simulator import simulate_delivery
    from adbudget.pacing.thresholds import PaceThresholds
    from adbudget.panel import Panel, read_panel
    from adbudget.plan import Group, Limits, Plan
    from adbudget.policy.apply import apply_policy
    from adbudget.policy.file import load_policy
    from adbudget.policy.plan import PolicyPlan
    from adbudget.policy.rulebook import Policy
    from adbudget.recommendation import recommend
    from adbudget.risk import Risk
    from adbudget.simulation import Outcome, simulate

_HOME = {
    "read_panel": "panel",
    "Panel": "panel",
    "fit": "model.fit",
    "Fit": "model.fit",
    "Priors": "model.priors",
    "prior_predictive": "model.predict",
    "predictive_scores": "model.scores",
    "CurveDraws": "draws",
    "Health": "draws",
    "simulate": "simulation",
    "Outcome": "simulation",
    "optimize": "optimizer",
    "Proposal": "optimizer",
    "Plan": "plan",
    "Limits": "plan",
    "Group": "plan",
    "Risk": "risk",
    "decide": "decision",
    "Decision": "decision",
    "Decisions": "decision",
    "Thresholds": "decision",
    "Action": "decision",
    "recommend": "recommendation",
    "load_policy": "policy.file",
    "Policy": "policy.rulebook",
    "apply_policy": "policy.apply",
    "PolicyPlan": "policy.plan",
    "open_ledger": "ledger.store",
    "Ledger": "ledger.store",
    "pace": "pacing.engine",
    "PacingReport": "pacing.report",
    "PaceThresholds": "pacing.thresholds",
    "simulate_delivery": "pacing.simulator",
    "SellerRequest": "pacing.requests.request",
    "send_requests": "pacing.requests.sending",
    "FileOutbox": "pacing.requests.outbox",
    "HttpGateway": "pacing.requests.seller_api",
    "AdbudgetError": "errors",
    "InputError": "errors",
    "InfeasibleError": "errors",
    "FitError": "errors",
    "FileFormatError": "errors",
    "PolicyError": "errors",
    "LedgerError": "errors",
    "LedgerConflictError": "errors",
    "KillSwitchError": "errors",
    "SellerError": "errors",
}

__all__ = [*_HOME, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("adbudget")
    if name not in _HOME:
        raise AttributeError(f"module 'adbudget' has no attribute {name!r}")
    return getattr(import_module(f"adbudget.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
