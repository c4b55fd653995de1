"""What can be done with the spend of a cell."""

from enum import StrEnum


class Action(StrEnum):
    """What to do with the spend of one cell."""

    INCREASE = "increase"
    MONITOR = "monitor"
    REDUCE = "reduce"


SIGN = {Action.INCREASE: 1, Action.MONITOR: 0, Action.REDUCE: -1}
