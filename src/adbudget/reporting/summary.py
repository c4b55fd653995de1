"""Facts of a recommendation -> the lines above and below its table.

Above: what it comes to, what holds it, and what could make it wrong. Below: what it was made with.
"""

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.table import Table

from adbudget.money import amount, estimate_text
from adbudget.panel.integrity import KINDS as DATA_FAULTS
from adbudget.reporting.cells import why_monitored
from adbudget.reporting.text import (
    PERIOD_NOUNS,
    UNCHANGED,
    Text,
    change_between,
    counted,
    margin_question,
)

MOST_NOTES = 8
MOST_WARNINGS = 3
MOST_HOLDING = 6
A_CENT = 0.005
MOST_NAMED = 4
MOST_TOTALS = 3
EVERYTHING = 10**9
ACTIONS = ("increase", "reduce", "monitor")
FINDINGS = {
    "never_varied": "spend hardly ever varied, so the curve is assumed",
    "follows_calendar": "trend, season or controls explain the spend, so its effect may be theirs",
    "follows_outcome": "spend follows the outcome before it, so demand may pass for effect",
    "move_together": "channels move together, so their effects blur",
    "moves_with_others": "spend is nearly a mixture of the other channels', so effects blur",
    "stopped_at_observed": "the plan would go above the highest spend of the history, and stops",
    "beyond_observed": "spend above all the history has seen, so the curve is assumed",
    "account_stale": "data end long before those of the others",
    "rows_end": "rows end before those of the account: a broken feed, or an unwritten stop",
    "spend_stopped": "spend is 0 at the end, so today's spend is a mean nobody spends",
    "outcome_ends": "the outcome is missing or 0 in the last periods, and spend goes on",
    "outcome_late": "the outcome of the last periods is lower than ever, and spend is not",
    "unfinished_period": "the last period looks unfinished",
    "value_out_of_line": "one value is many times those around it",
    "unit_changed": "from a day on, in another unit or currency",
    "total_channel": "a channel is the sum of the others, or called so",
    "control_is_outcome": "a control is the outcome, or made of it",
    "spend_on_one_day": "a daily spend falls on one day of the week or month",
    "unit_of_money": "outcome and spend are hardly in one unit of money",
}


def headline(frame: pd.DataFrame, *, everything: bool = False) -> RenderableType:
    """Totals by currency, calls, totals that hold, and what matters of data and fit."""
    facts = facts_of(frame)
    told = [("Total", _total(total, facts), "bold") for total in facts.get("totals", [])]
    told += _labelled("Calls", [_calls(frame, facts), *_monitored(frame)])
    told += _labelled("Held", _held(facts, everything))
    told += _labelled("Margin", _margin(facts))
    told += _labelled("Not judged", _not_judged(facts, everything), "bold red")
    told += _labelled("Changed", _changes(facts, everything))
    told += _labelled("Doubts", _causes(frame, facts, everything))
    if not facts.get("health", {}).get("ok", True):
        told += _labelled("Fit", [_health(facts)], "bold red")
    told += _labelled("Warnings", _warnings(facts, everything), "bold")
    return _grid(told)


def footer(frame: pd.DataFrame, *, everything: bool = False) -> RenderableType:
    """What the decisions were made with."""
    facts = facts_of(frame)
    told = _labelled("Data", _data(facts))
    if facts.get("health", {}).get("ok", False):
        told += _labelled("Fit", [_health(facts)])
    told += _labelled("Plan", [_certificate(facts), _limits(facts)])
    told += _labelled("Now", [str(facts.get("current_window") or "")])
    told += _labelled("Notes", _notes(facts, everything))
    return _grid(told)


def _labelled(label: str, lines: list[str], style: str = "") -> list[tuple[str, str, str]]:
    """(label, line, style); the label once, and no line that is empty."""
    lines = [line for line in lines if line]
    return [("" if position else label, line, style) for position, line in enumerate(lines)]


def _grid(told: list[tuple[str, str, str]]) -> RenderableType:
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True, style="bold")
    lines.add_column(overflow="fold")
    for label, line, style in told:
        lines.add_row(label, Text(line, style=style))
    return lines


def facts_of(frame: pd.DataFrame) -> dict[str, Any]:
    """Give what stands beside the table in its attrs."""
    return {str(name): fact for name, fact in frame.attrs.items()}


def _total(total: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    before, after = total["current_spend"], total["recommended_spend"]
    currency, per = total.get("currency", ""), _per(facts)
    moved = change_between(before, after)
    spend = f"spend {estimate_text(before, currency)} -> {amount(after)} {per} ({moved})"
    if moved == UNCHANGED:
        spend = f"spend {estimate_text(before, currency)} {per}, unchanged"
    lift = total.get("expected_lift", 0.0)
    if lift == 0:
        return spend
    low, high = total.get("lift_low", lift), total.get("lift_high", lift)
    digits = 0 if max(abs(low), abs(high)) >= 100 else 2
    name = facts.get("outcome_name", "outcome")
    within = f"[{amount(low, digits)}; {amount(high, digits)}]"
    gain = f"expected {name} {amount(lift, digits, signed=True)} {within}"
    value = total.get("expected_value")
    worth = "" if value is None else f", worth {amount(value, signed=True)} after spend"
    return f"{spend}; {gain} {per}{worth}"


def _calls(frame: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    numbers = frame["decision"].value_counts()
    counts = {name: int(facts.get(f"n_{name}", numbers.get(name, 0))) for name in ACTIONS}
    shown = ACTIONS[:2] if "reason_code" in frame else ACTIONS
    told = ", ".join(f"{counts[name]:,} {name}" for name in shown)
    n_calls = counts["increase"] + counts["reduce"]
    if not n_calls or "expected_wrong_share" not in facts:
        return told
    wrong = f"{told}; {facts['expected_wrong_share']:.1%} of the {n_calls:,} moves expected wrong"
    most = facts.get("max_wrong_share")
    return wrong if most is None else f"{wrong} (at most {most:.0%} allowed)"


def _monitored(frame: pd.DataFrame) -> list[str]:
    """27 monitor: 14 too uncertain, 9 balanced, 4 held by its total."""
    if "reason_code" not in frame:
        return []
    codes = [str(code) for code in frame.loc[frame["decision"] == "monitor", "reason_code"]]
    return [f"{len(codes):,} monitor: {why_monitored(codes)}"] if codes else []


def _held(facts: Mapping[str, Any], everything: bool) -> list[str]:
    """Which totals are spent where more would pay, and what it would earn there."""
    held = sorted(facts.get("held_by_total", []), key=lambda one: -one["next_value"])
    most = EVERYTHING if everything else MOST_TOTALS
    told = []
    for one in held[:most]:
        money = estimate_text(one["total"], one["currency"])
        more = amount(one["next_spend"])
        low, high = amount(one["next_value_low"]), amount(one["next_value_high"])
        earns = f"{amount(one['next_value'], signed=True)} [{low}; {high}]"
        first = (
            f"{one['one_more_brings']:.2f} [{one['one_more_low']:.2f}; {one['one_more_high']:.2f}]"
        )
        share = one["next_spend"] / one["total"]
        told.append(
            f"{one['pool']} by its total of {money}: {more} more ({share:+.0%}) would earn {earns} "
            f"{_per(facts)} after its cost; one more {one['currency'] or 'unit'} brings {first}"
        )
    if len(held) > most:
        told.append(f"and {len(held) - most:,} more by theirs: --all lists them")
    if told and _asked_limits(facts).get("total") == "at_most":
        told.append("No total is raised unless you say so: --total N, or --total free")
    return told


def margin_told(facts: Mapping[str, Any]) -> str:
    """(margin 100% assumed): what share of the outcome's money counts, and who said so."""
    shares, assumed = facts.get("margin", {}), facts.get("margin_assumed", [])
    if not shares:
        return ""
    low, high = min(shares.values()), max(shares.values())
    size = f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
    return f" ({_worth(facts)}margin {size}{' assumed' if assumed else ''})"


def _margin(facts: Mapping[str, Any]) -> list[str]:
    """The question that an assumed margin leaves open."""
    assumed = facts.get("margin_assumed", [])
    if not assumed:
        return []
    whose = "" if len(assumed) == len(facts.get("margin", {})) else f" for {_named(assumed)}"
    return [f"100% assumed{whose}: {margin_question(facts.get('outcome_name', 'of it'))}"]


def _worth(facts: Mapping[str, Any]) -> str:
    """What one unit of an outcome that is counted is worth."""
    values = sorted(set(facts.get("value_per_unit", {}).values()))
    if not values or values == [1.0]:
        return ""
    size = amount(values[0]) if len(values) == 1 else f"{amount(values[0])} to {amount(values[-1])}"
    return f"each worth {size}, "


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def _data(facts: Mapping[str, Any]) -> list[str]:
    """The periods covered, and the accounts of which there are others."""
    data = facts.get("data")
    if not data:
        return []
    noun = PERIOD_NOUNS.get(facts.get("period", ""), "period")
    told = [f"{data['from']} to {data['through']}, {counted(data['periods'], noun)}"]
    by_account = data["by_account"]
    early = [name for name, own in by_account.items() if own["through"] != data["through"]]
    if early:
        ends = [f"{name} ({by_account[name]['through']})" for name in early]
        told.append(f"ends earlier: {_named(ends)}")
    late = [f"{n} ({own['from']})" for n, own in by_account.items() if own["from"] != data["from"]]
    if late:
        told.append(f"begins later: {_named(late)}")
    return told


def _asked_limits(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return facts.get("asked", {}).get("limits", {}) or {}


def _limits(facts: Mapping[str, Any]) -> str:
    """How far a cell and a total may go, in words: the two limits that every plan has."""
    limits = _asked_limits(facts)
    if not limits:
        return ""
    change = limits.get("change")
    cell = "a cell moves by its own limits"
    if isinstance(change, float):
        cell = f"a cell moves by at most {change:.0%}"
    whose = "the total of each account" if limits.get("pool") is None else "the total of each pool"
    size = "at most" if limits.get("total") == "at_most" else "exactly"
    total = f"{whose} is {size} {'what is set' if limits.get('budget') else "today's"}"
    if limits.get("total") == "free":
        total = "totals are free"
    return f"limits: {cell} (--change), {total} (--total)"


def _changes(facts: Mapping[str, Any], everything: bool) -> list[str]:
    """What is decided otherwise than in the run before, by reason."""
    if "changes" not in facts:
        return []
    most = EVERYTHING if everything else MOST_NAMED
    found: dict[str, list[str]] = {}
    for one in facts["changes"]:
        named = f"{one['account']}/{one['channel']} {one['before']} -> {one['after']}"
        found.setdefault(one["why"], []).append(named)
    told = []
    for why, names in found.items():
        more = f" and {len(names) - most:,} more" if len(names) > most else ""
        told.append(f"{why}: {', '.join(names[:most])}{more}")
    return told or ["nothing since the previous run"]


def _causes(frame: pd.DataFrame, facts: Mapping[str, Any], everything: bool) -> list[str]:
    """What may be wrong with the returns: fragile calls, then one line per kind of finding.

    What the data cannot tell apart of cells that do not move is only counted.
    """
    told = []
    fragile, moves = facts.get("n_fragile", 0), sum(facts.get(f"n_{a}", 0) for a in ACTIONS[:2])
    if fragile:
        told.append(
            f"{fragile:,} of the {moves:,} moves flip if less than {facts['fragile_below']:.0%} of "
            "a return is wrong"
        )
    borderline = facts.get("n_borderline", 0)
    if borderline:
        are = "decision is" if borderline == 1 else "decisions are"
        told.append(f"{borderline:,} {are} so near the bar that another seed may turn it")
    moved = frame[frame["decision"] != "monitor"]
    cells = set(zip(moved["account"], moved["channel"], strict=True))
    most = EVERYTHING if everything else MOST_NAMED
    by_kind: dict[str, list[str]] = {}
    n_apart = 0
    for finding in facts.get("findings", []):
        if finding.get("decides", False):
            continue
        about = {(finding["account"], channel) for channel in finding["channels"]}
        if everything or about & cells or finding["kind"] in DATA_FAULTS:
            by_kind.setdefault(finding["kind"], []).append(_cells_named(finding))
        else:
            n_apart += 1
    for kind, names in by_kind.items():
        more = f" and {len(names) - most:,} more" if len(names) > most else ""
        told.append(f"{FINDINGS[kind]}: {', '.join(names[:most])}{more}")
    if n_apart:
        told.append(f"{counted(n_apart, 'finding')} about cells that do not move: --all tells")
    return told


def _cells_named(finding: Mapping[str, Any]) -> str:
    channels = finding["channels"]
    many = f"{len(channels)} channels"
    return f"{finding['account']}/{' + '.join(channels) if len(channels) <= MOST_NAMED else many}"


def _not_judged(facts: Mapping[str, Any], everything: bool) -> list[str]:
    """One line for each finding whose cells are monitored because of it, and how to go on."""
    holding = [one for one in facts.get("findings", []) if one.get("decides", False)]
    most = EVERYTHING if everything else MOST_HOLDING
    lines = [str(one["message"]) for one in holding[:most]]
    if len(holding) > most:
        lines.append(f"and {len(holding) - most:,} more: --all lists them.")
    if holding:
        kinds = ", ".join(dict.fromkeys(str(one["kind"]) for one in holding))
        lines.append(
            "Correct the data, as they also move what is learned of other accounts; or, if they "
            f"are right, accept_findings: {kinds}."
        )
    return lines


def _health(facts: Mapping[str, Any]) -> str:
    health = facts["health"]
    numbers = (
        f"r-hat {health.get('rhat_max', float('nan')):.3f}, "
        f"effective draws {health.get('ess_bulk_min', float('nan')):,.0f} "
        f"of {health.get('n_draws', 0):,}, "
        f"{counted(health.get('divergences', 0), 'divergence')}, seed {facts.get('seed')}"
    )
    if health.get("ok", True):
        return f"healthy: {numbers}"
    return f"NOT HEALTHY: {' '.join(health.get('problems', []))} ({numbers})"


def _warnings(facts: Mapping[str, Any], everything: bool) -> list[str]:
    """What to know though the draws can be trusted: drift, lift tests that contradict."""
    warnings = [str(warning) for warning in facts.get("health", {}).get("warnings", [])]
    most = EVERYTHING if everything else MOST_WARNINGS
    more = len(warnings) - most
    return [*warnings[:most], f"and {more} more: --all lists them." if more > 0 else ""]


THEN = "; then uncertain moves were held"


def _certificate(facts: Mapping[str, Any]) -> str:
    gap = facts.get("gap")
    if gap is None or isnan(gap):
        return ""
    if gap < A_CENT:
        return f"the best the limits allow, to the cent{THEN}"
    codes = set(facts.get("currency", {}).values())
    size = estimate_text(gap, codes.pop()) if len(codes) == 1 else amount(gap)
    return f"within {size} {_per(facts)} of the best the limits allow{THEN}"


def _per(facts: Mapping[str, Any]) -> str:
    return f"a {PERIOD_NOUNS.get(facts.get('period', ''), 'period')}"


def _notes(facts: Mapping[str, Any], everything: bool) -> list[str]:
    notes = [str(note) for note in facts.get("notes", [])]
    most = EVERYTHING if everything else MOST_NOTES
    more = len(notes) - most
    return [*notes[:most], f"and {more} more: --all lists them." if more > 0 else ""]
