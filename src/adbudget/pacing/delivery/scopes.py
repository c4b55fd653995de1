"""Plan + ledger -> the plan whose deals are called as this ledger calls them.

A deal is called by its name alone in a ledger of one plan. Where the ledger follows deals of other
accounts already, the deals of a newcomer are called "acme::D1", so that nothing of two is shared.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adbudget.errors import InputError
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.earlier_runs import RUN
from adbudget.tables.units import SCOPE, scope_of, split_unit, unit_of

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

ACCOUNTS, SCOPED = "accounts", "scoped"  # keys of a run's payload
NEWEST = 200  # runs looked at before all are


def in_scope(plan: FlightPlan, ledger: "Ledger") -> FlightPlan:
    """Call deals as the ledger does.

    Parameters
    ----------
    plan : as read, or as this function has given it back before
    ledger : as it is before the run

    Returns
    -------
    The plan itself where it names no account, where earlier runs of its accounts called deals by
    their name alone, or where the ledger follows no other account; else with the account before
    every name

    Raises
    ------
    InputError : an account that may not stand before a name
    """
    own = accounts_of(plan)
    if own == [""] or not _is_scoped(own, ledger):
        return plan
    whose = [scope_of(str(account)) for account in plan.account]
    deals = tuple(
        deal if _is_called(deal, scope) else unit_of(deal, scope)
        for deal, scope in zip(plan.deals, whose, strict=True)
    )
    return replace(plan, deals=deals)


def _is_called(deal: str, scope: str) -> bool:
    """Whether the account stands before the name."""
    return scope != "" and deal.startswith(f"{scope}{SCOPE}")


def _is_scoped(own: list[str], ledger: "Ledger") -> bool:
    """Whether earlier runs of these accounts were, or else whether there are other accounts."""
    others = False
    for last in (NEWEST, None):
        runs = ledger.entries(kind=RUN, last=last)
        for payload in reversed(runs["payload"].tolist()):
            if ACCOUNTS not in payload:  # of an older version, which called deals by name alone
                continue
            if set(own) & set(payload[ACCOUNTS]):
                return bool(payload[SCOPED])
            others = True
        if len(runs) < NEWEST:
            break
    return others


def accounts_of(plan: FlightPlan) -> list[str]:
    """Whose deals they are, sorted; [""] where the plan does not say."""
    return sorted({str(account) for account in plan.account})


def scope_text(plan: FlightPlan) -> str:
    """Whose sellers, channels and campaigns they are: "" where deals are called by name alone."""
    pairs = zip(plan.deals, plan.account, strict=True)
    return ", ".join(sorted({str(whose) for deal, whose in pairs if _is_called(deal, str(whose))}))


def facts_of_scope(plan: FlightPlan) -> dict[str, Any]:
    """What a run notes of its accounts, for the runs after it."""
    return {ACCOUNTS: accounts_of(plan), SCOPED: scope_text(plan) != ""}


def named_deals[Value](plan: FlightPlan, given: Mapping[str, Value]) -> dict[str, Value]:
    """What a person says of deals, by the names of the plan: "D1" is taken for "acme::D1".

    Raises
    ------
    InputError : a name that deals of several accounts share
    """
    known, found = plan.place, {}
    called: dict[str, list[str]] = {}
    for deal in plan.deals if given else ():
        called.setdefault(split_unit(deal)[1], []).append(deal)
    for name, value in given.items():
        alike = called.get(name, [])
        if name not in known and len(alike) > 1:
            raise InputError(f"{name!r} could be any of {', '.join(alike)}; write one of these.")
        found[alike[0] if name not in known and alike else name] = value
    return found
