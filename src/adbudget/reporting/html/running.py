"""What pacing, a policy or a cycle of the loop found -> what the page shows of it, plain values."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.loop.promises import WIDE, told as told_promise
from adbudget.money import amount, estimate_text, exact_text
from adbudget.plot.cycles import promises_data
from adbudget.plot.flights import pacing_data
from adbudget.reporting.html.charts import move_picture, pacing_picture, promise_picture
from adbudget.reporting.html.decisions import Row, number, records
from adbudget.reporting.text import change, counted, percent
from adbudget.tables.units import scope_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adbudget.ledger.store import Ledger
    from adbudget.loop.cycle_report import CycleReport
    from adbudget.loop.promises import Judged
    from adbudget.pacing.report import PacingReport
    from adbudget.policy.plan import PolicyPlan

MOST_PICTURES = 60


def pacing_told(report: "PacingReport") -> Row:
    """Every deal against its plan, what is off, what to do."""
    status: Any = report.status
    worst_first = np.argsort(-np.nan_to_num(np.abs(report.measures.spend.deviation), nan=-1.0))
    shown = [report.plan.deals[i] for i in worst_first[:MOST_PICTURES]]
    data: Any = pacing_data(report, shown)
    pictures = {
        str(deal): pacing_picture(own, f"{deal}: spend against plan")
        for deal, own in data.groupby("deal", sort=False)
    }
    every = records(status)
    rows = [_deal(every[i], pictures.get(every[i]["deal"], "")) for i in worst_first]
    totals = []
    for code, own in status.groupby("currency", sort=False):
        budget, spent = (float(sum(own[name])) for name in ("budget", "spent"))
        projected = float(np.nansum(own["projected"]))
        totals.append(
            {
                "name": "all deals",
                "value": f"{estimate_text(spent, str(code))} of {amount(budget)} spent",
                "note": f"booked until now {amount(float(own['planned'].sum()))}, heading for "
                f"{amount(projected)}",
            }
        )
    states = status["state"].value_counts()
    told = ", ".join(f"{n:,} {str(state).replace('_', ' ')}" for state, n in states.items())
    return {
        "title": f"Pacing at {report.as_of:%Y-%m-%d %H:%M}",
        "told": f"{counted(len(status), 'deal')}: {told}.",
        "tiles": totals,
        "rows": rows,
        "alerts": [
            {"severity": row["severity"], "unit": row["unit"], "told": row["message"]}
            for row in records(report.alerts)
        ],
        "moves": [
            {
                "head": f"{exact_text(row['amount'])} {row['currency']}".rstrip()
                + f" from {row['source']} to {row['target']}: {_words(row['verdict'])}",
                "facts": _plain(row),
            }
            for row in records(report.moves)
        ],
        "requests": [
            {
                "head": f"{row['deal']}, {row['seller']}: {row['changes']} ({row['approval']})",
                "facts": _plain(row),
            }
            for row in records(report.requests)
        ],
        "notes": [note.message for note in report.notes],
        "left": max(len(status) - MOST_PICTURES, 0),
    }


def policy_told(plan: "PolicyPlan", *, told_above: bool = False) -> Row:
    """Budgets before and after, verdicts, what waits, and the five figures.

    Parameters
    ----------
    plan : as the policy reviewed it
    told_above : the page has a row for each campaign already, as a cycle of the loop does
    """
    rows = []
    budgets = [max(one.current_budget, one.recommended_budget) for one in plan.calls]
    top = float(max(budgets, default=0))
    for call in plan.calls:
        now, after = float(call.current_budget), float(call.recommended_budget)
        title = f"{call.campaign_id}: {amount(now)} to {amount(after)}"
        rows.append(
            {
                "campaign": call.campaign_id,
                "action": call.action,
                "now": number(now),
                "next": number(after),
                "move": change(call.change_pct) if now != after else "",
                "verdict": call.verdict.replace("_", " "),
                "rule": call.rule_fired,
                "reason": call.rationale,
                "flags": ", ".join(call.flags),
                "picture": move_picture(now, after, top, title),
            }
        )
    verdicts = [call.verdict for call in plan.calls]
    waits = verdicts.count("needs_approval")
    return {
        "title": f"Policy at {plan.at:%Y-%m-%d %H:%M}",
        "told": f"{counted(len(plan.calls), 'campaign')}: {verdicts.count('auto'):,} may be set, "
        f"{waits:,} wait for approval, {verdicts.count('blocked'):,} blocked.",
        "currency": plan.currency,
        "rows": [] if told_above else rows,
        "alerts": [
            {"severity": one.severity, "unit": one.campaign_id, "told": one.message}
            for one in plan.alerts
        ],
        "figures": [(_words(k), _figure(v)) for k, v in plan.metrics.items()],
        "summary": [
            (_words(k), _figure(v))
            for k, v in plan.summary.items()
            if v not in ((), []) and not str(k).startswith("n_")  # counted in the table above
        ],
        "notes": [note.message for note in plan.notes],
    }


def cycle_told(report: "CycleReport") -> Row:
    """What a cycle learned, decided and made; promises; what limits cost."""
    rows = []
    flags = {one.campaign_id: ", ".join(one.flags) for plan in report.plans for one in plan.calls}
    every = records(report.table)
    top = max((max(row["budget"], row["decided"]) for row in every), default=0.0)
    for row in every:
        now, after = row["budget"], row["decided"]
        title = f"{row['campaign']}: {amount(now)} to {amount(after)}"
        rows.append(
            {
                "account": row["account"],
                "campaign": row["campaign"],
                "now": number(now),
                "next": number(after),
                "move": _change(now, after),
                "verdict": str(row["verdict"]).replace("_", " "),
                "state": str(row["state"]).replace("_", " "),
                "reason": row["reason"],
                "flags": flags.get(unit_of(row["campaign"], scope_of(row["account"])), ""),
                "picture": move_picture(now, after, top, title),
            }
        )
    risk = [
        {
            "account": row["account"],
            "value": number(row["value_mean"], signed=True),
            "range": f"{amount(row['value_low'])} to {amount(row['value_high'])}",
            "worse": percent(row["prob_worse"]),
            "kept": "all" if row["kept"] == 1 else percent(row["kept"]),
        }
        for row in records(report.rehearsal.reset_index())
    ]
    unmade = [] if report.applied is None else [c for c in report.applied.changes if c.reason]
    dry = "a dry run, nothing is written" if report.dry else "applied"
    return {
        "title": f"Cycle {report.key}",
        "told": f"{counted(len(report.table), 'campaign')}; {dry}."
        + (f" Learned: {report.learned.rstrip('.')}." if report.learned else ""),
        "healthy": report.healthy,
        "tiles": _cycle_tiles(report),
        "any_state": any(row["state"] for row in rows),
        "rows": rows,
        "risk": risk,
        "promises": [told_promise(one) for one in report.judged],
        "prices": [
            {
                "head": " ".join(str(row[k]) for k in ("account", "channel", "limit") if row[k])
                + f": one unit {'more' if row['price'] > 0 else 'less'} would be worth "
                f"{abs(row['price']):,.2f}",
                "facts": _plain(row),
            }
            for row in records(report.prices)
        ],
        "unmade": [f"{one.unit}: {one.state}, {one.reason}" for one in unmade],
        "exploration": amount(report.exploration_cost),
        "notes": list(report.notes),
    }


def promises_told(judged: "Iterable[Judged] | Ledger") -> Row | None:
    """Forecast against outcome: what moves were to bring, and what came in; the newest first."""
    data: Any = promises_data(judged)
    if not len(data):
        return None
    verdicts = data["verdict"].value_counts()
    rows = []
    for row in records(data.iloc[::-1].head(MOST_PICTURES)):
        ends = {
            name: (row[name] - WIDE * row[f"{name}_sd"], row[name] + WIDE * row[f"{name}_sd"])
            for name in ("promised", "seen")
        }
        told = {
            name: f"{amount(row[name], signed=True)} ({amount(low)} to {amount(high)})"
            for name, (low, high) in ends.items()
        }
        title = f"{row['account']}: promised {told['promised']}, seen {told['seen']}"
        rows.append(
            {
                **{name: str(row[name]) for name in ("account", "periods", "verdict")},
                **told,
                "picture": promise_picture(
                    (row["promised"], *ends["promised"]), (row["seen"], *ends["seen"]), title
                ),
            }
        )
    return {
        "told": f"{counted(len(data), 'promise')} held against what came in: "
        + ", ".join(f"{n:,} {word}" for word, n in verdicts.items())
        + ".",
        "rows": rows,
        "left": len(data) - len(rows),
    }


def _cycle_tiles(report: "CycleReport") -> list[dict[str, str]]:
    """A cycle in figures: budgets before and after, what waits, what was made, what was kept."""
    table: Any = report.table
    made = []
    for code, own in table.groupby("currency", sort=False) if len(table) else ():
        now, after = float(own["budget"].sum()), float(own["decided"].sum())
        moved = float((own["decided"] - own["budget"]).abs().sum()) / 2
        told = f"{estimate_text(now, str(code))} → {amount(after)}"
        note = f"{amount(moved)} change places"
        made.append({"name": "daily budgets", "value": told, "note": note})
    moves: Any = table[table["decided"] != table["budget"]] if len(table) else table
    if len(table):
        waits = int((moves["verdict"] == "needs_approval").sum())
        stopped = int((table["verdict"] == "blocked").sum())
        note = f"{waits:,} wait for approval, {stopped:,} blocked"
        made.append({"name": "moves", "value": f"{len(moves):,}", "note": note})
    if report.applied is not None:
        done = report.applied.count("made")
        note = f"of {counted(len(report.applied.changes), 'change')} ordered"
        made.append({"name": "made at the platform", "value": f"{done:,}", "note": note})
    for code, lost in report.regret.items():
        note = "a period, for want of knowledge"
        made.append({"name": "left on the table", "value": estimate_text(lost, code), "note": note})
    if report.judged:
        kept, broken = (
            sum(one.verdict == word for one in report.judged) for word in ("kept", "broken")
        )
        note = f"{broken:,} broken, {len(report.judged) - kept - broken:,} unclear"
        made.append({"name": "promises kept", "value": f"{kept:,}", "note": note})
    return made


def _deal(row: Row, picture: str) -> Row:
    return {
        "deal": row["deal"],
        "seller": row.get("seller", ""),
        "channel": row.get("channel", ""),
        "state": str(row["state"]).replace("_", " "),
        "severity": row["severity"],
        "budget": number(float(row["budget"])),
        "spent": number(float(row["spent"])),
        "off": {"told": _percent(row["deviation_pct"]), "v": row["deviation_pct"]},
        "projected": number(row["projected"]),
        "range": f"{amount(row['projected_low'])} to {amount(row['projected_high'])}",
        "needs": number(row["required_rate"]),
        "today": "" if row["daily_budget"] is None else f"{row['daily_budget']:,f}",
        "reason": row["reason"],
        "picture": picture,
    }


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _percent(value: float) -> str:
    return f"{value:+.1f}%" if np.isfinite(value) else "-"


def _change(now: float, after: float) -> str:
    if now == after:
        return ""
    return change(100 * (after / now - 1)) if now > 0 else "new"


def _figure(value: Any) -> str:
    """A figure of a summary as a person reads it."""
    if isinstance(value, Decimal):
        return exact_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return amount(value)
    if isinstance(value, dict):
        return ", ".join(f"{str(k).replace('_', ' ')} {_figure(v)}" for k, v in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(_figure, value))
    return "-" if value is None else str(value)


def _plain(row: Row) -> list[tuple[str, str]]:
    """A record as (name, text), without what is empty."""
    told = [(name.replace("_", " "), _figure(value)) for name, value in row.items()]
    return [(name, text) for name, text in told if text not in ("", "-", "nan")]
