"""PyMC-Marketing in its own interpreter: folder with tables -> draws of the weeks to come.

Imports only this folder's parent and the peer, never adbudget. One file per account, so that what
is done is kept when time runs out.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from bench_peers import _pymc_marketing_model

CURVE = "logistic"
MOST_DRAWS = 2000


def main(folder: Path, seed: int, draws: int) -> None:
    """Fit and forecast one account after the other, the shortest history first."""
    tables = {path: pd.read_csv(path, parse_dates=["date"]) for path in folder.glob("*.seen.csv")}
    for path in sorted(tables, key=lambda path: len(tables[path])):
        later = pd.read_csv(str(path).replace(".seen", ".later"), parse_dates=["date"])
        start = perf_counter()
        forecast, facts = forecast_account(tables[path], later, seed, draws)
        facts["seconds"] = perf_counter() - start
        name = path.name.split(".")[0]
        (folder / f"{name}.json").write_text(json.dumps(facts))
        np.save(folder / f"{name}.npy", forecast)


def forecast_account(
    seen: pd.DataFrame, later: pd.DataFrame, seed: int, draws: int
) -> tuple[np.ndarray, dict]:
    """(draw, row) outcomes with noise, in the unit of the outcome, and convergence."""
    import arviz as az

    outcome = seen.pop("revenue").rename("revenue")
    channels = [name for name in seen.columns if name not in ("date", "account")]
    model = _pymc_marketing_model(CURVE, channels, None)
    model.fit(
        seen,
        outcome,
        nuts_sampler="nutpie",
        draws=draws,
        tune=draws,
        chains=4,
        random_seed=seed,
        progressbar=False,
    )
    names = [name for name in model.idata.posterior.data_vars if name.startswith("saturation_")]
    names += ["adstock_alpha", "intercept_contribution"]
    posterior = model.idata.posterior.to_dataset()[names]
    expected = model.sample_posterior_predictive(
        later,
        extend_idata=False,
        combined=True,
        include_last_observations=True,
        random_seed=seed,
        progressbar=False,
    )
    values = in_outcome_units(model, expected, later)
    keep = np.linspace(0, len(values) - 1, min(MOST_DRAWS, len(values))).astype(int)
    ess = min(float(part.min()) for part in az.ess(posterior).data_vars.values())
    facts = {
        "rhat": float(az.rhat(posterior).to_array().max()),
        "ess_bulk": ess,
        "divergences": int(model.idata.sample_stats["diverging"].sum()),
    }
    return values[keep], facts


def in_outcome_units(model, expected, later: pd.DataFrame) -> np.ndarray:
    """(draw, row); predictive draws come divided by the target's scale."""
    name = model.output_var
    values = expected[name] * model.idata.constant_data["target_scale"]
    values = values.sel(date=later["date"].to_numpy())
    return values.transpose("sample", "date", "account").to_numpy()[..., 0]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
