"""The same data again: what other seeds, and other processors, make of it.

python benchmarks/bench_repeat.py seeds        # 5 seeds x 3 compile targets of the sample, 15 runs
python benchmarks/bench_repeat.py processors   # which library's choice of instructions moves draws

"seeds" decides the sample of the README, each run in a fresh process, and counts cells whose
decision is not the same in all runs.
"processors" makes one machine look like others, one library at a time, and says whether the draws
of a small panel are the same to the bit.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TARGETS = {
    "this processor": {},
    "generic": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "haswell": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"},
}
NO_AVX512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
PROCESSORS = {
    "as it is": {},
    "as it is, again": {},
    "numpy without AVX512": {"NPY_DISABLE_CPU_FEATURES": NO_AVX512},
    "numpy without AVX2": {"NPY_DISABLE_CPU_FEATURES": f"{NO_AVX512} AVX2 FMA3"},
    "OpenBLAS as on Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "OpenBLAS as on Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "numba as on any x86-64": TARGETS["generic"],
    "numba as on Haswell": TARGETS["haswell"],
}
ALL_FIXED = {
    "NPY_DISABLE_CPU_FEATURES": f"{NO_AVX512} AVX2 FMA3",
    "OPENBLAS_CORETYPE": "Nehalem",
    **TARGETS["generic"],
}


def child(settings: dict[str, str], *arguments: str) -> dict[str, Any]:
    """What this script prints in a process of its own, under other settings."""
    with tempfile.TemporaryDirectory() as cache:  # machine code of one target is none of another's
        environment = os.environ | {"NUMBA_CACHE_DIR": cache, "OMP_NUM_THREADS": "1"} | settings
        command = [sys.executable, str(Path(__file__)), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def decisions_of(seed: int) -> dict[str, Any]:
    """In a child: the sample's decisions by cell, by itself and after seed 0's."""
    import pandas as pd

    import adbudget as ab

    tables = [pd.read_csv(ROOT / f"data/synthetic/agency_{name}.csv") for name in NAMES]
    panel = ab.read_panel(*tables, currency="EUR")
    fit = ab.fit(panel, seed=seed, progress=False)
    calls = ab.decide(ab.optimize(fit), health=fit.health).calls
    return {
        "decision": {f"{c.account}/{c.channel}": str(c.action) for c in calls},
        "prob": {f"{c.account}/{c.channel}": c.prob_gain for c in calls},
        "borderline": sum(c.borderline for c in calls),
        "error": max(c.prob_error for c in calls),
    }


NAMES = ("spend", "outcome")


def draws_of() -> dict[str, Any]:
    """In a child: a fingerprint of the draws of a small panel."""
    import adbudget as ab
    from adbudget.synthetic import WorldSpec, synthesize

    world = synthesize(WorldSpec(n_accounts=3, n_channels=3, n_periods=80), 1)
    fit = ab.fit(ab.read_panel(world.spend, world.outcome), seed=0, progress=False)
    return {"draws": hashlib.sha256(fit.positions.tobytes()).hexdigest()[:12]}


def compare_seeds() -> None:
    """Print how many cells are not decided alike."""
    runs = {
        (target, seed): child(settings, "--seed", str(seed))
        for target, settings in TARGETS.items()
        for seed in range(5)
    }
    for target in (*TARGETS, "all"):
        some = [run for (at, _), run in runs.items() if target in ("all", at)]
        decided = [run["decision"] for run in some]
        unlike = [c for c in decided[0] if len({one[c] for one in decided}) > 1]
        spread = [
            max(run["prob"][c] for run in some) - min(run["prob"][c] for run in some)
            for c in decided[0]
        ]
        borderline = [run["borderline"] for run in some]
        print(
            f"{target}: {len(some)} runs, {len(unlike)} of {len(decided[0])} cells not decided "
            f"alike ({', '.join(unlike) or 'none'}); borderline {min(borderline)} to "
            f"{max(borderline)}; largest spread of a probability {max(spread):.3f}, stated error "
            f"at most {max(run['error'] for run in some):.3f}",
            flush=True,
        )


def compare_processors() -> None:
    """Print whose draws are the same."""
    for name, settings in {**PROCESSORS, "all of them fixed": ALL_FIXED}.items():
        print(f"{name}: {child(settings, '--draws')['draws']}", flush=True)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", nargs="?", choices=("seeds", "processors"), default="seeds")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--draws", action="store_true")
    options = parser.parse_args()
    if options.draws:
        print(json.dumps(draws_of()))
    elif options.seed is not None:
        print(json.dumps(decisions_of(options.seed)))
    elif options.study == "seeds":
        compare_seeds()
    else:
        compare_processors()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    main()
