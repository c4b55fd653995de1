"""What may be tested -> designs: which cells spend what, block by block. Knows no curves.

A design moves the spend of a few cells by a pattern of factors, one for each block of about a week.
Patterns of one length that add up to nothing and are orthogonal to each other can run in one
account at the same time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import hadamard

from adbudget.errors import InputError

PULSE, ON_OFF, PAIR, FACTORIAL = "pulse", "on/off", "on/off pair", "factorial"
HOLDOUT = "holdout"
KINDS = (PULSE, ON_OFF, PAIR, FACTORIAL, HOLDOUT)
CHANGES = (0.3, 0.5)
HOLDOUT_SHARE = 0.5  # of an account's regions


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """What a test does to one cell.

    Attributes
    ----------
    cell : its position among the cells that exist
    factors : (block,) spend as a multiple of today's
    share : share of the account's regions in which it does so, when the others are a control
        group; None where the whole account does
    """

    cell: int
    factors: tuple[float, ...]
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A test as it would be run.

    Attributes
    ----------
    kind : one of ``KINDS``
    change : largest change of spend, as a share of today's; -1 is switched off
    arms : one per cell
    """

    kind: str
    change: float
    arms: tuple[Arm, ...]

    def joined(self, other: "Design") -> "Design":
        """The same test in the cells of both."""
        return Design(kind=self.kind, change=self.change, arms=(*self.arms, *other.arms))


def patterns(n_blocks: int) -> tuple[np.ndarray, ...]:
    """Series of +1 and -1 that change at most once, twice, and in every block; no two alike.

    With four blocks: ++--, +--+ and +-+-, which are orthogonal to each other and to a constant.
    """
    halves = np.where(np.arange(n_blocks) < n_blocks / 2, 1, -1)
    quarter = np.arange(n_blocks) * 4 // n_blocks
    middle = np.where((quarter == 0) | (quarter == 3), 1, -1)
    alternating = np.where(np.arange(n_blocks) % 2 == 0, 1, -1)
    kept: dict[tuple[int, ...], np.ndarray] = {}
    for one in (halves, middle, alternating):
        if len(set(one.tolist())) > 1:
            kept.setdefault(tuple(one.tolist()), one)
    return tuple(kept.values())


def walsh_patterns(n_blocks: int) -> tuple[np.ndarray, ...]:
    """Series of +1 and -1 that are orthogonal, those that change least often first.

    One fewer than the largest power of two within the blocks; where that is not all of them, the
    series are stretched and only nearly orthogonal.
    """
    size = 2 ** int(np.log2(n_blocks))
    rows = hadamard(size)[:, np.arange(n_blocks) * size // n_blocks]
    order = np.argsort((np.diff(hadamard(size), axis=1) != 0).sum(axis=1), kind="stable")
    return tuple(rows[i] for i in order[1:])


def factorial_design(cells: Sequence[int], n_blocks: int, change: float) -> Design:
    """Pulses of several cells of one account at once, each in an order of its own.

    As many of the cells, from the first, as there are orthogonal orders.
    """
    arms = tuple(
        Arm(cell=cell, factors=tuple((1 + change * signs).tolist()))
        for cell, signs in zip(cells, walsh_patterns(n_blocks), strict=False)
    )
    return Design(kind=FACTORIAL, change=change, arms=arms)


def single_designs(
    kind: str, cell: int, n_blocks: int, changes: Sequence[float], share: float
) -> Iterator[Design]:
    """Every design of one kind that concerns one cell alone."""
    if kind == PULSE:
        for change in changes:
            for signs in patterns(n_blocks):
                yield _design(kind, change, cell, 1 + change * signs)
    elif kind == ON_OFF:
        for signs in patterns(n_blocks):
            yield _design(kind, -1.0, cell, np.where(signs > 0, 1.0, 0.0))
    elif kind == HOLDOUT:
        off = Arm(cell=cell, factors=(0.0,) * n_blocks, share=share)
        yield Design(kind=kind, change=-1.0, arms=(off,))


def pair_design(first: int, second: int, n_blocks: int) -> Design | None:
    """Two cells of one account switched on and off at different times; None in under four blocks.

    All four states occur: both on, one on, the other on, both off.
    """
    signs = patterns(n_blocks)
    if n_blocks < 4 or len(signs) < 3:
        return None
    arms = tuple(
        Arm(cell=cell, factors=tuple(np.where(own > 0, 1.0, 0.0).tolist()))
        for cell, own in ((first, signs[0]), (second, signs[-1]))
    )
    return Design(kind=PAIR, change=-1.0, arms=arms)


def _design(kind: str, change: float, cell: int, factors: np.ndarray) -> Design:
    arm = Arm(cell=cell, factors=tuple(float(one) for one in factors))
    return Design(kind=kind, change=change, arms=(arm,))


def check_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds as given, each once.

    Raises
    ------
    InputError : none is given, or one is unknown
    """
    named = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    unknown = [kind for kind in named if kind not in KINDS]
    if unknown or not named:
        raise InputError(
            f"kinds must be some of {list(KINDS)}; got {list(named)}. Leave it out for those that "
            "need no regions that can be told apart."
        )
    return tuple(dict.fromkeys(named))
