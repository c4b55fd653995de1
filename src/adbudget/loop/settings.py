"""What a loop may do, stated once: how far, how often, at what risk. A record, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal
from zoneinfo import ZoneInfo

from adbudget.errors import InputError
from adbudget.tables.instants import zone_of

PERIOD_DAYS = {"daily": 1, "weekly": 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """What a loop may do. A cell is one channel of one account.

    Attributes
    ----------
    period : of the panel that is learned from
    time_zone : IANA name of the time zone in which the accounts count their days
    time_zones : the same of single accounts, by name
    margin : share of the outcome's money that is contribution margin, or mapping from account, as
        in :func:`adbudget.read_panel`; all of it when not given, and a note says so
    value_per_unit : what one unit of an outcome that counts things (leads, orders) is worth, or
        mapping from account
    history_days : of the first fit, and of every refit
    restate_days : days that are read again every cycle, so that late and corrected rows count
    outcome_days : age from which an outcome counts, until the loop has learned how outcomes come in
    change : largest relative move of a cell in a cycle
    quarter_change : how far a cell may get from its budget of 91 days ago, relative
    aversion : how much a step's worst tenth counts against its mean, see :class:`adbudget.Risk`;
        higher than for a single decision, as what is believed wrongly is acted on again and again
    exploration : what exploring may be expected to cost against the best plan, as a share of spend;
        0 explores nothing
    horizon : periods over which plans are rehearsed
    worse_by, worse_prob : a plan must not, with more than this probability, end worse than today by
        more than this share of the spend of an account over the horizon
    judge_after : periods after which a move is held against what was promised
    refit_cycles : cycles after which everything is fitted again

    Examples
    --------
    >>> from adbudget.loop import LoopSettings
    >>> settings = LoopSettings(change=0.1, exploration=0.0)
    >>> settings.change, settings.period_days, [str(zone) for zone in settings.zones]
    (0.1, 7, ['UTC'])
    """

    period: Literal["daily", "weekly"] = "weekly"
    time_zone: str = "UTC"
    time_zones: Mapping[str, str] = field(default_factory=dict)
    margin: float | Mapping[str, float] | None = None
    value_per_unit: float | Mapping[str, float] | None = None
    history_days: int = 728
    restate_days: int = 56
    outcome_days: int = 1
    change: float = 0.2
    quarter_change: float = 0.6
    aversion: float = 0.5
    exploration: float = 0.005
    horizon: int = 8
    worse_by: float = 0.05
    worse_prob: float = 0.1
    judge_after: int = 4
    refit_cycles: int = 8

    def __post_init__(self) -> None:
        if self.period not in PERIOD_DAYS:
            raise InputError(f"period must be one of {tuple(PERIOD_DAYS)}; got {self.period!r}.")
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            whole = isinstance(low, int)
            good = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            if not good or not low <= value <= high:
                raise InputError(
                    f"{name} must be {'a whole number' if whole else 'a number'} from {low} to "
                    f"{high}; got {value!r}."
                )

        if not isinstance(self.time_zones, Mapping):
            raise InputError(
                f"time_zones must name a zone by account, such as {{'acme': 'Asia/Tokyo'}}; got "
                f"{self.time_zones!r}."
            )
        if not all(isinstance(one, str) for one in (self.time_zone, *self.time_zones.values())):
            raise InputError("time_zone and time_zones must be IANA names, such as Europe/Berlin.")
        assert self.zones

    @property
    def zones(self) -> tuple[ZoneInfo, ...]:
        """Time zones of the accounts, each once.

        Raises
        ------
        InputError : a name is not known
        """
        names = dict.fromkeys((self.time_zone, *self.time_zones.values()))
        return tuple(zone_of(name) for name in names)

    @property
    def period_days(self) -> int:
        """Days in a period."""
        return PERIOD_DAYS[self.period]


RANGES: dict[str, tuple[float, float]] = {
    "history_days": (56, 3660),
    "restate_days": (7, 366),
    "outcome_days": (0, 90),
    "change": (0.0, 1.0),
    "quarter_change": (0.0, 10.0),
    "aversion": (0.0, 1.0),
    "exploration": (0.0, 0.5),
    "horizon": (1, 52),
    "worse_by": (0.0, 1.0),
    "worse_prob": (0.0, 1.0),
    "judge_after": (1, 26),
    "refit_cycles": (1, 1000),
}
NO_NUMBERS = {"period", "time_zone", "time_zones", "margin", "value_per_unit"}
assert set(RANGES) == {one.name for one in fields(LoopSettings)} - NO_NUMBERS
