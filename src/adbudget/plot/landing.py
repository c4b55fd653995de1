"""Curve draws -> carry-over: how much of the effect of one unit of spend has landed, day by day."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.curves import saturation_slope
from adbudget.draws import CurveDraws, HasDraws
from adbudget.errors import InputError
from adbudget.plot.asked import known_account
from adbudget.plot.axes import dress, name_ends, one_axes, share, short
from adbudget.plot.palette import BAND, FAINT, colours, dashes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INTERVAL = (0.05, 0.95)
MOST_DAYS = 200.0
MOST_BANDS = 3  # channels up to which bands can be told apart
LANDED = 0.99  # share of the effect up to which it is followed


def carry_over_data(
    fit: HasDraws, account: str, channels: Sequence[str] | None = None
) -> pd.DataFrame:
    """Share of the effect of a little more spend that has landed after so many days.

    Parameters
    ----------
    fit : a Fit, or anything with ``draws`` and ``current_spend``, at which the effect is looked at
    account : its name
    channels : some of the account's; all of them when None

    Returns
    -------
    pd.DataFrame with account, channel, days (to the end of each period), landed, low, high (mean
    and 90% interval of the share, in [0, 1])

    Raises
    ------
    InputError : an account or channel is unknown

    Examples
    --------
    >>> list(ab.plot.carry_over_data(fit, "account_01").columns)
    ['account', 'channel', 'days', 'landed', 'low', 'high']
    """
    draws, a = fit.draws, known_account(account, fit.draws.accounts)
    names = [draws.channels[c] for c in np.flatnonzero(draws.exists[a])]
    wanted = names if channels is None else list(channels)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise InputError(f"{account} has no channel {unknown}; there are {names[:10]}.")
    now, parts = pd.Series(fit.current_spend), []
    periods = np.arange(1, int(np.ceil(MOST_DAYS / draws.period_days)) + 1)
    landed_of = 1 - draws.mix @ draws.retention[:, None] ** periods  # (adstock, period)
    for name in wanted:
        c = draws.channels.index(name)
        weight = _marginal_weights(draws, a, c, float(now.loc[(account, name)]))
        landed = weight @ landed_of
        low, high = np.quantile(landed, INTERVAL, axis=0)
        columns = {"days": periods * draws.period_days, "landed": landed.mean(axis=0)}
        part = pd.DataFrame({"account": account, "channel": name, **columns})
        parts.append(part.assign(low=low, high=high))
    return pd.concat(parts, ignore_index=True)


def landing_days(fit: HasDraws, account: str, shares: Sequence[float] = (0.5, 0.9)) -> pd.DataFrame:
    """Days until so much of the effect of a little more spend has landed, by channel.

    Parameters
    ----------
    fit, account : as in :func:`carry_over_data`
    shares : of the whole effect

    Returns
    -------
    pd.DataFrame with account, channel, share, days (of the mean, between periods by a straight
    line; infinite where it takes more than 200 days)

    Raises
    ------
    InputError : the account is unknown

    Examples
    --------
    >>> list(ab.plot.landing_days(fit, "account_01").columns)
    ['account', 'channel', 'share', 'days']
    """
    data, rows = carry_over_data(fit, account), []
    for channel, own in data.groupby("channel", sort=False):
        landed = np.concatenate([[0.0], own["landed"].to_numpy()])
        days = np.concatenate([[0.0], own["days"].to_numpy()])
        for one in shares:
            reached = float(np.interp(one, landed, days)) if landed[-1] >= one else np.inf
            rows.append((account, channel, one, reached))
    return pd.DataFrame(rows, columns=["account", "channel", "share", "days"])


def carry_over(
    fit: HasDraws,
    account: str,
    channels: Sequence[str] | None = None,
    *,
    ax: "Axes | None" = None,
) -> "Axes":
    """How fast the effect of spend lands, with 90% bands: when to judge a move.

    Parameters
    ----------
    fit, account, channels : as in :func:`carry_over_data`
    ax : axes to draw on

    Raises
    ------
    InputError : an account or channel is unknown, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.carry_over(fit, "account_01")
    """
    data: Any = carry_over_data(fit, account, channels)
    hues, lines = colours(fit.draws.channels), dashes(fit.draws.channels)
    axes, ends = one_axes(ax, (7.0, 4.0)), []
    slow: Any = data.loc[data["landed"] < LANDED, "days"]
    top = float(slow.max() if len(slow) else data["days"].min())
    n_shown = data["channel"].nunique()
    for name, own in data.groupby("channel", sort=False):
        days = np.concatenate([[0.0], own["days"]])
        mean, low, high = (np.concatenate([[0.0], own[k]]) for k in ("landed", "low", "high"))
        hue = hues[str(name)]
        if n_shown <= MOST_BANDS:
            axes.fill_between(days, low, high, color=hue, alpha=BAND / 1.6, linewidth=0)
        axes.plot(days, mean, color=hue, linestyle=lines[str(name)], linewidth=1.6)
        half, most = (_days_text(np.interp(one, mean, days)) for one in (0.5, 0.9))
        told = f"{short(str(name), 18)}: {half}, {most}"
        ends.append((top, float(np.interp(top, days, mean)), told, hue))
    for level in (0.5, 0.9):
        axes.axhline(level, color=FAINT, linewidth=0.6, linestyle=(0, (2, 3)))
    axes.set_xlim(0, top)
    axes.set_ylim(0, 1.03)
    name_ends(axes, ends)
    return dress(
        axes,
        title=f"{short(account)}: how fast spend takes effect",
        x="days after the spend; beside a line: days to 50% and to 90%",
        y="share of its effect",
        x_text=lambda value: f"{value:,.0f}",
        y_text=share,
    )


def _days_text(days: float) -> str:
    return f"{days:,.0f}"


def _marginal_weights(draws: CurveDraws, a: int, c: int, spend: float) -> np.ndarray:
    """(draw, adstock) share of each adstock in the effect of one more unit at a spend."""
    level = np.array([spend / draws.scale[a, c]])
    slope = saturation_slope(level, draws.half_saturation)[0]
    weight = draws.weights[:, a, c] @ slope
    total = weight.sum(axis=1, keepdims=True)
    even = np.full(weight.shape, 1 / weight.shape[1])
    return np.divide(weight, total, out=even, where=total > 0)
