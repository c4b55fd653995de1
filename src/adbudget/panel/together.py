"""Panels of different accounts -> one Panel, as if they had been read together."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from adbudget.errors import InputError
from adbudget.panel.calendar import regular_grid, weekday_of
from adbudget.panel.panel import Panel
from adbudget.tables.messages import quoted


def join_panels(panels: Sequence[Panel]) -> Panel:
    """Accounts that were read apart, on one calendar.

    Parameters
    ----------
    panels : at least one; no account may be in two of them

    Returns
    -------
    Panel, accounts and channels sorted

    Raises
    ------
    InputError : periods, weekdays, controls or outcomes differ, or an account is there twice
    """
    if not panels:
        raise InputError("there are no panels to join.")
    first = panels[0]
    for panel in panels:
        _check_alike(first, panel)
    dates = regular_grid(np.concatenate([panel.dates for panel in panels]), first.period)
    pairs = sorted(
        (name, i, a) for i, one in enumerate(panels) for a, name in enumerate(one.accounts)
    )
    names = [name for name, _, _ in pairs]
    twice = [name for name, after in pairwise(names) if name == after]
    if twice:
        raise InputError(f"accounts are in two panels: {quoted(twice)}. Leave one of each out.")
    channels = tuple(sorted({name for panel in panels for name in panel.channels}))
    spend = np.zeros((len(names), len(channels), dates.size))
    live = np.zeros(spend.shape, dtype=bool)
    outcome = np.full((len(names), dates.size), np.nan)
    controls = np.full((len(names), len(first.controls), dates.size), np.nan)
    last_spend = np.full(spend.shape[:2], -1)
    ends = np.zeros((2, len(names)), dtype=int)
    for row, (_, i, a) in enumerate(pairs):
        own = panels[i]
        at = np.searchsorted(dates, own.dates)
        to = [channels.index(name) for name in own.channels]
        spend[row, np.array(to)[:, None], at] = own.spend[a]
        live[row, np.array(to)[:, None], at] = own.live[a]
        outcome[row, at], controls[row][:, at] = own.outcome[a], own.control_values[a]
        last_spend[row, to] = np.where(own.last_spend[a] < 0, -1, at[own.last_spend[a]])
        ends[:, row] = at[own.first[a]], at[own.last[a]]
    return Panel(
        accounts=tuple(names),
        channels=channels,
        controls=first.controls,
        period=first.period,
        period_days=first.period_days,
        dates=dates,
        spend=spend,
        live=live,
        outcome=outcome,
        control_values=controls,
        outcome_name=first.outcome_name,
        unit_value=np.array([panels[i].unit_value[a] for _, i, a in pairs]),
        margin=np.array([panels[i].margin[a] for _, i, a in pairs]),
        currency=tuple(panels[i].currency[a] for _, i, a in pairs),
        first=ends[0],
        last=ends[1],
        last_spend=last_spend,
        today=first.today,
        notes=tuple(dict.fromkeys(note for panel in panels for note in panel.notes)),
    )


def _check_alike(first: Panel, other: Panel) -> None:
    """One calendar, one outcome and the same controls."""
    for what in ("period", "outcome_name", "controls"):
        mine, theirs = getattr(first, what), getattr(other, what)
        if mine != theirs:
            raise InputError(
                f"{what.replace('_', ' ')} differs: {mine!r} of {quoted(first.accounts)}, "
                f"{theirs!r} of {quoted(other.accounts)}. Accounts that are learned together need "
                "the same: bring them to one form, or learn them apart."
            )
    days = [weekday_of(panel.dates[:1])[0] for panel in (first, other)]
    if first.period == "weekly" and days[0] != days[1]:
        raise InputError(
            f"weeks begin on different days for {quoted(first.accounts)} and "
            f"{quoted(other.accounts)}. Aggregate daily data again, or shift the dates if only "
            "their labels differ."
        )
