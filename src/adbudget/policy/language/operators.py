"""Comparison signs: what they say of a difference, and their opposites."""

import numpy as np

from adbudget.policy.language.syntax import ComparisonSign

OPPOSITE: dict[ComparisonSign, ComparisonSign] = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "==": "!=",
    "!=": "==",
}


def compared(difference: np.ndarray, sign: ComparisonSign) -> np.ndarray:
    """Where left minus right makes "left sign right" true: bool, False for NaN."""
    if sign == "<":
        return difference < 0
    if sign == "<=":
        return difference <= 0
    if sign == ">":
        return difference > 0
    if sign == ">=":
        return difference >= 0
    return difference == 0 if sign == "==" else (difference != 0) & ~np.isnan(difference)
