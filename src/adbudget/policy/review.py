"""The policy as guard around the model: constraints -> Limits, decisions -> verdicts.

Knows plans and limits, not how a plan is searched for. Spend of the model is per period of its
panel, money of the policy per day; this module is where the two meet. A cell of the model is a
campaign of the policy, and "of total" means of its account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import PolicyError
from adbudget.money import check_currency
from adbudget.plan import DEFAULT_CHANGE, Cell, Limits
from adbudget.policy.firing import Fired, fire_rules
from adbudget.policy.funding import fund
from adbudget.policy.presets import in_currency
from adbudget.policy.readings.campaigns import read_campaigns
from adbudget.policy.rulebook import Policy

SEPARATOR = " / "  # between account and channel in the name of a cell
CENTS = 2
A_CENT = 0.01  # what the search may leave a limit by, and what is no change


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """The cells of a model, as the policy sees them. Money is per day.

    Attributes
    ----------
    account, channel : (cell,) names
    currency : (cell,) ISO code, "" when unknown
    spend : (cell,) today
    roas : (cell,) revenue that the model credits the cell with, per money spent; NaN without spend
    cpl : (cell,) money per result that the model credits it with; NaN where the outcome is money
    """

    account: Sequence[str]
    channel: Sequence[str]
    currency: Sequence[str]
    spend: np.ndarray
    roas: np.ndarray
    cpl: np.ndarray


def limits_of(
    policy: Policy, limits: Limits | None, spend: pd.Series, period_days: float
) -> Limits:
    """Narrow the caller's limits to what the policy allows; nothing is widened.

    Parameters
    ----------
    policy : its constraints hold for every cell
    limits : of the caller; the defaults when None
    spend : today's, indexed by (account, channel), per period of the panel
    period_days : days in a period

    Returns
    -------
    Limits : a cell moves at most by ``max_daily_change``, is not cut below
        ``min_campaign_budget``, not raised above ``max_single_campaign`` of its account, and the
        total is kept. A cell beyond a bound today may stay where it is

    Raises
    ------
    PolicyError : the policy changes the total, or the caller's limits free it
    """
    given = limits or Limits()
    _check_total(policy, given)
    return replace(narrowed(policy, given, spend, period_days), total="fixed")


def narrowed(
    policy: Policy,
    given: Limits,
    spend: pd.Series,
    period_days: float,
    campaigns: Mapping[Cell, int] | None = None,
) -> Limits:
    """Limits as far as the policy's daily change, floors and caps allow.

    Parameters
    ----------
    policy, spend, period_days : as in :func:`limits_of`
    given : limits to narrow
    campaigns : how many campaigns a cell stands for, each with its floor and cap; 1 when not given
    """
    rules, many = policy.constraints, campaigns or {}
    names: list[Any] = spend.index.tolist()
    cells: list[Cell] = [(str(account), str(channel)) for account, channel in names]
    totals = spend.groupby(level=0).transform("sum").to_numpy(float)
    share = float(rules.max_daily_change)
    change: dict[Cell, tuple[float, float]] = {}
    lower: dict[Cell, float] = {}
    upper: dict[Cell, float] = {}
    for cell, now, total in zip(cells, spend.to_numpy(float), totals, strict=True):
        change[cell] = _narrowed(_of_cell(given.change, cell, DEFAULT_CHANGE), share)
        low, high = (_of_cell(bound, cell, None) for bound in (given.lower, given.upper))
        floor, cap = _bounds(policy, total / period_days)
        days = period_days * many.get(cell, 1)
        if floor is not None:
            low = max(low or 0.0, min(floor * days, now))
        if cap is not None and (now > 0 or high is not None):  # an upper bound would switch it on
            most = max(cap * days, now)
            high = most if high is None else min(high, most)
        lower |= {} if low is None else {cell: low}
        upper |= {} if high is None else {cell: high}
    return replace(given, change=change, lower=lower or None, upper=upper or None)


def review(
    policy: Policy,
    cells: Cells,
    decisions: Sequence[str],
    spend_next: np.ndarray,
    *,
    as_of: datetime,
) -> pd.DataFrame:
    """Judge decisions by the rules and guardrails of a policy.

    Parameters
    ----------
    policy : from :func:`adbudget.load_policy`
    cells : today's
    decisions : (cell,) "increase", "monitor" or "reduce"
    spend_next : (cell,) money per day that is recommended
    as_of : last moment of the data

    Returns
    -------
    One row per cell: verdict ("auto", "needs_approval", or "blocked" when a guardrail does not
    allow the move), rule_fired (names of the rules that fire, "" for none) and disagreement (""
    or one sentence: model and rules point in opposite directions)

    Raises
    ------
    PolicyError : the currencies do not fit
    """
    n = len(decisions)
    verdict, rule_fired, disagreement = (np.full(n, "", dtype=object) for _ in range(3))
    accounts, currencies = (
        np.array(names, dtype=object) for names in (cells.account, cells.currency)
    )
    for code in dict.fromkeys(cells.currency):
        own = np.flatnonzero(currencies == code)
        fired = _fired(policy, cells, own, as_of)
        for k, i in enumerate(own.tolist()):
            rule_fired[i] = " + ".join(policy.rules[p].name for p in fired.rules[k])
            disagreement[i] = _disagreement(rule_fired[i], int(fired.wanted[k]), decisions[i])
    for account in dict.fromkeys(cells.account):
        own = np.flatnonzero(accounts == account)
        own_policy = in_currency(policy, str(currencies[own[0]]))
        verdict[own] = _verdicts(own_policy, cells.spend[own], spend_next[own])
    return pd.DataFrame(
        {"verdict": verdict, "rule_fired": rule_fired, "disagreement": disagreement}
    )


def _fired(policy: Policy, cells: Cells, own: np.ndarray, as_of: datetime) -> Fired:
    """What the rules say of cells of one currency: today's spend, to the cent, is the budget."""
    code = cells.currency[int(own[0])]
    check_currency(policy.currency, code, f"account {cells.account[int(own[0])]!r}")
    table = pd.DataFrame(
        {
            "campaign_id": [f"{cells.account[i]}{SEPARATOR}{cells.channel[i]}" for i in own],
            "budget": np.round(cells.spend[own], CENTS),
            "roas": cells.roas[own],
            "cpl": cells.cpl[own],
        }
    )
    readings = read_campaigns(table, as_of=as_of, currency=code or None, exponent=CENTS)
    return fire_rules(policy, readings, int(readings.budget_minor.sum()))


def _verdicts(policy: Policy, now: np.ndarray, then: np.ndarray) -> np.ndarray:
    """Of the cells of one account: a raise waits with the cut that pays for it."""
    minor = [np.rint(100 * spend).astype(np.int64) for spend in (now, then)]
    change = minor[1] - minor[0]
    change[np.abs(change) <= 1] = 0
    limit = policy.constraints.approval_limit.minor(CENTS, "constraints: approval_limit")
    waits = fund(change, np.arange(change.size), limit).waits
    verdict = np.where(waits, "needs_approval", "auto").astype(object)
    floor, cap = _bounds(policy, float(now.sum()))
    share = float(policy.constraints.max_daily_change)
    breach = np.abs(then - now) > share * now + A_CENT
    if floor is not None:
        breach |= (then < now) & (then < floor - A_CENT)
    if cap is not None:
        breach |= (then > now) & (then > cap + A_CENT)
    verdict[breach & (change != 0)] = "blocked"
    return verdict


def _bounds(policy: Policy, daily_total: float) -> tuple[float | None, float | None]:
    """Floor and cap of a cell, money per day."""
    rules = policy.constraints
    floor, cap = rules.min_campaign_budget, rules.max_single_campaign
    least = None if floor is None else float(floor.amount)
    if cap is None:
        return least, None
    money = cap.money
    return least, float(cap.share or 0) * daily_total if money is None else float(money.amount)


def _disagreement(names: str, wanted: int, decision: str) -> str:
    says = "increase" if wanted > 0 else "reduce" if wanted < 0 else ""
    if not says or decision not in ("increase", "reduce") or decision == says:
        return ""
    return f"The model says {decision}, the rule {names} says {says}: look before you act."


def _check_total(policy: Policy, given: Limits) -> None:
    if policy.total_budget is not None:
        raise PolicyError(
            "total_budget has no meaning around the model. Remove it, and set the total itself "
            "with limits.budget."
        )
    change = policy.constraints.total_budget_change
    if change.money is None or change.money.amount != 0:
        raise PolicyError(
            f"constraints: total_budget_change is {change}; around the model only 0 has a meaning. "
            "Remove it, and set the total itself with limits.budget."
        )
    if given.total == "free":
        raise PolicyError(
            'constraints: total_budget_change is 0, but limits.total is "free". Remove one of them.'
        )


def _of_cell(value: Any, cell: Cell, default: Any) -> Any:
    """What a limit, given as one value or by cell, says of a cell."""
    return value.get(cell, default) if isinstance(value, Mapping) else value


def _narrowed(change: Any, share: float) -> tuple[float, float]:
    """(down, up) of a cell, each at most the daily limit."""
    if change is None:
        return (share, share)
    down, up = change if isinstance(change, tuple) else (change, change)
    return (min(down, share), min(up, share))
