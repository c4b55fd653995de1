"""One account of a Panel -> findings: spend booked twice, in lumps, or in another unit."""

import numpy as np

from adbudget.panel.calendar import WEEKDAYS
from adbudget.panel.ends import cells_named, channels_of
from adbudget.panel.findings import Alarms, Finding, make_finding
from adbudget.panel.panel import Panel
from adbudget.tables.messages import listed
from adbudget.tables.totals import is_total_name

EQUAL = 0.01  # share of a sum within which a channel equals it
LEAST_LUMPS = {"week": 4, "month": 3}  # lumps that make a habit
LUMPS_MISSED = 0.5  # of the weeks or months of a channel's life, at most


def find_bookings(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """Findings about how one account's spend was written down.

    Parameters
    ----------
    a : position of the account
    """
    return [*_totals(panel, a, alarms), *_lumps(panel, a, alarms), *_money(panel, a, alarms)]


def _totals(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """Channels that are the sum of the others."""
    used = np.flatnonzero(panel.exists[a])
    every = panel.spend[a].sum(axis=0)
    account, findings = panel.accounts[a], []
    for c in used:
        own, named_so = panel.spend[a, c], is_total_name(panel.channels[c])
        if used.size < (2 if named_so else 3):
            continue  # of two equal channels nobody knows which is the sum
        others = every - own
        paid = (own > 0) | (others > 0)
        equal = np.abs(own - others)[paid] <= EQUAL * np.maximum(own, others)[paid]
        share = float(equal.mean())
        is_sum = share >= alarms.total_share
        if not (is_sum or named_so):
            continue
        channel = panel.channels[c]
        kept = [name for name in panel.channels if name != channel]
        told = (
            f"channel {channel} is the sum of the others (in {share:.0%} of its periods), so all "
            f"spend is counted twice. Leave it out: channels={kept}"
            if is_sum
            else f"channel {channel} is called a total, but is not the sum of the others (equal in "
            f"{share:.0%} of its periods). If it holds their spend too, leave it out: "
            f"channels={kept}"
        )
        findings.append(
            make_finding(
                *("total_channel", account, channels_of(panel, a) if is_sum else (channel,)),
                *("equal_share", share, alarms.total_share, account, told),
                decides=is_sum,
            )
        )
    return findings


def _lumps(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """Daily spends that fall on one day of the week, or of the month."""
    if panel.period != "daily":
        return []
    weekday = (panel.dates.astype(np.int64) + 3) % 7
    month = panel.dates.astype("datetime64[M]").astype(np.int64)
    month_start = panel.dates.astype("datetime64[M]").astype("datetime64[D]")
    month_day = (panel.dates - month_start).astype(np.int64)
    week = (panel.dates.astype(np.int64) + 3) // 7
    cycles = (("week", weekday, week), ("month", month_day, month))
    found: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for c in np.flatnonzero(panel.exists[a]):
        for cycle, day, number in cycles:
            share, on = _on_one_day(panel.spend[a, c], panel.live[a, c], cycle, day, number)
            if share >= alarms.one_day_share:
                found.setdefault((cycle, on), []).append((int(c), share))
                break
    return [_lump(panel, a, alarms, cycle, on, cells) for (cycle, on), cells in found.items()]


def _on_one_day(
    spend: np.ndarray, live: np.ndarray, cycle: str, day: np.ndarray, number: np.ndarray
) -> tuple[float, int]:
    """Largest share of a spend on one day of its weeks or months, and the day; 0 if no habit."""
    by_day = np.bincount(day, spend)
    on = int(by_day.argmax())
    lumps = int(((spend > 0) & (day == on)).sum())
    n_cycles = int(np.ptp(number[live])) + 1
    if lumps < LEAST_LUMPS[cycle] or lumps < n_cycles * LUMPS_MISSED:
        return 0.0, on
    return float(by_day[on] / spend.sum()), on


def _lump(
    panel: Panel, a: int, alarms: Alarms, cycle: str, on: int, cells: list[tuple[int, float]]
) -> Finding:
    account, share = panel.accounts[a], min(share for _, share in cells)
    channels = tuple(panel.channels[c] for c, _ in cells)
    day = f"{WEEKDAYS[on]}s" if cycle == "week" else f"day {on + 1} of the month"
    whose = "its spend" if len(cells) == 1 else f"the spend of {listed(channels)}"
    told = (
        f"{share:.0%} of {whose} falls on {day}, beside a daily {panel.outcome_name}, as if sums "
        f"of a {cycle} stood on one day. Spread them over the days they paid for, or give both "
        f"tables by {cycle}"
    )
    life = panel.dates[panel.live[a, [c for c, _ in cells]].any(axis=0)]
    return make_finding(
        *("spend_on_one_day", account, channels, "share_on_one_day", share),
        *(alarms.one_day_share, cells_named(account, channels), told),
        dates=(str(life[0]), str(life[-1])),
        decides=True,
    )


def _money(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """An outcome that is next to nothing, or a fortune, beside the spend."""
    known = np.isfinite(panel.outcome[a])
    spent = panel.spend[a][:, known].sum()
    if not spent > 0:
        return []
    roas = float(panel.outcome_money[a, known].sum() / spent)
    if alarms.least_roas <= roas <= alarms.most_roas:
        return []
    told = (
        f"its {panel.outcome_name} is {roas:,.6g} per unit of spend: is one of them in another "
        "unit (micros, cents, thousands), or cut off? Bring both to one unit of money, or confirm "
        "that they are (accept_findings)"
    )
    bound = alarms.least_roas if roas < alarms.least_roas else alarms.most_roas
    return [
        make_finding(
            *("unit_of_money", panel.accounts[a], channels_of(panel, a)),
            *("roas", roas, bound, panel.accounts[a], told),
            decides=True,
        )
    ]
