"""Summary -> pipe tables of the validation page. Knows no files and runs nothing."""

from collections.abc import Callable, Iterable

from benchmarks.worlds.jobs import family_place
from benchmarks.worlds.summary import Row, alike
from benchmarks.worlds.tools import TOOLS

DASH = "—"
NONE = "No results yet."


def pipe_table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, the first column left and the others right; a remark when it is empty."""
    if not rows:
        return NONE
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def said(row: Row | None, measure: str, digits: int = 2) -> str:
    """Mean and standard error, or a dash."""
    if row is None or row.get(measure) is None:
        return DASH
    error = row.get(f"{measure}_se")
    text = f"{row[measure]:.{digits}f}"
    return text if error is None else f"{text} ± {error:.{digits}f}"


def pick(rows: Iterable[Row], **wanted: str) -> list[Row]:
    """Rows with these values, families in their order."""
    chosen = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return sorted(chosen, key=lambda row: family_place(row["family"]))


def captured(summary: list[Row]) -> str:
    """Family by tool: captured gain of the best plan."""
    return _by_tool(summary, "captured", _with_count)


def crps(summary: list[Row]) -> str:
    """Family by tool: CRPS of the truly best plan's lifts."""
    return _by_tool(summary, "best_crps", lambda row: said(row, "best_crps"))


def _by_tool(summary: list[Row], measure: str, text: Callable[[Row], str]) -> str:
    chosen = [row for row in pick(summary, study="families") if measure in row]
    chosen = [row for row in chosen if not (measure == "captured" and row["tool"] == "hold")]
    return _grid(chosen, text)


def _grid(chosen: list[Row], text: Callable[[Row], str]) -> str:
    """Families down, tools across."""
    by_key = {(row["family"], row["tool"]): row for row in chosen}
    families = list(dict.fromkeys(row["family"] for row in chosen))
    tools = [tool for tool in TOOLS if any(key[1] == tool for key in by_key)]
    rows = [
        [family, *(text(by_key[family, t]) if (family, t) in by_key else DASH for t in tools)]
        for family in families
    ]
    return pipe_table(["family", *(TOOLS[tool].label for tool in tools)], rows)


def _with_count(row: Row) -> str:
    late = f", {row['timed_out']:.0f} out of time" if row.get("timed_out") else ""
    return f"{said(row, 'captured')} ({row['n']}{late})"


def paired_table(pairs: list[Row]) -> str:
    """Family by other tool: adbudget's captured gain less the other's, on the same worlds."""
    return _grid(pick(pairs), lambda row: f"{said(row, 'difference')} ({row['n']})")


def decisions(summary: list[Row]) -> str:
    """What adbudget's calls earn, and how many are wrong."""
    columns = {
        "best plan": ("captured", 2),
        "plan of the calls": ("calls_captured", 2),
        "worst account": ("calls_worst_account", 2),
        "accounts hurt": ("calls_hurt", 2),
        "called": ("called", 2),
    }
    return _of_adbudget(summary, columns)


def wrong_calls(summary: list[Row]) -> str:
    """How many calls are wrong, how many adbudget expects to be, and the difference."""
    columns = {"wrong": "wrong", "stated": "stated_wrong", "wrong less stated": "excess_wrong"}
    chosen = pick(summary, study="families", tool="adbudget")
    rows = [
        [row["family"], str(row["n"]), f"{row['calls']:.0f}"]
        + [said(row, measure, 3) for measure in columns.values()]
        for row in chosen
    ]
    if len(chosen) > 1:
        total = [str(sum(row["n"] for row in chosen)), f"{sum(row['calls'] for row in chosen):.0f}"]
        means = [said(alike(chosen, measure), measure, 3) for measure in columns.values()]
        rows.append(["all families, each alike", *total, *means])
    return pipe_table(["family", "worlds", "calls", *columns], rows)


def intervals(summary: list[Row]) -> str:
    """Coverage and width of adbudget's 90% intervals."""
    columns = {
        "live, best plan": ("best_cover_live", 3),
        "live, own plan": ("own_cover_live", 3),
        "duds, best plan": ("best_cover_dud", 3),
        "duds, own plan": ("own_cover_dud", 3),
        "width, live": ("best_width_live", 2),
        "width, duds": ("best_width_dud", 2),
    }
    return _of_adbudget(summary, columns)


def _of_adbudget(summary: list[Row], columns: dict[str, tuple[str, int]]) -> str:
    rows = [
        [row["family"], *(said(row, measure, digits) for measure, digits in columns.values())]
        for row in pick(summary, study="families", tool="adbudget")
    ]
    return pipe_table(["family", *columns], rows)


def cost(summary: list[Row]) -> str:
    """Seconds, memory and convergence of every tool that takes time."""
    head = ["family", "tool", "seconds", "peak MB", "worst r-hat", "worst ESS", "divergences"]
    plain = {"peak_mb": ".0f", "rhat": ".3f", "ess_bulk": ".0f", "divergences": ".0f"}
    rows = [
        [
            *(row["family"], TOOLS[row["tool"]].label, said(row, "seconds", 1)),
            *(format(row[name], form) if name in row else DASH for name, form in plain.items()),
        ]
        for row in pick(summary, study="families")
        if "seconds" in row
    ]
    return pipe_table(head, rows)


def limit(summary: list[Row]) -> str:
    """How far from knowing the population, and how far above not pooling."""
    columns = {
        "captured": "captured",
        "by calls": "calls_captured",
        "called": "called",
        "wrong calls": "wrong",
        "coverage": "best_cover_live",
        "width": "best_width_live",
        "CRPS": "best_crps",
    }
    rows = [
        [TOOLS[tool].label, str(row["n"]), *(said(row, name, 3) for name in columns.values())]
        for tool in ("told", "matched", "adbudget", "unpooled")
        for row in pick(summary, study="families", family="assumed", tool=tool)
    ]
    return pipe_table(["", "worlds", *columns], rows)


def history(summary: list[Row]) -> str:
    """Captured gain as history grows."""
    return _growth(pick(summary, study="history"), "weeks", "weeks of history")


def accounts(summary: list[Row]) -> str:
    """Captured gain as the number of accounts fitted together grows."""
    return _growth(pick(summary, study="accounts"), "group", "accounts together")


def _growth(chosen: list[Row], axis: str, title: str) -> str:
    chosen = [row for row in chosen if row["tool"] != "hold"]
    by_key = {(row["family"], row["tool"], row[axis]): row for row in chosen}
    sizes = sorted({row[axis] for row in chosen})
    lines = dict.fromkeys((row["family"], row["tool"]) for row in chosen)
    rows = [
        [f"{family}, {TOOLS[tool].label}"]
        + [said(by_key.get((family, tool, size)), "captured") for size in sizes]
        for family, tool in lines
    ]
    return pipe_table([title, *map(str, sizes)], rows)


def reliability_table(bins: list[Row]) -> str:
    """Stated probability against the share truly right."""
    rows = [
        [
            *(f"{one['low']:.2f} to {one['high']:.2f}", str(one["n"]), f"{one['stated']:.3f}"),
            said(one, "right", 3),
        ]
        for one in bins
    ]
    return pipe_table(["P(gain) stated", "moves", "mean stated", "truly right"], rows)


def recovery_table(panels: list[Row]) -> str:
    """Panels that others made: intervals of returns that hold, and log errors."""
    rows = [
        [
            *(one["family"], str(one["n_accounts"]), str(one["n_cells"]), said(one, "held", 3)),
            *(said(one, "error_mean"), said(one, "error_median"), str(one["unhealthy"])),
        ]
        for one in panels
    ]
    head = ["panel", "accounts", "cells", "90% intervals that hold", "mean log error"]
    return pipe_table([*head, "median log error", "unhealthy fits"], rows)


TABLES: dict[str, Callable[[list[Row]], str]] = {
    "captured": captured,
    "decisions": decisions,
    "wrong": wrong_calls,
    "intervals": intervals,
    "crps": crps,
    "cost": cost,
    "limit": limit,
    "history": history,
    "accounts": accounts,
}
