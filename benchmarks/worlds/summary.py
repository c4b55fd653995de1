"""Results -> means with standard errors over worlds. Knows nothing of how they were made.

Rates of calls and moves pool all worlds (sum over sum); their errors treat worlds, not calls, as
independent: the calls of one world share its noise and its fit.
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
            gains[key][result.job.seed] = result.measures["captured"]
    rows = []
    for (family, other), theirs in gains.items():
        ours = gains.get((family, tool), {})
        both = sorted(ours.keys() & theirs.keys())
        if other != tool and both:
            mean, error = mean_and_error(np.array([ours[seed] - theirs[seed] for seed in both]))
            row = {"family": family, "tool": other, "n": len(both)}
            rows.append(row | {"difference": mean, "difference_se": error})
    return rows


def _row(key: tuple, group: list[Result]) -> Row:
    row: Row = dict(zip(KEYS, key, strict=True))
    row |= {"n": len(group), "stale": sum(not result.fresh for result in group)}
    measures = [result.measures for result in group]
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


def reliability(results: Sequence[Result]) -> list[Row]:
    """Stated probability against the share truly right, by bin, over all considered moves.

    Returns
    -------
    rows with low, high, n (moves), stated (their mean), right and right_se
    """
    worlds = [np.array(r.measures["moves"], float) for r in results if r.measures.get("moves")]
    rows = []
    for b, low in enumerate(BINS[:-1]):
        parts = [moves[_bin(moves[:, 0]) == b] for moves in worlds]
        parts = [moves for moves in parts if len(moves)]
        if parts:
            n_right = np.array([moves[:, 1].sum() for moves in parts])
            right, error = ratio_and_error(n_right, np.array([float(len(m)) for m in parts]))
            joined = np.concatenate(parts)
            row = {"low": low, "high": BINS[b + 1], "n": len(joined)}
            row |= {"stated": float(joined[:, 0].mean()), "right": right, "right_se": error}
            rows.append(row)
    return rows


def _bin(prob: np.ndarray) -> np.ndarray:
    """Bin of each probability; a bin holds its lower end, the last one both."""
    return np.clip(np.searchsorted(BINS, prob, side="right") - 1, 0, len(BINS) - 2)
