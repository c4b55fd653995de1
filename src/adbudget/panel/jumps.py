"""One account of a Panel -> findings: values far out of line, and series that change their unit.

Everything is measured on logarithms of the positive values, so that switching on and off is no
jump and the currency does not matter. What outcome and spend do together is an event, not an error.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.panel.ends import cells_named, channels_of
from adbudget.panel.findings import Alarms, Finding, make_finding
from adbudget.panel.panel import Panel

OUT_OF_LINE = "value_out_of_line"
SPEND_RATIO, OUTCOME_RATIO = "spend_ratio", "outcome_ratio"  # statistics: which series is meant
AROUND = 8  # nearest other values that say what is usual
LEAST_VALUES = 9
MEDIAN_OF_NORMAL = 0.6745  # median of |x| of a standard normal x
SPREADS = 4  # a value out of line lies this many spreads of its series off those around it
MOST_OUT = 3  # values out of line in one series: more of them are its habit
MOST_OUT_SHARE = 0.04
ABOVE_ALL = np.log(2)  # a value out of line is this far above everything else in its series
MOVED = np.log(1.5)  # the other side moves by this much in an event: a sale, a launch
STEP = 6  # values on either side of a change of unit that are compared
APART = np.log(5)  # least distance between all of these
SPARSE = 1.5  # periods per value around the step, at most: weekends may be free
TEN, NEAR = np.log(10), 0.4  # a change of unit is a power of ten; another factor is a launch
SPREAD = 1.5  # times as far from lowest to highest on one side as on the other, and twice that
LEAST_STEP = 3  # values on either side, at least
PAUSE_DAYS = 3  # a longer pause may end in a launch, or before a last bill


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Series:
    """One series of an account, positive values only, beside what may have moved with it."""

    is_spend: bool  # or the outcome
    name: str  # how messages call it
    channels: tuple[str, ...]  # whose answers depend on it
    period: np.ndarray  # (value,) position on the panel's calendar
    log: np.ndarray  # (value,)
    beside: np.ndarray  # (value,) log of the other side; NaN where not positive


def find_jumps(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """Findings about the sizes of one account's values.

    Parameters
    ----------
    a : position of the account
    """
    findings = []
    for series in _series_of(panel, a):
        if series.log.size < LEAST_VALUES:
            continue
        # Most series stay within a decade: nothing in them can be out of line.
        if np.ptp(series.log) < np.log(min(alarms.row_ratio, alarms.unit_ratio)):
            continue
        step = _unit_step(series, panel.period_days, np.log(alarms.unit_ratio))
        if step is not None:
            findings.append(_unit_changed(panel, a, alarms, series, *step))
        else:
            findings += _out_of_line(panel, a, alarms, series)
    return findings


def _series_of(panel: Panel, a: int) -> list[_Series]:
    """The outcome of an account, then the spend of its channels."""
    outcome, total = panel.outcome[a], panel.spend[a].sum(axis=0)
    spends = [
        ("its spend", (panel.channels[c],), panel.spend[a, c], outcome)
        for c in np.flatnonzero(panel.exists[a])
    ]
    every = [(f"the {panel.outcome_name}", channels_of(panel, a), outcome, total), *spends]
    found = []
    for name, channels, path, other in every:
        period = np.flatnonzero(np.nan_to_num(path) > 0)
        beside = np.full(period.size, np.nan)
        np.log(other[period], out=beside, where=np.nan_to_num(other[period]) > 0)
        found.append(
            _Series(
                is_spend=path is not outcome,
                name=name,
                channels=channels,
                period=period,
                log=np.log(path[period]),
                beside=beside,
            )
        )
    return found


def _others(size: int) -> np.ndarray:
    """(value, AROUND) positions of the nearest other values."""
    start = np.clip(np.arange(size) - AROUND // 2, 0, size - AROUND - 1)
    window = start[:, None] + np.arange(AROUND + 1)
    return window[window != np.arange(size)[:, None]].reshape(size, AROUND)


def _out_of_line(panel: Panel, a: int, alarms: Alarms, series: _Series) -> list[Finding]:
    """Single values far above those around them, with nothing beside them that moved too."""
    around = _others(series.log.size)
    usual = np.median(series.log[around], axis=1)
    above = series.log - usual
    spread = float(np.median(np.abs(above))) / MEDIAN_OF_NORMAL
    out = above >= max(np.log(alarms.row_ratio), SPREADS * spread)
    most = max(1.0, min(MOST_OUT, MOST_OUT_SHARE * out.size))
    if not out.any() or out.sum() > most:
        return []
    out &= series.log >= series.log[~out].max() + ABOVE_ALL
    findings = []
    for i in np.flatnonzero(out):
        if series.beside[i] - _median(series.beside[around[i]]) >= MOVED:
            continue
        day, ratio = str(panel.dates[series.period[i]]), float(np.exp(above[i]))
        told = (
            f"{series.name} is {np.exp(series.log[i]):,.2f} on {day}, {ratio:,.0f} times what is "
            f"usual around it ({np.exp(usual[i]):,.2f}), and nothing moved with it. Correct the "
            "row, or leave it out of the fit with out_of_line='mask'"
        )
        limit, dates = alarms.row_ratio, (day, day)
        findings.append(_finding(panel, a, OUT_OF_LINE, series, ratio, limit, told, dates))
    return findings


def _unit_step(series: _Series, period_days: float, least: float) -> tuple[int, int, float] | None:
    """First and last value of what is in another unit, and the log of its size; None: nothing."""
    log, size = series.log, series.log.size
    if np.ptp(log) < least:
        return None
    steps: list[tuple[int, float]] = []
    for k in range(LEAST_STEP, size - LEAST_STEP + 1):
        width = min(STEP, k, size - k)
        before, after = log[k - width : k], log[k : k + width]
        low, high = (before, after) if after[0] > before[-1] else (after, before)
        if high.min() - low.max() < APART or not _spread_alike(np.ptp(low), np.ptp(high)):
            continue
        days = series.period[k - width : k + width]
        pause = (days[width] - days[width - 1]) * period_days
        if days[-1] - days[0] >= SPARSE * days.size or pause > max(PAUSE_DAYS, period_days):
            continue
        step = _nearest_power(log, k)
        if abs(step) < least:
            continue
        moved = _median(series.beside[k : k + width]) - _median(series.beside[k - width : k])
        if np.log(1.3) <= moved * np.sign(step) < least:
            continue  # the business changed, not the unit
        steps.append((k, step))
    if not steps or len(steps) > 2:
        return None  # a series that goes up and down again and again does so on purpose
    begin, step = steps[0]
    end = steps[1][0] - 1 if len(steps) == 2 else size - 1
    return begin, end, step


def _spread_alike(one: float, other: float) -> bool:
    """Whether two ranges may be of one series: what trickles before or after a flight is not."""
    return max(one, other) <= SPREAD * min(one, other) + np.log(2)


def _nearest_power(log: np.ndarray, k: int) -> float:
    """Log of the step at value ``k`` if it is about a power of ten, else 0.

    Spend wanders, or jumps about: over one value, six or twelve, the step shows through it.
    """
    steps = []
    for width in (1, STEP, 2 * STEP):
        step = float(np.median(log[k : k + width]) - np.median(log[max(k - width, 0) : k]))
        power = TEN * round(step / TEN)
        steps.append((abs(step - power), power))
    distance, power = min(steps)
    return power if distance <= NEAR else 0.0


def _unit_changed(
    panel: Panel, a: int, alarms: Alarms, series: _Series, begin: int, end: int, step: float
) -> Finding:
    since, until = (str(panel.dates[series.period[i]]) for i in (begin, end))
    ratio = float(np.exp(abs(step)))
    way = "times as large" if step > 0 else "times smaller"
    span = f"from {since} on" if end == series.log.size - 1 else f"from {since} to {until}"
    told = (
        f"{series.name} is {ratio:,.0f} {way} {span}: another unit or currency? Bring all of it to "
        "one unit"
    )
    return _finding(
        panel, a, "unit_changed", series, ratio, alarms.unit_ratio, told, (since, until)
    )


def _finding(
    panel: Panel,
    a: int,
    kind: str,
    series: _Series,
    ratio: float,
    limit: float,
    told: str,
    dates: tuple[str, str],
) -> Finding:
    account, statistic = panel.accounts[a], SPEND_RATIO if series.is_spend else OUTCOME_RATIO
    named = cells_named(account, series.channels) if series.is_spend else account
    return make_finding(
        *(kind, account, series.channels, statistic, ratio, limit, named, told),
        dates=dates,
        decides=True,
    )


def _median(values: np.ndarray) -> float:
    """Median of what is known; NaN when nothing is."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan
