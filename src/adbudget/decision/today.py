"""What was asked + Panel -> the spend that moves are measured from."""

# pyright: reportTypedDictNotRequiredAccess=false

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from adbudget.decision.options import DecisionOptions
from adbudget.errors import InputError
from adbudget.panel.budgets import budgets_beside_spend, read_budgets
from adbudget.panel.panel import Panel

if TYPE_CHECKING:
    from adbudget.draws import SpendLike


def spend_today(
    panel: Panel,
    options: DecisionOptions,
    data: Any = None,
    columns: Mapping[str, Hashable] | None = None,
) -> "tuple[SpendLike, str, list[str]]":
    """The spend that moves are measured from, what it is in words, and what to say of it.

    Parameters
    ----------
    panel : the history
    options : ``current``, ``budgets`` and ``window_days``, all of them there
    data, columns : what the panel was read from, its columns by role: a column of budgets beside
        the spend tells them where no option does

    Raises
    ------
    InputError : two of them say what is spent; the table of budgets cannot be used
    """
    current, budgets, days = options["current"], options["budgets"], options["window_days"]
    if current is not None and budgets is not None:
        raise InputError("current and budgets both say what is spent today; pass one of them.")
    if budgets is None and current is None:
        budgets = budgets_beside_spend(data, columns, panel)
    if budgets is not None:
        standing = read_budgets(budgets, panel, days)
        return standing.spend, "the budgets that are set", [n.message for n in standing.notes]
    if current is not None:
        return current, "given by the caller", []
    return panel.current_spend(days), f"mean of the last {days:g} days", []
