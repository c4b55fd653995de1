"""How far off is too far: the settings of a measurement. A record; measures nothing."""

from dataclasses import dataclass, field
from typing import Literal

from adbudget.display.page import Listed
from adbudget.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaceThresholds(Listed):
    """When a deal is off pace. All limits are exclusive: 10% off is still on pace.

    Attributes
    ----------
    warning, critical : deviation of spend from plan, as a share of the plan
    under_warning, under_critical, over_warning, over_critical : the same of deals below or above
        their plan alone; None takes ``warning`` and ``critical``
    hysteresis : how far back inside a limit a deal must come to be rid of its severity
    stall_days : whole days without one impression, on final figures, that make a deal stalled
    window_days : latest final days that the projection goes by
    interval : probability that the projection interval covers, in (0, 1)
    tolerance : share of the budget by which the end of a flight may miss it before that counts
        as over- or under-delivery in the probabilities
    max_data_age_hours : older figures raise an alert

    Examples
    --------
    >>> loose = ab.PaceThresholds(warning=0.3, critical=0.5)
    >>> report = ab.pace(booked, delivered, as_of="2026-03-11", thresholds=loose)
    >>> report.status["severity"].tolist()
    ['none']
    >>> loose.limits("under")
    (0.3, 0.5)
    """

    warning: float = field(
        default=0.10, metadata={"help": "Deviation from plan that is too much, 0.10."}
    )
    critical: float = field(
        default=0.25, metadata={"help": "Deviation that is far too much, 0.25."}
    )
    under_warning: float | None = field(
        default=None, metadata={"help": "Of deals below their plan alone; --warning if not given."}
    )
    under_critical: float | None = field(
        default=None, metadata={"help": "Of deals below their plan alone; --critical if not given."}
    )
    over_warning: float | None = field(
        default=None, metadata={"help": "Of deals above their plan alone; --warning if not given."}
    )
    over_critical: float | None = field(
        default=None, metadata={"help": "Of deals above their plan alone; --critical if not given."}
    )
    hysteresis: float = 0.02
    stall_days: int = 2
    window_days: int = 7
    interval: float = 0.80
    tolerance: float = 0.0
    max_data_age_hours: float = 48.0

    def __post_init__(self) -> None:
        pairs = {"": (self.warning, self.critical)}
        pairs |= {"under_": self.limits("under"), "over_": self.limits("over")}
        for side, (warning, critical) in pairs.items():
            if not 0 < warning < critical:
                raise InputError(
                    f"{side}warning must be above 0 and below {side}critical, as shares such as "
                    f"0.10 and 0.25; got {warning} and {critical}."
                )
            if not 0 <= self.hysteresis < warning or critical - self.hysteresis < warning:
                raise InputError(
                    "hysteresis must be at least 0, below warning, and not wider than the gap "
                    f"between warning and critical; got {self.hysteresis}."
                )
        for name, least in (("stall_days", 1), ("window_days", 3)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise InputError(f"{name} must be a whole number from {least} up; got {value!r}.")
        if not 0 < self.interval < 1:
            raise InputError(f"interval must be between 0 and 1, e.g. 0.80; got {self.interval}.")
        if not 0 <= self.tolerance < 1:
            raise InputError(f"tolerance must be in [0, 1), e.g. 0.02; got {self.tolerance}.")
        if not self.max_data_age_hours > 0:
            raise InputError(f"max_data_age_hours must be above 0; got {self.max_data_age_hours}.")

    def limits(self, side: Literal["under", "over"]) -> tuple[float, float]:
        """Warning and critical limit of deals on one side of their plan."""
        warning, critical = (
            getattr(self, f"{side}_{name}", None) for name in ("warning", "critical")
        )
        return (
            self.warning if warning is None else warning,
            self.critical if critical is None else critical,
        )
