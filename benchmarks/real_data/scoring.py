"""Forecasts of held-out periods -> their scores, and the bands that plots need. Makes no forecast.

Outcomes are in units of the account's mean outcome in the weeks seen, so accounts of any size and
currency count alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adbudget import Panel
from adbudget.model.scores import crps_of_draws
from benchmarks.real_data.settings import INTERVAL


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """What one tool expected of the held-out periods of one account.

    Attributes
    ----------
    tool, account : names
    dates : (row,) ISO dates
    observed : (row,) in units of the mean outcome seen
    draws : (draw, row) likewise
    """

    tool: str
    account: str
    dates: tuple[str, ...]
    observed: np.ndarray
    draws: np.ndarray


def held_out_rows(panel: Panel, n_periods: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(account, periods seen, periods held out), as positions of periods with an outcome."""
    known = np.isfinite(panel.outcome)
    for a, last in enumerate(panel.last):
        (rows,) = known[a].nonzero()
        yield a, rows[rows <= last - n_periods], rows[rows > last - n_periods]


def scores(made: list[Forecast]) -> list[dict]:
    """One record per tool and account: CRPS, coverage of the 90% interval, its width, the bias."""
    records = []
    for one in made:
        low, high = np.quantile(one.draws, INTERVAL, axis=0)
        crps = crps_of_draws(one.draws, one.observed)
        records.append(
            {
                "tool": one.tool,
                "account": one.account,
                "crps": float(crps.mean()),
                "crps_by_row": [round(float(value), 5) for value in crps],
                "coverage": float(((low <= one.observed) & (one.observed <= high)).mean()),
                "width": float((high - low).mean()),
                "bias": float((np.median(one.draws, axis=0) - one.observed).mean()),
            }
        )
    return records


def bands(made: list[Forecast]) -> list[dict]:
    """What a plot needs: dates, outcomes, the middle and the 90% band."""
    return [
        {
            "tool": one.tool,
            "account": one.account,
            "dates": list(one.dates),
            "observed": _short(one.observed),
            "low": _short(np.quantile(one.draws, INTERVAL[0], axis=0)),
            "middle": _short(np.median(one.draws, axis=0)),
            "high": _short(np.quantile(one.draws, INTERVAL[1], axis=0)),
        }
        for one in made
    ]


def make_forecast(
    panel: Panel, tool: str, a: int, rows: np.ndarray, draws: np.ndarray, observed: np.ndarray
) -> Forecast:
    """Name the rows of one account."""
    dates = tuple(str(date) for date in panel.dates[rows].astype("datetime64[D]"))
    return Forecast(
        tool=tool, account=panel.accounts[a], dates=dates, observed=observed, draws=draws
    )


def _short(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]
