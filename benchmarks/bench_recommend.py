"""Time the main job, 20 accounts x 6 channels x 104 weeks: python benchmarks/bench_recommend.py.

Parts, all or the ones named: ``fresh`` (one call in a new process, caches warm and empty),
``light`` (what does not sample), ``daily`` (3 years of days against 2 years of weeks), ``health``
(r-hat and effective draws over five worlds).
"""

import argparse
import json
import tempfile
from pathlib import Path

from _measure import Stopwatch, assumed_world, load_all, machine, peak_megabytes, run_fresh

SIZE = (20, 6)
WEEKS, DAYS = 104, 3 * 365
SEEDS = range(1, 6)

RECOMMEND = "import bench_recommend as b, sys; b.recommend_once(sys.argv[1])"
LIGHT = "import bench_recommend as b, sys; b.decide_on_made_up_draws(sys.argv[1])"


def recommend_once(path: str) -> None:
    """In a child: import, recommend, and print what each took as one JSON line."""
    watch = Stopwatch()
    import pandas as pd

    watch.lap("numpy, pandas")
    load_all()
    import adbudget as ab
    from adbudget.model import density

    watch.lap("import")
    frame = ab.recommend(pd.read_csv(path), outcome="revenue", seed=1, progress=False)
    watch.lap("recommend")
    health = frame.attrs["health"]
    record = {
        "laps": watch.seconds,
        "cpu": watch.cpu_seconds,
        "peak_mb": peak_megabytes(),
        "rhat_max": health["rhat_max"],
        "ess_bulk_min": health["ess_bulk_min"],
        "cache": density._density.stats.cache_path,
    }
    print(json.dumps(record))


def decide_on_made_up_draws(path: str) -> None:
    """In a child: read a panel, optimize and decide on curves nobody had to fit."""
    watch = Stopwatch()
    import pandas as pd

    watch.lap("numpy, pandas")
    import adbudget as ab

    watch.lap("import adbudget")
    doors = (ab.read_panel, ab.optimize, ab.decide, ab.Limits, ab.Risk)
    watch.lap(f"import what {len(doors)} public names need")
    from bench_optimize import made_up

    frame = pd.read_csv(path)
    watch.skip()
    ab.read_panel(frame, outcome="revenue")
    watch.lap("read_panel")
    draws, current = made_up(*SIZE, 2000)
    watch.skip()
    proposal = ab.optimize(draws, current)
    watch.lap("optimize, 2,000 draws")
    ab.decide(proposal)
    watch.lap("decide")
    print(json.dumps({"laps": watch.seconds, "cpu": watch.cpu_seconds}))


def fresh(path: str) -> None:
    """One call in a new process: caches warm, then empty."""
    run_fresh(RECOMMEND, path)  # warms the caches
    warm = run_fresh(RECOMMEND, path)
    with tempfile.TemporaryDirectory() as empty:
        cold = run_fresh(RECOMMEND, path, NUMBA_CACHE_DIR=empty)
        if not cold.said["cache"].startswith(empty):
            raise SystemExit(f"the cache was not empty: {cold.said['cache']} is outside {empty}")
    print("\nrecommend in a fresh process, seconds (and processor seconds)")
    print(f"{'':14}{'all':>14}{'import':>14}{'rest':>14}{'peak MB':>9}{'r-hat':>8}{'ESS':>6}")
    for name, run in (("caches warm", warm), ("caches empty", cold)):
        said = run.said
        rest, rest_cpu = said["laps"]["recommend"], said["cpu"]["recommend"]
        imports = run.seconds - rest, run.cpu_seconds - rest_cpu
        pairs = ((run.seconds, run.cpu_seconds), imports, (rest, rest_cpu))
        print(f"{name:14}" + "".join(f"{wall:7.1f} ({cpu:4.1f})" for wall, cpu in pairs), end="")
        print(f"{said['peak_mb']:9.0f}{said['rhat_max']:8.4f}{said['ess_bulk_min']:6.0f}")
    print("targets: about 20 s and 1000 MB warm, half of it importing; 35 s empty")


def light(path: str) -> None:
    """Everything that does not sample."""
    run_fresh(LIGHT, path)
    said = run_fresh(LIGHT, path).said
    print(f"\n{'without sampling':42}{'seconds':>9}{'CPU s':>9}")
    for name, seconds in said["laps"].items():
        print(f"{name:42}{seconds:9.3f}{said['cpu'][name]:9.3f}")
    imports = [name for name in said["laps"] if name.startswith("import")]
    wall, cpu = (sum(said[kind][name] for name in imports) for kind in ("laps", "cpu"))
    print(f"{'imports beyond numpy and pandas':42}{wall:9.3f}{cpu:9.3f}   target 0.5")


def daily() -> None:
    """Sampling and fit time, 3 years of days over 2 years of weeks."""
    figures = {}
    for name, n_periods in (("daily", DAYS), ("weekly", WEEKS)):
        figures[name] = _sampling_and_fit(name, n_periods)
    print("\n3 years of days against 2 years of weeks")
    print(f"{'':28}{'daily':>9}{'weekly':>9}{'ratio':>8}")
    for row in figures["daily"]:
        days, weeks = figures["daily"][row], figures["weekly"][row]
        form = ".3f" if row.endswith("r-hat") else ".1f"
        print(f"{row:28}{days:9{form}}{weeks:9{form}}{days / weeks:8.2f}")
    print("target: sampling at most 1.3 times as long")


def _sampling_and_fit(period: str, n_periods: int) -> dict[str, float]:
    import adbudget as ab
    from adbudget.model.factor import make_likelihood
    from adbudget.model.sampler import SamplerSettings, sample_compiled

    world = assumed_world(*SIZE, n_periods, seed=1, period=period)
    panel = ab.read_panel(world.spend, world.outcome)
    watch = Stopwatch()
    fit = ab.fit(panel, seed=1, progress=False)
    fit_wall, fit_cpu = watch.lap("fit")
    likelihood = make_likelihood(fit.evidence, fit.priors)
    watch.skip()
    settings = SamplerSettings()
    sample = sample_compiled(likelihood, fit.priors, fit.layout, 1, settings)
    wall, cpu = watch.lap("sampling")
    return {
        "sampling, seconds": wall,
        "sampling, CPU seconds": cpu,
        "gradients a draw": float(sample.n_steps.mean()),
        "fit, seconds": fit_wall,
        "fit, CPU seconds": fit_cpu,
        "fit, chains": fit.positions.shape[0],
        "fit, r-hat": fit.health.rhat_max,
        "fit, bulk ESS": fit.health.ess_bulk_min,
    }


def health() -> None:
    """Worst r-hat and effective draws over ROI and population parameters, five worlds."""
    import adbudget as ab

    print("\nconvergence over five worlds, the seed of the sampler that of the world")
    print(f"{'seed':4}{'r-hat':>9}{'ESS':>7}{'chains':>8}{'diverged':>10}{'fit s':>8}{'CPU s':>8}")
    for seed in SEEDS:
        world = assumed_world(*SIZE, WEEKS, seed)
        panel = ab.read_panel(world.spend, world.outcome)
        watch = Stopwatch()
        fit = ab.fit(panel, seed=seed, progress=False)
        wall, cpu = watch.lap("fit")
        found = fit.health
        print(f"{seed:4}{found.rhat_max:9.4f}{found.ess_bulk_min:7.0f}", end="")
        print(f"{fit.positions.shape[0]:8}{found.divergences:10}{wall:8.1f}{cpu:8.1f}", flush=True)
    print("targets: r-hat at most 1.01, ESS at least 400")


def main() -> None:
    parts = ("fresh", "light", "daily", "health")
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("parts", nargs="*", choices=[*parts, []], help="all when none is named")
    wanted = options.parse_args().parts or parts
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.csv"
        world = assumed_world(*SIZE, WEEKS, seed=1)
        as_spend = {name: f"{name}_spend" for name in world.spec.channel_names}
        world.wide().rename(columns=as_spend).to_csv(path, index=False)
        for part in wanted:
            if part in ("fresh", "light"):
                {"fresh": fresh, "light": light}[part](str(path))
            else:
                {"daily": daily, "health": health}[part]()


if __name__ == "__main__":
    main()
