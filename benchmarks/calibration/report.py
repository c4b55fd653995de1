"""Replications -> the tables and plots of docs/calibration.md. Computes nothing that is kept."""

import re
from pathlib import Path

import numpy as np

from .cache import count_by_key, read_records
from .plots import plot_ranks, plot_reliability
from .quantities import NAMES
from .reliability import bins, gap_and_error, stack_moves
from .replication import CHAINS, DRAWS
from .uniformity import clustered_p, coverage, ecdf_p, one_per_replication

PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"
TITLES = {
    "model": "The model by itself: outcomes drawn and fitted with the same priors",
    "pipeline": "The complete pipeline: read_panel and fit, all found beforehand switched on",
    "plugged": "The complete pipeline where all that is found beforehand is drawn too",
}
SHORT = {
    "model": "the model by itself",
    "pipeline": "complete pipeline",
    "plugged": "plugged in, drawn too",
}
# Quantities whose prior has a variance, so that what the data add can be put in one number.
WITH_PRIOR_SD = (
    *("log_roi", "return_level", "channel_return", "channel_spread", "account_spread"),
    *("saturation_tilt", "adstock_tilt", "level_log_spread"),
)


def write_report(key: str, page: Path = PAGE) -> None:
    """Rewrite what stands between the page's markers, and the pictures.

    Parameters
    ----------
    key : source whose replications count
    page : has a pair of markers for every table
    """
    records = {kind: read_records(kind, key) for kind in TITLES}
    missing = [kind for kind, kept in records.items() if len(kept) < 2]
    if missing:
        raise SystemExit(
            f"no replications of {missing} under source {key}; kept are {count_by_key()}. "
            "Run them, or name one of these with --key."
        )
    text = page.read_text(encoding="utf-8")
    for kind, kept in records.items():
        name = f"calibration_{kind}.png"
        picture = f"![ranks: {SHORT[kind]}](images/{name})"
        text = filled(text, f"{kind} ranks", f"{rank_table(kept)}\n\n{picture}")
        plot_ranks(stacked_pits(kept), TITLES[kind], name)
    text = filled(text, "gain", gain_tables(records))
    text = filled(text, "noise kinds", noise_table(records["plugged"]))
    text = filled(text, "runs", runs_table(records, key))
    plot_reliability({SHORT[kind]: kept for kind, kept in records.items()}, "calibration_gain.png")
    page.write_text(text, encoding="utf-8")


def filled(text: str, name: str, content: str) -> str:
    """The page with new content between the markers of one table."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", flags=re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"the page has no markers {begin} ... {end}")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def stacked_pits(records: list[dict]) -> dict[str, np.ndarray]:
    """Key -> (replication, element)."""
    return {key: np.array([record["pit"][key] for record in records]) for key in NAMES}


def rank_table(records: list[dict]) -> str:
    """One row per quantity, and what so many tests at once allow."""
    rows = [
        "| quantity | elements | p, one element a replication | p, all elements "
        "| 50% interval holds | 90% interval holds | posterior / prior sd |",
        "|---|---|---|---|---|---|---|",
    ]
    tests = []
    for key, pit in stacked_pits(records).items():
        exact = ecdf_p(one_per_replication(pit))
        clustered = clustered_p(pit) if pit.shape[1] > 1 else exact
        tests.append((min(1.0, exact), min(1.0, clustered)))
        half, nine = (coverage(pit, prob) for prob in (0.5, 0.9))
        rows.append(
            f"| {NAMES[key]} | {pit.shape[1]} | {exact:.3f} "
            f"| {f'{clustered:.3f}' if pit.shape[1] > 1 else ''} "
            f"| {_share(half)} | {_share(nine)} | {_contraction(records, key)} |"
        )
    exact, clustered = np.array(tests).T
    n = len(tests)
    rows += [
        "",
        f"{len(records)} replications. {(exact < 0.05).sum()} of {n} curves leave their 95% band "
        f"({0.05 * n:.1f} are expected to by chance); the smallest p, times {n}, is "
        f"{min(1.0, n * exact.min()):.2f} for single elements and "
        f"{min(1.0, n * clustered.min()):.2f} for all.",
    ]
    return "\n".join(rows)


def gain_tables(records: dict[str, list[dict]]) -> str:
    """Reliability of the stated probabilities, considered moves and calls."""
    rows = [
        "| stated | "
        + " | ".join(f"{SHORT[kind]}: moves | stated, mean | pay" for kind in records)
        + " |",
        "|---" * (1 + 3 * len(records)) + "|",
    ]
    found = {
        kind: {b.low: b for b in bins(stack_moves(kept, called=False))}
        for kind, kept in records.items()
    }
    lows = sorted(set().union(*found.values()))
    for low in lows:
        cells = []
        for by_low in found.values():
            b = by_low.get(low)
            cells += (
                [f"{b.n_moves}", f"{b.stated:.3f}", f"{b.pays:.3f} ± {b.error:.3f}"]
                if b
                else ["0", "", ""]
            )
        high = next(by_low[low].high for by_low in found.values() if low in by_low)
        rows.append(f"| {low:.2f} to {high:.2f} | " + " | ".join(cells) + " |")
    rows += ["", "| | moves | stated to pay | pay | gap |", "|---|---|---|---|---|"]
    for kind, kept in records.items():
        for called in (False, True):
            moves = stack_moves(kept, called=called)
            label = f"{kind}, {'called' if called else 'considered'}"
            if not len(moves):
                rows.append(f"| {label} | 0 | | | |")
                continue
            gap, error = gap_and_error(moves)
            stated = moves[:, 1].mean()
            rows.append(
                f"| {label} | {len(moves)} | {stated:.3f} | {stated + gap:.3f} "
                f"| {gap:+.3f} ± {error:.3f} |"
            )
    return "\n".join(rows)


def noise_table(records: list[dict]) -> str:
    """By the kind of noise drawn: what was found of it, and what intervals and calls are worth."""
    rows = [
        "| noise drawn | replications | heavy tail found | 90% intervals: ROI of a cell | noise of "
        "an account | moves called | stated to pay | gap |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in sorted({_kind_of_noise(record) for record in records}):
        kept = [record for record in records if _kind_of_noise(record) == kind]
        pits, moves = stacked_pits(kept), stack_moves(kept, called=True)
        holds = [_share(coverage(pits[key], 0.9)) for key in ("log_roi", "noise_sd")]
        heavy = f"{np.mean([r['tail_df'] is not None for r in kept]):.0%}"
        called = ["", ""]
        if len(moves):
            gap, error = gap_and_error(moves)
            called = [f"{moves[:, 1].mean():.3f}", f"{gap:+.3f} ± {error:.3f}"]
        cells = [kind, str(len(kept)), heavy, *holds, str(len(moves)), *called]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _kind_of_noise(record: dict) -> str:
    drawn = record["drawn"]
    return drawn["noise"] + (", persistent" if drawn["autocorrelation"] else "")


def runs_table(records: dict[str, list[dict]], key: str) -> str:
    """How the replications went."""
    rows = [
        "| | replications | seconds each | with a divergence | draws diverged | unhealthy "
        "| heavy tail found | persistence found |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, kept in records.items():
        seconds = np.median([r["seconds"] for r in kept])
        diverged = np.mean([r["divergences"] > 0 for r in kept])
        lost = np.mean([r["divergences"] for r in kept]) / (DRAWS * CHAINS)
        pipeline = kind != "model"
        unhealthy = f"{np.mean([not r['healthy'] for r in kept]):.1%}" if pipeline else ""
        heavy = f"{np.mean([r['tail_df'] is not None for r in kept]):.1%}" if pipeline else "off"
        lasting = (
            f"{np.mean([rho > 0 for r in kept for rho in r['autocorrelation']]):.1%} of accounts"
            if pipeline
            else "off"
        )
        rows.append(
            f"| {kind} | {len(kept)} | {seconds:.1f} | {diverged:.1%} | {lost:.2%} | {unhealthy} "
            f"| {heavy} | {lasting} |"
        )
    return "\n".join([*rows, "", f"Source of these figures: `{key}`."])


def _share(estimate: tuple[float, float]) -> str:
    return f"{estimate[0]:.3f} ± {estimate[1]:.3f}"


def _contraction(records: list[dict], key: str) -> str:
    """How much narrower the posterior is than the prior: 1 when the data say nothing."""
    if key not in WITH_PRIOR_SD:
        return ""
    prior = np.std([r["truth"][key] for r in records], ddof=1)
    return f"{np.mean([r['sd'][key] for r in records]) / prior:.2f}"
