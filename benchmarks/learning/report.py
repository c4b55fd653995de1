"""Figures of many worlds -> the tables of docs/tests-study.md."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.learning.arms import ARMS
from benchmarks.worlds.report import fill


def write(results: Path, page: Path) -> None:
    """Rewrite the tables of the page.

    Raises
    ------
    SystemExit : there is no result
    """
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    if not lines:
        raise SystemExit("There are no results yet. Run without --report first.")
    frame = pd.DataFrame([json.loads(line) for line in lines])
    frame["captured"] = frame["gain_calls"] / frame["gain_best"]
    parts = {"captured": captured(frame), "paired": paired(frame), "predicted": predicted(frame)}
    page.write_text(fill(page.read_text(encoding="utf-8"), parts), encoding="utf-8")


def captured(frame: pd.DataFrame) -> str:
    """Share captured by calls, by family, arm and round."""
    rows = ["| family | worlds | arm | before | one round | two rounds | monitored |", "|---|" * 7]
    rows[1] = "|---|---|---|---|---|---|---|"
    for family, own in frame.groupby("family", sort=False):
        for arm in ARMS:
            mine = own[own["arm"] == arm]
            if mine.empty:
                continue
            shares = [_mean(mine.loc[mine["round"] == r, "captured"]) for r in (0, 1, 2)]
            watched = mine.loc[mine["round"] == 2, "monitored"].mean()
            n = mine["world"].nunique()
            rows.append(f"| {family} | {n} | {arm} | {' | '.join(shares)} | {watched:.0%} |")
    return "\n".join(rows)


def paired(frame: pd.DataFrame) -> str:
    """Difference of the share after two rounds: an arm less another, world by world."""
    last = frame[frame["round"] == 2].pivot_table(
        index=["family", "world"], columns="arm", values="captured"
    )
    rows = ["| difference | all families | " + " | ".join(_families(frame)) + " |"]
    rows.append("|---|---|" + "---|" * len(_families(frame)))
    for arm, other in (
        ("planned", "none"), ("planned", "random"), ("planned", "thompson"),
        ("holdouts", "none"), ("holdouts", "planned"),
    ):  # fmt: skip
        if arm in last and other in last:
            difference = (last[arm] - last[other]).dropna()
            by_family = [
                _mean(difference[difference.index.get_level_values(0) == family], sign=True)
                for family in _families(frame)
            ]
            told = " | ".join([_mean(difference, sign=True), *by_family])
            rows.append(f"| {arm} less {other} | {told} |")
    return "\n".join(rows)


def predicted(frame: pd.DataFrame) -> str:
    """Value and cost as expected and as they came, of the arms that say what they expect."""
    rows = [
        "| arm | rounds | predicted gain | realised gain | the same without tests | true cost | "
        "budget | rounds above budget |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ordered = frame.sort_values(["family", "world", "arm", "round"]).copy()
    step = ordered.groupby(["family", "world", "arm"])["gain_calls"].diff()
    ordered["step"] = step / ordered["spend"]
    plain = ordered[ordered["arm"] == "none"].set_index(["family", "world", "round"])["step"]
    for arm in ("planned", "holdouts"):
        own = ordered[(ordered["arm"] == arm) & (ordered["round"] > 0)]
        if own.empty:
            continue
        keys = own.set_index(["family", "world", "round"]).index
        without = plain.reindex(keys).to_numpy()
        spend = own["spend"]
        over = int((own["cost"] > own["budget"]).sum())
        told = [
            _mean(own["predicted"] / spend, digits=4), _mean(own["step"], digits=4),
            _mean(pd.Series(without), digits=4), _mean(own["cost"] / (4 * spend), digits=4),
            f"{(own['budget'] / (4 * spend)).mean():.4f}", f"{over} of {len(own)}",
        ]  # fmt: skip
        rows.append(f"| {arm} | {len(own)} | {' | '.join(told)} |")
    return "\n".join(rows)


def _families(frame: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(frame["family"]))


def _mean(values: pd.Series, *, digits: int = 2, sign: bool = False) -> str:
    """Mean and its standard error."""
    known = values.dropna().to_numpy(float)
    if known.size == 0:
        return ""
    error = known.std(ddof=1) / np.sqrt(known.size) if known.size > 1 else np.nan
    return f"{known.mean():{'+' if sign else ''}.{digits}f} ± {error:.{digits}f}"
