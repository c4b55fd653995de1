"""Results -> Markdown tables of docs/real-data.md. Every builder takes {study: what it found}."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.real_data.sets import SETS
from benchmarks.real_data.stability import (
    KINDS,
    as_calls,
    called_share,
    calls_kept,
    count_changes,
    reversed_once,
)
from benchmarks.real_data.studies import ORIGIN_NAMES, REPEATED

Found = dict[str, dict[str, Any]]
NOTHING = "Not run yet."
ROWS_A_BLOCK = {"conjura_daily": 7, "conjura_weekly": 1}
NAIVE = "naive"
LABELS = {
    "adbudget": "adbudget",
    "adbudget, spend unknown": "adbudget, spend of the weeks unknown",
    "adbudget, alone": "adbudget, account by account",
    "PyMC-Marketing, alone": "PyMC-Marketing, account by account",
    "four weeks": "mean of four weeks",
    "naive": "seasonal naive",
}
RUN_TITLES = {
    "conjura_origin_0": "Conjura, daily",
    "meridian": "Meridian geo media",
    "robyn": "Robyn simulated weekly",
    "mmm_simple": "mmm_simple",
    "lydia_as_weeks": "Lydia Pinkham, a year as a week",
    "lydia_as_months": "Lydia Pinkham, a year as a month",
    "dietary": "Dietary product",
}


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Markdown; all but the first ``left`` columns are numbers."""
    rule = ["---"] * left + ["--:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))


def interval(low_middle_high: Sequence[float], digits: int = 2) -> str:
    """Median and 90% interval."""
    low, middle, high = (f"{value:.{digits}f}" for value in low_middle_high)
    return f"{middle} ({low} to {high})"


def sources(_: Found) -> str:
    """What each set is and where it can be got."""
    rows = [
        (one.title, "real" if one.real else "simulated", one.what, one.source, one.licence)
        for one in SETS.values()
    ]
    return table(("set", "", "what", "source", "licence"), rows, left=5)


def runs(found: Found) -> str:
    """Health of one fit of each set."""
    rows = []
    for study in (study for study in RUN_TITLES if study in found):
        one, health = found[study], found[study]["health"]
        share = [values[1] for values in one["media_share"].values()]
        r2 = health["fit_r2"].values()
        size = " x ".join(str(part) for part in one["size"])
        healthy = "yes" if health["ok"] else "**no**"
        noise = "Gaussian" if health["tail_df"] is None else f"t({health['tail_df']:g})"
        noise += f", variance as level^{health['level_power']:g}" if health["level_power"] else ""
        rows.append(
            (
                *(RUN_TITLES[study], size, healthy, f"{health['rhat']:.3f}"),
                *(f"{health['ess_bulk']:.0f}", _span(r2), _span(share), noise),
                f"{one['seconds']:.0f}",
            )
        )
    header = ("set", "accounts x channels x periods", "healthy", "r-hat", "ESS", "fit R2")
    return _or_nothing((*header, "owed to ads", "noise", "s"), rows)


def _scored(found: Found) -> Iterator[tuple[str, str, list[dict]]]:
    """(study, what its rows are, scores of every tool) of the forecasts that were made."""
    for study, label in (("conjura_daily", "days"), ("conjura_weekly", "weeks")):
        if study in found:
            peers = found.get("conjura_marketing", {}) if study == "conjura_weekly" else {}
            yield study, label, [*found[study]["scores"], *peers.get("scores", [])]


def forecasts(found: Found) -> str:
    """CRPS by tool, daily and weekly, and the difference from the naive rule."""
    rows = []
    for study, label, scores in _scored(found):
        for tool in (tool for tool in LABELS if any(s["tool"] == tool for s in scores)):
            own = [s for s in scores if s["tool"] == tool]
            less, error = difference(scores, tool, ROWS_A_BLOCK[study])
            rows.append(
                (
                    *(label, LABELS[tool], str(len(own)), f"{_mean(own, 'crps'):.3f}"),
                    "" if tool == NAIVE else f"{less:+.3f} ± {error:.3f}",
                    *(f"{_mean(own, 'coverage'):.2f}", f"{_mean(own, 'width'):.2f}"),
                    f"{_mean(own, 'bias'):+.2f}",
                )
            )
    header = ("by", "tool", "accounts", "CRPS", "less naive", "coverage", "width", "bias")
    return _or_nothing(header, rows, left=2)


def forecasts_by_account(found: Found) -> str:
    """CRPS by account and tool."""
    rows = []
    for _, label, scores in _scored(found):
        for account in dict.fromkeys(s["account"] for s in scores):
            crps = {s["tool"]: s["crps"] for s in scores if s["account"] == account}
            rows.append((label, account, *(_number(crps.get(tool)) for tool in LABELS)))
    return _or_nothing(("by", "account", *LABELS.values()), rows, left=2)


def difference(scores: Sequence[dict], tool: str, rows_a_block: int) -> tuple[float, float]:
    """Mean CRPS of a tool less that of the naive rule, and its standard error over weeks."""
    naive = {s["account"]: np.array(s["crps_by_row"]) for s in scores if s["tool"] == NAIVE}
    less = [
        (np.array(s["crps_by_row"]) - naive[s["account"]]).reshape(-1, rows_a_block).mean(axis=1)
        for s in scores
        if s["tool"] == tool
    ]
    blocks = np.concatenate(less)
    return float(blocks.mean()), float(blocks.std(ddof=1) / np.sqrt(blocks.size))


def flips(found: Found) -> str:
    """Changes of decisions from one origin to the next, and by chance alone."""
    calls = {name: as_calls(found[name]["calls"]) for name in ORIGIN_NAMES if name in found}
    if len(calls) < 2:
        return NOTHING
    origins = [calls[name] for name in reversed(ORIGIN_NAMES) if name in calls]
    rows = [("four weeks later, same seed", origins)]
    if REPEATED in found and ORIGIN_NAMES[0] in found:
        again = as_calls(found[REPEATED]["calls"])
        rows.append(("same data, another seed", [calls[ORIGIN_NAMES[0]], again]))
    body = []
    for label, pair in rows:
        counts = count_changes(pair)
        total = sum(counts.values())
        share = [f"{counts[kind]} ({counts[kind] / total:.0%})" for kind in KINDS]
        kept, made = calls_kept(pair)
        body.append((label, str(total), *share, f"{kept} of {made}"))
    both = [f"{account} {channel.lower()}" for account, channel in reversed_once(origins)]
    said = f"Raised at one origin and cut at another: {', '.join(both) or 'no cell'}."
    return table(("compared with", "cells", *KINDS, "calls repeated"), body) + f"\n\n{said}"


def origins(found: Found) -> str:
    """What every origin said."""
    rows = []
    for number, name in reversed(list(enumerate(ORIGIN_NAMES))):
        if name not in found:
            continue
        one, calls = found[name], as_calls(found[name]["calls"])
        actions = list(calls.values())
        rows.append(
            (
                "the last day" if not number else f"{4 * number} weeks before",
                str(len(calls)),
                *(str(actions.count(action)) for action in ("increase", "monitor", "reduce")),
                *(f"{called_share(calls):.0%}", "yes" if one["health"]["ok"] else "**no**"),
                *(f"{one['health']['rhat']:.3f}", f"{one['seconds']:.0f}"),
            )
        )
    header = ("origin", "cells", "increase", "monitor", "reduce", "called", "healthy", "r-hat", "s")
    return _or_nothing(header, rows)


def carry_over(found: Found) -> str:
    """Retention, long run and duration beside the geometric lag."""
    labelled = [study for study in ("lydia_as_weeks", "lydia_as_months") if study in found]
    rows = [_ours(RUN_TITLES[study], found[study], months=12) for study in labelled]
    if labelled:  # least squares are the same whatever a year is labelled as
        plain, steps = (found[labelled[0]][name] for name in ("koyck", "koyck_with_steps"))
        rows.append(_koyck("Lydia Pinkham, Koyck", plain, months=12))
        rows.append(_koyck("Lydia Pinkham, Koyck with Palda's steps", steps, months=12))
    if "dietary" in found:
        rows.append(_ours(RUN_TITLES["dietary"], found["dietary"], months=1))
        rows.append(_koyck("Dietary product, Koyck", found["dietary"]["koyck"], months=1))
    header = ("model", "retention", "most it can be", "short run, per unit", "long run, per unit")
    return _or_nothing((*header, "months until 90% is felt"), rows)


def _ours(label: str, one: dict[str, Any], months: float) -> tuple[str, ...]:
    return (
        *(f"{label}, adbudget", interval(one["carried"]), f"{one['most_carried']:.2f}"),
        *(interval(one["short_run"]), interval(one["long_run"])),
        interval([value * months for value in one["duration"]], 0),
    )


def _koyck(label: str, lag: dict[str, float], months: float) -> tuple[str, ...]:
    return (
        *(label, f"{lag['retention']:.2f} ± {lag['retention_error']:.2f}", ""),
        *(f"{lag['short_run']:.2f} ± {lag['short_run_error']:.2f}", f"{lag['long_run']:.2f}"),
        f"{months * np.log(0.1) / np.log(lag['retention']):.0f}",
    )


def recovery(found: Found) -> str:
    """mmm_simple beside its truth."""
    if "mmm_simple" not in found:
        return NOTHING
    rows = [
        (
            *(name, str(one["periods_on"]), f"{one['true_roi']:.1f}", interval(one["roi"], 1)),
            "yes" if one["roi"][0] <= one["true_roi"] <= one["roi"][2] else "**no**",
            f"{one['true_share']:.1%}",
            "{1:.1%} ({0:.1%} to {2:.1%})".format(*one["share"]),
            *(f"{one['true_off']:.0%}", f"{one['off']:.0%}"),
            "{:.2f} ± {:.2f}".format(*one["least_squares"]),
        )
        for name, one in found["mmm_simple"]["channels"].items()
    ]
    header = ("channel", "weeks on", "true ROI", "ROI", "covered", "true share of sales", "share")
    header += ("true share in weeks off", "share in weeks off", "least squares on the truth")
    return table(header, rows)


def returns(found: Found) -> str:
    """Returns by channel where no truth is published."""
    rows = [
        (RUN_TITLES[study], name, interval(values))
        for study in ("meridian", "robyn", "conjura_origin_0")
        if study in found
        for name, values in found[study]["roi"].items()
    ]
    return _or_nothing(("set", "channel", "ROI over the history"), rows, left=2)


def findings(found: Found) -> str:
    """What could not be told apart, and the calls made."""
    rows = []
    for study in (study for study in RUN_TITLES if study in found):
        one = found[study]
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(one["findings"].items()))
        actions = [call["action"] for call in one["calls"]]
        counts = (str(actions.count(name)) for name in ("increase", "monitor", "reduce"))
        warned = len(one["health"]["warnings"])
        rows.append((RUN_TITLES[study], kinds or "none", str(warned), *counts))
    header = ("set", "findings", "warnings", "increase", "monitor", "reduce")
    return _or_nothing(header, rows, left=2)


def peer(found: Found) -> str:
    """How the run of PyMC-Marketing ended."""
    if "conjura_marketing" not in found:
        return NOTHING
    facts = found["conjura_marketing"]["facts"]
    rows = [
        (
            *(account, f"{one['seconds']:.0f}", f"{one['rhat']:.3f}", f"{one['ess_bulk']:.0f}"),
            str(one["divergences"]),
        )
        for account, one in facts["accounts"].items()
    ]
    text = f"PyMC-Marketing's run: {facts['ended']}, {facts['seconds']:.0f} s in all."
    if not rows:
        return text
    return f"{text}\n\n" + table(("account", "s", "r-hat", "ESS", "divergences"), rows)


TABLES: dict[str, Callable[[Found], str]] = {
    build.__name__: build
    for build in (
        *(sources, runs, forecasts, forecasts_by_account, peer, flips, origins),
        *(carry_over, recovery, returns, findings),
    )
}


def _span(values: Collection[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.2f}" if len(values) == 1 else f"{low:.2f} to {high:.2f}"


def _mean(scores: Sequence[dict], name: str) -> float:
    return float(np.mean([one[name] for one in scores]))


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _or_nothing(header: Sequence[str], rows: Sequence, left: int = 1) -> str:
    return table(header, rows, left) if rows else NOTHING
