"""Arithmetic on arrays that carries a bound of its rounding error along.

Comparisons that the bound leaves open are decided exactly elsewhere, so no tolerance is needed.
Source: Higham (2002), Accuracy and Stability of Numerical Algorithms, 2nd ed., chapters 2 and 3.
"""

from dataclasses import dataclass

import numpy as np

EPS = float(np.finfo(float).eps)  # twice the unit roundoff: covers the rounding of the bound too
TINY = float(np.finfo(float).tiny)
EXACT_BELOW = 2.0**53


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounded:
    """Figures and how far from the exact ones they may be.

    Attributes
    ----------
    value : (campaign,) or () floats, NaN where unknown
    error : same shape, at least the distance to the exact figure
    """

    value: np.ndarray
    error: np.ndarray

    def __neg__(self) -> "Bounded":
        return Bounded(value=-self.value, error=self.error)

    def __add__(self, other: "Bounded") -> "Bounded":
        return self._result(other, self.value + other.value, self.error + other.error)

    def __sub__(self, other: "Bounded") -> "Bounded":
        return self + -other

    def __mul__(self, other: "Bounded") -> "Bounded":
        carried = (
            np.abs(self.value) * other.error
            + np.abs(other.value) * self.error
            + self.error * other.error
        )
        return self._result(other, self.value * other.value, carried)

    def __truediv__(self, other: "Bounded") -> "Bounded":
        value = self.value / other.value
        room = np.abs(other.value) - other.error
        carried = np.where(room > 0, (self.error + np.abs(value) * other.error) / room, np.inf)
        divides = is_whole(self.value) & is_whole(other.value) & (value * other.value == self.value)
        return self._result(other, value, carried, divides)

    def _result(
        self,
        other: "Bounded",
        value: np.ndarray,
        carried: np.ndarray,
        whole: np.ndarray | bool = True,
    ) -> "Bounded":
        """A result with the error carried on and that of its own rounding."""
        exact = (self.error == 0) & (other.error == 0) & whole & is_whole(value)
        return Bounded(value=value, error=np.where(exact, 0.0, carried + _rounding(value)))


def exactly(value: float) -> Bounded:
    """A number that a float holds without rounding."""
    return Bounded(value=np.asarray(value, dtype=float), error=np.asarray(0.0))


def leaf(value: np.ndarray, *, rounded: int = 1) -> Bounded:
    """Figures as read: whole ones are exact, others are off by so many roundings."""
    exact = is_whole(value) if rounded == 1 else np.zeros(np.shape(value), dtype=bool)
    return Bounded(value=value, error=np.where(exact, 0.0, rounded * _rounding(value)))


def is_whole(value: np.ndarray) -> np.ndarray:
    """Whether floats are integers so small that arithmetic on them does not round."""
    return (np.abs(value) < EXACT_BELOW) & (np.floor(value) == value)


def _rounding(value: np.ndarray) -> np.ndarray:
    return EPS * np.abs(value) + TINY  # the second for numbers near zero, which lose digits
