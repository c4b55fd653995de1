"""Panel -> findings: what the data cannot tell apart, and how it shows.

Every finding names its cells, its statistic and the limit it crosses. What the data say that cannot
be true is found in :mod:`adbudget.panel.integrity`, with the same records.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.panel.variation import spend_statistics
from adbudget.plan import Cell

NEVER_VARIED, FOLLOWS_CALENDAR = "never_varied", "follows_calendar"
FOLLOWS_OUTCOME, MOVE_TOGETHER = "follows_outcome", "move_together"
MOVES_WITH_OTHERS = "moves_with_others"
NEVER = 5e-4  # share of the mean below which a variation is rounding of cents

Row = Mapping[str, Any]  # the statistics of one cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something the data cannot tell apart, have not seen, or say and cannot be true.

    Attributes
    ----------
    kind : "never_varied", "follows_calendar", "follows_outcome", "move_together",
        "moves_with_others", "stopped_at_observed", "beyond_observed", or one of those of
        :func:`adbudget.panel.integrity.check_data`
    account, channels : the cells it is about
    statistic, value, limit : what was measured, what came, and the limit it crosses
    message : one sentence or two that name the cells
    caveat : the same for the reason of a decision about one of the cells
    dates : first and last period it is about, "2026-03-01"; () when that is the whole record
    decides : whether nothing said of these cells would mean anything: they are monitored
    """

    kind: str
    account: str
    channels: tuple[str, ...]
    statistic: str
    value: float
    limit: float
    message: str
    caveat: str
    dates: tuple[str, ...] = ()
    decides: bool = False

    @property
    def cells(self) -> tuple[Cell, ...]:
        """(account, channel) of every cell it is about."""
        return tuple((self.account, channel) for channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """When a statistic becomes a finding.

    The first five are those of :func:`adbudget.panel.variation.spend_statistics`, the others those
    of :func:`adbudget.panel.integrity.check_data`.

    Attributes
    ----------
    variation : spend that varies by less than this share of its mean has never varied
    calendar_r2 : share of spend's variance that trend, season, weekday and controls explain
    outcome_r2 : share of the rest that the outcome of earlier periods explains
    correlation : of two channels of one account, the calendar taken out, whatever its sign
    vif : variance inflation of a channel by all others of its account
    silent_days : a channel that spent steadily may be without spend for less than this
    stale_days : data of an account may end this long before those of the others
    period_share : share of its usual size below which a last period is thought unfinished
    row_ratio : a value may be this many times those around it
    unit_ratio : a series may step by this factor from one period to the next
    one_day_share : share of a daily spend that falls on one weekday, or one day of the month
    total_share : share of its periods in which a channel spends what all others spend together
    control_rank : rank correlation of a control with the outcome from which it is a copy of it
    least_roas, most_roas : an account's outcome per unit of spend, in money, that is hardly money
        of one unit below or above
    """

    variation: float = 0.05
    calendar_r2: float = 0.8
    outcome_r2: float = 0.5
    correlation: float = 0.9
    vif: float = 10.0
    silent_days: float = 3.0
    stale_days: float = 28.0
    period_share: float = 0.6
    row_ratio: float = 6.0
    unit_ratio: float = 50.0
    one_day_share: float = 0.9
    total_share: float = 0.95
    least_roas: float = 0.01
    most_roas: float = 1_000.0
    control_rank: float = 0.999

    def __post_init__(self) -> None:
        unbounded = {"variation", "vif", "silent_days", "stale_days", "row_ratio", "unit_ratio"}
        unbounded |= {"most_roas"}
        for name in self.__slots__:
            value, top = getattr(self, name), np.inf if name in unbounded else 1.0
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not (0 < value <= top)
            ):
                raise InputError(f"Alarms.{name} must be above 0, at most {top}; got {value!r}.")


def check_identification(panel: Panel, alarms: Alarms | None = None) -> tuple[Finding, ...]:
    """What the spend of a panel cannot teach, whatever the model.

    Parameters
    ----------
    panel : what was spent and earned
    alarms : when a statistic becomes a finding; the defaults when None

    Returns
    -------
    tuple of Finding, by account and channel; empty when every spend moves by itself
    """
    alarms = alarms or Alarms()
    by_account: dict[str, dict[str, Row]] = {}
    for (account, channel), row in spend_statistics(panel).to_dict("index").items():
        by_account.setdefault(account, {})[channel] = row
    found: list[Finding] = []
    for account, rows in by_account.items():
        for channel, row in rows.items():
            found += _of_one_cell(account, channel, row, alarms)
        found += _of_channels_together(account, rows, alarms)
    return tuple(found)


def caveats(findings: Iterable[Finding]) -> dict[Cell, str]:
    """Cell -> what to say about it in the reason of its decision, whatever that is."""
    return _said(finding for finding in findings if not finding.decides)


def blocked(findings: Iterable[Finding]) -> dict[Cell, str]:
    """Cell -> why nothing said of it would mean anything."""
    return _said(finding for finding in findings if finding.decides)


def _said(findings: Iterable[Finding]) -> dict[Cell, str]:
    said: dict[Cell, list[str]] = {}
    for finding in findings:
        for cell in finding.cells:
            said.setdefault(cell, []).append(finding.caveat)
    return {cell: " ".join(sentences) for cell, sentences in said.items()}


def make_finding(
    kind: str,
    account: str,
    channels: tuple[str, ...],
    statistic: str,
    value: float,
    limit: float,
    named: str,
    told: str,
    dates: tuple[str, ...] = (),
    decides: bool = False,
) -> Finding:
    """Record a finding; ``told`` is its sentence without the name of its cell and the full stop."""
    return Finding(
        kind=kind,
        account=account,
        channels=channels,
        statistic=statistic,
        value=value,
        limit=limit,
        message=f"{named}: {told}.",
        caveat=f"{told[0].upper()}{told[1:]}.",
        dates=dates,
        decides=decides,
    )


def _of_one_cell(account: str, channel: str, row: Row, alarms: Alarms) -> list[Finding]:
    """Findings that concern no other channel; a spend that never varies has no further ones."""

    def found(kind: str, statistic: str, told: str) -> Finding:
        limit = getattr(alarms, statistic)
        named = f"{account}/{channel}"
        return make_finding(
            kind, account, (channel,), statistic, row[statistic], limit, named, told
        )

    if row["variation"] < alarms.variation:
        how = "never varied" if row["variation"] < NEVER else "hardly ever varied"
        size = f"(standard deviation {row['variation']:.1%} of its mean)"
        told = f"its spend {how} {size}, so its curve is assumed, not seen"
        return [found(NEVER_VARIED, "variation", told)]
    findings = []
    if row["calendar_r2"] >= alarms.calendar_r2:
        told = (
            f"trend, season and controls explain {row['calendar_r2']:.0%} of its spend (R2), so "
            "its effect can hardly be told from theirs"
        )
        findings.append(found(FOLLOWS_CALENDAR, "calendar_r2", told))
    if row["outcome_r2"] >= alarms.outcome_r2:
        told = (
            "its spend follows the outcome of earlier periods (partial R2 "
            f"{row['outcome_r2']:.2f}), so demand can pass for its effect"
        )
        findings.append(found(FOLLOWS_OUTCOME, "outcome_r2", told))
    return findings


def _of_channels_together(account: str, rows: Mapping[str, Row], alarms: Alarms) -> list[Finding]:
    """Channels of one account whose effects blur into each other."""
    moving = {name: row for name, row in rows.items() if row["variation"] >= alarms.variation}
    findings, named = [], set()
    for group in _groups(moving, alarms.correlation):
        named |= set(group)
        smallest, told = _together(group, [moving[name]["correlation"] for name in group])
        value = ("correlation", smallest, alarms.correlation)
        findings.append(make_finding(MOVE_TOGETHER, account, group, *value, account, told))
    for channel, row in moving.items():
        if row["vif"] >= alarms.vif and channel not in named:
            told = (
                "its spend is nearly a mixture of the other channels' (variance inflation "
                f"{row['vif']:.0f}), so their effects can hardly be told apart"
            )
            value, named_cell = ("vif", row["vif"], alarms.vif), f"{account}/{channel}"
            one = make_finding(MOVES_WITH_OTHERS, account, (channel,), *value, named_cell, told)
            findings.append(one)
    return findings


def _groups(rows: Mapping[str, Row], least: float) -> list[tuple[str, ...]]:
    """Sets of channels linked by a large correlation with their nearest partner."""
    groups: list[set[str]] = []
    for channel, row in rows.items():
        if not abs(row["correlation"]) >= least or row["partner"] not in rows:
            continue
        joined = {channel, row["partner"]}
        apart = []
        for group in groups:
            if group & joined:
                joined |= group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return [tuple(sorted(group)) for group in groups]


def _together(group: tuple[str, ...], correlation: list[float]) -> tuple[float, str]:
    """Smallest of the correlations that link a group, and the words for it."""
    smallest = min(correlation, key=abs)
    way = "move together" if min(correlation) > 0 else "move in step, some of them opposite"
    if len(group) == 2 and smallest < 0:
        way = "move opposite to each other"
    names = f"{', '.join(group[:-1])} and {group[-1]}"
    so = "so their effects can hardly be told apart"
    return smallest, f"channels {names} {way} (correlation {smallest:.2f}), {so}"
