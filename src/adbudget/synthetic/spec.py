"""WorldSpec: what a synthetic world is like, checked; and the named families."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import pandas as pd

from adbudget.errors import InputError

Period = Literal["daily", "weekly", "monthly"]
Curve = Literal["saturating", "hill", "power", "mixed"]
Carryover = Literal["geometric", "weibull_delayed"]

CHANNEL_NAMES = ("search", "shopping", "social", "video", "display", "audio", "affiliate", "email")
MIN_PERIODS = 8  # below this a panel has nothing to fit

_SHARES = (
    *("dud_share", "dud_cell_share", "outlier_share", "late_start_share", "demand_signal"),
    *("stopped_share", "unused_share", "demand_follow"),
)
_NOT_NEGATIVE = (
    *("spend_spread", "spend_variation", "roi_spread", "account_spread", "cell_spread"),
    *("saturation_spread", "noise", "season_strength", "trend", "drift"),
)
_POSITIVE = ("roi_median", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSpec:
    """What a synthetic world is like. Log-sd means standard deviation of the logarithm.

    Attributes
    ----------
    n_accounts, n_channels : size of the world
    n_periods : length of every history, or (shortest, longest): lengths spread evenly between
        both, dealt to the accounts at random; all end at ``last_date``
    period : "daily", "weekly" (dated on its first day) or "monthly" (dated on the 1st)
    channels : channel names; empty takes the usual ones
    last_date : date of the last period
    curve : "saturating" x / (x + k), "hill" S-shaped with exponent 1.5 to 2.5, "power" x^b with b
        .3 to .8, or "mixed": each channel is hill or power
    carryover : "geometric" decay, or "weibull_delayed", which peaks about one to three
        weeks later
    weekly_spend : (smallest, largest) account's spend per week, log-uniform between
    spend_spread : log-sd of the channels' sizes inside an account
    spend_variation : log-sd of a cell's own spend over time: drifting level and campaign pulses
    on_share : (lowest, highest) share of its life in which a channel spends, in flights with
        nothing between them; uniform by channel. (1, 1) spends always
    flight_weeks : (shortest, longest) flight of such a channel, uniform
    roi_median : median of the average ROI, in money, at mean spend
    roi_spread, account_spread, cell_spread : log-sd of ROI between channels, accounts, and cells
    saturation_spread : log-sd of half-saturation, around 1 x mean spend, kept in .3 to 4
    half_life_weeks : (shortest, longest) carry-over half-life of a channel, log-uniform between
    baseline_share : (lowest, highest) share of the outcome that needs no advertising
    noise : sd of the noise as a share of the account's mean outcome
    noise_tail : Student-t degrees of freedom of the noise, above 1, whose scale ``noise`` then is;
        None is Gaussian
    noise_growth : variance of the noise grows with this power of the expected outcome, 0 to 2
    noise_persistence : autocorrelation of the noise from one period to the next, in [0, 1)
    counts : the outcome is a whole number, drawn from a Poisson distribution after the noise
    season_strength : log-sd of seasonal demand
    hidden_demand_share : share of the variance of log demand that no calendar explains, in [0, 1)
    demand_signal : share of the variance of the unexplained demand that a control column,
        ``demand_index``, shows; 0 leaves the column out
    growth : log demand growth per year that all accounts have in common; negative: they shrink
    trend : sd between accounts of log demand growth per year, around ``growth``
    demand_follow : 0 spend ignores demand, 1 spend is about proportional to it
    outlier_share : share of periods hit: half by a spike (Black Friday first), half by an outage
        of tracking
    dud_share : share of channels that do nothing for anybody
    dud_channels : names of channels that do nothing, instead of a share drawn at random
    dud_follow : how spend on dud channels follows demand, 0 to 2; None: as any other channel
    dud_cell_share : share of the remaining cells that do nothing
    late_start_share : share of cells that start 20% to 60% into the account's history
    stopped_share : share of cells that stop 50% to 80% into it
    unused_share : share of cells that the account never uses; every account keeps one channel
    drift : log-sd between channels of the step in returns at the middle of the longest history
    currency : currency code
    value : money one outcome unit brings in; 1 when the outcome is money
    kpi : name of the outcome column

    Examples
    --------
    >>> from adbudget.synthetic import WorldSpec
    >>> spec = WorldSpec(n_accounts=2, n_channels=2, period="weekly")
    >>> spec.account_names, spec.channel_names, spec.period_range
    (('account_01', 'account_02'), ('search', 'shopping'), (104, 104))
    >>> WorldSpec.from_dict(spec.to_dict()) == spec
    True
    >>> WorldSpec.agency().n_accounts, WorldSpec.shop_daily().period
    (12, 'daily')
    """

    n_accounts: int = 8
    n_channels: int = 4
    n_periods: int | tuple[int, int] = 104
    period: Period = "weekly"
    channels: tuple[str, ...] = ()
    last_date: str = "2025-03-31"
    curve: Curve = "saturating"
    carryover: Carryover = "geometric"
    weekly_spend: tuple[float, float] = (1_000.0, 100_000.0)
    spend_spread: float = 0.5
    spend_variation: float = 0.4
    on_share: tuple[float, float] = (1.0, 1.0)
    flight_weeks: tuple[float, float] = (2.0, 6.0)
    roi_median: float = 1.5
    roi_spread: float = 0.5
    account_spread: float = 0.15
    cell_spread: float = 0.25
    saturation_spread: float = 0.6
    half_life_weeks: tuple[float, float] = (0.5, 4.0)
    baseline_share: tuple[float, float] = (0.4, 0.7)
    noise: float = 0.08
    noise_tail: float | None = None
    noise_growth: float = 0.0
    noise_persistence: float = 0.0
    counts: bool = False
    season_strength: float = 0.15
    hidden_demand_share: float = 0.0
    demand_signal: float = 0.0
    growth: float = 0.0
    trend: float = 0.05
    demand_follow: float = 0.3
    outlier_share: float = 0.0
    dud_share: float = 0.0
    dud_channels: tuple[str, ...] = ()
    dud_follow: float | None = None
    dud_cell_share: float = 0.0
    late_start_share: float = 0.0
    stopped_share: float = 0.0
    unused_share: float = 0.0
    drift: float = 0.0
    currency: str = "EUR"
    value: float = 1.0
    kpi: str = "revenue"

    def __post_init__(self) -> None:
        _check_sizes(self)
        _check_choices(self)
        _check_numbers(self)
        _check_names(self)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """One name per channel."""
        extra = tuple(f"channel_{i + 1}" for i in range(len(CHANNEL_NAMES), self.n_channels))
        return self.channels or (CHANNEL_NAMES + extra)[: self.n_channels]

    @property
    def account_names(self) -> tuple[str, ...]:
        """One name per account, numbered with leading zeros so that they sort."""
        width = max(2, len(str(self.n_accounts)))
        return tuple(f"account_{i + 1:0{width}d}" for i in range(self.n_accounts))

    @property
    def period_range(self) -> tuple[int, int]:
        """(shortest, longest) history in periods."""
        return _length_range(self.n_periods)

    def to_dict(self) -> dict[str, Any]:
        """Every setting as JSON can hold it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "WorldSpec":
        """Read the settings :meth:`to_dict` wrote.

        Raises
        ------
        InputError : unknown setting, or one out of its range
        """
        unknown = sorted(set(settings) - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(f"WorldSpec has no setting {unknown}. Remove it.")
        thawed: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in settings.items()
        }
        return cls(**thawed)

    @classmethod
    def agency(cls) -> "WorldSpec":
        """Twelve shops of an agency x 5 channels, weekly, half a year to three years of history.

        Buyers spend with the season and with demand only they see; display does nothing, but its
        spend follows demand most, so that its dashboard ROAS looks best.
        """
        return cls(
            n_accounts=12,
            n_channels=5,
            n_periods=(26, 156),
            channels=("search", "shopping", "social", "video", "display"),
            noise=0.06,
            season_strength=0.16,
            hidden_demand_share=0.1,
            demand_follow=0.5,
            dud_channels=("display",),
            dud_follow=1.4,
            outlier_share=0.03,
            late_start_share=0.04,
            stopped_share=0.02,
        )

    @classmethod
    def shop_daily(cls) -> "WorldSpec":
        """Three shops x four channels, 400 days each, with a weekday pattern."""
        return cls(
            n_accounts=3,
            n_channels=4,
            n_periods=400,
            period="daily",
            weekly_spend=(3_000.0, 30_000.0),
            half_life_weeks=(0.2, 2.0),
            noise=0.1,
            demand_follow=0.4,
            outlier_share=0.01,
        )


def families() -> dict[str, WorldSpec]:
    """Named specs of the proving ground, from as the model assumes to everything it does not.

    Examples
    --------
    >>> from adbudget.synthetic import families
    >>> "assumed" in families(), "confounded" in families()
    (True, True)
    """
    return {
        "assumed": WorldSpec(),
        "misspecified": WorldSpec(curve="mixed", carryover="weibull_delayed"),
        "ragged": WorldSpec(n_periods=(26, 156), late_start_share=0.1, unused_share=0.1),
        "confounded": WorldSpec(demand_follow=0.9, hidden_demand_share=0.5, demand_signal=0.5),
        "duds": WorldSpec(dud_share=0.25, dud_cell_share=0.2),
        "noisy": WorldSpec(noise=0.25),
        "drifting": WorldSpec(drift=0.5),
        "tiny": WorldSpec(n_accounts=200, n_periods=30),
        "growing": WorldSpec(growth=0.7),
        "shrinking": WorldSpec(growth=-0.7),
        "high_base": WorldSpec(baseline_share=(0.85, 0.95)),
        "heavy_tailed": WorldSpec(noise_tail=2.0, noise=0.05),
        "outliers": WorldSpec(outlier_share=0.03),
        "flighted": WorldSpec(on_share=(0.35, 0.8), demand_follow=0.0),
        "high_return": WorldSpec(roi_median=60.0, roi_spread=0.6),
    }


def noise_families() -> dict[str, WorldSpec]:
    """Named specs whose noise is not even, independent and Gaussian; "even" is for comparison.

    Examples
    --------
    >>> from adbudget.synthetic import noise_families
    >>> len(noise_families()) > 0
    True
    """
    return {
        "even": WorldSpec(),
        "outliers": WorldSpec(outlier_share=0.03),
        "heavy": WorldSpec(noise_tail=2.0, noise=0.05),
        "persistent": WorldSpec(noise_persistence=0.7),
        "noise_grows": WorldSpec(noise_growth=2.0, season_strength=0.3),
        "counts": WorldSpec(counts=True, value=400.0, kpi="leads", noise=0.02),
    }


def _length_range(n_periods: int | tuple[int, int]) -> tuple[int, int]:
    return n_periods if isinstance(n_periods, tuple) else (n_periods, n_periods)


def _check_sizes(spec: WorldSpec) -> None:
    for name in ("n_accounts", "n_channels"):
        count = getattr(spec, name)
        if not isinstance(count, int) or count < 1:
            raise InputError(f"{name} must be a whole number of at least 1; got {count!r}.")
    pair = isinstance(spec.n_periods, tuple) and len(spec.n_periods) == 2
    lengths = _length_range(spec.n_periods) if pair or isinstance(spec.n_periods, int) else (0.5,)
    whole = all(isinstance(length, int) for length in lengths)
    if not whole or not MIN_PERIODS <= lengths[0] <= lengths[-1]:
        raise InputError(
            f"n_periods must be a whole number >= {MIN_PERIODS} or a (shortest, longest) pair of "
            f"them; got {spec.n_periods!r}."
        )


def _check_choices(spec: WorldSpec) -> None:
    for name, choices in (("period", Period), ("curve", Curve), ("carryover", Carryover)):
        if getattr(spec, name) not in get_args(choices):
            raise InputError(
                f"{name} must be one of {get_args(choices)}; got {getattr(spec, name)!r}."
            )
    if not isinstance(spec.counts, bool):
        raise InputError(f"counts must be True or False; got {spec.counts!r}.")
    try:
        pd.Timestamp(spec.last_date)
    except ValueError as cause:
        raise InputError(
            f"last_date must be a date such as '2025-03-31'; got {spec.last_date!r}."
        ) from cause


def _check_numbers(spec: WorldSpec) -> None:
    ranges = dict.fromkeys(_SHARES, (0.0, 1.0)) | dict.fromkeys(_NOT_NEGATIVE, (0.0, 10.0))
    ranges |= dict.fromkeys(_POSITIVE, (1e-6, 1e6)) | {"hidden_demand_share": (0.0, 0.99)}
    ranges |= {"noise_growth": (0.0, 2.0), "noise_persistence": (0.0, 0.99)}
    if spec.noise_tail is not None:
        ranges["noise_tail"] = (1.0, 1e6)
    ranges |= {"growth": (-3.0, 3.0)}
    if spec.dud_follow is not None:
        ranges["dud_follow"] = (0.0, 2.0)
    for name, (low, high) in ranges.items():
        number = getattr(spec, name)
        if not isinstance(number, int | float) or not low <= number <= high:
            raise InputError(f"{name} must be a number in [{low}, {high}]; got {number!r}.")
    spans = {"weekly_spend": 1e12, "half_life_weeks": 8.0, "baseline_share": 0.99}
    spans |= {"on_share": 1.0, "flight_weeks": 52.0}
    for name, top in spans.items():
        pair = getattr(spec, name)
        if len(pair) != 2 or not 0 < pair[0] <= pair[1] <= top:
            raise InputError(
                f"{name} must be a (lowest, highest) pair with 0 < lowest <= highest <= {top}; "
                f"got {pair!r}."
            )


def _check_names(spec: WorldSpec) -> None:
    if spec.channels and len(spec.channels) != spec.n_channels:
        raise InputError(
            f"channels names {len(spec.channels)} channel(s), n_channels is {spec.n_channels}. "
            "Make both agree, or leave channels empty."
        )
    if len(set(spec.channel_names)) != spec.n_channels:
        raise InputError(f"channels must be different from each other; got {spec.channels}.")
    unknown = sorted(set(spec.dud_channels) - set(spec.channel_names))
    if unknown:
        raise InputError(f"dud_channels names {unknown}; the channels are {spec.channel_names}.")
    reserved = {"account", "date", "channel", "spend", "demand_index"}
    taken = reserved & {spec.kpi, *spec.channel_names}
    if taken or not spec.kpi or spec.kpi in spec.channel_names:
        raise InputError(
            f"kpi and channels must be different from each other and from account, date, channel, "
            f"spend and demand_index; got kpi={spec.kpi!r}, channels={spec.channel_names}."
        )
