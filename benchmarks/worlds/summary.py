"""Results -> means with standard errors over worlds. Knows nothing of how they were made.

Rates of calls and moves pool all worlds of a family (sum over sum); their errors treat worlds, not
calls, as independent: the calls of one world share its noise and its fit. Over families, every
family weighs alike, however many moves it has.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.worlds.results import Result

Row = dict[str, Any]
KEYS = ("study", "family", "tool", "weeks", "group")
RATIOS = {
    "wrong": ("n_wrong", "n_calls"),
    "stated_wrong": ("expected_wrong", "n_calls"),
    "excess_wrong": ("n_unexpected", "n_calls"),
    "called": ("n_calls", "n_cells"),
}
MEANS = (
    *("captured", "account_mean", "hurt", "calls_captured", "calls_hurt"),
    *("own_cover_live", "own_cover_dud", "own_width_live", "own_width_dud", "own_crps"),
    *("best_cover_live", "best_cover_dud", "best_width_live", "best_width_dud", "best_crps"),
    *("seconds", "fit_seconds", "cpu_seconds", "unhealthy"),
)
# A share of next to nothing can be any number, so the worst account has a median, not a mean.
EXTREMES = {
    **dict.fromkeys(("worst_account", "calls_worst_account"), np.median),
    **dict.fromkeys(("rhat", "peak_mb"), np.max),
    **dict.fromkeys(("ess_bulk", "ess_tail"), np.min),
    **dict.fromkeys(("divergences", "n_draws", "timed_out"), np.sum),
}
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0)


def summarise(results: Sequence[Result]) -> list[Row]:
    """One row per study, family, tool and cut.

    Returns
    -------
    rows with KEYS, ``n`` (worlds), ``stale`` (of them made by earlier code), and where known every
    mean and ratio with its ``NAME_se``, and every extreme
    """
    groups: dict[tuple, list[Result]] = defaultdict(list)
    for result in results:
        groups[tuple(getattr(result.job, key) for key in KEYS)].append(result)
    return [_row(key, group) for key, group in groups.items()]


def paired(results: Sequence[Result], tool: str = "adbudget") -> list[Row]:
    """Captured gain of one tool less that of every other, on the worlds that both have run.

    Returns
    -------
    rows with family, tool (the other one), n (worlds), difference and difference_se
    """
    gains: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for result in results:
        if result.job.study == "families" and result.measures.get("captured") is not None:
            key = result.job.family, result.job.tool
            gains[key][result.job.world] = result.measures["captured"]
    rows = []
    for (family, other), theirs in gains.items():
        ours = gains.get((family, tool), {})
        both = sorted(ours.keys() & theirs.keys())
        if other != tool and both:
            mean, error = mean_and_error(np.array([ours[world] - theirs[world] for world in both]))
            row = {"family": family, "tool": other, "n": len(both)}
            rows.append(row | {"difference": mean, "difference_se": error})
    return rows


def _row(key: tuple, group: list[Result]) -> Row:
    row: Row = dict(zip(KEYS, key, strict=True))
    row |= {"n": len(group), "stale": sum(not result.fresh for result in group)}
    measures = [_with_differences(result.measures) for result in group]
    row["calls"] = float(_known(measures, "n_calls").sum())
    for name in MEANS:
        known = _known(measures, name)
        if known.size:
            row[name], row[f"{name}_se"] = mean_and_error(known)
    for name, (part, whole) in RATIOS.items():
        both = [m for m in measures if part in m and whole in m]
        if sum(m[whole] for m in both) > 0:
            row[name], row[f"{name}_se"] = ratio_and_error(_known(both, part), _known(both, whole))
    for name, extreme in EXTREMES.items():
        known = _known(measures, name)
        if known.size:
            row[name] = float(extreme(known))
    return row


def _with_differences(measures: Row) -> Row:
    """What is compared within each world: wrong calls beyond those it expects."""
    if "n_wrong" not in measures:
        return measures
    return measures | {"n_unexpected": measures["n_wrong"] - measures["expected_wrong"]}


def _known(measures: list[Row], name: str) -> np.ndarray:
    return np.array([m[name] for m in measures if m.get(name) is not None], dtype=float)


def mean_and_error(values: np.ndarray) -> tuple[float, float | None]:
    """Mean and its standard error; one value has no error."""
    if values.size < 2:
        return float(values.mean()), None
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))


def ratio_and_error(part: np.ndarray, whole: np.ndarray) -> tuple[float, float | None]:
    """Sum over sum, and its standard error with worlds as the independent unit.

    Parameters
    ----------
    part, whole : (world,) counts

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., section 2.11.
    """
    n, ratio = whole.size, part.sum() / whole.sum()
    if n < 2:
        return float(ratio), None
    error = np.sqrt(n / (n - 1) * ((part - ratio * whole) ** 2).sum()) / whole.sum()
    return float(ratio), float(error)


def alike(rows: Sequence[Row], measure: str) -> Row:
    """One row for all families: each weighs alike, and their errors are independent.

    Returns
    -------
    row with ``measure`` and, when every family has one, its standard error; empty without families
    """
    known = [row for row in rows if row.get(measure) is not None]
    if not known:
        return {}
    errors = [row.get(f"{measure}_se") for row in known]
    together: Row = {measure: float(np.mean([row[measure] for row in known]))}
    if None not in errors:
        together[f"{measure}_se"] = float(np.sqrt(np.sum(np.square(errors))) / len(known))
    return together


def reliability(results: Sequence[Result]) -> list[Row]:
    """Stated probability against the share truly right, by bin, over all considered moves.

    A move counts one over the moves of its family, so that every family weighs alike. Families are
    strata and worlds clusters: errors are over the worlds of each family.

    Returns
    -------
    rows with low, high, n (moves), stated (their mean), right and right_se

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., section 6.11 (combined ratio estimate).
    """
    families: dict[str, list[np.ndarray]] = defaultdict(list)
    for result in results:
        if "moves" in result.measures:
            moves = np.array(result.measures["moves"], float).reshape(-1, 2)
            families[result.job.family].append(np.column_stack([_bin(moves[:, 0]), moves]))
    weights = {name: 1 / max(1, sum(map(len, each))) for name, each in families.items()}
    rows = []
    for b, low in enumerate(BINS[:-1]):
        parts = {
            name: weights[name] * np.array([_sums(moves[moves[:, 0] == b]) for moves in worlds])
            for name, worlds in families.items()
        }
        n_moves = sum(int((moves[:, 0] == b).sum()) for each in families.values() for moves in each)
        if n_moves:
            right, error = stratified_ratio([own[:, [2, 0]] for own in parts.values()])
            stated, _ = stratified_ratio([own[:, [1, 0]] for own in parts.values()])
            row = {"low": low, "high": BINS[b + 1], "n": n_moves}
            rows.append(row | {"stated": stated, "right": right, "right_se": error})
    return rows


def _sums(moves: np.ndarray) -> tuple[float, float, float]:
    """How many moves, the sum of their probabilities, how many are right."""
    return float(len(moves)), float(moves[:, 1].sum()), float(moves[:, 2].sum())


def stratified_ratio(strata: Sequence[np.ndarray]) -> tuple[float, float | None]:
    """Sum over sum of all strata, and its standard error over the worlds inside them.

    Parameters
    ----------
    strata : for each (world, 2), part and whole
    """
    part, whole = np.sum([own.sum(axis=0) for own in strata], axis=0)
    ratio = part / whole
    if min(map(len, strata)) < 2:
        return float(ratio), None
    variance = sum(len(own) * (own[:, 0] - ratio * own[:, 1]).var(ddof=1) for own in strata)
    return float(ratio), float(np.sqrt(variance) / whole)


def _bin(prob: np.ndarray) -> np.ndarray:
    """Bin of each probability; a bin holds its lower end, the last one both."""
    return np.clip(np.searchsorted(BINS, prob, side="right") - 1, 0, len(BINS) - 2)


def recovery(results: Sequence[Result]) -> list[Row]:
    """Panels that others made: intervals of returns that hold, and log errors, by panel.

    Returns
    -------
    rows with family (the panel), n_accounts, n_cells, held, error_mean, error_median and
    unhealthy; the last one, "all panels", with errors of held and error_mean over panels
    """
    own = sorted((r for r in results if r.job.study == "recovery"), key=lambda r: r.job.family)
    if not own:
        return []
    kept = [r.measures for r in own]
    rows = [_recovered(r.job.family, [r.measures]) for r in own]
    together = _recovered("all panels", kept)
    n_cells = np.array([m["n_cells"] for m in kept], float)
    n_held = np.array([m["n_held"] for m in kept], float)
    together["held_se"] = ratio_and_error(n_held, n_cells)[1]
    sums = np.array([sum(m["errors"]) for m in kept])
    together["error_mean_se"] = ratio_and_error(sums, n_cells)[1]
    return [*rows, together]


def _recovered(name: str, kept: list[Row]) -> Row:
    errors = np.concatenate([m["errors"] for m in kept])
    row: Row = {"family": name, "n_cells": len(errors)}
    row |= {key: sum(m[key] for m in kept) for key in ("n_accounts", "unhealthy")}
    row |= {"held": sum(m["n_held"] for m in kept) / len(errors)}
    return row | {"error_mean": float(errors.mean()), "error_median": float(np.median(errors))}
