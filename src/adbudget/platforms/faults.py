"""What goes wrong on purpose at a simulated platform: which answers are lost, late or nonsense."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from adbudget.errors import InputError

FaultKind = Literal["timeout", "500", "500_after", "dropped", "slow", "garbage", "half"]
ON = ("any", "budgets", "performance", "outcome", "orders", "answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong with calls.

    Attributes
    ----------
    kind : "timeout", nothing is done and nothing answered; "500", not done; "500_after", done all
        the same; "dropped", done and never answered; "slow", done, and answered late; "garbage",
        done, and answered with no JSON; "half", done, and the answer breaks off
    on : the calls it meets: orders that are sent, answers that are asked after, budgets,
        performance, outcome, or any
    count : how many calls, one after another
    probability : instead of a count, the share of calls, from 0 to 1
    seconds : how long a "timeout" or "slow" answer takes
    """

    kind: FaultKind
    on: str = "any"
    count: int | None = None
    probability: float | None = None
    seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise InputError(f"kind must be one of {get_args(FaultKind)}; got {self.kind!r}.")
        if self.on not in ON:
            raise InputError(f"on must be one of {ON}; got {self.on!r}.")
        if (self.count is None) == (self.probability is None):
            raise InputError("a fault needs count or probability, one of both.")
        if self.count is not None and not (isinstance(self.count, int) and self.count >= 1):
            raise InputError(f"count must be a whole number >= 1; got {self.count!r}.")
        number = isinstance(self.probability, int | float) and 0 <= self.probability <= 1
        if self.probability is not None and not number:
            raise InputError(f"probability must be in [0, 1]; got {self.probability!r}.")
        if not isinstance(self.seconds, int | float) or not 0 <= self.seconds <= 3600:
            raise InputError(f"seconds must be in [0, 3600]; got {self.seconds!r}.")


class Faults:
    """The faults in force, first come first served. Safe to share by threads."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, int | None]] = []

    def add(self, document: Any) -> None:
        """Put one in force, from its JSON object.

        Raises
        ------
        InputError : no object, an unknown field, or a value out of range
        """
        if not isinstance(document, Mapping):
            raise InputError('a fault is an object such as {"kind": "500", "count": 1}.')
        try:
            fault = Fault(**document)
        except TypeError as cause:
            known = list(Fault.__annotations__)
            raise InputError(f"a fault has a kind and none but the fields {known}.") from cause
        with self._lock:
            self._faults.append((fault, fault.count))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Faults in force, with the calls that are left of each count."""
        with self._lock:
            return [asdict(fault) | {"count": left} for fault, left in self._faults]

    def next_for(self, part: str) -> Fault | None:
        """What goes wrong with a call of a part of the contract; None is nothing."""
        with self._lock:
            for place, (fault, left) in enumerate(self._faults):
                if fault.on not in ("any", part):
                    continue
                if left is None:
                    if self._rng.random() < (fault.probability or 0.0):
                        return fault
                    continue
                if left > 1:
                    self._faults[place] = (fault, left - 1)
                else:
                    del self._faults[place]
                return fault
        return None
