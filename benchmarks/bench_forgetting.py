"""What forgetting gains where returns drift, and costs where they do not: bench_forgetting.py."""

import argparse
from dataclasses import replace

import pandas as pd
from _measure import machine

CHOICES = (None, 728.0, 364.0, 182.0, "auto")
LARGE_DRIFT = "drifting_far"


def spec_of(family: str):
    """A named family, or one whose returns change a lot in the middle of three years."""
    from adbudget.synthetic import families

    if family == LARGE_DRIFT:
        return replace(families()["drifting"], drift=1.0, n_periods=156)
    return families()[family]


def measure(family: str, seed: int) -> list[dict]:
    """Share of the possible gain that the best plan of each choice captures, on one world."""
    import adbudget as ab
    from adbudget.synthetic import synthesize

    world = synthesize(spec_of(family), seed)
    panel = ab.read_panel(world.spend, world.outcome)
    current = panel.current_spend(91)
    rows = []
    for choice in CHOICES:
        fit = ab.fit(panel, seed=seed, forgetting=choice, draws=500, tune=400, progress=False)
        same_total = ab.Limits(total="fixed", beyond_observed=True)
        plan = ab.optimize(fit, current, same_total, ab.Risk(aversion=0.0)).plan.spend
        rows.append(
            {
                "family": family,
                "seed": seed,
                "forgetting": "none" if choice is None else str(choice),
                "captured": world.truth.captured(plan, current).overall,
                "forgets": fit.forgetting is not None,
                "warned": any("disagree about" in said for said in fit.health.warnings),
            }
        )
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--families", nargs="+", default=["assumed", "drifting", LARGE_DRIFT])
    options.add_argument("--seeds", type=int, nargs=2, default=(0, 10))
    given = options.parse_args()
    print(machine())
    for family in given.families:
        rows = [row for seed in range(*given.seeds) for row in measure(family, seed)]
        table = pd.DataFrame(rows)
        base = table[table["forgetting"] == "none"].set_index("seed")["captured"]
        table["gain"] = table["captured"] - table["seed"].map(base)
        groups = table.groupby("forgetting", sort=False)
        print(f"\n{family}")
        print(
            pd.DataFrame(
                {
                    "captured": groups["captured"].mean(),
                    "gain over none": groups["gain"].mean(),
                    "standard error": groups["gain"].sem(),
                    "forgets": groups["forgets"].mean(),
                    "warned": groups["warned"].mean(),
                }
            )
            .round(3)
            .to_string(),
            flush=True,
        )


if __name__ == "__main__":
    main()
