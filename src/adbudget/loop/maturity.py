"""What was told of days, again and again -> how much of a day is in at each age. Knows no source.

Conversions of a day go on coming in. A young day that is taken as it is looks like a failure, so
the days of a period count only when nearly all of them is in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

NEARLY_ALL = 0.98
LEAST_DAYS = 14  # days whose end is known, before a curve is trusted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maturity:
    """How outcomes come in.

    Attributes
    ----------
    share : (age,) share of a day's outcome that is in, by its age in days; NaN where never seen
    mature_days : age from which nearly all is in
    learned : whether the data say so; otherwise it is what was stated
    """

    share: np.ndarray
    mature_days: int
    learned: bool


def learn_maturity(
    readings: Iterable[tuple[str, date, int, float]], *, oldest: int, stated: int
) -> Maturity:
    """Learn how outcomes come in from what was told of the same days at different ages.

    Parameters
    ----------
    readings : (account, day, age in days, outcome)
    oldest : age at which a day is taken for complete
    stated : days after which an outcome counts, until enough was seen

    Returns
    -------
    Maturity. The share at an age is the sum of what was told at that age over the sum of what the
    same days came to, over all accounts: days that ended at nothing decide nothing
    """
    by_day: dict[tuple[str, date], dict[int, float]] = {}
    for account, day, age, outcome in readings:
        by_day.setdefault((account, day), {})[age] = outcome
    told, came_to = np.zeros(oldest + 1), np.zeros(oldest + 1)
    ended = 0
    for ages in by_day.values():
        last = max(ages)
        if last < oldest:
            continue
        ended += 1
        for age, outcome in ages.items():
            if age <= oldest:
                told[age] += outcome
                came_to[age] += ages[last]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(came_to > 0, told / came_to, np.nan)
    seen = np.flatnonzero(np.isfinite(share))
    if ended < LEAST_DAYS or not seen.size:
        return Maturity(share=share, mature_days=stated, learned=False)
    short = seen[share[seen] < NEARLY_ALL]
    if short.size:  # the first age that was seen after the last one that was short
        mature = int(seen[np.searchsorted(seen, short[-1]) + 1 :].min(initial=oldest))
    else:  # nothing is known of younger days than were ever seen
        mature = min(int(seen[0]), stated)
    return Maturity(share=share, mature_days=mature, learned=True)
