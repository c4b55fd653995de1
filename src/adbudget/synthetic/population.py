"""WorldSpec + generator -> the cells: which exist, when they live, how their curves look.

Arrays are (account, channel) unless stated.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.synthetic.spec import WorldSpec

HALF_SATURATION_RANGE = (0.3, 4.0)
HILL_EXPONENTS = (1.5, 2.5)
POWER_EXPONENTS = (0.3, 0.8)
WEIBULL_SHAPES = (1.5, 3.0)
# With these shapes and scales the effect peaks about one to three weeks after the spend.
WEIBULL_WEEKS = (1.5, 4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCells:
    """What the cells are, before any period has passed.

    Attributes
    ----------
    n_periods : (account,) length of history
    used : whether the account ever uses the channel
    starts, stops : first period of the account's history with the channel, and first without
    mean_spend : per week, over the cell's life
    roi : average ROI at mean spend, in money; 0 for a dud
    dud_channel : (channel,) does nothing for anybody
    curve : (channel,) "saturating", "hill" or "power"
    half_saturation : in units of mean spend
    exponent : of the curve
    carry_days, carry_shape : as in Truth
    drift : (channel,) log step in returns
    """

    n_periods: np.ndarray
    used: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    mean_spend: np.ndarray
    roi: np.ndarray
    dud_channel: np.ndarray
    curve: np.ndarray
    half_saturation: np.ndarray
    exponent: np.ndarray
    carry_days: np.ndarray
    carry_shape: np.ndarray
    drift: np.ndarray

    def recorded(self, n_dates: int) -> np.ndarray:
        """(account, period) whether a period is in the records: all histories end together."""
        return np.arange(n_dates) >= (n_dates - self.n_periods)[:, None]


def draw_population(spec: WorldSpec, rng: np.random.Generator) -> DrawnCells:
    """Every cell of the world. Numbers are rounded, so that they survive any file."""
    shape = (spec.n_accounts, spec.n_channels)
    lengths = np.linspace(*spec.period_range, spec.n_accounts).round().astype(int)
    n_periods = rng.permutation(lengths if spec.n_accounts > 1 else lengths[-1:])
    used = _used(spec, rng)
    starts, stops = _lives(spec, n_periods, used, rng)
    dud_channel = _dud_channels(spec, rng)
    curve, half_saturation, exponent = _shapes(spec, rng)
    carry_days, carry_shape = _carryover(spec, rng)
    return DrawnCells(
        n_periods=n_periods,
        used=used,
        starts=starts,
        stops=stops,
        mean_spend=_mean_spend(spec, used, rng),
        roi=np.where(_duds(spec, used, dud_channel, rng), 0.0, _roi(spec, rng)).round(6),
        dud_channel=dud_channel,
        curve=curve,
        half_saturation=half_saturation.round(6),
        exponent=np.broadcast_to(exponent, shape).round(6),
        carry_days=carry_days.round(6),
        carry_shape=np.broadcast_to(carry_shape, shape).round(6),
        drift=(spec.drift * rng.normal(size=spec.n_channels)).round(6) + 0.0,  # no minus zero
    )


def _used(spec: WorldSpec, rng: np.random.Generator) -> np.ndarray:
    used = ~_some(np.ones((spec.n_accounts, spec.n_channels), bool), spec.unused_share, rng)
    main_channel = rng.integers(spec.n_channels, size=spec.n_accounts)
    used[np.arange(spec.n_accounts), main_channel] |= ~used.any(axis=1)
    return used


def _lives(
    spec: WorldSpec, n_periods: np.ndarray, used: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    late = _some(used, spec.late_start_share, rng)
    stopped = _some(used & ~late, spec.stopped_share, rng)
    length = np.broadcast_to(n_periods[:, None], used.shape)
    starts = np.where(late, (length * rng.uniform(0.2, 0.6, used.shape)).astype(int), 0)
    stops = np.where(stopped, (length * rng.uniform(0.5, 0.8, used.shape)).astype(int), length)
    return starts, stops


def _mean_spend(spec: WorldSpec, used: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    account_spend = _log_uniform(spec.weekly_spend, spec.n_accounts, rng)
    channel_size = rng.normal(0, spec.spend_spread, spec.n_channels)
    cell_size = rng.normal(0, spec.spend_spread / 2, used.shape)
    size = np.where(used, np.exp(channel_size + cell_size), 0.0)
    return account_spend[:, None] * size / size.sum(axis=1, keepdims=True)


def _dud_channels(spec: WorldSpec, rng: np.random.Generator) -> np.ndarray:
    if spec.dud_channels:
        return np.isin(spec.channel_names, spec.dud_channels)
    return _some(np.ones(spec.n_channels, bool), spec.dud_share, rng)


def _duds(
    spec: WorldSpec, used: np.ndarray, dud_channel: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return dud_channel | _some(used & ~dud_channel, spec.dud_cell_share, rng)


def _roi(spec: WorldSpec, rng: np.random.Generator) -> np.ndarray:
    channel = rng.normal(0, spec.roi_spread, spec.n_channels)
    account = rng.normal(0, spec.account_spread, (spec.n_accounts, 1))
    cell = rng.normal(0, spec.cell_spread, (spec.n_accounts, spec.n_channels))
    return spec.roi_median * np.exp(channel + account + cell)


def _shapes(spec: WorldSpec, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curve by channel, half-saturation by cell, exponent by channel."""
    either = rng.choice(["hill", "power"], spec.n_channels)
    curve = either if spec.curve == "mixed" else np.full(spec.n_channels, spec.curve)
    hill = rng.uniform(*HILL_EXPONENTS, spec.n_channels)
    power = rng.uniform(*POWER_EXPONENTS, spec.n_channels)
    exponent = np.select([curve == "hill", curve == "power"], [hill, power], 1.0)
    # Variances of channel and cell add up to the spread asked for: 0.8^2 + 0.6^2 = 1.
    channel = rng.normal(0, 0.8 * spec.saturation_spread, spec.n_channels)
    cell = rng.normal(0, 0.6 * spec.saturation_spread, (spec.n_accounts, spec.n_channels))
    half_saturation = np.clip(np.exp(channel + cell), *HALF_SATURATION_RANGE)
    return curve, half_saturation, exponent


def _carryover(spec: WorldSpec, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Days by cell, Weibull shape by channel."""
    delayed = spec.carryover == "weibull_delayed"
    weeks = WEIBULL_WEEKS if delayed else spec.half_life_weeks
    shape = rng.uniform(*WEIBULL_SHAPES, spec.n_channels) if delayed else np.ones(spec.n_channels)
    channel_days = 7 * _log_uniform(weeks, spec.n_channels, rng)
    cell = rng.normal(0, 0.15, (spec.n_accounts, spec.n_channels))
    return np.clip(channel_days * np.exp(cell), 7 * weeks[0], 7 * weeks[1]), shape


def _log_uniform(span: tuple[float, float], count: int, rng: np.random.Generator) -> np.ndarray:
    return np.exp(rng.uniform(np.log(span[0]), np.log(span[1]), count))


def _some(among: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Mask of a random share of the true entries."""
    candidates = np.flatnonzero(among)
    chosen = rng.permutation(candidates)[: round(share * candidates.size)]
    mask = np.zeros(among.shape, dtype=bool)
    mask.flat[chosen] = True
    return mask
