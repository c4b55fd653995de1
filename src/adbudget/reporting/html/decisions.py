"""Frame of decisions (and the fit behind it) -> what the page shows of it, as plain values."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.money import amount, estimate_text
from adbudget.plot.landing import landing_days
from adbudget.plot.palette import slots
from adbudget.plot.response import curves_data, marks_data
from adbudget.plot.trade_off import frontier_data
from adbudget.reporting.cells import WHY_MONITORED
from adbudget.reporting.html.charts import (
    curve_picture,
    frontier_picture,
    hue_class,
    interval_picture,
    move_picture,
)
from adbudget.reporting.summary import FINDINGS
from adbudget.reporting.text import PERIOD_NOUNS, change, counted, percent

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.decision.decisions import Decisions
    from adbudget.model.fit import Fit

POINTS = 33  # of a curve on the page
MOST_LIMITS = 12
MOST_GRID = 60  # accounts in the grid of all decisions
ACROSS = 12  # channels of one table of it
Row = dict[str, Any]


def decision_table(frame: Any, facts: Mapping[str, Any], fit: "Fit | None") -> list[Row]:
    """One row per cell: texts, values to sort by, pictures, and what opens below."""
    hues = slots(frame["channel"])
    per = PERIOD_NOUNS.get(facts.get("period", ""), "period")
    top = _top_return(frame)
    opened = {} if fit is None else _pictures(frame, fit, hues)
    rows = []
    for row in records(frame):
        cell = (row["account"], row["channel"])
        moves = row["decision"] != "monitor"
        code = row["currency"]
        rows.append(
            {
                **{name: row[name] for name in ("account", "channel", "decision", "reason")},
                "hue": hue_class(hues[row["channel"]]),
                "now": number(row["current_spend"]),
                "next": number(row["recommended_spend"]) if moves else _blank(row, "current_spend"),
                "move": {"told": change(row["change_pct"]) * moves, "v": row["change_pct"]},
                "worth": number(row["expected_value"], signed=True) if moves else _nothing(),
                "sure": {"told": percent(row["prob_gain"]) * moves, "v": row["prob_gain"]},
                "roi": _ratio(row, "roi"),
                "marginal": _ratio(row, "marginal_roi"),
                "spark": interval_picture(
                    row["marginal_roi_low"], row["marginal_roi"], row["marginal_roi_high"],
                    row["hurdle"], top,
                    f"next unit brings {row['marginal_roi']:.2f}, 90% {row['marginal_roi_low']:.2f}"
                    f" to {row['marginal_roi_high']:.2f}; hurdle {row['hurdle']:.2f}",
                ),
                "why": "" if moves else WHY_MONITORED.get(row["reason_code"], row["reason_code"]),
                "facts": _facts(row, code, per, opened.get(cell, {})),
                "findings": _findings_of(facts, cell),
                "picture": opened.get(cell, {}).get("picture", ""),
            }
        )  # fmt: skip
    return rows


def scorecard(frame: Any, facts: Mapping[str, Any], fit: "Fit | None") -> list[Row]:
    """One row per account: what is read in it, how good the evidence is, what to do."""
    rows, top = [], 0.0
    for account, own in frame.groupby("account", sort=False):
        moved: Any = own[own["decision"] != "monitor"]
        code = str(own["currency"].iloc[0])
        now, after = float(own["current_spend"].sum()), float(own["recommended_spend"].sum())
        top = max(top, now, after)
        prior = float(own["prior_share"].median())
        rows.append(
            {
                "account": str(account),
                "now": now,
                "next": after,
                "told": f"{estimate_text(now, code)} → {amount(after)}",
                "worth": number(float(own["expected_value"].sum()), signed=True),
                "read": _read(own),
                "evidence": _evidence(own, prior, fit, str(account), facts),
                "prior": prior,
                "action": _action(moved),
            }
        )
    for row in rows:
        title = f"{row['account']}: {row['told']}"
        row["picture"] = move_picture(row["now"], row["next"], top, title)
    return rows


def grid(frame: Any) -> list[Row]:
    """Accounts down, channels across, what is decided in each; nothing where that is too much.

    Channels of one table are as many as fit on paper.
    """
    accounts = list(dict.fromkeys(frame["account"]))
    channels = sorted(set(frame["channel"]))
    if len(accounts) > MOST_GRID or len(accounts) * len(channels) < 2:
        return []
    cells = {(row["account"], row["channel"]): _cell(row) for row in records(frame)}
    unused = {"decision": "", "told": "", "said": "not used"}
    hues, tables = slots(channels), []
    for first in range(0, len(channels), ACROSS):
        some = channels[first : first + ACROSS]
        lines = [
            {"account": name, "cells": [cells.get((name, one), unused) for one in some]}
            for name in accounts
        ]
        heads = [{"name": name, "hue": hue_class(hues[name])} for name in some]
        tables.append({"channels": heads, "lines": lines})
    return tables


def _cell(row: Row) -> Row:
    """What is decided, in as few signs as can be."""
    sign = {"increase": "▲ ", "reduce": "▼ ", "monitor": ""}[row["decision"]]
    told = sign + change(row["change_pct"]) if sign else "·"
    return {"decision": row["decision"], "told": told, "said": row["decision"]}


def allocation(frame: Any) -> list[Row]:
    """Spend by channel and currency, today and as recommended."""
    hues, rows = slots(frame["channel"]), []
    for code, part in frame.groupby("currency", sort=False):
        sums: Any = part.groupby("channel")[["current_spend", "recommended_spend"]].sum()
        sums = sums.sort_values("current_spend", ascending=False, kind="stable")
        top = float(sums.to_numpy().max())
        for channel, one in sums.iterrows():
            now, after = float(one["current_spend"]), float(one["recommended_spend"])
            told = f"{estimate_text(now, str(code))} → {amount(after)}"
            moved = "unchanged" if now == after else _moved(now, after)
            title = f"{channel}: {told}"
            picture = move_picture(now, after, top, title)
            row = {"channel": channel, "hue": hue_class(hues[channel]), "told": told}
            rows.append({**row, "moved": moved, "picture": picture})
    return rows


def frontier_told(decisions: "pd.DataFrame | Decisions") -> list[Row]:
    """By currency: what other bars for a call would bring and risk, as a picture and as rows."""
    data: Any = frontier_data(decisions)
    blocks = []
    for code, own in data.groupby("currency", sort=False):
        rows = [
            {
                "bar": f"{row['prob']:.0%}" + (" (asked)" if row["asked"] else ""),
                "calls": f"{row['calls']:,}",
                "wrong": percent(row["expected_wrong_share"]) if row["calls"] else "-",
                "moved": amount(row["moved"]),
                "gain": amount(row["expected_gain"], signed=True),
                "worst": amount(row["worst_tenth"], signed=True),
            }
            for row in records(own[own["prob"].notna()].sort_values("prob"))
        ]
        title = "Expected gain against the mean of the worst tenth, by the probability a call needs"
        blocks.append({"code": str(code), "rows": rows, "picture": frontier_picture(own, title)})
    return blocks


def limits_told(facts: Mapping[str, Any]) -> Row:
    """Totals that hold, and what one more unit of room is worth at every limit that binds."""
    per = PERIOD_NOUNS.get(facts.get("period", ""), "period")
    held = [
        {
            "pool": one["pool"],
            "total": estimate_text(one["total"], one["currency"]),
            "more": amount(one["next_spend"]),
            "earns": amount(one["next_value"], signed=True),
            "range": f"{amount(one['next_value_low'])} to {amount(one['next_value_high'])}",
            "channels": ", ".join(one["channels"]),
        }
        for one in sorted(facts.get("held_by_total", []), key=lambda one: -one["next_value"])
    ]
    prices = facts.get("limit_prices", [])
    told = [
        {
            "whose": " / ".join(filter(None, (one["account"], one["channel"]))) or "all",
            "limit": one["limit"],
            "way": "more" if one["price"] > 0 else "less",
            "price": f"{abs(one['price']):,.2f}",
        }
        for one in prices[:MOST_LIMITS]
    ]
    return {"per": per, "held": held, "prices": told, "left": max(len(prices) - MOST_LIMITS, 0)}


def number(value: float, *, signed: bool = False) -> Row:
    """A number as it is told, and to sort by."""
    return {"told": amount(value, signed=signed), "v": value}


def records(rows: Any) -> list[Row]:
    """Rows as mappings by name."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _pictures(frame: Any, fit: "Fit", hues: Mapping[str, int]) -> dict[Any, Row]:
    """Cell -> its curve, and when its effect lands."""
    found: dict[Any, Row] = {}
    known = set(fit.draws.accounts)
    for account in dict.fromkeys(frame["account"]):
        if account not in known:
            continue
        curves: Any = curves_data(fit, account, frame, points=POINTS)
        marks: Any = marks_data(fit, account, frame)
        days: Any = landing_days(fit, account)
        for channel, own in curves.groupby("channel", sort=False):
            title = f"{account}, {channel}: what it brings at a constant spend"
            at = marks[marks["channel"] == channel]
            when = days.loc[days["channel"] == channel, "days"].tolist()
            found[(account, channel)] = {
                "picture": curve_picture(own, at, hues[str(channel)], title),
                "half": when[0],
                "most": when[1],
            }
    return found


def _facts(row: Row, code: str, per: str, opened: Row) -> list[tuple[str, str]]:
    """Every figure behind one decision, by name."""
    facts = []
    if row["decision"] != "monitor":
        low, high = amount(row["lift_low"]), amount(row["lift_high"])
        lift = f"{amount(row['expected_lift'], signed=True)} ({low} to {high}) a {per}"
        facts.append(("expected lift", lift))
        worth = f"{estimate_text(row['expected_value'], code)} a {per}"
        facts.append(("worth after spend", worth))
    if row["considered_spend"] != row["current_spend"]:
        sure = f"{percent(row['prob_gain'])}; a call needs {percent(row['prob_needed'])}"
        facts.append((f"a move to {amount(row['considered_spend'])} pays with", sure))
    if isfinite(row["roi"]):
        facts.append(("average return", _range(row, "roi")))
    facts.append(("return of the next unit", _range(row, "marginal_roi")))
    facts.append(("its hurdle", f"{row['hurdle']:.2f}"))
    if isfinite(row["flip_at"]):
        facts.append(("turns if its return is wrong by", percent(min(row["flip_at"], 1.0))))
    if opened:
        learned = "mostly assumed" if row["prior_share"] > 0.5 else "mostly learned from data"
        days = f"{_days(opened['half'])}, 90% after {_days(opened['most'])} ({learned})"
        facts.append(("half of the effect has landed after", days))
    facts.append(("share of prior in the answer", percent(row["prior_share"])))
    facts.append(("confidence", row["confidence"]))
    return facts


def _days(days: float) -> str:
    return f"{days:,.0f} days" if isfinite(days) else "more than 200 days"


def _range(row: Row, name: str) -> str:
    return f"{row[name]:.2f} ({row[name + '_low']:.2f} to {row[name + '_high']:.2f})"


def _ratio(row: Row, name: str) -> Row:
    value = row[name]
    return {"told": f"{value:.2f}" if isfinite(value) else "-", "v": value}


def _blank(row: Row, name: str) -> Row:
    """Nothing to tell, and still sorted by its number."""
    return {"told": "", "v": row[name]}


def _nothing() -> Row:
    return {"told": "", "v": 0.0}


def _findings_of(facts: Mapping[str, Any], cell: tuple[str, str]) -> list[str]:
    return [
        str(one.get("message", FINDINGS.get(one["kind"], one["kind"])))
        for one in facts.get("findings", [])
        if one["account"] == cell[0] and cell[1] in one["channels"]
    ]


def _top_return(frame: Any) -> float:
    """End of the scale of all small pictures: nine of ten intervals fit, and every hurdle."""
    high = float(frame["marginal_roi_high"].quantile(0.9)) if len(frame) else 1.0
    return max(high, 1.2 * float(frame["hurdle"].max()) if len(frame) else 1.0, 1e-9)


def _moved(now: float, after: float) -> str:
    return change(100 * (after / now - 1)) if now > 0 else "new"


def _read(own: Any) -> str:
    """What the account's channels bring: on average, and the next unit, where spend is."""
    spend = own["current_spend"].to_numpy(float)
    paid = np.isfinite(own["roi"].to_numpy(float)) & (spend > 0)
    if not paid.any():
        return "nothing is spent"
    mean = float((own["roi"].to_numpy(float) * spend)[paid].sum() / spend[paid].sum())
    full = int((own["marginal_roi"] < own["hurdle"]).sum())
    return f"ROI {mean:.2f}; {full} of {len(own)} channels full (next unit below its hurdle)"


def _evidence(
    own: Any, prior: float, fit: "Fit | None", account: str, facts: Mapping[str, Any]
) -> str:
    """How much of the answer is data, how long the record is, what was found in it."""
    parts = [f"{percent(prior)} prior (median)"]
    if fit is not None and account in fit.health.fit_r2.index:
        parts.append(f"explains {fit.health.fit_r2.loc[account]:.0%}")
    n_found = sum(one["account"] == account for one in facts.get("findings", []))
    if n_found:
        parts.append(counted(n_found, "finding"))
    parts.append(f"{own['data_from'].iloc[0]} to {own['data_through'].iloc[0]}")
    return ", ".join(parts)


def _action(moved: Any) -> str:
    """The moves of an account in few words, the one that is worth most first."""
    if not len(moved):
        return "keep all as it is"
    ranked: Sequence[Row] = records(moved.sort_values("expected_value", ascending=False))
    told = [f"{row['channel']} {change(row['change_pct'])}" for row in ranked[:3]]
    more = len(ranked) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")
