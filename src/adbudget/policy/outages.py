"""Readings by day -> groups of campaigns whose results fell all at once: an outage of tracking.

One campaign may fail; a whole account or channel that loses its results on one day, while it goes
on spending, has stopped counting them. Knows nothing of rules, budgets or what is done about it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, reduce

import numpy as np

from adbudget.policy.maturity import reported_by
from adbudget.policy.metrics.registry import METRICS, costs_of_result, counts_of_results
from adbudget.policy.readings.daily import History
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy

BASELINE_DAYS = 14  # before the day that is judged
LEAST_DAYS = 2  # of them with figures
LEAST_AS_KNOWN = 5  # the same of figures as they were known at the time
WEEK = 7
MOST_DAYS = 31  # of a window that are judged one by one
DOUBT = 0.10  # probability of a fall below which a campaign is sure to be spared ...
FEW = 0.25  # ... and share of the results expected that may come from such campaigns
CERTAINTY = 0.999  # posterior probability that results fell by half of ``outage_drop`` at least
WHOLE = "the account"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outage:
    """One group of campaigns whose results are not being counted.

    Attributes
    ----------
    group : "the account", or e.g. "channel 'social'"
    count : metric that fell, "leads" or "conversions"
    day : the day of it, the latest of several
    members : (campaign,) bool
    counted, expected : results of that day
    spent : money of that day, NaN when nobody gives it
    """

    group: str
    count: str
    day: np.datetime64
    members: np.ndarray
    counted: float
    expected: float
    spent: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Days:
    """Figures by day before the latest: (day, campaign) results and exposure, latest first."""

    results: np.ndarray
    exposure: np.ndarray


def find_outages(
    policy: Policy, readings: Readings, earlier_days: Callable[[], History | None] | None = None
) -> tuple[Outage, ...]:
    """Find every group whose results fell at once on a day that the table covers.

    Parameters
    ----------
    policy : its attribution, ``outage_drop`` and targets
    readings : with a history by day
    earlier_days : reads daily figures as earlier runs knew them. They stand for the history where
        there is none; where there is one, a latest day that is no lower than latest days used to
        be when they were new is late, not out

    Returns
    -------
    Outages, whole account first; a channel is named only when its account is not. Without any
    earlier day, only an account without a single result can be found
    """
    if readings.history is None and earlier_days is not None and _is_daily(readings):
        readings, earlier_days = replace(readings, history=earlier_days()), None
    counts = dict.fromkeys(c for c in counts_of_results() if c not in readings.stands_for)
    found: list[Outage] = []
    told: set[bytes] = set()
    days = {count: _days(readings, count) for count in counts}

    @cache
    def as_known(count: str) -> _Days | None:
        past = None if earlier_days is None else earlier_days()
        return None if past is None else _days(replace(readings, history=past), count)

    for group, members in _groups(readings):
        if reduce(np.logical_or, [one.members for one in found], ~members)[members].all():
            continue
        for count in counts:
            outage = _judge(policy, readings, days[count], as_known, members, group, count)
            if outage is None and group == WHOLE:
                outage = _nothing_at_all(policy, readings, members, count)
            if outage is not None and outage.members.tobytes() not in told:
                told.add(outage.members.tobytes())
                found.append(outage)
    return tuple(found)


def _is_daily(readings: Readings) -> bool:
    return bool((np.nan_to_num(readings.metric("days"), nan=1.0) <= 1).any())


def _groups(readings: Readings) -> Iterator[tuple[str, np.ndarray]]:
    """The whole table, then the values of its columns that name a group."""
    active = readings.status == "active"
    yield WHOLE, active
    for column, labels in readings.labels.items():
        for name in dict.fromkeys(labels.tolist()):
            if name:
                yield f"{column} {name!r}", active & (labels == name)


def _days(readings: Readings, count: str) -> _Days | None:
    """Latest reading and those before it, as many as windows and baseline need."""
    if readings.history is None:
        return None
    window = _window(readings)
    span = int(window.max(initial=1)) + BASELINE_DAYS + 1
    rows = [(readings.daily(count, k), readings.daily("spend", k)) for k in range(span)]
    results, spend = (np.stack(part) for part in zip(*rows, strict=True))
    exposure = np.where(np.isnan(spend).all(axis=0), 1.0, spend)  # nobody gives it: days count
    known = np.isfinite(results) & np.isfinite(exposure)
    return _Days(results=np.where(known, results, np.nan), exposure=np.where(known, exposure, 0.0))


def _window(readings: Readings) -> np.ndarray:
    """(campaign,) days that the figures of the table cover, at most MOST_DAYS."""
    return np.ceil(np.clip(np.nan_to_num(readings.metric("days"), nan=1.0), 1, MOST_DAYS))


def _judge(
    policy: Policy,
    readings: Readings,
    days: _Days | None,
    as_known: Callable[[str], _Days | None],
    members: np.ndarray,
    group: str,
    count: str,
) -> Outage | None:
    """Latest day of the window on which the group's results fell; None when on none."""
    if days is None or members.sum() < 2:
        return None
    window = _window(readings)
    results, exposure = days.results[:, members], days.exposure[:, members]
    youngest = max((readings.as_of.date() - readings.last_day[members].max().item()).days, 0)
    share_in = reported_by(policy.attribution, np.arange(len(results)) + youngest)
    hit = np.zeros(len(readings), bool)
    latest: tuple[int, float, float] | None = None
    for k in range(int(window.max(initial=1))):
        expected = _expected(results, exposure, share_in, k)
        if expected is None or not _fell(policy, results[k], expected):
            continue
        new = as_known(count) if k == 0 else None
        if new is not None and _as_ever(policy, results[0], exposure[0], new, members):
            continue
        hit |= members & (window > k)
        if latest is None:
            latest = (k, float(np.nansum(results[k])), float(np.nansum(expected)))
    if latest is None or not hit.any():
        return None
    k, counted, wanted = latest
    spent = float(np.nansum(readings.daily("spend", k)[members]))
    day = readings.last_day[members].max() - np.timedelta64(k, "D")
    return Outage(
        group=group,
        count=count,
        day=day,
        members=hit,
        counted=counted,
        expected=wanted,
        spent=spent or np.nan,
    )


def _as_ever(
    policy: Policy, counted: np.ndarray, spent: np.ndarray, new: _Days, members: np.ndarray
) -> bool:
    """Whether the latest day is as low as latest days are when they are new."""
    results = np.vstack([counted, new.results[1:, members]])
    exposure = np.vstack([spent, new.exposure[1:, members]])
    known = np.ones(len(results))  # all of one age, so all as late
    expected = _expected(results, exposure, known, 0, least=LEAST_AS_KNOWN)
    return expected is not None and not _fell(policy, counted, expected)


def _expected(
    results: np.ndarray,
    exposure: np.ndarray,
    share_in: np.ndarray,
    k: int,
    least: int = LEAST_DAYS,
) -> np.ndarray | None:
    """(member,) results of day ``k`` had it been a usual one; None when nothing is known."""
    past = slice(k + 1, k + 1 + BASELINE_DAYS)
    weight = exposure[past] * share_in[past, None]  # results not reported yet are not missed
    with np.errstate(all="ignore"):
        by_day = np.nansum(results[past], axis=1) / weight.sum(axis=1)
        own = np.nansum(results[past], axis=0) / weight.sum(axis=0)
        mean = np.nansum(results[past]) / weight.sum()
        known = by_day[weight.sum(axis=1) > 0]
        if len(known) < least or not mean > 0:
            return None
        same_weekday = by_day[WEEK - 1 :: WEEK]  # weekends may be slow, even without results
        usual = np.median(known)  # an outage that lasts is no usual day
        usual = min(usual, np.nanmax(same_weekday)) if np.isfinite(same_weekday).any() else usual
        expected = np.where(np.isfinite(own), own, 0.0) * usual / mean
    return expected * exposure[k] * share_in[k]


def _fell(policy: Policy, counted: np.ndarray, expected: np.ndarray) -> bool:
    """Whether the whole group fell, not just some of its campaigns, and not by chance."""
    from scipy.special import gammainc

    drop = float(policy.constraints.outage_drop)
    judged = np.isfinite(counted) & (expected > 0)
    counted, expected = counted[judged], expected[judged]
    rest = np.arange(len(expected)) != np.argmax(expected) if len(expected) else judged[:0]
    if not rest.any():
        return False
    whole = counted.sum() <= (1 - drop) * expected.sum()
    without_largest = counted[rest].sum() <= (1 - drop / 2) * expected[rest].sum()
    spared = gammainc(counted + 0.5, (1 - drop) * expected) < DOUBT  # these did not fall
    together = expected[spared].sum() <= FEW * expected.sum()
    sure = gammainc(counted.sum() + 0.5, (1 - drop / 2) * expected.sum()) >= CERTAINTY
    return bool(whole and without_largest and together and sure)


def _nothing_at_all(
    policy: Policy, readings: Readings, members: np.ndarray, count: str
) -> Outage | None:
    """Several campaigns spent and not one result came, though even costly ones would have."""
    served = {count, *(new for new, own in readings.stands_for.items() if own == count)}
    costs = [cost for cost in costs_of_result() if METRICS[cost].parts[1] in served]
    targets = [policy.targets.get(f"target_{cost}") for cost in costs]
    known = [target for target in targets if target is not None]
    results, spend = readings.metric(count), readings.metric("spend")
    spending = members & (spend > 0) & np.isfinite(results)
    if not known or spending.sum() < 2 or results[spending].any():
        return None
    share_in = reported_by(policy.attribution, np.ceil(readings.metric("days")) - 1)
    dear = float(known[0] * policy.constraints.emergency_pause)
    expected = float((spend * share_in)[spending].sum()) / dear
    if np.exp(-expected) > 1 - CERTAINTY:
        return None
    return Outage(
        group=WHOLE,
        count=count,
        day=readings.day[spending].max(),
        members=members,
        counted=0.0,
        expected=expected,
        spent=float(spend[spending].sum()),
    )
