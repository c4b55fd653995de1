"""Names of channels -> colours and dashes, the same in every plot, page and run.

Colours differ for people who cannot tell red from green (Okabe & Ito, 2008, and Tol, 2021), and no
plot leans on colour alone: lines carry their names.
"""

import hashlib
from collections.abc import Iterable

# (on white, on a dark page): eight hues, the second a lighter one of the same hue.
HUES = (
    ("#0072b2", "#56a9dc"),  # blue
    ("#d55e00", "#f0803c"),  # vermilion
    ("#009e73", "#2fc49a"),  # green
    ("#b3589a", "#d58bc0"),  # purple
    ("#b07d00", "#e3ad2e"),  # ochre
    ("#3a9bd9", "#8accf2"),  # sky
    ("#882255", "#d9719f"),  # wine
    ("#6b6f00", "#b3b833"),  # olive
)
DASHES = ("solid", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))

INCREASE, MONITOR, REDUCE = "#0072b2", "#8a8f98", "#d55e00"
ACTION_COLOUR = {"increase": INCREASE, "monitor": MONITOR, "reduce": REDUCE}
INK, FAINT, BAND = "#222222", "#8a8f98", 0.18  # text and marks, grid and rest, opacity of bands
PASS, REVIEW, FAIL = "#00714f", "#8a6100", "#b3331d"


def slots(channels: Iterable[str]) -> dict[str, int]:
    """Place of every channel in ``HUES``; a second round begins where there are more than eight.

    A name has a place it would have alone, and takes the next free one only where another of these
    names has that place: the same names have the same colours whatever their order and the run.

    Parameters
    ----------
    channels : their names
    """
    names = sorted(set(channels), key=lambda name: (_own(name), name))
    places: dict[str, int] = {}
    for name in names:
        taken = set(places.values())
        turn = len(places) // len(HUES)
        round_of = range(turn * len(HUES), (turn + 1) * len(HUES))
        free = [place for place in round_of if place not in taken]
        wanted = _own(name)
        places[name] = min(free, key=lambda place: (place - wanted) % len(HUES))
    return places


def colours(channels: Iterable[str]) -> dict[str, str]:
    """Colour of every channel, on white."""
    return {name: HUES[place % len(HUES)][0] for name, place in slots(channels).items()}


def dashes(channels: Iterable[str]) -> dict[str, object]:
    """Line style of every channel: solid for the first eight, then dashed ones."""
    return {
        name: DASHES[place // len(HUES) % len(DASHES)] for name, place in slots(channels).items()
    }


def _own(name: str) -> int:
    """The place a name would have alone."""
    return hashlib.sha256(name.encode()).digest()[0] % len(HUES)
