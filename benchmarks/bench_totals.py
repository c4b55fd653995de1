"""What the totals of accounts may do: what plans truly earn under at_most, fixed and free totals.

    python benchmarks/bench_totals.py

Three worlds whose truth is known: the sample of the repository, a small agency, and shops whose
every channel earns many times its cost. One fit each; the limits are all that differs.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd

import adbudget as ab
from adbudget.cli.worlds import preset_spec, resized
from adbudget.synthetic import Truth, load_truth, synthesize

DATA = Path(__file__).parents[1] / "data" / "synthetic"
TOTALS: tuple[Literal["at_most", "fixed", "free"], ...] = ("at_most", "fixed", "free")
SMALL = {"accounts": 4, "channels": 4, "periods": 104}


def worlds() -> Iterator[tuple[str, ab.Fit, Truth]]:
    """Name, fit and truth of each world."""
    for preset in ("agency", "high_return"):
        world = synthesize(resized(preset_spec(preset, "preset"), **SMALL), seed=3)
        panel = ab.read_panel(world.spend, world.outcome)
        yield preset, ab.fit(panel, seed=0, progress=False), world.truth
    tables = [pd.read_csv(DATA / f"agency_{part}.csv") for part in ("spend", "outcome")]
    panel = ab.read_panel(*tables, currency="EUR")
    yield "sample", ab.fit(panel, seed=0, progress=False), load_truth(DATA / "agency.truth.json")


def judged(
    fitted: ab.Fit, truth: Truth, total: Literal["at_most", "fixed", "free"]
) -> dict[str, object]:
    """What the plan of the calls truly earns against today's, and what it was made of."""
    now = fitted.current_spend
    proposal = ab.optimize(fitted, limits=ab.Limits(total=total))
    decisions = ab.decide(proposal, health=fitted.health)
    plan = decisions.proposal.plan.spend
    own = truth.response(plan) - truth.response(now) - (plan - now)
    raised = plan > now
    return {
        "total": total,
        "raises": int(raised.sum()),
        "that pay": int((own[raised] > 0).sum()),
        "cuts": int((plan < now).sum()),
        "spend": f"{plan.sum() / now.sum() - 1:+.1%}",
        "expected": round(float(decisions.proposal.value.mean())),
        "true": round(float(own.sum())),
        "next tenth": round(sum(one.gain for one in decisions.held_totals)),
        "monitored": dict(Counter(str(one.reason_code) for one in decisions.calls)),
    }


def main() -> None:
    """One line per world and kind of total."""
    for name, fitted, truth in worlds():
        for total in TOTALS:
            print(name, judged(fitted, truth, total), flush=True)


if __name__ == "__main__":
    main()
