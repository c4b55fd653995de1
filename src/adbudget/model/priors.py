"""Every prior and the pooling choice in one frozen record. Knows nothing of data or sampling."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from math import isfinite, pi

from adbudget.display.page import Listed
from adbudget.errors import InputError
from adbudget.model.learned import Learned


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Priors(Listed):
    """What is believed before any data, in plain words.

    Returns are in log units: a spread of 0.5 means that two cells of one channel typically differ
    by a factor of about 1.6. For no pooling, fit the accounts one by one; for complete pooling, set
    both spreads near zero.

    Attributes
    ----------
    roi_median : return on one unit of spend of a middling channel (money per money)
    roi_sd : how far a channel may differ from it (log units)
    channels_alike : share of that variance that all channels have in common, in (0, 1): what a
        channel is believed to return depends on what the others turn out to return, so that a
        channel the data say little about is taken for one like them; near 0 it is taken for a
        middling one
    returns_df : degrees of freedom of the Student-t priors on that level, on how far channels are
        from it (all of them together, so that channels may turn out far apart), and on how far
        one account is from its channel
    channel_spread : scale of the half-normal prior on how far accounts differ within a channel
    account_spread : scale of the half-normal prior on how far whole accounts differ
    null_start : log units below the level channels share from which returns fall towards zero
        faster
    null_slope : how much faster; 0 gives the plain log-normal, which can never reach zero
    saturation_centre, saturation_sd : where a channel is expected in the row of saturation curves,
        -1 being the one that saturates first and 1 the last of the S-shaped ones, and how far from
        it a channel may be
    cell_saturation_sd : how far one account-channel may be from its channel there
    saturation_focus : how narrowly the weights of these curves gather around that place, as with
        ``adstock_focus``
    adstock_centre, adstock_sd : where a channel is expected on the half-life grid, -1 being the
        shortest and 1 the longest, and how far from it a channel may be
    cell_adstock_sd : how far one account-channel may be from its channel there
    adstock_focus : how narrowly the weights of the half-lives gather around that place: those at
        distance d have exp(-focus d^2 / 2) times the weight of one that sits there
    half_saturation : grid of half-saturation points of the concave curves, in units of the spend
        that the cell's money is spent at (sum of squares over sum: where spend never stops a little
        above the mean, where it comes in bursts the height of a burst)
    s_shaped : likewise of the S-shaped curves s^2 / (s^2 + k^2); () for concave ones only
    half_life_days : grid of carry-over half-lives in days, of effects that are strongest at once
    delayed_half_lives : (shorter, longer) half-lives of effects that first build up: one decay fed
        into the other
    noise_share, noise_df : prior guess of the noise as a share of the mean outcome, and how many
        periods that guess is worth
    level_share, level_odds_sd : share of the mean outcome that needs no advertising, of accounts
        like these (median), and how far it may be from that, in log odds, so that it stays between
        0 and 1
    level_spread : how far accounts differ in it, in log odds (median; found from the data)
    trend_knot_days, trend_sd : the baseline's level may wander by about ``trend_sd`` of the mean
        outcome every ``trend_knot_days``
    season_order, season_sd : pairs of yearly waves (None: 4 for daily and weekly, 2 for monthly
        panels) and the scale of the first, as a share of the mean outcome; the k-th has
        ``season_sd / k``
    weekday_sd : scale of the day-of-week effects of daily panels, as a share of the mean outcome
    control_sd : scale of the effect of one standard deviation of a control, likewise
    demand_effect, demand_sd : share of the mean outcome by which demand would have moved the
        outcome when all channels of an account move by one log unit together, and its scale
    baseline_apart : how far accounts differ in all of these, as a share of the scale
    baseline_df : how many observations the guesses of these scales (``trend_sd`` too) are worth;
        the rest is found from the data
    learned : what other accounts have shown of returns, spreads, shapes and the calendar, in the
        place of the beliefs above; ``fit(population=...)`` fills it in

    Examples
    --------
    >>> ab.Priors(roi_median=1.5)  # a middling channel brings back 1.5 times its cost
    Priors(roi_median=1.5)
    >>> priors = ab.Priors()
    >>> len(priors.adstocks) == len(priors.adstock_names), priors.saturation_names[:2]
    (True, ('0.2', '0.6'))
    >>> round(priors.between_channels, 2), round(priors.common_level, 2)
    (0.5, 1.2)
    >>> list(priors.unseen_channel)[:2]
    ['channel_return', 'channel_spread']
    """

    roi_median: float = 1.0
    roi_sd: float = 1.3
    channels_alike: float = 0.85
    returns_df: float = 4.0
    channel_spread: float = 0.5
    account_spread: float = 0.3
    null_start: float = 1.0
    null_slope: float = 3.0
    saturation_centre: float = -0.3
    saturation_sd: float = 0.8
    cell_saturation_sd: float = 0.15
    saturation_focus: float = 12.0
    adstock_centre: float = -0.2
    adstock_sd: float = 0.7
    cell_adstock_sd: float = 0.2
    adstock_focus: float = 14.0
    half_saturation: tuple[float, ...] = (0.2, 0.6, 1.8, 5.4)
    s_shaped: tuple[float, ...] = (1.0,)
    half_life_days: tuple[float, ...] = (0.0, 3.5, 8.0, 28.0)
    delayed_half_lives: tuple[tuple[float, float], ...] = ((7.0, 10.0),)
    noise_share: float = 0.1
    noise_df: float = 0.5
    level_share: float = 0.7
    level_odds_sd: float = 1.5
    level_spread: float = 0.5
    trend_knot_days: float = 28.0
    trend_sd: float = 0.03
    season_order: int | None = None
    season_sd: float = 0.2
    weekday_sd: float = 0.2
    control_sd: float = 0.1
    baseline_apart: float = 0.5
    baseline_df: float = 3.0
    demand_effect: float = 0.2
    demand_sd: float = 0.4
    learned: Learned | None = None

    @property
    def between_channels(self) -> float:
        """How far channels differ from the level they have in common (log units)."""
        return self.roi_sd * (1 - self.channels_alike) ** 0.5

    @property
    def common_level(self) -> float:
        """How far that level may be from ``roi_median`` (log units)."""
        return self.roi_sd * self.channels_alike**0.5

    @property
    def unseen_channel(self) -> dict[str, tuple[float, float]]:
        """Mean and sd of the parameters of one channel; of its log return less the level."""
        spread = self.channel_spread  # of a half-normal
        return {
            "channel_return": (0.0, self.between_channels),
            "channel_spread": (spread * (2 / pi) ** 0.5, spread * (1 - 2 / pi) ** 0.5),
            "saturation_tilt": (self.saturation_centre, self.saturation_sd),
            "adstock_tilt": (self.adstock_centre, self.adstock_sd),
        }

    @property
    def adstocks(self) -> tuple[tuple[float, ...], ...]:
        """Half-lives of every adstock curve, from short to long: one, or two for a delayed one."""
        plain = [(half_life,) for half_life in self.half_life_days]
        return tuple(sorted((*plain, *self.delayed_half_lives), key=sum))

    @property
    def adstock_names(self) -> tuple[str, ...]:
        """Names of the adstock curves: their half-lives in days, "4+7" for a delayed one."""
        return tuple("+".join(f"{days:g}" for days in parts) for parts in self.adstocks)

    @property
    def saturation_names(self) -> tuple[str, ...]:
        """Names of the saturation curves: their half-saturations, "S 1" for an S-shaped one."""
        concave = (f"{point:g}" for point in self.half_saturation)
        return (*concave, *(f"S {point:g}" for point in self.s_shaped))

    def __post_init__(self) -> None:
        may_be_zero = {"null_start", "null_slope", "demand_effect"}
        for name, value in asdict(self).items():
            if name == "learned":
                continue
            if name in {"half_saturation", "half_life_days"}:
                _check_grid(name, value, smallest=0.0 if name == "half_life_days" else 1e-6)
            elif name == "s_shaped":
                _check_grid(name, value or (1.0,), smallest=1e-6)
            elif name == "delayed_half_lives":
                _check_delayed(value)
            elif name == "season_order":
                _check_season(value)
            elif name == "channels_alike":
                _check_alike(value)
            elif name in {"adstock_centre", "saturation_centre"}:
                _check_finite(name, value)
            elif name == "level_share":
                _check_level(value)
            elif not (isfinite(value) and (value > 0 or (name in may_be_zero and value == 0))):
                raise InputError(f"Priors.{name} must be a positive finite number; got {value!r}.")


def _check_alike(share: float) -> None:
    if not 0 < share < 1:
        raise InputError(
            f"Priors.channels_alike must be in (0, 1); got {share!r}. "
            "For channels with next to nothing in common, pass 0.01."
        )


def _check_finite(name: str, value: float) -> None:
    if not isfinite(value):
        raise InputError(f"Priors.{name} must be a finite number; got {value!r}.")


def _check_level(share: float) -> None:
    if not 0 < share < 1:
        raise InputError(f"Priors.level_share must be between 0 and 1; got {share!r}.")


def _check_grid(name: str, grid: tuple[float, ...], smallest: float) -> None:
    increasing = all(low < high for low, high in pairwise(grid))
    if not grid or not increasing or grid[0] < smallest or not isfinite(grid[-1]):
        raise InputError(
            f"Priors.{name} must be an increasing tuple of numbers >= {smallest}; got {grid!r}."
        )


def _check_delayed(pairs: tuple[tuple[float, float], ...]) -> None:
    good = all(len(pair) == 2 and 0 < pair[0] < pair[1] < float("inf") for pair in pairs)
    if not good:
        raise InputError(
            "Priors.delayed_half_lives must be pairs (shorter, longer) of two different half-lives "
            f"> 0 in days; got {pairs!r}."
        )


def _check_season(order: int | None) -> None:
    if order is not None and (isinstance(order, bool) or not isinstance(order, int) or order < 0):
        raise InputError(f"Priors.season_order must be None or an integer >= 0; got {order!r}.")
