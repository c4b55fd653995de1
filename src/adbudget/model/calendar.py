"""Dates and controls -> the columns everybody could have known: season, weekday, controls."""

import numpy as np

from adbudget.model.design import Design
from adbudget.panel.panel import Panel

DAYS_PER_YEAR = 365.25


def calendar_columns(panel: Panel, design: Design, account: int) -> np.ndarray:
    """(period, column) yearly waves, day of the week of daily panels, standardised controls."""
    dates = panel.dates
    angle = 2 * np.pi * _year_share(dates)[:, None] * np.arange(1, design.season_order + 1)
    columns = [np.sin(angle), np.cos(angle)]
    if panel.period == "daily":
        weekday = (dates.astype("datetime64[D]").astype(int) + 3) % 7
        columns.append((weekday[:, None] == np.arange(7)).astype(float))
    if design.controls:
        shift = panel.control_values[account] - design.control_mean[account][:, None]
        columns.append(np.nan_to_num(shift / design.control_sd[account][:, None]).T)
    return np.concatenate(columns, axis=1)


def _year_share(dates: np.ndarray) -> np.ndarray:
    """Position of each date in its year, in [0, 1): leap days stretch nothing visible."""
    day = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")) / np.timedelta64(1, "D")
    return day / DAYS_PER_YEAR
