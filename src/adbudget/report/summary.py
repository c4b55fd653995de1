"""Facts of a recommendation -> the last lines of the report."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.table import Table

from adbudget.money import amount, estimate_text
from adbudget.report.text import (
    PERIOD_NOUNS,
    UNCHANGED,
    Text,
    change_between,
    counted,
)

MOST_NOTES = 8
MOST_WARNINGS = 3
MOST_HOLDING = 6
A_CENT = 0.005
MOST_NAMED = 4
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


def summary(frame: pd.DataFrame) -> RenderableType:
    """Totals by currency, calls, health and notes: the last lines, where a reader looks first."""
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True, style="bold")
    lines.add_column(overflow="fold")
    facts = facts_of(frame)
    for total in facts.get("totals", []):
        lines.add_row("Total", Text(_total(total, facts)))
    lines.add_row("Calls", Text(_calls(frame, facts)))
    for position, told in enumerate(_not_judged(facts)):
        lines.add_row("" if position else "Not judged", Text(told, style="bold red"))
    for position, told in enumerate(_changes(facts)):
        lines.add_row("" if position else "Changed", Text(told))
    for position, told in enumerate(_causes(facts)):
        lines.add_row("" if position else "Doubts", Text(told))
    if "health" in facts:
        healthy = facts["health"].get("ok", True)
        lines.add_row("Fit", Text(_health(facts), style="" if healthy else "bold red"))
        for position, warning in enumerate(_warnings(facts)):
            lines.add_row("" if position else "Warnings", Text(warning, style="yellow"))
    for label, line in (("Plan", _certificate(facts)), ("Now", facts.get("current_window"))):
        if line:
            lines.add_row(label, Text(line))
    for position, note in enumerate(_notes(facts)):
        lines.add_row("" if position else "Notes", Text(note))
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
    told = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    n_calls = counts["increase"] + counts["reduce"]
    if not n_calls or "expected_wrong_share" not in facts:
        return told
    wrong = f"{told}; {facts['expected_wrong_share']:.1%} of the {n_calls:,} moves expected wrong"
    most = facts.get("max_wrong_share")
    return wrong if most is None else f"{wrong} (at most {most:.0%} allowed)"


def _changes(facts: Mapping[str, Any]) -> list[str]:
    """What is decided otherwise than in the run before, by reason."""
    if "changes" not in facts:
        return []
    found: dict[str, list[str]] = {}
    for one in facts["changes"]:
        named = f"{one['account']}/{one['channel']} {one['before']} -> {one['after']}"
        found.setdefault(one["why"], []).append(named)
    told = []
    for why, names in found.items():
        more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        told.append(f"{why}: {', '.join(names[:MOST_NAMED])}{more}")
    return told or ["nothing since the previous run"]


def _causes(facts: Mapping[str, Any]) -> list[str]:
    """What may be wrong with the returns: fragile calls, then one line per kind of finding."""
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
    by_kind: dict[str, list[str]] = {}
    for finding in facts.get("findings", []):
        if not finding.get("decides", False):
            by_kind.setdefault(finding["kind"], []).append(_cells_named(finding))
    for kind, names in by_kind.items():
        more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        told.append(f"{FINDINGS[kind]}: {', '.join(names[:MOST_NAMED])}{more}")
    return told


def _cells_named(finding: Mapping[str, Any]) -> str:
    channels = finding["channels"]
    many = f"{len(channels)} channels"
    return f"{finding['account']}/{' + '.join(channels) if len(channels) <= MOST_NAMED else many}"


def _not_judged(facts: Mapping[str, Any]) -> list[str]:
    """One line for each finding whose cells are monitored because of it, and how to go on."""
    holding = [one for one in facts.get("findings", []) if one.get("decides", False)]
    lines = [str(one["message"]) for one in holding[:MOST_HOLDING]]
    if len(holding) > MOST_HOLDING:
        lines.append(f"and {len(holding) - MOST_HOLDING:,} more, in the attributes of the frame.")
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


def _warnings(facts: Mapping[str, Any]) -> list[str]:
    """What to know though the draws can be trusted: drift, lift tests that contradict."""
    warnings = [str(warning) for warning in facts["health"].get("warnings", [])]
    more = len(warnings) - MOST_WARNINGS
    shown = warnings[:MOST_WARNINGS]
    return [*shown, f"and {more} more, in the attributes of the frame."] if more > 0 else shown


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


def _notes(facts: Mapping[str, Any]) -> list[str]:
    notes = list(facts.get("notes", []))
    shown = [str(note) for note in notes[:MOST_NOTES]]
    more = len(notes) - len(shown)
    return [*shown, f"and {more} more: adbudget check lists them all."] if more else shown
