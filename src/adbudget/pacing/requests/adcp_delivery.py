"""Plan + an AdCP seller agent -> the delivery of its deals, as get_media_buy_delivery tells it.

Reads only. Days of a buy that is final are final; of one that is not, those that are old enough
not to change any more.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from adbudget.errors import SellerError
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.requests.adcp import account_of, media_buy_of
from adbudget.pacing.requests.mcp_calls import McpServer
from adbudget.pacing.requests.wire import clean

if TYPE_CHECKING:
    import pandas as pd

DELIVERY = "get_media_buy_delivery"
COLUMNS = ("deal", "date", "spend", "impressions", "final", "conversions", "revenue", "paused")
MOST_BUYS = 50  # asked about in one call


def adcp_delivery(
    server: McpServer,
    plan: FlightPlan,
    *,
    until: date,
    sellers: Sequence[str] = (),
    settled_days: int = 2,
) -> "pd.DataFrame":
    """Ask a seller what the deals of a plan have delivered, day by day.

    Parameters
    ----------
    server : of the seller
    plan : ``order_id`` is the media buy, or "media buy/package", ``seller_account`` the account
    until : first day that is not asked for; the days before it, from the start of each flight
    sellers : only deals of these; all when empty
    settled_days : the latest days that a running buy may still change; older ones are final

    Returns
    -------
    A table for :func:`adbudget.pace`: deal, date, spend, impressions, final, conversions, revenue,
    and paused, whether the seller says that the deal is

    Raises
    ------
    SellerError : the seller cannot be asked, refuses, or answers in another currency

    Examples
    --------
    >>> server = requests.McpServer(url="https://ads.example.org/mcp")
    >>> plan = pacing.read_plan(booked)  # none of its deals names a media buy: nobody is asked
    >>> len(requests.adcp_delivery(server, plan, until=now.date()))
    0
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    asked = [
        i
        for i in range(len(plan))
        if plan.order_id[i] and (not sellers or plan.seller[i] in sellers)
    ]
    accounts = dict.fromkeys(str(plan.seller_account[i] or plan.account[i]) for i in asked)
    for account in accounts:
        own = [i for i in asked if str(plan.seller_account[i] or plan.account[i]) == account]
        for first in range(0, len(own), MOST_BUYS):
            some = own[first : first + MOST_BUYS]
            told = server.call(DELIVERY, _question(plan, some, account, until))
            rows += _rows(told, plan, some, until - timedelta(days=settled_days), server.name)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _question(plan: FlightPlan, rows: list[int], account: str, until: date) -> dict[str, Any]:
    buys = dict.fromkeys(media_buy_of(str(plan.order_id[i]))[0] for i in rows)
    packages = any(media_buy_of(str(plan.order_id[i]))[1] for i in rows)
    question: dict[str, Any] = {
        "media_buy_ids": list(buys),
        "start_date": str(plan.start[rows].min()),
        "end_date": until.isoformat(),
    }
    if account:
        question["account"] = account_of(account)
    if packages:
        question["include_package_daily_breakdown"] = True
    return question


def _rows(
    told: Mapping[str, Any], plan: FlightPlan, rows: list[int], settled: date, name: str
) -> list[tuple[Any, ...]]:
    """Rows of the table out of one answer."""
    buys = told.get("media_buy_deliveries")
    if not isinstance(buys, list):
        words = "; ".join(clean(str(error)) for error in told.get("errors") or ())
        raise SellerError(f"{name} did not tell any delivery{f': {words}' if words else '.'}")
    by_name = {str(buy.get("media_buy_id")): buy for buy in buys if isinstance(buy, Mapping)}
    found = []
    for i in rows:
        media_buy, package = media_buy_of(str(plan.order_id[i]))
        buy = by_name.get(media_buy)
        if buy is None:
            continue
        part = buy if not package else _package(buy, package)
        if part is None:
            continue
        _check_currency(part, buy, told, str(plan.currency[i]), plan.deals[i], name)
        paused = bool(part.get("paused", False)) or buy.get("status") == "paused"
        whole = bool(part.get("is_final", buy.get("is_final", False)))
        for day in part.get("daily_breakdown") or ():
            final = whole or date.fromisoformat(str(day["date"])) < settled
            numbers = (day["spend"], day["impressions"], final)
            outcomes = (day.get("conversions"), day.get("conversion_value"))
            found.append((plan.deals[i], day["date"], *numbers, *outcomes, paused))
    return found


def _package(buy: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    for part in buy.get("by_package") or ():
        if isinstance(part, Mapping) and part.get("package_id") == name:
            return part
    return None


def _check_currency(
    part: Mapping[str, Any],
    buy: Mapping[str, Any],
    told: Mapping[str, Any],
    expected: str,
    deal: str,
    name: str,
) -> None:
    """Refuse money of another currency than the plan's."""
    code = part.get("currency") or buy.get("currency") or told.get("currency")
    if code and expected and code != expected:
        raise SellerError(
            f"{name} tells the delivery of {deal} in {clean(str(code))}, and the plan is in "
            f"{expected}. Plan the deal in the currency of its buy."
        )
