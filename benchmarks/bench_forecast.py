"""Forecasts of weeks nobody has seen, beside seasonal naive, AutoETS and AutoARIMA.

``python -m benchmarks.bench_forecast worlds`` forecasts the last eight weeks of synthetic worlds,
``shops`` and ``days`` those of the Conjura panel by week and by day from several origins (its
folder: ADBUDGET_DATA). The peers run
in the interpreter that ADBUDGET_FORECAST_PYTHON names (it needs statsforecast); without it, ours
stand alone. CRPS and bias are shares of the account's mean outcome in the weeks seen, so accounts
of any size count alike; CRPS is the fair estimate from draws, of a peer from quantiles of the
normal its interval states.
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

import adbudget as ab
from adbudget.forecasting.forecasts import is_count
from adbudget.model import continuing
from adbudget.model.ahead import Ahead, play, prepare
from adbudget.model.held_out import forecast_held_out, without_last
from adbudget.model.scores import crps_of_draws
from adbudget.synthetic import families, noise_families, synthesize
from benchmarks.real_data.forecasting import joined
from benchmarks.real_data.reading import conjura_daily, conjura_weekly
from benchmarks.real_data.sets import data_folder

INTERPRETER = "ADBUDGET_FORECAST_PYTHON"
CHILD = Path(__file__).with_name("forecast_peers.py")
WEEKS = 8
SEASON = 52
FAMILIES = ("assumed", "growing", "high_base", "heavy_tailed", "drifting", "counts")
SAMPLING = {"draws": 500, "chains": 2, "progress": False}
LEVELS = (np.arange(400) + 0.5) / 400
SPANS = ((1, 2), (3, 4), (5, 8))  # weeks ahead, put together


def main() -> None:
    """Forecast, score, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("what", choices=("worlds", "shops", "days"))
    parser.add_argument("--worlds", type=int, default=2, help="of each family")
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--origins", type=int, default=4, help="four weeks apart")
    parser.add_argument("--seed", type=int, default=700)
    parser.add_argument("--variants", action="store_true", help="ours without a direction, too")
    parser.add_argument("--out", type=Path, help="also write every score as CSV")
    asked = parser.parse_args()
    runs = _worlds(asked) if asked.what == "worlds" else _shops(asked)
    scored = pd.concat(list(runs))
    if asked.out is not None:
        scored.to_csv(asked.out, index=False)
    print(table(scored))


def _worlds(asked: argparse.Namespace) -> Iterator[pd.DataFrame]:
    specs = families() | noise_families()
    for name in asked.families.split(","):
        for k in range(asked.worlds):
            world = synthesize(specs[name], asked.seed + k)
            value = world.spec.value
            panel = ab.read_panel(world.spend, world.outcome, value_per_unit=value)
            yield _scored(panel, WEEKS, asked.variants).assign(data=name)


def _shops(asked: argparse.Namespace) -> Iterator[pd.DataFrame]:
    by_day = asked.what == "days"
    panel = (conjura_daily if by_day else conjura_weekly)(data_folder())
    name, weeks = ("Conjura, daily", 7) if by_day else ("Conjura", 1)
    for k in range(asked.origins):
        n_out = (WEEKS + 4 * k) * weeks
        yield _scored(panel, n_out, asked.variants).assign(data=name)


def _scored(panel: ab.Panel, n_out: int, variants: bool) -> pd.DataFrame:
    """Forecasts of the first ``WEEKS`` of the last ``n_out`` periods of every account, scored."""
    kept, size = without_last(panel, n_out), _n_periods(panel)
    fitted = ab.fit(kept, seed=1, **SAMPLING)
    made = {"adbudget": _ours(fitted, panel, planned=False)}
    made["adbudget, plan known"] = _ours(fitted, panel, planned=True)
    if variants:
        made["adbudget, as scored"] = _as_scored(fitted, panel)
        with _drift_worth(1e9):
            made["adbudget, no direction"] = _ours(fitted, panel, planned=False)
    made |= _peers(kept)
    tables = []
    for tool, draws in made.items():
        for a, account in enumerate(panel.accounts):
            until = int(kept.last[a])
            seen = np.nanmean(np.abs(kept.outcome[a]))
            observed = panel.outcome[a, until + 1 : until + 1 + size] / seen
            own = draws[:, a] / seen
            low, high = np.quantile(own, [0.05, 0.95], axis=0)
            scores = {
                "crps": crps_of_draws(own, observed),
                "covered": (low <= observed) & (observed <= high),
                "width": high - low,
                "bias": np.median(own, axis=0) - observed,
            }
            week = np.arange(size) * WEEKS // size + 1
            names = {"tool": tool, "account": account, "ahead": week}
            tables.append(pd.DataFrame(names | scores).assign(n_out=n_out))
    return pd.concat(tables)


def _ours(fitted: ab.Fit, panel: ab.Panel, *, planned: bool) -> np.ndarray:
    """(draw, account, week) from each account's own end, at the spend that stood or that came."""
    seen, size = fitted.panel, _n_periods(panel)
    controls = np.full((seen.n_accounts, len(seen.controls), size), np.nan)
    before = np.zeros(seen.exists.shape)
    before[seen.exists] = fitted.current_spend.to_numpy(float)
    whole = is_count(seen)
    ahead = prepare(fitted, controls, before, counts=whole, n_draws=1000, seed=3)
    spend = np.repeat(before[..., None], size, axis=2)
    if planned:
        for a, last in enumerate(seen.last):
            spend[a] = panel.spend[a, :, last + 1 : last + 1 + size]
        spend[~seen.exists] = 0.0
    return play(_from_own_end(ahead, size), spend, by_channel=False).outcome


def _n_periods(panel: ab.Panel) -> int:
    """Periods in the weeks that are forecast."""
    return round(7 * WEEKS / panel.period_days)


def _from_own_end(ahead: Ahead, size: int) -> Ahead:
    """Periods right after each account's own record, whenever that ends."""
    names = ("base", "normal", "precision", "chance")
    accounts = [
        replace(own, n_before=0, **{name: getattr(own, name)[:, :size] for name in names})
        for own in ahead.accounts
    ]
    return replace(ahead, accounts=tuple(accounts))


def _as_scored(fitted: ab.Fit, panel: ab.Panel) -> np.ndarray:
    """As ``predictive_scores`` does: the spend that came is read as a sign of demand."""
    rng, cells = np.random.default_rng(3), joined(fitted.cell_draws)
    own = [
        forecast_held_out(
            panel, fitted.evidence, fitted.noise, fitted.priors, cells, a, int(last), rng
        ).replicated[:, : _n_periods(panel)]
        * fitted.evidence.design.outcome_scale[a]
        / panel.unit_value[a]
        for a, last in enumerate(fitted.panel.last)
    ]
    return np.stack(own, axis=1)


@contextmanager
def _drift_worth(worth: float) -> Iterator[None]:
    usual = continuing.DRIFT_WORTH
    continuing.DRIFT_WORTH = worth
    try:
        yield
    finally:
        continuing.DRIFT_WORTH = usual


def _peers(kept: ab.Panel) -> dict[str, np.ndarray]:
    """Tool -> (draw, account, week), quantiles of what its interval states."""
    python = os.environ.get(INTERPRETER)
    if not python:
        return {}
    parts = [
        pd.DataFrame({"unique_id": a, "ds": np.arange(last - first + 1), "y": y[first : last + 1]})
        for a, (first, last, y) in enumerate(zip(kept.first, kept.last, kept.outcome, strict=True))
    ]
    with tempfile.TemporaryDirectory() as folder:
        series, out = Path(folder, "series.csv"), Path(folder, "out.csv")
        pd.concat(parts).assign(y=lambda t: t["y"].interpolate()).to_csv(series, index=False)
        size, season = _n_periods(kept), SEASON if kept.period == "weekly" else 7
        command = [python, "-W", "ignore", str(CHILD), series, str(size), str(season), out]
        subprocess.run(command, check=True, env=os.environ | {"NIXTLA_ID_AS_COL": "1"})
        said = pd.read_csv(out)
    return {
        str(tool): _quantiles(part.sort_values(["unique_id", "ds"]), kept.n_accounts)
        for tool, part in said.groupby("tool", sort=False)
    }


def _quantiles(part: pd.DataFrame, n_accounts: int) -> np.ndarray:
    mean, sd = (part[name].to_numpy().reshape(n_accounts, -1) for name in ("mean", "sd"))
    return mean + sd * norm.ppf(LEVELS)[:, None, None]


def table(scored: pd.DataFrame) -> str:
    """Mean scores of every tool: CRPS by weeks ahead, then coverage, width and bias over all."""
    rows = []
    pairs = scored[["data", "tool"]].drop_duplicates().itertuples(index=False, name=None)
    for data, tool in pairs:
        part = pd.DataFrame(scored[(scored["data"] == data) & (scored["tool"] == tool)])
        by_span = [part.loc[part["ahead"].between(*span), "crps"].mean() for span in SPANS]
        row = [data, tool, *(f"{x:.4f}" for x in (*by_span, part["crps"].mean()))]
        row += [f"{part['covered'].mean():.3f}", f"{part['width'].mean():.3f}"]
        rows.append([*row, f"{part['bias'].mean():+.3f}"])
    titles = ["data", "tool", *(f"CRPS, week {a} to {b}" for a, b in SPANS), "CRPS, all"]
    titles += ["coverage", "width", "bias"]
    line: Callable[[list[str]], str] = lambda cells: f"| {' | '.join(cells)} |"  # noqa: E731
    return "\n".join([line(titles), line(["---"] * len(titles)), *map(line, rows)])


if __name__ == "__main__":
    main()
