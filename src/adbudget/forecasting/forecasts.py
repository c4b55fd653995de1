"""Fit + horizon + plan -> Forecast."""

import numpy as np
import xarray as xr

from adbudget.errors import InputError
from adbudget.forecasting.cautions import cautions
from adbudget.forecasting.controls_ahead import controls_ahead
from adbudget.forecasting.record import Forecast
from adbudget.forecasting.spend_ahead import PlanLike, spend_ahead
from adbudget.model.ahead import Ahead, play, prepare
from adbudget.model.posterior import Posterior
from adbudget.panel.calendar import dates_after, periods_in
from adbudget.panel.panel import Panel
from adbudget.panel.unit_value import counts_things
from adbudget.tables.frames import FrameLike

DEFAULT_HORIZON = "8w"
MOST_DAYS = 731  # nobody knows a market two years ahead; a longer horizon is a slip


def forecast(
    fit: Posterior,
    horizon: str | int = DEFAULT_HORIZON,
    plan: PlanLike | None = None,
    *,
    controls: FrameLike | None = None,
    counts: bool | None = None,
    draws: int = 1000,
    seed: int = 0,
    by_channel: bool = True,
) -> Forecast:
    """What outcome, ROAS and CPA to expect of a plan, by account and period, and how surely.

    Joint predictive draws: the baseline with its season, weekdays and a trend that goes on with
    growing uncertainty; controls; demand that comes back to normal; media with what earlier spend
    still brings; and noise that continues from the last residuals, with the tails found in the
    record. Spend is taken as decided, not as a sign of demand.

    Parameters
    ----------
    fit : from :func:`adbudget.fit`
    horizon : length from the end of the record: "8w", "60d", "3m", or a number of periods
    plan : spend per period; the spend that stands (``fit.current_spend``) when None. Constant: a
        Plan, Series, mapping or DataArray by (account, channel). By date: a frame with the columns
        account, channel, date and spend, a Series or DataArray by (account, channel, date), in
        which a spend holds from its date until the next one of its cell (before the first, and for
        cells not named, the current one holds); or a frame indexed by (account, channel) with one
        column per period
    controls : what is known of the controls to come: a frame with date, one column per control, and
        account unless the values are those of all; what is not known goes from its last value back
        to its mean, as uncertain as it has been, and a note says so
    counts : whether the outcome counts things, so that draws are whole numbers and there is a CPA;
        None finds out: whole numbers whose column is called so, or that a unit value prices
    draws : joint draws
    seed : same seed and fit, same draws; plans forecast with one seed meet the same chance
    by_channel : also keep what the media of each channel bring

    Returns
    -------
    Forecast

    Raises
    ------
    InputError : an argument is out of range, or names what the fit does not know

    Examples
    --------
    >>> ahead = ab.forecast(fit, "4w", draws=200, seed=0)
    >>> ahead.to_frame(each="horizon")["metric"].unique().tolist()
    ['outcome', 'spend', 'roas']
    """
    ahead, notes = prepared(fit, horizon, controls=controls, counts=counts, draws=draws, seed=seed)
    return forecast_plan(ahead, plan, notes, seed=seed, by_channel=by_channel)


def forecast_plan(
    ahead: Ahead, plan: PlanLike | None, notes: list[str], *, seed: int, by_channel: bool
) -> Forecast:
    """Read one plan and play it on what was prepared; several plans may be, one after the other.

    Parameters
    ----------
    ahead, notes : from :func:`prepared`
    plan, by_channel : as in :func:`forecast`
    seed : that ahead was prepared with
    """
    spend, told = spend_ahead(plan, ahead.fit.panel, ahead.fit.current_spend, ahead.dates)
    return forecast_of(ahead, spend, (*told, *notes), seed=seed, by_channel=by_channel)


def prepared(
    fit: Posterior,
    horizon: str | int,
    *,
    controls: FrameLike | None = None,
    counts: bool | None = None,
    draws: int = 1000,
    seed: int,
) -> tuple[Ahead, list[str]]:
    """All that does not depend on the plan, and notes; arguments as in :func:`forecast`."""
    _check(fit, draws, seed)
    panel = fit.panel
    n_periods = periods_in(horizon, panel.period_days, "horizon")
    if n_periods * panel.period_days > MOST_DAYS:
        raise InputError(
            f"horizon must be at most two years; got {horizon!r}, which is {n_periods:,} "
            f"{panel.period} periods."
        )
    dates = dates_after(panel.dates[-1], panel.period, n_periods)
    values, notes = controls_ahead(controls, panel, dates)
    before = np.zeros(panel.exists.shape)
    before[panel.exists] = fit.current_spend.to_numpy(float)
    whole = is_count(panel) if counts is None else counts
    ahead = prepare(fit, values, before, counts=whole, n_draws=draws, seed=seed)
    return ahead, notes


def forecast_of(
    ahead: Ahead, spend: np.ndarray, notes: tuple[str, ...], *, seed: int, by_channel: bool
) -> Forecast:
    """Play one plan on what was prepared, and name everything.

    Parameters
    ----------
    ahead : from :func:`prepared`
    spend : (account, channel, period) 0 where there is no cell
    notes : how the plan was read
    seed : that ahead was prepared with
    by_channel : whether to keep the channels
    """
    fit, panel = ahead.fit, ahead.fit.panel
    played = play(ahead, spend, by_channel=by_channel)
    account, channel = list(panel.accounts), list(panel.channels)
    dates = ahead.dates.astype("datetime64[ns]")
    over_time = ("draw", "account", "date")
    named = {
        "outcome": (over_time, played.outcome),
        "expected": (over_time, played.expected),
        "spend": (
            ("account", "channel", "date"),
            np.where(panel.exists[..., None], spend, np.nan),
        ),
    }
    if played.media is not None:
        named["media"] = (("draw", "account", "channel", "date"), played.media)
    coords = {"account": account, "channel": channel, "date": dates}
    return Forecast(
        draws=xr.Dataset(named, coords=coords),
        history=xr.DataArray(
            panel.outcome,
            dims=("account", "date"),
            coords={"account": account, "date": panel.dates.astype("datetime64[ns]")},
        ),
        outcome_name=panel.outcome_name,
        counts=ahead.counts,
        unit_value=panel.unit_value,
        currency=panel.currency,
        period=panel.period,
        health=fit.health,
        warnings=cautions(fit, spend, ahead.dates),
        notes=notes,
        seed=seed,
    )


def is_count(panel: Panel) -> bool:
    """Whether outcomes are whole numbers, called or priced as things that are counted."""
    seen = panel.outcome[np.isfinite(panel.outcome)]
    whole = bool((seen >= 0).all() and (seen == np.round(seen)).all())
    return whole and (counts_things(panel.outcome_name) or bool((panel.unit_value != 1).any()))


def _check(fit: object, draws: object, seed: object) -> None:
    if not isinstance(fit, Posterior):
        raise InputError(
            f"forecast needs a Fit; got {type(fit).__name__}. Make one with fit(read_panel(frame))."
        )
    for name, value, least in (("draws", draws, 100), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"{name} must be an integer >= {least}; got {value!r}.")
