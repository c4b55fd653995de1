"""Fit + plan to come -> what a reader of the forecast must know: one sentence each."""

import numpy as np

from adbudget.model.posterior import Posterior
from adbudget.panel.integrity import check_data
from adbudget.panel.panel import Panel
from adbudget.tables.messages import account_names, quoted

YEAR_DAYS = 365.25
SEASON_DAYS = 31.0  # a season counts as seen when a day this near to it was
BEYOND = 1.001  # times the highest spend seen
# Findings that make the end of a record, from which a forecast starts, something it is not.
AT_THE_END = (
    *("account_stale", "rows_end", "spend_stopped", "outcome_ends", "outcome_late"),
    *("unfinished_period", "unit_changed", "value_out_of_line"),
)


def cautions(fit: Posterior, spend: np.ndarray, dates: np.ndarray) -> tuple[str, ...]:
    """What makes this forecast less than its intervals say.

    Parameters
    ----------
    fit : the fit
    spend : (account, channel, period) of the plan
    dates : (period,) label days of the periods to come
    """
    panel, health = fit.panel, fit.health
    unhealthy = [] if health.ok else [f"The fit cannot be trusted: {' '.join(health.problems)}"]
    ends = [one.message for one in check_data(panel) if one.kind in AT_THE_END]
    return (
        *unhealthy,
        *ends,
        *_record_ended(panel),
        *_outcome_missing(panel),
        *_season_unseen(panel, dates),
        *_beyond_observed(panel, spend),
        *health.warnings,
    )


def _record_ended(panel: Panel) -> list[str]:
    """Accounts whose record ends before that of the panel."""
    early = panel.last < panel.n_periods - 1
    if not early.any():
        return []
    names = [panel.accounts[a] for a in np.flatnonzero(early)]
    return [
        f"The record of {account_names(names)} ends before {panel.dates[-1]}: what came after it "
        "is taken to have been today's spend, and is forecast too."
    ]


def _outcome_missing(panel: Panel) -> list[str]:
    """Accounts whose last outcomes are not there."""
    every = range(panel.n_accounts)
    last = np.array([np.flatnonzero(np.isfinite(panel.outcome[a]))[-1] for a in every])
    names = [panel.accounts[a] for a in np.flatnonzero(last < panel.last)]
    if not names:
        return []
    return [
        f"The last outcomes of {account_names(names)} are missing: the forecast goes on from the "
        "last one that is known."
    ]


def _season_unseen(panel: Panel, dates: np.ndarray) -> list[str]:
    """Accounts that have no day near the season of the forecast in their record."""
    near = max(SEASON_DAYS, 1.5 * panel.period_days)
    ahead = _day_of_year(dates)
    unseen = []
    for a in range(panel.n_accounts):
        seen = _day_of_year(panel.dates[panel.first[a] : panel.last[a] + 1])
        apart = np.abs(ahead[:, None] - seen)
        nearest = np.minimum(apart, YEAR_DAYS - apart).min(axis=1)
        # The record ends right before the forecast: that is no season seen before.
        old = panel.dates[panel.last[a]] - panel.dates[panel.first[a]]
        whole_year = old >= np.timedelta64(int(YEAR_DAYS - near), "D")
        if not whole_year and (nearest > near).any():
            unseen.append(panel.accounts[a])
    if not unseen:
        return []
    others = "" if len(unseen) == panel.n_accounts else " beside what the other accounts show"
    return [
        f"The record of {account_names(unseen)} has not seen this time of the year: the season is "
        f"a guess{others}."
    ]


def _day_of_year(dates: np.ndarray) -> np.ndarray:
    start = dates.astype("datetime64[Y]").astype("datetime64[D]")
    return (dates.astype("datetime64[D]") - start) / np.timedelta64(1, "D")


def _beyond_observed(panel: Panel, spend: np.ndarray) -> list[str]:
    """Cells that spend more than their history has ever seen."""
    grid = np.full(panel.exists.shape, np.inf)
    grid[panel.exists] = panel.highest_spend().to_numpy()
    mean_of_week = _highest(spend, max(1, round(7 / panel.period_days)))
    above = mean_of_week > BEYOND * grid
    if not above.any():
        return []
    cells = [(panel.accounts[a], panel.channels[c]) for a, c in np.argwhere(above)]
    return [
        f"The plan spends more on {len(cells)} cell(s) than their history has seen, so their "
        f"curves are assumed there: {quoted(cells)}."
    ]


def _highest(spend: np.ndarray, window: int) -> np.ndarray:
    """(account, channel) highest mean spend of so many periods in a row."""
    size = min(window, spend.shape[2])
    total = np.cumsum(np.pad(spend, ((0, 0), (0, 0), (1, 0))), axis=2)
    return (total[..., size:] - total[..., :-size]).max(axis=2) / size
