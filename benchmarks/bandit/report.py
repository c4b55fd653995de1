"""Figures of many runs -> the tables of docs/bandit.md. Arms are compared on the seeds all have."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bandit.arms import ARMS
from benchmarks.bandit.worlds import SHARED, WORLDS
from benchmarks.worlds.report import fill

Run = dict[str, Any]
AFTER = 15  # rounds after a break that count as after it
LAST = 5  # rounds that the last share is a mean of
ROUNDS = (1, 5, 10, 20, 30)
LINES = " lines"


def write(results: Path, page: Path) -> None:
    """Rewrite the tables of the page.

    Raises
    ------
    SystemExit : there is no result, or the page's markers are not those of the tables
    """
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    runs = [json.loads(line) for line in lines]
    if not runs:
        raise SystemExit("There are no results yet. Run without --report first.")
    parts = {"summary": summary(runs), "shares": "\n\n".join(_world(runs, one) for one in WORLDS)}
    page.write_text(fill(page.read_text(encoding="utf-8"), parts), encoding="utf-8")


def regret(run: Run) -> float:
    """What all rounds lost against the best splits, in mean rounds of the best split."""
    reward, oracle = np.array(run["reward"]), np.array(run["oracle"])
    return float((oracle - reward).sum() / oracle.mean())


def regret_after_breaks(run: Run) -> float | None:
    """The same of the rounds after a break, a mean over the breaks; None where nothing breaks."""
    lost = (np.array(run["oracle"]) - np.array(run["reward"])) / np.mean(run["oracle"])
    found = [lost[at : at + AFTER].sum() for at in run["breaks"]]
    return float(np.mean(found)) if found else None


def share(run: Run, first: int, last: int) -> float:
    """What rounds ``first`` to ``last`` brought, over what the best split would have."""
    return sum(run["reward"][first:last]) / sum(run["oracle"][first:last])


def paired(runs: Sequence[Run], world: str) -> dict[str, list[Run]]:
    """Arm -> its runs of a world, in the order of the seeds that all arms have been run on."""
    own = {
        arm: {r["seed"]: r for r in runs if (r["world"], r["arm"]) == (world, arm)} for arm in ARMS
    }
    own = {arm: by_seed for arm, by_seed in own.items() if by_seed}
    seeds = sorted(set.intersection(*(set(one) for one in own.values()))) if own else []
    return {arm: [by_seed[seed] for seed in seeds] for arm, by_seed in own.items()}


def summary(runs: Sequence[Run]) -> str:
    """One row a world: our regret beside that of the best other arm that sees as much."""
    rows = [
        "| world | seeds | regret of ours | best arm that sees as much | its regret "
        "| difference | target | best that sees every line |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for world in WORLDS:
        arms = paired(runs, world)
        if not arms.get("ours"):
            continue
        means = {arm: np.mean([regret(one) for one in own]) for arm, own in arms.items()}
        blind = {arm: r for arm, r in means.items() if not _sees_lines(arm) and arm != "ours"}
        seeing = {arm: r for arm, r in means.items() if _sees_lines(arm)}
        best, told = min(blind, key=blind.__getitem__), min(seeing, key=seeing.__getitem__)
        off = np.array(
            [regret(o) - regret(b) for o, b in zip(arms["ours"], arms[best], strict=True)]
        )
        bound = 1.0 if world in SHARED else 1.1
        met = "met" if means["ours"] <= bound * means[best] else "missed"
        wanted = "lowest" if world in SHARED else "within 10%"
        rows.append(
            f"| {world} | {len(off)} | {means['ours']:.2f} | {best} | {means[best]:.2f} "
            f"| {_with_error(off)} | {wanted}: {met} | {told} {means[told]:.2f} |"
        )
    return "\n".join(rows)


def _world(runs: Sequence[Run], world: str) -> str:
    """One row an arm."""
    arms = paired(runs, world)
    seeds = len(next(iter(arms.values()), []))
    if not seeds:
        return f"**{world}**: not run yet."
    n_rounds = len(arms["equal"][0]["reward"])
    at = [one for one in ROUNDS if one < n_rounds]
    broken = bool(arms["equal"][0]["breaks"])
    head = ["arm", "regret", *(f"round {one}" for one in at), f"last {LAST}"]
    head += ["after a break"] * broken + ["churn", "violations", "s a round"]
    every = sum(r["world"] == world and r["arm"] == "equal" for r in runs)
    rows = [
        f"**{world}**, {n_rounds} rounds, {seeds} seed{'s' * (seeds > 1)}"
        + (f" (without ours, regret over {every} in brackets)" if every > seeds else ""),
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    for arm, own in arms.items():
        told = _with_error(np.array([regret(one) for one in own]))
        others = [regret(r) for r in runs if (r["world"], r["arm"]) == (world, arm)]
        told += f" ({np.mean(others):.2f})" if len(others) > seeds else ""
        cells = [arm, told, *(f"{_mean(share(r, i - 1, i) for r in own):.3f}" for i in at)]
        cells.append(f"{_mean(share(r, n_rounds - LAST, n_rounds) for r in own):.3f}")
        cells += [f"{_mean(regret_after_breaks(r) or 0.0 for r in own):.2f}"] * broken
        cells.append(f"{_mean(np.mean(r['churn']) for r in own):.3f}")
        cells += [str(sum(r["violations"] for r in own))]
        cells += [f"{_mean(r['seconds'] for r in own):.3f}"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _sees_lines(arm: str) -> bool:
    return arm.endswith(LINES) or arm == "roas rule"


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def _with_error(values: np.ndarray) -> str:
    """A mean, and its standard error where there are several."""
    if values.size < 2:
        return f"{values.mean():.2f}"
    return f"{values.mean():.2f} ± {values.std(ddof=1) / np.sqrt(values.size):.2f}"
