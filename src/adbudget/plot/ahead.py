"""Forecast -> the record, and what is to be expected after it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.forecasting import Forecast
from adbudget.plot.asked import PERIOD_NOUNS, known_account
from adbudget.plot.axes import by_date, compact, dress, one_axes, short
from adbudget.plot.palette import INCREASE, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BANDS = ((0.9, 0.18), (0.5, 0.30))  # central probability, opacity
MOST_SEEN = 6  # times the horizon of history that is shown, at least a quarter of a year
LEAST_SEEN_DAYS = 91


def forecast_data(forecast: Forecast, account: str | None = None) -> pd.DataFrame:
    """What was recorded lately, and what is expected with its 50% and 90% intervals.

    Parameters
    ----------
    forecast : from :func:`adbudget.forecast`
    account : its name; the first one when None

    Returns
    -------
    pd.DataFrame with account, date, outcome (recorded; NaN ahead), expected (NaN before), low_90,
    high_90, low_50, high_50, outcome units

    Raises
    ------
    InputError : there is no such account

    Examples
    --------
    >>> list(ab.plot.forecast_data(ab.forecast(fit, "4w", draws=200), "account_01").columns)
    ['account', 'date', 'outcome', 'expected', 'low_90', 'high_90', 'low_50', 'high_50']
    """
    names = list(forecast.accounts)
    name = names[0] if account is None else account
    known_account(name, names)
    own: Any = forecast.draws.sel(account=name)
    ahead = own["date"].to_numpy()
    length = max((ahead[-1] - ahead[0]) * MOST_SEEN, np.timedelta64(LEAST_SEEN_DAYS, "D"))
    history = forecast.history.sel(account=name)
    seen: Any = history.where(history["date"] >= ahead[0] - length, drop=True)
    past: Any = pd.DataFrame({"date": seen["date"].to_numpy(), "outcome": seen.to_numpy()})
    future = pd.DataFrame({"date": ahead, "expected": own["expected"].mean("draw").to_numpy()})
    for probability, _ in BANDS:
        edge = (1 - probability) / 2
        low, high = np.quantile(own["outcome"].to_numpy(), [edge, 1 - edge], axis=0)
        future[f"low_{probability * 100:.0f}"], future[f"high_{probability * 100:.0f}"] = low, high
    both = pd.concat([past, future], ignore_index=True)
    both.insert(0, "account", name)
    return both


def forecast(made: Forecast, account: str | None = None, *, ax: "Axes | None" = None) -> "Axes":
    """Outcome of one account so far, and what is to be expected: mean, 50% and 90% bands.

    Parameters
    ----------
    made : from :func:`adbudget.forecast`
    account : its name; the first one when None
    ax : axes to draw on

    Raises
    ------
    InputError : there is no such account, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.forecast(ab.forecast(fit, "4w", draws=200), "account_01")
    """
    data: Any = forecast_data(made, account)
    name = str(data["account"].iloc[0])
    axes, later = one_axes(ax, (8.4, 3.8)), data[data["expected"].notna()]
    past: Any = data[data["expected"].isna()]
    axes.plot(past["date"], past["outcome"], color=INK, linewidth=1.1, label="recorded")
    for probability, opacity in BANDS:
        low, high = (later[f"{end}_{probability * 100:.0f}"] for end in ("low", "high"))
        label = f"{probability:.0%} band"
        axes.fill_between(
            later["date"], low, high, color=INCREASE, alpha=opacity, linewidth=0, label=label
        )
    axes.plot(later["date"], later["expected"], color=INCREASE, linewidth=1.8, label="expected")
    figures: Any = data[["outcome", "high_90", "low_90"]].to_numpy(float)
    top, bottom = float(np.nanmax(figures)), min(0.0, float(np.nanmin(figures)))
    axes.set_ylim(bottom * 1.05, top * 1.05 or 1.0)
    by_date(axes)
    axes.legend(loc="lower left", ncols=4, frameon=False, fontsize=8)
    doubt = "" if made.ok else " (the fit cannot be trusted)"
    code = made.currency[list(made.accounts).index(name)]
    money = "" if made.counts or not code else f", {code}"
    return dress(
        axes,
        title=f"{short(name)}: {made.outcome_name}{doubt}",
        y=f"{made.outcome_name} per {PERIOD_NOUNS[made.period]}{money}",
        y_text=compact,
    )
