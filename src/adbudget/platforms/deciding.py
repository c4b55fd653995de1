"""An order + the budget that stands + what the key was answered before -> the answer. Sets nothing.

The one place that says what a platform of this package makes, refuses and calls a conflict.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from adbudget.errors import InputError, PlatformError
from adbudget.money import money_text
from adbudget.platforms.platform import BudgetOrder, OrderAnswer, StandingBudget, Status

Answered = tuple[BudgetOrder, OrderAnswer]


def decide(
    order: BudgetOrder,
    standing: StandingBudget | None,
    earlier: Answered | None,
    *,
    at: datetime,
    validate_only: bool = False,
) -> OrderAnswer:
    """Answer an order; whoever asked then sets the budget if the status is "made".

    Parameters
    ----------
    order : what is asked for
    standing : the budget of its unit, read in the transaction in which it will be set; None when
        nobody knows the unit
    earlier : the order that had this key, and how it was answered; None for a new key
    at : now, by the platform's clock
    validate_only : "valid" instead of "made"
    """
    if earlier is not None:
        return _again(order, earlier, standing, at)
    now = None if standing is None else standing.daily_minor
    problem = _problem(order, standing)
    status: Status = ("valid" if validate_only else "made") if problem is None else problem[0]
    return OrderAnswer(
        key=order.key,
        status=status,
        daily_minor=order.daily_minor if status == "made" else now,
        reason="" if problem is None else problem[1],
        at=at,
    )


def changes(order: BudgetOrder, answer: OrderAnswer) -> bool:
    """Whether an order that was just answered so changes the budget."""
    return answer.status == "made" and order.daily_minor != order.based_on_minor


def by_unit(
    budgets: Iterable[StandingBudget], place: str
) -> dict[tuple[str, str, str], StandingBudget]:
    """Unit -> its budget.

    Raises
    ------
    PlatformError : two budgets of one unit
    """
    found: dict[tuple[str, str, str], StandingBudget] = {}
    for budget in budgets:
        if budget.unit in found:
            raise PlatformError(
                f"{place} has two budgets of campaign {budget.campaign!r} ({budget.account}, "
                f"{budget.channel}). Every campaign needs an id of its own."
            )
        found[budget.unit] = budget
    return dict(sorted(found.items()))


def answer_in(answers: Mapping[str, Answered], key: str) -> OrderAnswer | None:
    """What a key was answered."""
    found = answers.get(key)
    return None if found is None else found[1]


def _again(
    order: BudgetOrder, earlier: Answered, standing: StandingBudget | None, at: datetime
) -> OrderAnswer:
    first, answer = earlier
    if first.content == order.content:
        return answer
    return OrderAnswer(
        key=order.key,
        status="conflict",
        daily_minor=None if standing is None else standing.daily_minor,
        reason=(
            f"key {order.key!r} belongs to another order: {_told(first)}. Give this order a key "
            "of its own"
        ),
        at=at,
    )


def _problem(order: BudgetOrder, standing: StandingBudget | None) -> tuple[Status, str] | None:
    """Why it is not made: status and reason; None when it is."""
    if standing is None:
        where = f"account {order.account!r}, channel {order.channel!r}"
        return "refused", f"there is no campaign {order.campaign!r} in {where}"
    if order.currency != standing.currency:
        return "refused", f"the budget is in {standing.currency}, the order in {order.currency}"
    if standing.daily_minor != order.based_on_minor:
        stands, based = (
            money_text(minor, order.currency)
            for minor in (standing.daily_minor, order.based_on_minor)
        )
        return "conflict", f"the budget is {stands} a day, and the order was based on {based}"
    if standing.paused:
        return "refused", "the campaign is paused"
    if standing.minimum_minor is not None and order.daily_minor < standing.minimum_minor:
        least = money_text(standing.minimum_minor, order.currency)
        return "refused", f"the least budget is {least} a day"
    if order.daily_minor != standing.daily_minor and standing.edits_left == 0:
        return "refused", "too many edits in this hour"
    return None


def _told(order: BudgetOrder) -> str:
    return f"{money_text(order.daily_minor, order.currency)} a day for {order.campaign!r}"


def check_days(since: object, until: object) -> None:
    """Refuse a period that ends before it begins.

    Raises
    ------
    InputError : it does
    """
    if since > until:  # pyright: ignore[reportOperatorIssue]
        raise InputError(f"since must not be after until; got {since} and {until}.")
