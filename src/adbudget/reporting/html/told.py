"""Facts of a recommendation -> the sentences and tiles at the top of its page.

Every sentence is made from its number, and every number from one place: the attrs of the frame.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adbudget.money import amount, estimate_text
from adbudget.reporting.html.decisions import records
from adbudget.reporting.html.trust import Check, worst
from adbudget.reporting.text import PERIOD_NOUNS, change, counted, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = {
    "PASS": "The fit is healthy and nothing below asks for a second look.",
    "REVIEW": "The fit can be used. Look at what is marked REVIEW before money moves.",
    "FAIL": "Do not act on this page yet: what is marked FAIL comes first.",
}
MOST_MOVES = 3


def banner(facts: Mapping[str, Any], checks: "Sequence[Check]") -> dict[str, str]:
    """The health of the whole, above the first number."""
    health = facts.get("health", {})
    word = worst(checks)
    if not health.get("ok", False):
        told = " ".join(health.get("problems", [])) or "its health is not known."
        return {"word": "FAIL", "told": f"The fit cannot be trusted, so nothing moves: {told}"}
    named = [check.name.lower() for check in checks if check.word == word]
    why = "" if word == "PASS" else f" ({', '.join(dict.fromkeys(named))})"
    return {"word": word, "told": WORDS[word] + why}


def summary(frame: Any, facts: Mapping[str, Any]) -> list[str]:
    """What a director reads in one minute, one sentence or two each."""
    per = PERIOD_NOUNS.get(facts.get("period", ""), "period")
    told = [_what_to_do(frame)]
    for total in facts.get("totals", []):
        told += _worth(total, per, facts.get("outcome_name", "outcome"))
    told.append(_how_sure(facts))
    moved = _largest(frame, per)
    told += [moved] if moved else []
    held = facts.get("held_by_total", [])
    if held:
        most = max(held, key=lambda one: one["next_value"])
        how_many = f"{counted(len(held), 'total')} {'holds' if len(held) == 1 else 'hold'} it back"
        told.append(
            f"{how_many}; most at {most['pool']}: "
            f"{estimate_text(most['next_spend'], most['currency'])} more a {per} would earn "
            f"{amount(most['next_value'], signed=True)} after its cost."
        )
    if "changes" in facts:
        n_changed = len(facts["changes"])
        told.append(
            f"{counted(n_changed, 'decision')} changed since the previous run."
            if n_changed
            else "Nothing is decided otherwise than in the previous run."
        )
    return told


def tiles(frame: Any, facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """The figures of the whole, by currency."""
    per = PERIOD_NOUNS.get(facts.get("period", ""), "period")
    made = []
    for one in facts.get("totals", []):
        code = one.get("currency", "")
        now, after = one["current_spend"], one["recommended_spend"]
        made.append(
            {
                "name": f"spend a {per}",
                "value": f"{estimate_text(now, code)} → {amount(after)}",
                "note": change(100 * (after / now - 1)) if now > 0 else "new",
            }
        )
        name = facts.get("outcome_name", "outcome")
        made.append(_tile(f"expected {name} a {per}", one, "expected_lift", "lift"))
        if "value_low" in one:
            made.append(_tile(f"worth after spend a {per}", one, "expected_value", "value"))
            made.append(
                {
                    "name": "worst tenth of cases",
                    "value": amount(one["worst_tenth"], signed=True),
                    "note": f"mean worth a {per}; chance that the plan pays: "
                    f"{percent(one['prob_gain'])}",
                }
            )
        made.append(_roi_tile(frame, code))
    moves = facts.get("n_increase", 0) + facts.get("n_reduce", 0)
    wrong = percent(facts.get("expected_wrong_share", 0.0)) if moves else "-"
    made.append(
        {
            "name": "moves expected wrong",
            "value": wrong,
            "note": f"of {counted(moves, 'move')}; {facts.get('n_fragile', 0):,} turn easily",
        }
    )
    return made


def method(facts: Mapping[str, Any]) -> dict[str, Any]:
    """How it was made, in a paragraph and in facts that let it be made again."""
    asked = facts.get("asked", {})
    limits, thresholds = asked.get("limits") or {}, asked.get("thresholds") or {}
    data = facts.get("data", {})
    facts_told = {
        "data": f"{data.get('from', '?')} to {data.get('through', '?')}, "
        f"{data.get('periods', '?')} {facts.get('period', '')} periods",
        "data hash": facts.get("data_hash", "?"),
        "seed": facts.get("seed", "?"),
        "versions": ", ".join(f"{k} {v}" for k, v in facts.get("versions", {}).items()),
        "today's spend": facts.get("current_window", "?"),
        "a cell moves by at most": _share(limits.get("change")),
        "totals": str(limits.get("total", "?")).replace("_", " "),
        "a call needs": _share(thresholds.get("prob")),
        "weight on the worst tenth": _share((asked.get("risk") or {}).get("aversion")),
    }
    return {"facts": facts_told, "notes": list(facts.get("notes", []))}


def _share(value: Any) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) else "as asked, by cell"


def _what_to_do(frame: Any) -> str:
    numbers = frame["decision"].value_counts()
    up, down = (int(numbers.get(name, 0)) for name in ("increase", "reduce"))
    if not up + down:
        return f"Move nothing: all {counted(len(frame), 'account-channel')} keep what they spend."
    kept = len(frame) - up - down
    stay = "1 keeps what it spends" if kept == 1 else f"{kept:,} keep what they spend"
    return f"Raise {up:,} and cut {down:,} of {counted(len(frame), 'account-channel')}; {stay}."


def _worth(total: Mapping[str, Any], per: str, outcome: str) -> list[str]:
    now, after, code = total["current_spend"], total["recommended_spend"], total["currency"]
    if total["expected_lift"] == 0 and now == after:
        return [f"Spend stays at {estimate_text(now, code)} a {per}."]
    way = "stays at" if amount(now) == amount(after) else f"goes from {estimate_text(now, code)} to"
    more = "more" if total["expected_lift"] >= 0 else "less"
    first = (
        f"Spend {way} {estimate_text(after, code)} a {per}; that is expected to bring "
        f"{estimate_text(abs(total['expected_lift']), code)} {more} {outcome} "
        f"and, after what is spent, to be worth {amount(total['expected_value'], signed=True)}"
    )
    if "value_low" not in total:
        return [first + "."]
    low, high = amount(total["value_low"]), amount(total["value_high"])
    return [
        f"{first} a {per} (90%: {low} to {high}).",
        f"What it risks: in the worst tenth of cases it is worth "
        f"{amount(total['worst_tenth'], signed=True)} a {per} on average; the chance "
        f"that it pays is {percent(total['prob_gain'])}.",
    ]


def _how_sure(facts: Mapping[str, Any]) -> str:
    moves = facts.get("n_increase", 0) + facts.get("n_reduce", 0)
    if not moves:
        return "No move is likely enough to be made."
    share = facts.get("expected_wrong_share", 0.0)
    if moves == 1:
        return f"How sure: the one move is wrong with {percent(share)}."
    return (
        f"How sure: {percent(share)} of the {counted(moves, 'move')} are expected to be wrong, "
        f"{_of_them(share * moves)}; up to {percent(facts.get('max_wrong_share', 1.0))} "
        "was allowed."
    )


def _of_them(wrong: float) -> str:
    return f"about {wrong:.1f} of them" if wrong >= 0.1 else "less than a tenth of one of them"


def _largest(frame: Any, per: str) -> str:
    # A cut may be worth less than nothing by itself: it pays for a raise that is worth more.
    moved: Any = frame[(frame["decision"] != "monitor") & (frame["expected_value"] > 0)]
    if not len(moved):
        return ""
    ranked = records(moved.sort_values("expected_value", ascending=False).head(MOST_MOVES))
    named = [
        f"{row['account']} {row['channel']} {change(row['change_pct'])} "
        f"({estimate_text(row['expected_value'], row['currency'])} a {per})"
        for row in ranked
    ]
    return (
        f"The move worth most: {named[0]}."
        if len(named) == 1
        else (f"The {len(named)} moves worth most: {'; '.join(named)}.")
    )


def _tile(name: str, total: Mapping[str, Any], mean: str, ends: str) -> dict[str, str]:
    low, high = amount(total[f"{ends}_low"]), amount(total[f"{ends}_high"])
    return {
        "name": name,
        "value": amount(total[mean], signed=True),
        "note": f"90%: {low} to {high}",
    }


def _roi_tile(frame: Any, code: str) -> dict[str, str]:
    """What all channels bring on average at today's spend: the returns weighed by the spend."""
    rows: Any = frame[(frame["currency"] == code) & frame["roi"].notna()]
    spend = float(rows["current_spend"].sum())
    mean = float((rows["roi"] * rows["current_spend"]).sum()) / spend if spend > 0 else float("nan")
    return {
        "name": "portfolio ROI today",
        "value": amount(mean, 2),
        "note": "what one unit spent brings on average, before margin",
    }
