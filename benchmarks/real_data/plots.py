"""Results -> small plots of docs/real-data.md. Draws what it is given and decides nothing."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.real_data.stability import as_calls
from benchmarks.real_data.studies import ORIGIN_NAMES
from benchmarks.real_data.tables import LABELS, RUN_TITLES

DPI = 90
INK, ACCENT, QUIET, BAND = "#1b1b1b", "#c2410c", "#7a8794", "#cfe3ea"
OURS = "#0b6e8a"
TOOL_COLOURS = {
    "adbudget": OURS,
    "adbudget, spend unknown": "#7fb7c8",
    "adbudget, alone": "#5b7c99",
    "PyMC-Marketing, alone": "#7d3c98",
    "four weeks": "#e0a458",
    "naive": ACCENT,
}
DECISIONS = ("reduce", "monitor", "increase")
DECISION_COLOURS = ("#c2410c", "#e6e9ec", "#0b6e8a")
KOYCK_LINES = {"koyck": ("Koyck", "o-"), "koyck_with_steps": ("Koyck with steps", "s--")}
Found = dict[str, dict[str, Any]]


def draw_all(found: Found, folder: Path) -> None:
    """Draw every plot that the results allow into ``folder``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    plots = {
        "forecast": ((8.0, 4.6), _forecast, ("conjura_daily",)),
        "crps": ((8.0, 3.0), _crps, ("conjura_daily", "conjura_weekly")),
        "flips": ((7.2, 5.4), _flips, ORIGIN_NAMES),
        "carry_over": ((8.0, 2.9), _carry_over, ("lydia_as_weeks", "lydia_as_months", "dietary")),
        "recovery": ((5.0, 2.6), _recovery, ("mmm_simple",)),
        "roi": ((7.2, 5.0), _roi, ("meridian", "robyn", "conjura_origin_0")),
    }
    for name, (size, draw, needed) in plots.items():
        if not set(needed) <= found.keys():
            continue
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure, found)
        # No version in the file: the same results make the same bytes.
        figure.savefig(folder / f"real_{name}.png", dpi=DPI, metadata={"Software": None})


def _forecast(figure: Any, found: Found) -> None:
    bands = found["conjura_daily"]["bands"]
    accounts = list(dict.fromkeys(one["account"] for one in bands))
    for axes, account in zip(figure.subplots(2, 2).flat, accounts, strict=True):
        own = {one["tool"]: one for one in bands if one["account"] == account}
        ours, naive = own["adbudget"], own["naive"]
        days = np.arange(len(ours["observed"]))
        axes.fill_between(days, ours["low"], ours["high"], color=BAND, lw=0, label="90%, adbudget")
        axes.plot(days, ours["middle"], color=OURS, lw=1.2, label="adbudget")
        axes.plot(days, naive["middle"], color=ACCENT, lw=0.9, label="seasonal naive")
        axes.plot(days, ours["observed"], ".", color=INK, ms=3, label="observed")
        axes.set_title(f"{account}, from {ours['dates'][0]}", fontsize=8, loc="left")
        axes.set_ylim(min(0.0, min(ours["low"])), None)
        _clean(axes)
    handles, labels = figure.axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7, frameon=False)
    for axes in figure.axes[2:]:
        axes.set_xlabel("days held out", fontsize=8)
    figure.supylabel("outcome over its mean in the days seen", fontsize=8)


def _crps(figure: Any, found: Found) -> None:
    weekly = found["conjura_weekly"]["scores"] + found.get("conjura_marketing", {}).get(
        "scores", []
    )
    panels = (("by day", found["conjura_daily"]["scores"]), ("by week", weekly))
    for axes, (title, scores) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
        accounts = list(dict.fromkeys(one["account"] for one in scores))
        tools = [tool for tool in TOOL_COLOURS if any(one["tool"] == tool for one in scores)]
        width = 0.8 / len(tools)
        for i, tool in enumerate(tools):
            own = [one for one in scores if one["tool"] == tool]
            place = [
                accounts.index(one["account"]) + (i - (len(tools) - 1) / 2) * width for one in own
            ]
            axes.bar(
                place,
                [one["crps"] for one in own],
                width * 0.9,
                color=TOOL_COLOURS[tool],
                label=LABELS[tool],
            )
        axes.set_xticks(range(len(accounts)), accounts, fontsize=7)
        axes.set_title(title, fontsize=8, loc="left")
        _clean(axes)
    handles, labels = figure.axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7, frameon=False)
    figure.supylabel("CRPS, share of mean outcome", fontsize=8)


def _flips(figure: Any, found: Found) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    calls = [as_calls(found[name]["calls"]) for name in reversed(ORIGIN_NAMES)]
    cells = sorted({cell for one in calls for cell in one})
    grid = np.full((len(cells), len(calls)), np.nan)
    for j, one in enumerate(calls):
        for i, cell in enumerate(cells):
            if cell in one:
                grid[i, j] = DECISIONS.index(one[cell])
    axes = figure.subplots()
    axes.pcolormesh(
        np.ma.masked_invalid(grid),
        cmap=ListedColormap(DECISION_COLOURS),
        vmin=-0.5,
        vmax=2.5,
        edgecolors="white",
        linewidth=1,
    )
    axes.invert_yaxis()
    weeks = [4 * number for number in range(len(calls))][::-1]
    labels = [f"{w} weeks before" if w else "last day" for w in weeks]
    axes.set_xticks(np.arange(len(calls)) + 0.5, labels, fontsize=7)
    names = [f"{account}  {channel.lower()}" for account, channel in cells]
    axes.set_yticks(np.arange(len(cells)) + 0.5, names, fontsize=6)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    patches = [Patch(color=c, label=d) for d, c in zip(DECISIONS, DECISION_COLOURS, strict=True)]
    if np.isnan(grid).any():
        patches.append(Patch(facecolor="white", edgecolor=QUIET, label="not used yet"))
    figure.legend(handles=patches, loc="outside lower center", ncols=4, fontsize=7, frameon=False)


def _carry_over(figure: Any, found: Found) -> None:
    studies = ("lydia_as_weeks", "lydia_as_months", "dietary")
    for axes, study in zip(figure.subplots(1, 3, sharey=True), studies, strict=True):
        one = found[study]
        low, middle, high = np.array(one["lags"]).T
        lags = np.arange(len(middle))
        axes.bar(lags, middle, 0.7, color=BAND, label="adbudget, 90%")
        axes.vlines(lags, low, high, color=OURS, lw=1.5)
        for lag, (label, style) in KOYCK_LINES.items():
            if lag in one:
                kept = one[lag]["retention"]
                line = {"color": ACCENT, "ms": 3, "lw": 0.9, "label": label}
                axes.plot(lags, (1 - kept) * kept**lags, style, **line)
        axes.set_title(RUN_TITLES[study], fontsize=8, loc="left")
        axes.set_xlabel("months later" if study == "dietary" else "years later", fontsize=8)
        axes.set_xticks(lags)
        _clean(axes)
    figure.axes[0].legend(fontsize=7, frameon=False)
    figure.axes[0].set_ylabel("share of the effect", fontsize=8)


def _recovery(figure: Any, found: Found) -> None:
    channels = found["mmm_simple"]["channels"]
    axes = figure.subplots()
    rows = [(name, one["roi"]) for name, one in channels.items()]
    _ranges(axes, rows)
    truth = [one["true_roi"] for one in channels.values()]
    axes.plot(truth, range(len(truth)), "D", color=ACCENT, ms=5, label="truth")
    axes.set_xscale("log")
    ticks = (1, 2, 5, 10, 20, 50)
    axes.set_xticks(ticks, map(str, ticks))
    axes.minorticks_off()
    axes.set_xlabel("ROI over the history", fontsize=8)
    axes.legend(fontsize=7, frameon=False, loc="lower left")


def _roi(figure: Any, found: Found) -> None:
    studies = ("meridian", "robyn", "conjura_origin_0")
    heights = [len(found[study]["roi"]) for study in studies]
    panels = figure.subplots(3, 1, sharex=True, height_ratios=[h + 1.2 for h in heights])
    for axes, study in zip(panels, studies, strict=True):
        _ranges(axes, list(found[study]["roi"].items()))
        axes.axvline(1, color=QUIET, lw=0.7, ls=":")
        axes.set_xscale("symlog", linthresh=0.1, linscale=0.5)
        axes.set_title(RUN_TITLES[study], fontsize=8, loc="left")
    ticks = (0, 0.1, 0.3, 1, 3, 10)
    panels[-1].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panels[-1].minorticks_off()
    panels[-1].set_xlabel("ROI over the history, outcome per unit of spend", fontsize=8)


def _ranges(axes: Any, rows: list[tuple[str, list[float]]]) -> None:
    """Median and 90% interval of every row, the first on top."""
    place = np.arange(len(rows))
    low, middle, high = np.array([values for _, values in rows]).T
    axes.hlines(place, low, high, color=OURS, lw=2)
    axes.plot(middle, place, "o", color=OURS, ms=4)
    axes.set_yticks(place, [name for name, _ in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    _clean(axes)


def _clean(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
