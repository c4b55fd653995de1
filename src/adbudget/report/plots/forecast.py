"""Forecast -> matplotlib figure."""

from typing import TYPE_CHECKING

import numpy as np

from adbudget.errors import InputError
from adbudget.forecasting import Forecast
from adbudget.report.text import PERIOD_NOUNS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BANDS = ((0.05, 0.95, 0.18), (0.25, 0.75, 0.30))  # low, high, opacity
SEEN, AHEAD = "#222222", "#1f5f8b"
MOST_SEEN = 6  # times the horizon of history that is shown, at least a quarter of a year
LEAST_SEEN_DAYS = 91


def plot_forecast(forecast: Forecast, account: str | None = None) -> "Figure":
    """Outcome of one account so far, and what is to be expected: mean, 50% and 90% bands.

    Parameters
    ----------
    forecast : from :func:`adbudget.forecast`
    account : its name; the first one when None

    Returns
    -------
    matplotlib Figure ; save it with ``figure.savefig(path)``

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed
    """
    try:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("plots need matplotlib: install adbudget[plot].") from error
    names = list(forecast.accounts)
    name = names[0] if account is None else account
    if name not in names:
        raise InputError(f"there is no account {name!r}; the first are {names[:5]}.")
    own = forecast.draws.sel(account=name)
    ahead, drawn = own["date"].to_numpy(), own["outcome"].to_numpy()
    seen = _recent(forecast, name, ahead)
    figure = Figure(figsize=(8.4, 3.8), layout="constrained")
    axis = figure.subplots()
    axis.plot(seen["date"].to_numpy(), seen.to_numpy(), color=SEEN, linewidth=1.1, label="recorded")
    for low, high, opacity in BANDS:
        edges = np.quantile(drawn, [low, high], axis=0)
        label = f"{high - low:.0%} band"
        axis.fill_between(ahead, *edges, color=AHEAD, alpha=opacity, linewidth=0, label=label)
    mean = own["expected"].mean("draw").to_numpy()
    axis.plot(ahead, mean, color=AHEAD, linewidth=1.8, label="mean")
    top = max(float(np.nanmax(seen)), float(np.quantile(drawn, 0.95, axis=0).max()))
    bottom = min(0.0, float(np.nanmin(seen)), float(np.quantile(drawn, 0.05, axis=0).min()))
    axis.set_ylim(bottom * 1.05, top * 1.05)
    axis.xaxis.set_major_locator(locator := AutoDateLocator(maxticks=8))
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_ylabel(_unit(forecast, names.index(name)))
    axis.legend(loc="lower left", ncols=4, frameon=False, fontsize=8)
    doubt = "" if forecast.ok else " (the fit cannot be trusted)"
    figure.suptitle(f"{name}: {forecast.outcome_name}{doubt}", x=0.01, ha="left")
    return figure


def _recent(forecast: Forecast, name: str, ahead: np.ndarray):
    """The last stretch of the record, long enough to compare."""
    length = max((ahead[-1] - ahead[0]) * MOST_SEEN, np.timedelta64(LEAST_SEEN_DAYS, "D"))
    history = forecast.history.sel(account=name)
    return history.where(history["date"] >= ahead[0] - length, drop=True)


def _unit(forecast: Forecast, a: int) -> str:
    """Such as "revenue per week, EUR"."""
    money = "" if forecast.counts or not forecast.currency[a] else f", {forecast.currency[a]}"
    return f"{forecast.outcome_name} per {PERIOD_NOUNS[forecast.period]}{money}"
