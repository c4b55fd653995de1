"""One account of a Panel -> findings: what ends before the rest, and last periods not all there."""

from dataclasses import dataclass

import numpy as np

from adbudget.panel.findings import Alarms, Finding, make_finding
from adbudget.panel.panel import Panel
from adbudget.tables.messages import listed

MEAN_DAYS = 7  # days without spend that today's spend, a mean of 28, may hold and be meant
LEAST_PAID = 4  # periods with spend before a silence says anything
USUAL_OF = 4  # earlier periods, of the same weekday in daily panels, that make a usual value
LEAST_HISTORY = 8  # usual values before a last one can be called lower than ever
LOWER_THAN_EVER = 0.25  # log units below the lowest of the history
ALIKE = 0.7  # log units within which outcome and spend of an unfinished period agree
SPEND_DOWN = np.log(0.75)  # spend of an unfinished period is below this share of the usual
MOST_WEEK = 5 / 7  # of a week has passed: later, the part that is missing shows no more
AS_THE_CLOCK = 0.2  # log units within which a weak last week is as much as has passed of it
NOUNS = {"daily": "day", "weekly": "week", "monthly": "month"}


def find_ends(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """Findings about the ends of one account's series.

    Parameters
    ----------
    a : position of the account
    """
    return [*_stale(panel, a, alarms), *_silent(panel, a, alarms), *_last_periods(panel, a, alarms)]


def channels_of(panel: Panel, a: int) -> tuple[str, ...]:
    """Channels that the account has ever used."""
    return tuple(panel.channels[c] for c in np.flatnonzero(panel.exists[a]))


def cells_named(account: str, channels: tuple[str, ...]) -> str:
    """How messages call one cell, or several of an account."""
    return f"{account}/{channels[0]}" if len(channels) == 1 else account


def counted_periods(panel: Panel, number: int) -> str:
    """Such as "1 week" or "3 days"."""
    noun = NOUNS[panel.period]
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _stale(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    newest = int(panel.last.max())
    behind = newest - int(panel.last[a])
    days = behind * panel.period_days
    if days <= alarms.stale_days:
        return []
    end, other = panel.dates[panel.last[a]], panel.dates[newest]
    told = (
        f"its data end on {end}, {counted_periods(panel, behind)} before those of other accounts "
        f"({other}), so what is best now is not known. Add the rows since then, or leave the "
        "account out"
    )
    return [
        make_finding(
            *("account_stale", panel.accounts[a], channels_of(panel, a)),
            *("days_behind", days, alarms.stale_days, panel.accounts[a], told),
            dates=(str(end), str(other)),
            decides=True,
        )
    ]


def _silent(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """Channels without spend at the end of the record, for longer than they have ever been."""
    last = int(panel.last[a])
    groups: dict[tuple[str, int], list[tuple[str, int, float]]] = {}
    for c in np.flatnonzero(panel.exists[a]):
        paid = np.flatnonzero(panel.spend[a, c])
        silent, pause = last - int(paid[-1]), int(np.diff(paid).max(initial=1)) - 1
        days = silent * panel.period_days
        if paid.size < LEAST_PAID or silent <= pause or days < alarms.silent_days:
            continue
        unknown = int(panel.last_spend[a, c]) == paid[-1]
        if not unknown and days > alarms.stale_days:
            continue  # switched off and written down, and no part of today's spend
        kind = "rows_end" if unknown else "spend_stopped"
        limit = max(pause + 1.0, alarms.silent_days / panel.period_days)
        groups.setdefault((kind, int(paid[-1])), []).append((panel.channels[c], silent, limit))
    findings = []
    for (kind, end), found in groups.items():
        channels = tuple(name for name, _, _ in found)
        silent, limit = found[0][1], max(least for _, _, least in found)
        words = _rows_end if kind == "rows_end" else _spend_stopped
        told = words(panel, channels, end, silent)
        named = cells_named(panel.accounts[a], channels)
        findings.append(
            make_finding(
                *(kind, panel.accounts[a], channels, "silent_periods", silent, limit, named, told),
                dates=(str(panel.dates[end + 1]), str(panel.dates[last])),
                decides=_in_todays_spend(kind, silent * panel.period_days, alarms),
            )
        )
    return findings


def _in_todays_spend(kind: str, days: float, alarms: Alarms) -> bool:
    """Whether today's spend is a mean over spend and silence, and not zero, that nobody meant."""
    least = MEAN_DAYS if kind == "spend_stopped" else 0
    return least < days <= alarms.stale_days


def _rows_end(panel: Panel, channels: tuple[str, ...], end: int, silent: int) -> str:
    whose = "its rows" if len(channels) == 1 else f"the rows of {listed(channels)}"
    return (
        f"{whose} end on {panel.dates[end]}, {counted_periods(panel, silent)} before those of the "
        "account, so the feed broke, or a stop was not written down. Add the missing rows, with 0 "
        "where nothing was spent"
    )


def _spend_stopped(panel: Panel, channels: tuple[str, ...], end: int, silent: int) -> str:
    whose = "its spend is" if len(channels) == 1 else f"the spends of {listed(channels)} are"
    return (
        f"{whose} 0 since {panel.dates[end + 1]} ({counted_periods(panel, silent)}), longer than "
        "ever before: switched off, or the feed broke. Today's spend, a mean over both, is what "
        "nobody spends"
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Record:
    """Outcome and spend of one account, from its first to its last recorded period."""

    dates: np.ndarray
    outcome: np.ndarray  # NaN where not observed
    spend: np.ndarray  # of all channels
    last_outcome: float  # log of the last outcome over its usual value; NaN if not known
    last_spend: float  # the same of the spend
    n_low: int  # periods at the end whose outcome is below the limit
    low: bool  # whether as many in a row have never been as low; False when that is not known
    lowest_both: float  # of the larger of outcome and spend, which fall together when days miss


def _last_periods(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """What the last periods say that they cannot have been all of it."""
    record = _record(panel, a, np.log(alarms.period_share))
    without = _n_without_outcome(record.outcome)
    if without:
        return _outcome_ends(panel, a, alarms, record, without)
    unfinished = _unfinished_share(panel, record, alarms)
    if unfinished is not None:
        return [_unfinished(panel, a, alarms, record, unfinished)]
    if record.low and record.last_spend > record.last_outcome + ALIKE:
        return [_outcome_late(panel, a, alarms, record)]
    return []


def _record(panel: Panel, a: int, low: float) -> _Record:
    record = slice(int(panel.first[a]), int(panel.last[a]) + 1)
    outcome, spend = panel.outcome[a, record], panel.spend[a, :, record].sum(axis=0)
    lag = 7 if panel.period == "daily" else 1
    of_outcome, of_spend = _against_usual(outcome, lag), _against_usual(spend, lag)
    below = of_outcome <= low
    n_low = int(np.argmin(below[::-1])) if not below.all() else below.size
    earlier = slice(0, below.size - max(n_low, 1))
    highest = _highest_of(of_outcome, max(n_low, 1))
    return _Record(
        dates=panel.dates[record],
        outcome=outcome,
        spend=spend,
        last_outcome=float(of_outcome[-1]),
        last_spend=float(of_spend[-1]),
        n_low=n_low,
        low=n_low > 0 and bool(highest[-1] <= _lowest(highest[earlier]) - LOWER_THAN_EVER),
        lowest_both=_lowest(np.maximum(of_outcome, of_spend)[earlier]),
    )


def _highest_of(path: np.ndarray, length: int) -> np.ndarray:
    """(period,) highest of as many periods up to each; NaN where one of them is not known."""
    windows = np.lib.stride_tricks.sliding_window_view(path, length)
    return np.concatenate([np.full(length - 1, np.nan), windows.max(axis=1)])


def _lowest(path: np.ndarray) -> float:
    """Lowest of what is known; NaN when that is too little."""
    known = path[np.isfinite(path)]
    return float(known.min()) if known.size >= LEAST_HISTORY else np.nan


def _against_usual(path: np.ndarray, lag: int) -> np.ndarray:
    """(period,) log of a value over the median of the four before it; NaN where not known."""
    log = np.full(path.size, np.nan)
    np.log(path, out=log, where=np.nan_to_num(path) > 0)
    if path.size <= USUAL_OF * lag:
        return np.full(path.size, np.nan)
    before = np.full((USUAL_OF, path.size), np.nan)
    for k in range(USUAL_OF):
        before[k, (k + 1) * lag :] = log[: path.size - (k + 1) * lag]
    known = np.isfinite(before).sum(axis=0) > USUAL_OF // 2
    usual = np.full(path.size, np.nan)
    usual[known] = np.nanmedian(before[:, known], axis=0)
    return log - usual


def _n_without_outcome(outcome: np.ndarray) -> int:
    """Periods at the end whose outcome is missing or 0, if more than ever in a row before."""
    sold = np.flatnonzero(np.nan_to_num(outcome))  # refunds may exceed a day's sales
    if sold.size == 0:
        return 0
    n_end = outcome.size - 1 - int(sold[-1])
    return n_end if n_end > int(np.diff(sold).max(initial=1)) - 1 else 0


def _outcome_ends(
    panel: Panel, a: int, alarms: Alarms, record: _Record, n_without: int
) -> list[Finding]:
    if not record.spend[-n_without:].any():
        return []
    zero = bool((record.outcome[-n_without:] == 0).any())
    days = n_without * panel.period_days
    since, until = record.dates[-n_without], record.dates[-1]
    what = "0" if zero else "missing"
    so = "read as if nothing was sold" if zero else "so these are left out"
    told = (
        f"the {panel.outcome_name} of {_span(since, until)} is {what} while spend goes on, {so}. "
        "Has it arrived yet? Leave these periods out of both tables until it has"
    )
    limit = alarms.silent_days if zero else alarms.stale_days
    return [
        make_finding(
            *("outcome_ends", panel.accounts[a], channels_of(panel, a)),
            *("days_without", days, limit, panel.accounts[a], told),
            dates=(str(since), str(until)),
            decides=days >= limit,
        )
    ]


def _outcome_late(panel: Panel, a: int, alarms: Alarms, record: _Record) -> Finding:
    n_low = max(record.n_low, 1)
    since, until = record.dates[-n_low], record.dates[-1]
    share = float(np.exp(record.last_outcome))
    told = (
        f"the {panel.outcome_name} of {_span(since, until)} is lower than ever "
        f"({record.outcome[-1]:,.2f} at the end, {share:.0%} of the usual) while spend goes on. "
        "Has all of it arrived? Leave these periods out of both tables until it has"
    )
    return make_finding(
        *("outcome_late", panel.accounts[a], channels_of(panel, a)),
        *("share_of_usual", share, alarms.period_share, panel.accounts[a], told),
        dates=(str(since), str(until)),
        decides=n_low * panel.period_days >= alarms.silent_days,
    )


def _unfinished_share(panel: Panel, record: _Record, alarms: Alarms) -> float | None:
    """How much of the last period there is, by its values or by the clock; None: all of it."""
    outcome, spend = record.last_outcome, record.last_spend
    alike = abs(outcome - spend) <= ALIKE  # False where one is not known
    passed = _passed(panel, record.dates[-1])
    if alike and passed <= MOST_WEEK and panel.period == "weekly":
        middle = (outcome + spend) / 2
        if max(outcome, spend) < np.log(0.9) and abs(middle - np.log(passed)) <= AS_THE_CLOCK:
            return float(np.exp(middle))
    if passed < 1 and panel.period != "weekly":  # a week may be named by its last day
        return passed
    limit = min(np.log(alarms.period_share), record.lowest_both - LOWER_THAN_EVER)
    low = (outcome + spend) / 2 <= limit and spend <= SPEND_DOWN
    return float(np.exp((outcome + spend) / 2)) if low and alike else None


def _passed(panel: Panel, last: np.datetime64) -> float:
    """Share of the last period that has passed today, counting whole days; 1 if not known."""
    if not panel.today:
        return 1.0
    length = panel.period_days
    if panel.period == "monthly":
        month = last.astype("datetime64[M]")
        length = int(
            ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int)
        )
    days = int((np.datetime64(panel.today, "D") - last).astype(int))
    return min(1.0, max(days, 0) / length)


def _unfinished(panel: Panel, a: int, alarms: Alarms, record: _Record, share: float) -> Finding:
    last = record.dates[-1]
    noun = NOUNS[panel.period]
    told = (
        f"the last {noun}, {last}, looks unfinished (about {share:.0%} of the usual), and is read "
        "as if it were all there. Leave it out of both tables until it is over"
    )
    return make_finding(
        *("unfinished_period", panel.accounts[a], channels_of(panel, a)),
        *("share_of_usual", share, alarms.period_share, panel.accounts[a], told),
        dates=(str(last), str(last)),
        decides=panel.period != "daily",  # one day of many weighs little
    )


def _span(since: np.datetime64, until: np.datetime64) -> str:
    return str(since) if since == until else f"{since} to {until}"
