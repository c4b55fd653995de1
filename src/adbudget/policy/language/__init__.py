"""The trigger language: text of a rule -> a checked tree -> which campaigns it fires for.

Knows campaigns only as readings; knows nothing of actions, budgets to move, files or ledgers.
"""

from adbudget.policy.language.evaluation import Firing, evaluate
from adbudget.policy.language.trigger import (
    Trigger,
    check_confidence,
    check_targets,
    parse_trigger,
)

__all__ = [
    "Firing",
    "Trigger",
    "check_confidence",
    "check_targets",
    "evaluate",
    "parse_trigger",
]
