"""WorldSpec + seed -> World: spend, outcome and the truth behind them."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.synthetic.continuation import continue_world
from adbudget.synthetic.history import History, draw_history
from adbudget.synthetic.spec import WorldSpec
from adbudget.synthetic.truth import SpendLike, Truth

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

    Examples
    --------
    >>> [path.name for path in world.save("made", "shops")]
    ['shops_spend.csv', 'shops_outcome.csv', 'shops_wide.csv', 'shops.truth.json']
    >>> len(world.wide()) == len(world.outcome), world.current(4).shape
    (True, (10,))
    >>> longer = world.continued(world.current(), n_periods=2)
    >>> len(longer.outcome) - len(world.outcome)
    10
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

    def continued(self, spend: SpendLike | pd.DataFrame, n_periods: int | None = None) -> "World":
        """Let the world go on, under the spend of the caller's choice.

        Curves, demand, season, noise and carry-over are those of the history; demand and noise do
        not depend on what is spent. A continued world can be continued again, and in two steps it
        becomes what it would in one.

        Parameters
        ----------
        spend : the next periods, as a frame account, channel, date, spend with a row for every
            cell and period; or one spend per period by (account, channel), and ``n_periods``
        n_periods : how many periods, where ``spend`` does not say

        Returns
        -------
        World with longer ``spend`` and ``outcome``, and the same truth. Cells that had stopped have
            rows again, of 0.0 if so given

        Raises
        ------
        InputError : a cell or period is missing or unknown, an amount is negative or not finite,
            or ``n_periods`` is missing, or below 1
        """
        world = continue_world(self.spec, self.seed)
        end = world.history.demand.dates[-1]
        applied = self.spend.loc[self.spend["date"] > end]
        if len(applied):
            world = world.advance(_applied(applied, self.truth))[0]
        if isinstance(spend, pd.DataFrame):
            amounts = _applied(spend, self.truth)
            _check_dates(spend, world.ahead(amounts.shape[1]).dates)
        elif n_periods is None:
            raise InputError("n_periods must say for how many periods the spend is meant.")
        else:
            amounts = np.repeat(self.truth.aligned(spend)[:, None], max(n_periods, 0), axis=1)
        brought = world.advance(amounts)[1]
        dates = brought.ahead.dates
        spent = pd.DataFrame(
            {
                "account": np.repeat(self.truth.cells.get_level_values(0), dates.size),
                "channel": np.repeat(self.truth.cells.get_level_values(1), dates.size),
                "date": np.tile(dates, len(self.truth.cells)),
                "spend": amounts.ravel(),
            }
        )
        earned = [
            _outcome_rows(self.spec, a, dates, brought.outcome[a], brought.ahead.signal[a])
            for a in range(self.spec.n_accounts)
        ]
        both = (pd.concat([self.spend, spent]), pd.concat([self.outcome, *earned]))
        keys = (["account", "channel", "date"], ["account", "date"])
        frames = [
            each.sort_values(by, kind="stable", ignore_index=True)
            for each, by in zip(both, keys, strict=True)
        ]
        return replace(self, spend=frames[0], outcome=frames[1])

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
        how: Any = {"date_format": "%Y-%m-%d", "float_format": "%.2f", "lineterminator": "\n"}
        texts = {file: frame.to_csv(index=False, **how) for file, frame in frames.items()}
        record = {"format": FILE_FORMAT, "seed": self.seed, "spec": self.spec.to_dict()}
        truth = json.dumps(record | {"truth": self.truth.params}, indent=1)
        texts[f"{name}.truth.json"] = truth + "\n"
        for file, text in texts.items():
            _write_whole(folder / file, text)
        return [folder / file for file in texts]


def _write_whole(path: Path, text: str) -> None:
    """Write beside the place, then put it there: a file is never half written."""
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.write_text(text, encoding="utf-8", newline="\n")
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def synthesize(spec: WorldSpec, seed: int) -> World:
    """Make a world with known truth; the same spec and seed make the same world.

    Parameters
    ----------
    spec : what the world is like
    seed : whole number >= 0

    Raises
    ------
    InputError : ``seed`` is not a whole number >= 0

    Examples
    --------
    >>> from adbudget.synthetic import WorldSpec, synthesize
    >>> world = synthesize(WorldSpec(n_accounts=2, n_channels=2, n_periods=40), seed=7)
    >>> list(world.spend.columns), list(world.outcome.columns)
    (['account', 'channel', 'date', 'spend'], ['account', 'date', 'revenue'])
    """
    history = draw_history(spec, seed)
    return World(
        spec=spec,
        seed=int(seed),
        spend=_spend_frame(history),
        outcome=_outcome_frame(history),
        truth=history.truth,
    )


def load_truth(path: str | Path) -> Truth:
    """Read the truth of a saved world, exactly as it was.

    Raises
    ------
    InputError : the file is not a truth written by :meth:`World.save`

    Examples
    --------
    >>> from adbudget.synthetic import load_truth
    >>> _ = world.save("made", "shops")
    >>> len(load_truth("made/shops.truth.json").cells) == len(world.truth.cells)
    True
    """
    return Truth.from_params(_read(path)["truth"])


def load_spec(path: str | Path) -> tuple[WorldSpec, int]:
    """Spec and seed of a saved world: ``synthesize(*load_spec(path))`` makes it again.

    Raises
    ------
    InputError : the file is not a truth written by :meth:`World.save`

    Examples
    --------
    >>> from adbudget.synthetic import load_spec
    >>> _ = world.save("made", "shops")
    >>> spec, seed = load_spec("made/shops.truth.json")
    >>> seed == world.seed
    True
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


def _spend_frame(history: History) -> pd.DataFrame:
    spec, population, dates = history.spec, history.population, history.demand.dates
    parts = []
    for a, c in np.argwhere(population.used):
        first = dates.size - population.n_periods[a]
        life = slice(first + population.starts[a, c], first + population.stops[a, c])
        names = {"account": spec.account_names[a], "channel": spec.channel_names[c]}
        parts.append(
            pd.DataFrame(names | {"date": dates[life], "spend": history.spend[a, c, life]})
        )
    return pd.concat(parts, ignore_index=True)


def _outcome_frame(history: History) -> pd.DataFrame:
    n_periods = history.population.n_periods
    parts = [
        _outcome_rows(
            history.spec,
            a,
            history.demand.dates[-n:],
            history.outcome[a, -n:],
            history.demand.signal[a, -n:],
        )
        for a, n in enumerate(n_periods)
    ]
    return pd.concat(parts, ignore_index=True)


def _outcome_rows(
    spec: WorldSpec, a: int, dates: pd.DatetimeIndex, outcome: np.ndarray, signal: np.ndarray
) -> pd.DataFrame:
    """Rows of one account."""
    columns = {"account": spec.account_names[a], "date": dates, spec.kpi: outcome}
    return pd.DataFrame(columns | ({"demand_index": signal.round(4)} if spec.demand_signal else {}))


def _applied(spend: pd.DataFrame, truth: Truth) -> np.ndarray:
    """(cell, period) amounts of a long frame, checked to be whole."""
    missing = {"account", "channel", "date", "spend"} - set(spend.columns)
    if missing:
        raise InputError(f"spend has no column {sorted(missing)}.")
    wide = spend.pivot_table("spend", ["account", "channel"], "date", aggfunc="sum", dropna=False)
    rows = len(truth.cells) * spend["date"].nunique()
    if len(spend) != rows or wide.isna().any(axis=None) or len(wide) != len(truth.cells):
        raise InputError(
            f"spend must have one row for each of the {len(truth.cells)} cells in every period: "
            f"{rows} rows; got {len(spend)}. Use 0.0 for a channel that is off."
        )
    unknown = wide.index.difference(truth.cells).tolist()
    if unknown:
        raise InputError(f"spend names cells that the world does not have: {unknown[:5]}.")
    return wide.reindex(truth.cells).to_numpy(dtype=float)


def _check_dates(spend: pd.DataFrame, dates: pd.DatetimeIndex) -> None:
    """Refuse gaps, overlaps and other calendars."""
    given = np.unique(pd.to_datetime(spend["date"]).to_numpy("datetime64[D]"))
    wanted = dates.to_numpy().astype("datetime64[D]")
    if not np.array_equal(given, wanted):
        raise InputError(
            f"spend must be dated on the periods that come next, {wanted[0]} to {wanted[-1]}; got "
            f"{given[0]} to {given[-1]}."
        )
