"""WorldSpec + seed -> World: spend, outcome and the truth behind them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from adbudget.errors import InputError
from adbudget.synthetic.demand import PERIOD_DAYS, Demand, draw_demand, draw_spend
from adbudget.synthetic.population import DrawnCells, draw_population
from adbudget.synthetic.spec import WorldSpec
from adbudget.synthetic.truth import Truth

FILE_FORMAT = 1
CURRENT_WINDOW = {"daily": 91, "weekly": 13, "monthly": 3}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """A synthetic panel and the truth behind it.

    Attributes
    ----------
    spec, seed : what made it
    spend : long frame account, channel, date, spend; no rows outside a channel's life, rows of zero
        between its flights
    outcome : frame account, date, the outcome (``spec.kpi``), and ``demand_index`` if there is one
    truth : the curves, as they are at the end of the history
    """

    spec: WorldSpec
    seed: int
    spend: pd.DataFrame
    outcome: pd.DataFrame
    truth: Truth

    def wide(self) -> pd.DataFrame:
        """Account, date, outcome, one column per channel; NaN where a channel is not in use."""
        by_channel = self.spend.pivot_table("spend", ["account", "date"], "channel")
        by_channel = by_channel[[c for c in self.spec.channel_names if c in by_channel.columns]]
        by_channel.columns.name = None
        return self.outcome.merge(by_channel.reset_index(), on=["account", "date"], how="left")

    def current(self, window: int | None = None) -> pd.Series:
        """Mean spend per period over the last periods; 0 for a cell that has stopped.

        Parameters
        ----------
        window : number of periods; None takes the last quarter of a year

        Raises
        ------
        InputError : ``window`` below 1
        """
        window = CURRENT_WINDOW[self.spec.period] if window is None else window
        if window < 1:
            raise InputError(f"window must be at least 1 period; got {window}.")
        cells = self.truth.cells
        dates = pd.DatetimeIndex(self.spend["date"].unique()).sort_values()
        recent = self.spend[self.spend["date"] >= dates[-min(window, dates.size)]]
        cell = cells.get_indexer(pd.MultiIndex.from_arrays([recent["account"], recent["channel"]]))
        total = np.bincount(cell, recent["spend"], minlength=len(cells))
        n_periods = np.bincount(cell, minlength=len(cells))
        still_on = np.bincount(cell, recent["date"] == dates[-1], minlength=len(cells)) > 0
        mean = np.where(still_on, total / np.maximum(n_periods, 1), 0.0)
        return pd.Series(mean, index=cells, name="spend")

    def save(
        self, folder: str | Path, name: str, tables: Literal["all", "long", "wide"] = "all"
    ) -> list[Path]:
        """Write the panel as CSV and the truth, spec and seed as JSON.

        Parameters
        ----------
        folder : created when missing
        name : files are NAME_spend.csv and NAME_outcome.csv ("long"), NAME.csv ("wide"), or those
            with NAME_wide.csv ("all"); and NAME.truth.json

        Returns
        -------
        the paths written

        Raises
        ------
        InputError : ``tables`` is none of the above
        """
        if tables not in ("all", "long", "wide"):
            raise InputError(f'tables must be "all", "long" or "wide"; got {tables!r}.')
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        frames: dict[str, pd.DataFrame] = {}
        if tables != "wide":
            frames = {f"{name}_spend.csv": self.spend, f"{name}_outcome.csv": self.outcome}
        if tables != "long":
            frames[f"{name}.csv" if tables == "wide" else f"{name}_wide.csv"] = self.wide()
        for file, frame in frames.items():
            frame.to_csv(
                folder / file,
                index=False,
                date_format="%Y-%m-%d",
                float_format="%.2f",
                lineterminator="\n",
            )
        record = {"format": FILE_FORMAT, "seed": self.seed, "spec": self.spec.to_dict()}
        text = json.dumps(record | {"truth": self.truth.params}, indent=1)
        (folder / f"{name}.truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        return [folder / file for file in (*frames, f"{name}.truth.json")]


def synthesize(spec: WorldSpec, seed: int) -> World:
    """Make a world with known truth; the same spec and seed make the same world.

    Parameters
    ----------
    spec : what the world is like
    seed : whole number >= 0

    Raises
    ------
    InputError : ``seed`` is not a whole number >= 0
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be a whole number >= 0; got {seed!r}.")
    # One stream per part of the work: a change in one leaves the chance of the others as it was.
    streams = np.random.default_rng(seed).spawn(6)
    cells_rng, demand_rng, spend_rng, outcome_rng, signal_rng, flight_rng = streams
    population = draw_population(spec, cells_rng)
    demand = draw_demand(spec, population, demand_rng, signal_rng)
    spend = draw_spend(spec, population, demand, spend_rng, flight_rng)
    truth = _truth(spec, population, demand, spend)
    outcome = _outcome(spec, population, demand, truth, spend, outcome_rng)
    return World(
        spec=spec,
        seed=int(seed),
        spend=_spend_frame(spec, population, demand, spend),
        outcome=_outcome_frame(spec, population, demand, outcome),
        truth=truth,
    )


def load_truth(path: str | Path) -> Truth:
    """Read the truth of a saved world, exactly as it was.

    Raises
    ------
    InputError : the file is not a truth written by :meth:`World.save`
    """
    return Truth.from_params(_read(path)["truth"])


def load_spec(path: str | Path) -> tuple[WorldSpec, int]:
    """Spec and seed of a saved world: ``synthesize(*load_spec(path))`` makes it again.

    Raises
    ------
    InputError : the file is not a truth written by :meth:`World.save`
    """
    record = _read(path)
    return WorldSpec.from_dict(record["spec"]), record["seed"]


def _read(path: str | Path) -> dict:
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise InputError(f"{path} cannot be read as JSON: {cause}.") from cause
    if not isinstance(record, dict) or record.get("format") != FILE_FORMAT:
        raise InputError(
            f"{path} is not a truth of format {FILE_FORMAT}. Pass the NAME.truth.json that "
            "World.save wrote."
        )
    return record


def _truth(spec: WorldSpec, population: DrawnCells, demand: Demand, spend: np.ndarray) -> Truth:
    used = population.used
    pairs = [(spec.account_names[a], spec.channel_names[c]) for a, c in np.argwhere(used)]
    k, n = population.half_saturation, population.exponent
    power = population.curve == "power"
    share_at_mean = np.where(power, 1.0, 1 / (1 + k**n))
    scale = _mean_over_life(population, spend).round(6)
    weight = (population.roi * scale / spec.value / share_at_mean).round(6)
    drift_at = demand.dates.size - population.n_periods.max() // 2
    return Truth(
        cells=pd.MultiIndex.from_tuples(pairs, names=["account", "channel"]),
        curve=np.broadcast_to(population.curve, used.shape)[used].astype(str),
        weight=weight[used],
        scale=scale[used],
        half_saturation=np.where(power, 1.0, k)[used],
        exponent=n[used],
        carry_days=population.carry_days[used],
        carry_shape=population.carry_shape[used],
        drift=np.broadcast_to(population.drift, used.shape)[used],
        carryover=spec.carryover,
        drift_date=str(demand.dates.to_numpy()[drift_at].astype("datetime64[D]")),
        period_days=PERIOD_DAYS[spec.period],
        currency=spec.currency,
        value=float(spec.value),
    )


def _mean_over_life(population: DrawnCells, spend: np.ndarray) -> np.ndarray:
    """(account, channel) mean spend over the recorded periods in which the cell lived."""
    recorded = population.recorded(spend.shape[2])
    periods = np.maximum(population.stops - population.starts, 1)
    return (spend * recorded[:, None]).sum(axis=2) / periods


def _outcome(
    spec: WorldSpec,
    population: DrawnCells,
    demand: Demand,
    truth: Truth,
    spend: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """(account, period) outcome as recorded."""
    owed = np.zeros(spend.shape)
    before = demand.dates < pd.Timestamp(truth.drift_date)
    owed[population.used] = truth.path(spend[population.used])
    owed *= np.where(before, np.exp(-population.drift)[:, None], 1.0)
    recorded = population.recorded(spend.shape[2])
    media = owed.sum(axis=1)
    media_mean = (media * recorded).sum(axis=1) / population.n_periods
    # An account whose every channel is a dud still sells something.
    usual = population.mean_spend.sum(axis=1) * truth.period_days / 7 * spec.roi_median / spec.value
    media_mean = np.where(media_mean > 0, media_mean, usual)
    share = rng.uniform(*spec.baseline_share, spec.n_accounts)
    demand_level = np.exp(demand.log_demand)
    demand_mean = (demand_level * recorded).sum(axis=1) / population.n_periods
    base = media_mean * share / (1 - share) / demand_mean
    expected = base[:, None] * demand_level + media
    mean_outcome = (expected * recorded).sum(axis=1) / population.n_periods
    relative = (expected / mean_outcome[:, None]) ** (spec.noise_growth / 2)
    noise = spec.noise * mean_outcome[:, None] * relative * _noise(spec, expected.shape, rng)
    outcome = np.maximum(expected + noise, 0.0)
    if spec.counts:
        outcome = rng.poisson(outcome).astype(float)
    return np.round(outcome * demand.tracked, 0 if spec.counts else 2)


def _noise(spec: WorldSpec, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(account, period) noise of mean 0 and scale 1, each period like the one before as asked."""
    tail = spec.noise_tail
    fresh = rng.normal(size=shape) if tail is None else rng.standard_t(tail, size=shape)
    keep = spec.noise_persistence
    if keep == 0:
        return fresh
    fresh[:, 1:] *= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], fresh, axis=1))


def _spend_frame(
    spec: WorldSpec, population: DrawnCells, demand: Demand, spend: np.ndarray
) -> pd.DataFrame:
    parts = []
    for a, c in np.argwhere(population.used):
        first = demand.dates.size - population.n_periods[a]
        life = slice(first + population.starts[a, c], first + population.stops[a, c])
        names = {"account": spec.account_names[a], "channel": spec.channel_names[c]}
        parts.append(pd.DataFrame(names | {"date": demand.dates[life], "spend": spend[a, c, life]}))
    return pd.concat(parts, ignore_index=True)


def _outcome_frame(
    spec: WorldSpec, population: DrawnCells, demand: Demand, outcome: np.ndarray
) -> pd.DataFrame:
    signal = demand.signal.round(4)
    parts = [
        pd.DataFrame(
            {
                "account": spec.account_names[a],
                "date": demand.dates[-n_periods:],
                spec.kpi: outcome[a, -n_periods:],
                **({"demand_index": signal[a, -n_periods:]} if spec.demand_signal else {}),
            }
        )
        for a, n_periods in enumerate(population.n_periods)
    ]
    return pd.concat(parts, ignore_index=True)
