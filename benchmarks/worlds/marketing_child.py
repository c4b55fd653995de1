"""PyMC-Marketing in its own interpreter: folder with a panel -> plan.csv, curves.npz, facts.

Imports only this folder's parent and the peer, never adbudget.
"""

import json
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
from _measure import peak_megabytes
from bench_peers import _pymc_marketing_model, _pymc_marketing_plan

CURVE = "logistic"
CELL = ["account", "channel"]
N_CHECKED = 20  # draws whose contributions are computed again, to prove that curves are read right


def main(folder: Path, seed: int, draws: int) -> None:
    """Fit, plan, and write what the posterior says of the curves."""
    asked = json.loads((folder / "asked.json").read_text())
    panel = pd.read_csv(folder / "panel.csv", parse_dates=["date"])
    table = pd.read_csv(folder / "current.csv")
    cells = pd.MultiIndex.from_arrays([table[name] for name in CELL], names=CELL)
    current = pd.Series(table["spend"].array, cells)
    outcome = panel.pop(asked["outcome"]).rename("revenue")
    for name in asked["controls"]:  # one prior is shared by all controls: on one scale, then
        by_account = panel.groupby("account")[name]
        panel[name] = (panel[name] - by_account.transform("mean")) / by_account.transform("std")
    channels = list(current.index.unique("channel"))
    start, cpu = perf_counter(), process_time()
    model = _pymc_marketing_model(CURVE, channels, asked["controls"] or None)
    model.fit(
        panel,
        outcome,
        nuts_sampler="nutpie",
        draws=draws,
        tune=draws,
        chains=4,
        random_seed=seed,
        progressbar=False,
    )
    fitted = perf_counter()
    last_date: Any = panel["date"].max()
    plan = _pymc_marketing_plan(model, current, last_date, asked["change"])
    facts = {
        "seconds": perf_counter() - start,
        "fit_seconds": fitted - start,
        "cpu_seconds": process_time() - cpu,
        "n_draws": 4 * draws,
    }
    plan.rename("spend").reset_index().to_csv(folder / "plan.csv", index=False)
    curves = read_curves(model)
    check_curves(model, curves, panel)
    np.savez(folder / "curves.npz", allow_pickle=False, **curves)
    print(json.dumps(facts | convergence(model) | {"peak_mb": peak_megabytes()}))


def joined(model):
    """Posterior with chains and draws on one axis, "sample"."""
    posterior = model.idata.posterior.to_dataset()
    return posterior.stack(sample=("chain", "draw"))  # noqa: PD013 (an xarray Dataset)


def read_curves(model) -> dict[str, np.ndarray]:
    """Posterior of height, steepness and retention, chains joined, and the scales."""
    posterior = joined(model)
    scales = model.idata.constant_data.to_dataset()
    order = ("sample", "account", "channel")
    return {
        "accounts": posterior["account"].to_numpy().astype(str),
        "channels": posterior["channel"].to_numpy().astype(str),
        "height": posterior["saturation_beta"].transpose(*order).to_numpy(),
        "steepness": posterior["saturation_lam"].transpose("sample", "channel").to_numpy(),
        "retention": posterior["adstock_alpha"].transpose("sample", "channel").to_numpy(),
        "channel_scale": scales["channel_scale"].transpose("account", "channel").to_numpy(),
        "outcome_scale": scales["target_scale"].to_numpy(),
    }


def check_curves(model, curves: dict[str, np.ndarray], panel: pd.DataFrame) -> None:
    """Recompute contributions over the history from the curves and hold them to the model's own."""
    order = ("sample", "date", "account", "channel")
    posterior = joined(model)
    stated = posterior["channel_contribution"].isel(sample=slice(N_CHECKED)).transpose(*order)
    dates, accounts, channels = (stated[name].to_numpy() for name in order[1:])
    spend = panel.pivot_table(index="date", columns="account", values=list(channels))
    spend = spend.reindex(index=dates).reorder_levels([1, 0], axis=1)
    cells = pd.MultiIndex.from_product([accounts, channels])
    level = spend[cells].to_numpy().reshape(len(dates), len(accounts), len(channels))
    level = level / curves["channel_scale"]
    lags = np.arange(model.adstock.l_max)
    kernel = curves["retention"][:N_CHECKED, None, :] ** lags[:, None]
    kernel = kernel / kernel.sum(axis=1, keepdims=True)
    stock = sum(
        kernel[:, lag, None, None, :] * np.concatenate([0 * level[:lag], level[: len(dates) - lag]])
        for lag in lags
    )
    steepness = curves["steepness"][:N_CHECKED, None, None]
    again = curves["height"][:N_CHECKED, None] * np.tanh(steepness * stock / 2)
    worst = np.abs(again - stated.to_numpy()).max() / np.abs(stated.to_numpy()).max()
    if not worst < 1e-6:
        raise SystemExit(
            f"the curves read from the posterior miss its contributions by {worst:.2g}"
        )


def convergence(model) -> dict[str, float]:
    """Worst r-hat and bulk effective sample size of the curves and the level."""
    import arviz as az

    names = [name for name in model.idata.posterior.data_vars if name.startswith("saturation_")]
    names += ["adstock_alpha", "intercept_contribution"]
    posterior = model.idata.posterior.to_dataset()[names]
    ess = min(float(values.min()) for values in az.ess(posterior).data_vars.values())
    diverging = model.idata.sample_stats["diverging"]
    return {
        "rhat": float(az.rhat(posterior).to_array().max()),
        "ess_bulk": ess,
        "divergences": int(diverging.sum()),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
