"""Ledger, and a plan if there is one -> the budget that now stands per deal or campaign.

Deals of pacing have budgets of their whole flight, campaigns of policies have them per day; the
column ``period`` says which. Reads only.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from adbudget.ledger.entry import CHANGE
from adbudget.money import exact
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.earlier_runs import MEASUREMENT, RUN
from adbudget.pacing.delivery.scopes import in_scope
from adbudget.pacing.moves.decided import budgets_now, is_of_flight
from adbudget.pacing.moves.locks import locked_deals

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

COLUMNS = (
    *("unit", "campaign", "currency", "period", "budget", "budget_before", "change"),
    *("n_changes", "changed_at", "changed_by", "reason", "locked"),
)
MOST_RUNS = 20  # of pacing that are searched for deals nobody has ever changed
Level = Literal["deal", "campaign"]


def standing_budgets(
    ledger: "Ledger",
    *,
    plan: FlightPlan | None = None,
    since: datetime | None = None,
    level: Level = "deal",
) -> pd.DataFrame:
    """Which budgets hold now, and what has changed since an instant.

    Parameters
    ----------
    ledger : from :func:`adbudget.open_ledger`
    plan : its deals are listed with the budgets that hold; without one, the deals that the latest
        runs of pacing have measured
    since : changes from then on are told; None tells all. With a time zone
    level : "deal" lists every unit of its own, "campaign" adds the deals of a campaign up

    Returns
    -------
    One row per unit, sorted: unit, campaign, currency, period ("flight" or "day"), budget and
    budget_before (Decimals; before the first change since then), change, n_changes, and of the last
    of them changed_at, changed_by and reason; locked
    """
    rows = _measured(ledger) if plan is None else _planned(ledger, plan)
    for entry in ledger.entries(kind=CHANGE).to_dict("records"):
        _take(rows, entry, since, settled=plan is not None)
    locked = locked_deals(ledger)
    table = [
        {**row, "change": row["budget"] - row["budget_before"], "locked": row["unit"] in locked}
        for _, row in sorted(rows.items())
    ]
    frame = pd.DataFrame(table, columns=list(COLUMNS))
    frame["changed_at"] = pd.to_datetime(frame["changed_at"], utc=True)
    frame["n_changes"] = frame["n_changes"].astype("int64")
    return frame if level == "deal" else _by_campaign(frame)


def _row(unit: str, campaign: str, currency: str, period: str, budget: Decimal) -> dict[str, Any]:
    return {
        "unit": unit,
        "campaign": campaign,
        "currency": currency,
        "period": period,
        "budget": budget,
        "budget_before": budget,
        "n_changes": 0,
        "changed_at": None,
        "changed_by": "",
        "reason": "",
    }


def _planned(ledger: "Ledger", plan: FlightPlan) -> dict[str, dict[str, Any]]:
    """The deals of a plan, with the budgets that hold after what the ledger says."""
    plan = in_scope(plan, ledger)
    now = budgets_now(plan, ledger)
    return {
        deal: _row(
            deal,
            str(plan.campaign[i]),
            str(plan.currency[i]),
            "flight",
            exact(int(now.budget_minor[i]), int(plan.exponent[i])),
        )
        for i, deal in enumerate(plan.deals)
    }


def _measured(ledger: "Ledger") -> dict[str, dict[str, Any]]:
    """Deals as the latest runs of pacing have measured them."""
    rows: dict[str, dict[str, Any]] = {}
    runs = ledger.entries(kind=RUN, last=MOST_RUNS)
    for run_id in runs["run_id"].tolist()[::-1]:
        logged = ledger.entries(kind=MEASUREMENT, run_id=run_id)
        for entry in logged.to_dict("records"):
            payload = entry["payload"]
            if payload["level"] != "deal" or entry["unit"] in rows:
                continue
            minor, digits = round(payload["spend"]["target"]), payload["exponent"]
            campaign = payload.get("campaign", "")
            row = _row(entry["unit"], campaign, entry["currency"], "flight", exact(minor, digits))
            rows[entry["unit"]] = row | {"measured": entry["sequence"]}
    return rows


def _take(
    rows: dict[str, dict[str, Any]],
    entry: Mapping[Any, Any],
    since: datetime | None,
    *,
    settled: bool,
) -> None:
    """Let one change say what it changed; ``settled`` budgets stand already."""
    if pd.isna(entry["new_minor"]) or pd.isna(entry["old_minor"]):
        return
    old, new = (exact(int(entry[name]), entry["digits"]) for name in ("old_minor", "new_minor"))
    flight = is_of_flight(entry["payload"])
    row = rows.get(entry["unit"])
    if row is None:
        campaign = str(entry["payload"].get("campaign", "" if flight else entry["unit"]))
        period = "flight" if flight else "day"
        row = _row(entry["unit"], campaign, entry["currency"], period, new)
        rows[entry["unit"]] = row
    elif not settled and entry["sequence"] > row.get("measured", 0):
        row["budget"] = new
        if row["n_changes"] == 0:
            row["budget_before"] = new
    if since is not None and entry["at"] < since:
        return
    if row["n_changes"] == 0:
        row["budget_before"] = old
    row["n_changes"] += 1
    row |= {"changed_at": entry["at"], "changed_by": entry["who"], "reason": entry["rationale"]}


def _by_campaign(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per campaign, currency and period."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in frame.to_dict("records"):
        key = (row["campaign"], row["currency"], row["period"])
        groups.setdefault(key, []).append(dict(row))
    rows = []
    for (campaign, currency, period), deals in sorted(groups.items()):
        changed = [deal for deal in deals if deal["n_changes"]]
        last = max(changed, key=lambda deal: deal["changed_at"], default=None)
        money = {
            name: sum((deal[name] for deal in deals), Decimal(0))
            for name in ("budget", "budget_before", "change")
        }
        rows.append(
            _row(campaign, campaign, currency, period, Decimal(0))
            | money
            | {
                "n_changes": sum(deal["n_changes"] for deal in deals),
                "changed_at": None if last is None else last["changed_at"],
                "changed_by": "" if last is None else last["changed_by"],
                "locked": all(deal["locked"] for deal in deals),
            }
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["changed_at"] = pd.to_datetime(table["changed_at"], utc=True)
    return table
