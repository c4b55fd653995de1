"""How far off is too far: the settings of a measurement. A record; measures nothing."""

from dataclasses import dataclass, field

from adbudget.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceThresholds:
    """When a deal is off pace. All limits are exclusive: 10% off is still on pace.

    Attributes
    ----------
    warning, critical : deviation of spend from plan, as a share of the plan
    hysteresis : how far back inside a limit a deal must come to be rid of its severity
    stall_days : whole days without one impression, on final figures, that make a deal stalled
    window_days : latest final days that the projection goes by
    interval : probability that the projection interval covers, in (0, 1)
    tolerance : share of the budget by which the end of a flight may miss it before that counts
        as over- or under-delivery in the probabilities
    max_data_age_hours : older figures raise an alert
    """

    warning: float = field(
        default=0.10, metadata={"help": "Deviation from plan that is too much, 0.10."}
    )
    critical: float = field(
        default=0.25, metadata={"help": "Deviation that is far too much, 0.25."}
    )
    hysteresis: float = 0.02
    stall_days: int = 2
    window_days: int = 7
    interval: float = 0.80
    tolerance: float = 0.0
    max_data_age_hours: float = 48.0

    def __post_init__(self) -> None:
        if not 0 < self.warning < self.critical:
            raise InputError(
                "warning must be above 0 and below critical, as shares such as 0.10 and 0.25; "
                f"got {self.warning} and {self.critical}."
            )
        if not 0 <= self.hysteresis < self.warning or (
            self.critical - self.hysteresis < self.warning
        ):
            raise InputError(
                "hysteresis must be at least 0, below warning, and not wider than the gap between "
                f"warning and critical; got {self.hysteresis}."
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
