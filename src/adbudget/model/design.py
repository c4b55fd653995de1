"""Design: every number that must not change when new rows arrive, so that evidence adds up.

What spend and outcome are divided by, the means of the basis, where trends start. Knows nothing
of where the numbers come from (``reference.py``) or of priors on returns.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.curves import adstock, delayed, retention_rate, s_curve, saturation
from adbudget.model.priors import Priors
from adbudget.panel.panel import Panel

WARM_UP_DAYS = 28  # the state before the first record is the mean of this many days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommonMovement:
    """What spend of one account's channels moves together; see ``demand.py``.

    Attributes
    ----------
    variance : of the log movement channels of one account share; 0 when there is none to be seen
    loading : (channel,) how far a channel goes along with it, 1 on average
    calendar : (channel, calendar column) what the calendar does to log spend
    level : (account, channel) log spend in units of the cell's mean, calendar aside
    limit : (account, channel) movements beyond this count as this
    information : (account, channel) one over the variance of the cell's own movement; 0: unknown
    """

    variance: float
    loading: np.ndarray
    calendar: np.ndarray
    level: np.ndarray
    limit: np.ndarray
    information: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """Fixed scales and reference points of one model.

    Attributes
    ----------
    accounts, channels, controls : names, in axis order
    scale : (account, channel) mean spend over the channel's life; NaN where there is no cell
    outcome_scale : (account,) mean absolute outcome in money
    basis_mean : (account, channel, adstock, saturation) mean of the raw basis over the life
    retention : (retention,) rates of the adstocks
    mix : (adstock, retention) each adstock as a mix of geometric ones
    unit : (account, channel) what adstocks and half-saturations are in units of: the mean spend
        that money is spent at, sum of squares over sum, so that weeks without spend do not count
    half_saturation : (concave,) the grid of the concave curves
    s_shaped : (s-shaped,) the grid of the S-shaped ones, which come after them
    origin : (account,) datetime64[D] where the account's trend starts
    control_mean, control_sd : (account, control)
    period_days : days in one period
    season_order : pairs of yearly waves
    trend_knot_days : days between two knots of the trend
    movement : what channels of an account move together; None while it is not yet known
    """

    accounts: tuple[str, ...]
    channels: tuple[str, ...]
    controls: tuple[str, ...]
    scale: np.ndarray
    outcome_scale: np.ndarray
    basis_mean: np.ndarray
    retention: np.ndarray
    mix: np.ndarray
    unit: np.ndarray
    half_saturation: np.ndarray
    s_shaped: np.ndarray
    origin: np.ndarray
    control_mean: np.ndarray
    control_sd: np.ndarray
    period_days: float
    season_order: int
    trend_knot_days: float
    movement: CommonMovement | None = None

    @property
    def exists(self) -> np.ndarray:
        """(account, channel) whether the cell exists."""
        return np.isfinite(self.scale)

    @property
    def spend_share(self) -> np.ndarray:
        """(account, channel) mean spend in units of the account's mean outcome; NaN: no cell."""
        return settled(self.scale / self.outcome_scale[:, None])

    @property
    def n_basis(self) -> int:
        """Basis curves per cell."""
        return self.mix.shape[0] * (self.half_saturation.size + self.s_shaped.size)

    def saturated(self, level: np.ndarray) -> np.ndarray:
        """Every saturation curve at an adstock in units of ``unit``: (...) to (..., saturation)."""
        concave = saturation(level, self.half_saturation)
        return np.concatenate([concave, s_curve(level, self.s_shaped)], axis=-1)


def adstock_grid(priors: Priors, period_days: float) -> tuple[np.ndarray, np.ndarray]:
    """(retention,) rates of the adstocks, and (adstock, retention) how each mixes them."""
    half_lives = sorted({half_life for adstock in priors.adstocks for half_life in adstock})
    rate = retention_rate(np.array(half_lives), period_days)
    mix = np.zeros((len(priors.adstocks), rate.size))
    for row, parts in zip(mix, priors.adstocks, strict=True):
        at = [half_lives.index(half_life) for half_life in parts]
        row[at] = (1.0,) if len(parts) == 1 else delayed(*rate[at])
    return rate, mix


def settled(values: np.ndarray) -> np.ndarray:
    """Numbers rounded to nine digits, so that the same data in another unit are the same data.

    Money in cents, or in thousands, divided by its mean differs in the last of sixteen digits, and
    a sampler that starts from other last digits takes another path.
    """
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2.0**30) / 2.0**30, exponent)


def first_state(panel: Panel, design: Design) -> np.ndarray:
    """(account, channel, retention) adstock before the first record: the first weeks' level.

    A channel that starts after the account's record has begun was off before, so its state is 0.
    """
    window = max(1, round(WARM_UP_DAYS / panel.period_days))
    state = np.zeros((*design.scale.shape, design.retention.size))
    for a, c in np.argwhere(design.exists):
        begin = panel.first[a]
        if panel.live[a, c, begin]:
            first = panel.spend[a, c, begin : begin + window].mean()
            state[a, c] = settled(first / design.unit[a, c])
    return state


def carried_spend(panel: Panel, design: Design, state: np.ndarray) -> np.ndarray:
    """(account, channel, retention, period) adstock in units of ``design.unit``.

    The recursion starts at each account's first record: periods before it hold the first state.
    """
    scaled = np.nan_to_num(settled(panel.spend / design.unit[..., None]))
    if not panel.first.any():
        return adstock(scaled, design.retention, state)
    stock = np.empty((*state.shape, panel.dates.size))
    for a, begin in enumerate(panel.first):
        stock[a, ..., :begin] = state[a, ..., None]
        stock[a, ..., begin:] = adstock(scaled[a, :, begin:], design.retention, state[a])
    return stock
