"""Time adbudget and PyMC-Marketing on one panel, panel to plan: python benchmarks/bench_peers.py.

Needs ``pip install 'adbudget[peers]'``. Each tool runs in a fresh process, the clock starts with
that process and stops when it ends. PyMC-Marketing gets settings its own documentation and its
authors' benchmark use: returns pooled over accounts around each channel (non-centred log-normal),
one shape and one retention per channel, two yearly waves, scaling per account, nutpie. Both plans
keep every account's total and move no cell by more than 30%; the truth says what they gain.
"""

import argparse
import json
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from _measure import (
    Run,
    Stopwatch,
    assumed_world,
    load_all,
    machine,
    peak_megabytes,
    run_fresh,
)

CHANGE = 0.3
WEEKS_PLANNED = 8
OURS = "import sys, bench_peers; bench_peers.plan_with_adbudget(*sys.argv[1:])"
THEIRS = "import sys, bench_peers; bench_peers.plan_with_pymc_marketing(*sys.argv[1:])"


def plan_with_adbudget(folder: str, seed: str) -> None:
    watch = Stopwatch()
    load_all()
    import adbudget as ab

    watch.lap("import")
    panel_frame, current = _load(folder)
    channels = list(current.index.unique("channel"))
    panel = ab.read_panel(panel_frame, outcome="revenue", channels=channels)
    fit = ab.fit(panel, seed=int(seed), progress=False)
    watch.lap("fit")
    limits = ab.Limits(change=CHANGE, total="fixed")
    proposal = ab.optimize(fit, current, limits, ab.Risk(aversion=0.0))
    watch.lap("plan")
    _finish(folder, proposal.plan.spend, watch, fit.health.rhat_max, fit.health.ess_bulk_min)


def plan_with_pymc_marketing(folder: str, seed: str, curve: str, draws: str) -> None:
    watch = Stopwatch()
    import arviz as az
    import nutpie  # noqa: F401
    import pymc_marketing.mmm  # noqa: F401

    watch.lap("import")
    panel_frame, current = _load(folder)
    model = _pymc_marketing_model(curve, list(current.index.unique("channel")))
    model.fit(
        panel_frame.drop(columns="revenue"),
        panel_frame["revenue"],
        nuts_sampler="nutpie",
        draws=int(draws),
        tune=int(draws),
        chains=4,
        random_seed=int(seed),
        progressbar=False,
    )
    watch.lap("fit")
    (Path(folder) / "laps.json").write_text(json.dumps(watch.seconds))  # in case time runs out
    spend = _pymc_marketing_plan(model, current, panel_frame["date"].max())
    watch.lap("plan")
    names = [name for name in model.idata.posterior.data_vars if name.startswith("saturation_")]
    names += ["adstock_alpha", "intercept_contribution"]
    posterior = model.idata.posterior.to_dataset()[names]
    rhat = float(az.rhat(posterior).to_array().max())
    ess = min(float(values.min()) for values in az.ess(posterior).data_vars.values())
    _finish(folder, spend, watch, rhat, ess)


def _pymc_marketing_model(curve: str, channels: list[str], controls: list[str] | None = None):
    """Hierarchical model: height by account and channel, shape and retention by channel."""
    from pymc_extras.prior import Prior
    from pymc_marketing import mmm

    height = Prior(
        "Normal",
        mu=Prior("Normal", mu=-1.5, sigma=1.0, dims="channel"),
        sigma=Prior("HalfNormal", sigma=0.5, dims="channel"),
        dims=("account", "channel"),
        centered=False,
        transform="exp",
    )
    if curve == "logistic":
        lam = Prior("Gamma", alpha=3, beta=1, dims="channel")
        saturation = mmm.LogisticSaturation(priors={"beta": height, "lam": lam})
    else:  # the very curve that made the world
        lam = Prior("HalfNormal", sigma=1, dims="channel")
        saturation = mmm.MichaelisMentenSaturation(priors={"alpha": height, "lam": lam})
    retention = Prior("Beta", alpha=1, beta=3, dims="channel")
    return mmm.MMM(
        date_column="date",
        target_column="revenue",
        channel_columns=channels,
        control_columns=controls,
        dims=("account",),
        scaling={
            "channel": {"method": "max", "dims": ()},
            "target": {"method": "max", "dims": ()},
        },
        adstock=mmm.GeometricAdstock(l_max=8, priors={"alpha": retention}),
        saturation=saturation,
        yearly_seasonality=2,
    )


def _pymc_marketing_plan(
    model, current: pd.Series, last_date: pd.Timestamp, change: float = CHANGE
) -> pd.Series:
    """Its budget optimizer under the same limits: totals by account, ``change`` a cell."""
    import xarray as xr
    from pymc_marketing.mmm.constraints import Constraint

    now = current.to_xarray()
    accounts = [str(name) for name in model.model.coords["account"]]

    def keeps_total(place: int, total: float):
        return lambda budgets, _, optimizer: budgets.isel(account=place).sum() - total

    constraints = [
        Constraint(f"total of {name}", "eq", keeps_total(i, float(now.sel(account=name).sum())))
        for i, name in enumerate(accounts)
    ]
    weeks = pd.date_range(last_date, periods=WEEKS_PLANNED + 1, freq="7D")[1:]
    optimizer = model.budget_optimizer(weeks[0], weeks[-1], constraints=constraints)
    result = optimizer.allocate_budget(
        total_budget=float(current.sum()),
        budget_bounds=xr.concat(
            [now * (1 - change), now * (1 + change)], pd.Index(["lower", "upper"], name="bound")
        ),
        x0=now,
    )
    return result.budgets.rename("spend").to_series()


def _load(folder: str) -> tuple[pd.DataFrame, pd.Series]:
    panel = pd.read_csv(Path(folder) / "panel.csv", parse_dates=["date"])
    current = pd.read_csv(Path(folder) / "current.csv")
    return panel, current.set_index(["account", "channel"])["spend"]


def _finish(folder: str, spend: pd.Series, watch: Stopwatch, rhat: float, ess: float) -> None:
    spend.rename("spend").reset_index().to_csv(Path(folder) / "plan.csv", index=False)
    record = {"laps": watch.seconds, "rhat": rhat, "ess": ess, "peak_mb": peak_megabytes()}
    print(json.dumps(record))


def compare(n_accounts: int, n_channels: int, n_weeks: int, given: argparse.Namespace) -> bool:
    """Run both and print a row each; False when PyMC-Marketing was out of time."""
    world = assumed_world(n_accounts, n_channels, n_weeks, given.seed)
    current = world.current()
    seed = str(given.seed)
    print(f"\n{n_accounts} accounts x {n_channels} channels x {n_weeks} weeks")
    print(f"{'':16}{'seconds':>9}{'CPU s':>9}{'import':>9}{'fit':>9}{'plan':>9}", end="")
    print(f"{'captured':>10}{'r-hat':>8}{'ESS':>7}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        world.wide().to_csv(Path(folder) / "panel.csv", index=False)
        current.reset_index().to_csv(Path(folder) / "current.csv", index=False)

        def captured() -> float:
            plan = pd.read_csv(Path(folder) / "plan.csv").set_index(["account", "channel"])
            # Their totals hold to the solver's tolerance only: made exact before judging.
            spend = plan["spend"].reindex(current.index)
            ratio = current.groupby("account").sum() / spend.groupby("account").sum()
            spend = (spend * ratio.reindex(spend.index, level="account")).clip(
                current * (1 - CHANGE), current * (1 + CHANGE)
            )
            return world.truth.captured(spend, current, CHANGE, "fixed").overall

        ours = run_fresh(OURS, folder, seed)
        _print_row("adbudget", ours, captured())
        cap = given.minutes * 60
        theirs = run_fresh(THEIRS, folder, seed, given.curve, str(given.draws), timeout=cap)
        if theirs is None:
            least, laps = cap / ours.seconds, Path(folder) / "laps.json"
            print(f"PyMC-Marketing stopped after {given.minutes:g} min: ratio above {least:.0f}x;")
            done = json.loads(laps.read_text()) if laps.exists() else {}
            print(f"it was {'planning' if done else 'fitting'}, {done or 'nothing'} done (seconds)")
            return False
        _print_row("PyMC-Marketing", theirs, captured())
    work = [sum(run.said["laps"][lap] for lap in ("fit", "plan")) for run in (ours, theirs)]
    cpu = theirs.cpu_seconds / ours.cpu_seconds
    print(f"ratio end to end {theirs.seconds / ours.seconds:.1f}x (target: at least 30x);", end=" ")
    print(f"without imports {work[1] / work[0]:.1f}x, processor seconds {cpu:.1f}x")
    return True


def _print_row(name: str, run: Run, captured: float) -> None:
    laps = run.said["laps"]
    print(f"{name:16}{run.seconds:9.1f}{run.cpu_seconds:9.1f}", end="")
    print("".join(f"{laps[lap]:9.1f}" for lap in ("import", "fit", "plan")), end="")
    print(f"{captured:10.0%}{run.said['rhat']:8.3f}{run.said['ess']:7.0f}", end="")
    print(f"{run.said['peak_mb']:9.0f}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--curve", choices=["logistic", "michaelis-menten"], default="logistic")
    options.add_argument("--draws", type=int, default=500, help="kept and tuning draws per chain")
    options.add_argument("--minutes", type=float, default=30, help="cap on PyMC-Marketing's run")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--small", action="store_true", help="only 8 x 4 x 104")
    given = options.parse_args()
    if find_spec("pymc_marketing") is None:
        print("Skipped: PyMC-Marketing is not installed. Run: pip install 'adbudget[peers]'")
        return
    from importlib.metadata import version

    names = ("adbudget", "pymc-marketing", "pymc", "nutpie")
    print(machine() + "; " + ", ".join(f"{name} {version(name)}" for name in names))
    if given.small or not compare(20, 6, 104, given):
        compare(8, 4, 104, given)


if __name__ == "__main__":
    main()
