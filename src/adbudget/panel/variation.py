"""Panel -> how much of each cell's spend moves by itself.

A response is learned from spend that moves when nothing else does. Here every cell's spend is
regressed on what else moves the outcome: the calendar, the controls, the outcome's own past and the
other channels. What is left is what an effect can be learned from.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from adbudget.panel.panel import Panel

FLOOR = 0.1  # share of the mean that stands for zero on the logarithmic scale
DAYS_PER_YEAR = 365.25
LAG_DAYS = (1, 7, 28, 91)  # the past is its last period and its means over these windows
MOST_LAG_SHARE = 1 / 6  # of the history: a longer window would cost too many of its rows
LEAST_KNOWN = 0.5  # share of a window's periods whose outcome has to be known
LEAST_ROWS_LEFT = 8  # regressions with fewer degrees of freedom say nothing
STILL = 1e-10  # share of variance below which a spend moves by rounding only


def spend_statistics(panel: Panel) -> pd.DataFrame:
    """One row per cell: whether its spend moves, and whether it moves by itself.

    Spend and outcome enter as log(0.1 + value / mean). R2 is adjusted for degrees of freedom and
    is NaN where the history is too short, or spend never moves.

    Returns
    -------
    pd.DataFrame by (account, channel):

    variation : standard deviation of spend over its mean, within the channel's life
    calendar_r2 : share of the variance of spend that trend, season, weekday and controls explain
    outcome_r2 : share of what these and the cell's own past spend leave unexplained that the
        outcome of earlier periods explains
    correlation, partner : largest correlation with another channel of the account (signed) once
        trend, season, weekday and controls are taken out of both, and that channel's name
    vif : variance inflation by all other channels of the account, after the same; 1 is none

    References
    ----------
    Chan & Perry (2017), Challenges and Opportunities in Media Mix Modeling, Google Research;
    Granger (1969), Econometrica 37(3), 424-438; Marquardt (1970), Technometrics 12(3), 591-612.
    """
    rows = []
    for a in range(panel.n_accounts):
        rows += _account_rows(panel, a)
    columns = ["variation", "calendar_r2", "outcome_r2", "correlation", "partner", "vif"]
    return pd.DataFrame(rows, index=panel.cells, columns=columns).astype({"partner": object})


def _account_rows(panel: Panel, a: int) -> list[dict[str, object]]:
    """Statistics of one account's cells, in axis order."""
    record = slice(int(panel.first[a]), int(panel.last[a]) + 1)
    channels = np.flatnonzero(panel.exists[a])
    spend, live = panel.spend[a, channels, record], panel.live[a, channels, record]
    calendar = _calendar_columns(panel, a, record)
    outcome = _scaled_log(panel.outcome[a, record])
    past = _past(outcome, panel.period_days)
    together = _Together.of(np.array([_scaled_log(path) for path in spend]), calendar)
    rows = []
    for i, (path, life) in enumerate(zip(spend, live, strict=True)):
        mean = path[life].mean()
        log_spend = _scaled_log(path, mean)
        own_past = np.column_stack([calendar, _past(log_spend, panel.period_days)])
        other = together.partner[i]
        rows.append(
            {
                "variation": path[life].std() / mean,
                "calendar_r2": _adjusted_r2(log_spend, calendar[:, :1], calendar[:, 1:], life),
                "outcome_r2": _adjusted_r2(log_spend, own_past, past, life),
                "correlation": together.correlation[i],
                "partner": panel.channels[channels[other]] if other >= 0 else None,
                "vif": together.vif[i],
            }
        )
    return rows


def _scaled_log(path: np.ndarray, mean: float | None = None) -> np.ndarray:
    """(period,) log(FLOOR + share of the mean); NaN stays, below zero counts as zero."""
    mean = float(np.nanmean(np.abs(path))) if mean is None else mean
    if not mean > 0:
        return np.zeros(path.size)
    return np.log(FLOOR + np.maximum(path / mean, 0.0))


def _calendar_columns(panel: Panel, a: int, record: slice) -> np.ndarray:
    """(period, column) level, trend, season, weekday and controls of one account's record."""
    dates = panel.dates[record]
    days = (dates - dates[0]) / np.timedelta64(1, "D")
    years = days / DAYS_PER_YEAR
    columns = [np.ones(days.size), years]
    n_years = years[-1] if days.size else 0.0
    # One wave is all a history of less than a year can tell from its trend.
    order = 1 if n_years < 1 else 2 if n_years < 2 or panel.period == "monthly" else 4
    day_of_year = (dates - dates.astype("datetime64[Y]")) / np.timedelta64(1, "D")
    for k in range(1, order + 1):
        angle = 2 * np.pi * k * day_of_year / DAYS_PER_YEAR
        columns += [np.sin(angle), np.cos(angle)]
    if panel.period == "daily":
        weekday = (dates.astype("datetime64[D]").astype(int) + 3) % 7
        columns += list((weekday[:, None] == np.arange(1, 7)).astype(float).T)
    return np.column_stack([*columns, *panel.control_values[a][:, record]])


def _past(path: np.ndarray, period_days: float) -> np.ndarray:
    """(period, window) means over windows that end one period earlier; NaN where not all known."""
    lengths = {max(1, round(days / period_days)) for days in LAG_DAYS}
    windows = sorted(length for length in lengths if length <= max(1, path.size * MOST_LAG_SHARE))
    past = np.full((path.size, len(windows)), np.nan)
    known = np.isfinite(path)
    for j, length in enumerate(windows):
        sums, counts = (
            np.lib.stride_tricks.sliding_window_view(part, length)[:-1].sum(axis=1)
            for part in (np.where(known, path, 0.0), known)
        )
        enough = counts >= max(1.0, LEAST_KNOWN * length)
        past[length:, j] = np.where(enough, sums / np.maximum(counts, 1), np.nan)
    return past


def _adjusted_r2(
    target: np.ndarray, given: np.ndarray, added: np.ndarray, rows: np.ndarray
) -> float:
    """Share of the variance ``given`` leaves that ``added`` explains, in [0, 1]; NaN: unknown."""
    whole = np.column_stack([given, added])
    used = rows & np.isfinite(target) & np.isfinite(whole).all(axis=1)
    (left, n_left), (left_after, n_after) = (
        _residual(target[used], part[used]) for part in (given, whole)
    )
    if n_after < LEAST_ROWS_LEFT or (left**2).sum() <= STILL * used.sum():
        return np.nan
    return float(max(0.0, 1 - ((left_after**2).sum() / n_after) / ((left**2).sum() / n_left)))


def _residual(y: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, int]:
    """What the columns leave of ``y``, and its degrees of freedom."""
    if y.shape[0] == 0:
        return y, 0
    coefficients, _, rank, _ = np.linalg.lstsq(columns, y, rcond=None)
    return y - columns @ coefficients, y.shape[0] - int(rank)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Together:
    """How the channels of one account move with each other, one entry per channel."""

    correlation: np.ndarray  # with the partner; NaN without one
    partner: np.ndarray  # position of the channel it moves with most, -1 without one
    vif: np.ndarray

    @staticmethod
    def of(log_spend: np.ndarray, calendar: np.ndarray) -> "_Together":
        """``log_spend`` (channel, period) over the whole record: a channel that is off is data."""
        n_channels = log_spend.shape[0]
        found = _Together(
            correlation=np.full(n_channels, np.nan),
            partner=np.full(n_channels, -1),
            vif=np.full(n_channels, np.nan),
        )
        used = np.isfinite(calendar).all(axis=1)
        left, n_left = _residual(log_spend[:, used].T, calendar[used])
        if n_left < LEAST_ROWS_LEFT + n_channels:
            return found
        spread = np.sqrt((left**2).sum(axis=0))
        moving = np.flatnonzero(spread**2 > STILL * used.sum())
        if moving.size < 2:
            return found
        shares = left[:, moving] / spread[moving]
        matrix = shares.T @ shares
        beside = np.abs(matrix) - 2 * np.eye(moving.size)
        nearest = beside.argmax(axis=1)
        found.partner[moving] = moving[nearest]
        found.correlation[moving] = matrix[np.arange(moving.size), nearest]
        found.vif[moving] = _inflation(matrix, n_left)
        return found


def _inflation(correlation: np.ndarray, n_left: int) -> np.ndarray:
    """(channel,) variance inflation factors, adjusted for degrees of freedom; inf if singular."""
    size = correlation.shape[0]
    values, vectors = np.linalg.eigh(correlation)
    own = np.einsum("ij,j->i", vectors**2, 1 / np.maximum(values, 1e-15))
    unexplained = 1 / own * n_left / (n_left - size + 1)
    return np.where(unexplained > 1e-12, np.maximum(1 / np.maximum(unexplained, 1e-300), 1), np.inf)
