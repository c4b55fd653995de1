"""What each choice of the model is worth: the defaults against variants, on the same worlds.

python benchmarks/bench_choices.py                    # every choice, 6 worlds a family
python benchmarks/bench_choices.py demand adstock      # some
python benchmarks/bench_choices.py --seeds 20 --full  # 4 chains of 1,000 draws in place of 2 of 400

Every line compares a variant with the defaults on common worlds: means, and the paired difference
of captured gain with its standard error. Coverage is that of 90% intervals of the lift of the
truly best plan, in cells with an effect.
"""

import argparse
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

import adbudget as ab
from adbudget.synthetic import World, families, noise_families, synthesize
from benchmarks.worlds.library import answer_of, decide_part, read_group
from benchmarks.worlds.scoring import score

B = ab.Priors()
NO_DEMAND = replace(B, demand_effect=0.0, demand_sd=1e-3)
# choice -> families to judge it on, variants beside the defaults
CHOICES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "zero": (("duds",), {"plain log-normal": replace(B, null_slope=0.0)}),
    "grid": (
        ("assumed",),
        {
            "3 half-saturations": replace(B, half_saturation=(0.3, 1.0, 3.3)),
            "6 half-saturations": replace(B, half_saturation=(0.15, 0.4, 1.0, 2.5, 6.0, 15.0)),
        },
    ),
    "adstock": (
        ("assumed", "misspecified"),
        {
            "no delayed effects": replace(B, delayed_half_lives=()),
            "short": replace(B, half_life_days=(0.0, 3.5, 7.0), delayed_half_lives=()),
            "in the middle": replace(B, adstock_centre=0.0),
        },
    ),
    "tilts": (
        ("assumed",),
        {
            "cells hardly differ": replace(B, cell_saturation_sd=0.05),
            "0.4": replace(B, cell_saturation_sd=0.4),
        },
    ),
    "level": (
        ("assumed", "misspecified", "confounded", "duds"),
        {
            "0.5, accounts alike": replace(B, level_share=0.5, level_spread=0.2),
            "anything goes": replace(B, level_odds_sd=4.0, level_spread=2.0),
        },
    ),
    "returns": (
        ("assumed", "confounded", "duds"),
        {
            "nothing in common": replace(B, channels_alike=0.01),
            "no heavy tails": replace(B, returns_df=1e4),
            "level as narrow as channels": replace(B, roi_sd=0.71, channels_alike=0.5),
        },
    ),
    "spreads": (
        ("assumed",),
        {
            "no account effect": replace(B, account_spread=1e-3),
            "channel_spread 0.25": replace(B, channel_spread=0.25),
            "roi_sd 0.5": replace(B, roi_sd=0.5),
        },
    ),
    "baseline": (
        ("assumed", "ragged"),
        {
            "accounts share nothing": "unshared",
            "knots every 91 days": replace(B, trend_knot_days=91.0),
        },
    ),
    "demand": (
        ("assumed", "confounded"),
        {
            "no demand column": NO_DEMAND,
            "0.7 ± 0.25": replace(B, demand_effect=0.7, demand_sd=0.25),
        },
    ),
    "noise": (
        ("outliers", "persistent", "growing", "counts"),
        {"rows taken as even": "even"},
    ),
}
SHORT = {"draws": 400, "tune": 400, "chains": 2}
FULL = {"draws": 1000, "tune": 500, "chains": 4}


def measured(world: World, variant: Any, sampling: dict[str, int]) -> dict[str, Any]:
    """Every measure of the proving ground for one fit."""
    panel = read_group(world, world.spec.account_names)
    priors = variant if isinstance(variant, ab.Priors) else None
    with ExitStack() as changed:
        if variant == "even":
            changed.enter_context(patch("adbudget.model.gathering.find_noise", _even_noise))
        if variant == "unshared":
            changed.enter_context(patch("adbudget.model.gathering.with_baseline", _as_it_is))
        fit = ab.fit(panel, priors, seed=world.seed, cores=2, progress=False, **sampling)
    part = decide_part(fit, world.current().reindex(panel.cells))
    return score(
        answer_of([part], dict.fromkeys(("fit", "decide", "cpu"), 0.0)), world.truth, part.current
    )


def _as_it_is(evidence: Any, *_: Any) -> Any:
    """Evidence whose baseline stays what the priors say, account by account."""
    return evidence


def _even_noise(panel: ab.Panel, *_: Any) -> Any:
    from adbudget.model.row_noise import even_noise

    return even_noise(panel)


def table(choice: str, seeds: int, sampling: dict[str, int]) -> pd.DataFrame:
    """One line for each family and variant."""
    names, variants = CHOICES[choice]
    specs = families() | noise_families()
    lines = []
    for family in names:
        worlds = [synthesize(specs[family], seed) for seed in range(seeds)]
        by_variant = {
            name: pd.DataFrame([measured(world, variant, sampling) for world in worlds])
            for name, variant in {"default": None, **variants}.items()
        }
        usual = by_variant["default"]["captured"]
        for name, found in by_variant.items():
            gain = found["captured"] - usual
            calls = found["n_calls"].sum()
            lines.append(
                {
                    "family": family,
                    "variant": name,
                    "captured": found["captured"].mean(),
                    "against default": gain.mean(),
                    "standard error": gain.sem() if name != "default" else np.nan,
                    "coverage": found["best_cover_live"].mean(),
                    "called": calls / found["n_cells"].sum(),
                    "wrong": found["n_wrong"].sum() / max(calls, 1),
                }
            )
            print(choice, lines[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(lines)


def as_markdown(lines: pd.DataFrame) -> str:
    """A table as the documentation shows it."""
    rows = [list(lines.columns), ["---"] * lines.shape[1]]
    rows += [
        ["" if pd.isna(x) else f"{x:.3f}" if isinstance(x, float) else str(x) for x in row]
        for row in lines.to_numpy(dtype=object)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Print a Markdown table for each choice asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("choices", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    for choice in asked.choices or CHOICES:
        lines = table(choice, asked.seeds, FULL if asked.full else SHORT)
        print(f"\n{choice}\n\n{as_markdown(lines)}", flush=True)


if __name__ == "__main__":
    main()
