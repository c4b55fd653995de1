"""How many of a campaign's conversions have been reported yet. Knows nothing of what they decide.

Platforms report conversions days after the spend that won them, so young figures look worse than
they are. An attribution curve says which share is in by which age.
"""

from datetime import timedelta

import numpy as np

from adbudget.errors import PolicyError
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Attribution, Policy

DIGITS = 12  # a share of exactly 90% has to compare as 90%
DAY = timedelta(days=1)
MOST_DAYS = 366  # a longer window is as mature as this one, to four digits


def maturity(attribution: Attribution | None, readings: Readings) -> np.ndarray:
    """Share of the conversions of each campaign's figures that is in: (campaign,) in [0, 1].

    The mean of the curve over the days the figures cover, of which a campaign's youth leaves only
    those since it started. Between two ages of the curve the share rises in a straight line; it
    starts from nothing at age 0 and stays after the last age.

    Parameters
    ----------
    attribution : None says that conversions are reported at once
    readings : day and length of the figures, start of the campaigns
    """
    if attribution is None:
        return np.ones(len(readings))
    today = np.datetime64(readings.as_of.date(), "D")
    youngest = (today - readings.day).astype(np.int64).clip(min=0)
    since_start = (today - readings.started_at.astype("datetime64[D]")).astype(float)
    since_start = np.where(np.isnat(readings.started_at), np.inf, since_start)
    covered = np.clip(np.nan_to_num(readings.metric("days"), nan=1.0), 1, MOST_DAYS)
    oldest = np.maximum(np.minimum(youngest + covered - 1, since_start), youngest)
    days = np.arange(int(oldest.max(initial=0)) + 1)
    running = np.concatenate([[0.0], np.cumsum(reported_by(attribution, days))])
    first, last = youngest, np.floor(oldest).astype(np.int64)
    share = (running[last + 1] - running[first]) / (last + 1 - first)
    return share.round(DIGITS)


def reported_by(attribution: Attribution | None, age_days: np.ndarray) -> np.ndarray:
    """Share of the conversions of one day's spend that is reported at an age; same shape."""
    if attribution is None:
        return np.ones(np.shape(age_days))
    curve = {0.0: 0.0} | {float(age): float(share) for age, share in attribution.curve.items()}
    return np.interp(age_days, list(curve), list(curve.values()))


def check_attribution(policy: Policy) -> None:
    """Refuse an attribution whose figures are stale before they can be mature.

    Raises
    ------
    PolicyError : says which window, age of figures or share would do
    """
    about = policy.attribution
    if about is None:
        return
    age = policy.constraints.max_data_age // DAY  # the oldest that is fresh for its whole day
    window = max(about.window // DAY, 1)
    share, least = _share_of(about, age, window), float(about.mature_at)
    if share >= least:
        return
    longer = (days for days in range(window, MOST_DAYS) if _share_of(about, age, days) >= least)
    older = (days for days in range(age, MOST_DAYS) if _share_of(about, days, window) >= least)
    remedies = [
        f"Give figures of {days} days and say so, window: {days} days" for days in [*longer][:1]
    ]
    remedies += [f"set constraints: max_data_age: {days} days" for days in [*older][:1]]
    remedies += [f"set mature_at: {int(100 * share)}%"] if share >= 0.01 else []
    told = "; or ".join(remedies)
    raise PolicyError(
        f"attribution: figures of up to {window} days can never be mature: at the age of {age} "
        f"days, the oldest that max_data_age leaves, {share:.1%} of their results are reported, "
        f"and mature_at asks for {least:.0%}. {told[:1].upper()}{told[1:]}."
    )


def _share_of(about: Attribution, youngest: int, n_days: int) -> float:
    """Share of the results of so many days that is reported when the last one has an age."""
    ages = np.arange(youngest, youngest + n_days)
    return float(reported_by(about, ages).mean().round(DIGITS))
