"""Panel -> findings: what the data say that cannot be true, or not be all there is.

A model believes its rows. What a broken feed, a typing error, another unit or an unfinished week
feeds in has to be found before it, by statistics that need no model.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from adbudget.errors import InputError
from adbudget.options import check_names
from adbudget.panel.bookings import find_bookings
from adbudget.panel.control_copies import find_control_copies
from adbudget.panel.ends import find_ends
from adbudget.panel.findings import Alarms, Finding
from adbudget.panel.jumps import OUT_OF_LINE, SPEND_RATIO, find_jumps
from adbudget.panel.panel import Panel
from adbudget.tables.messages import Note

KINDS = (
    *("account_stale", "rows_end", "spend_stopped", "outcome_ends", "outcome_late"),
    *("unfinished_period", OUT_OF_LINE, "unit_changed", "total_channel"),
    *("spend_on_one_day", "unit_of_money", "control_is_outcome"),
)


def check_data(
    panel: Panel, alarms: Alarms | None = None, accepted: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """What the rows of a panel say that cannot be true, or not be all there is.

    Parameters
    ----------
    panel : what was spent and earned
    alarms : when a statistic becomes a finding; the defaults when None
    accepted : kinds of findings that decide nothing, because somebody has looked

    Returns
    -------
    tuple of Finding, by account; empty when nothing stands out. By ``kind``:

    account_stale : its data end long before those of the others
    rows_end : rows of a channel that spent steadily end before its account's
    spend_stopped : its spend is 0 from a day on, within the days that today's spend is the mean of
    outcome_ends : the outcome is missing, or 0, in the last periods, and spend goes on
    outcome_late : it is far lower than ever in the last periods, and spend is not
    unfinished_period : outcome and spend of the last period are a part of what they usually are
    value_out_of_line : one row is many times those around it, and nothing else moves with it
    unit_changed : spend or outcome steps by a factor that only another unit explains
    total_channel : a channel is the sum of the others
    spend_on_one_day : a daily spend falls on one day of the week, or of the month
    control_is_outcome : a control is the outcome, or a function of it
    unit_of_money : the account earns almost nothing, or a fortune, per unit of spend

    Raises
    ------
    InputError : ``accepted`` is text, or names no kind
    """
    if isinstance(accepted, str):
        raise InputError(f"accept_findings must be a list; got {accepted!r}: [{accepted!r}].")
    alarms, accepted = alarms or Alarms(), tuple(accepted)
    check_names(accepted, KINDS, "accept_findings")
    found = []
    for a in range(panel.n_accounts):
        for find in (find_ends, find_jumps, find_bookings, find_control_copies):
            found += find(panel, a, alarms)
    return tuple(
        replace(finding, decides=False) if finding.kind in accepted else finding
        for finding in found
    )


def without_values_out_of_line(panel: Panel, alarms: Alarms | None = None) -> Panel:
    """Leave the rows with a value far out of line out of what can be learned.

    Their outcome is masked. A spend that carries over into later rows has to be something: it
    becomes what is usual around it.

    Parameters
    ----------
    panel : what was spent and earned
    alarms : when a value is out of line; the defaults when None

    Returns
    -------
    Panel, with one more note for each of these values
    """
    spend, outcome, notes = panel.spend.copy(), panel.outcome.copy(), list(panel.notes)
    for finding in check_data(panel, alarms):
        if finding.kind != OUT_OF_LINE:
            continue
        a = panel.accounts.index(finding.account)
        t = int(np.searchsorted(panel.dates, np.datetime64(finding.dates[0], "D")))
        outcome[a, t] = np.nan
        what, channel = f"The {panel.outcome_name} of account {finding.account!r}", None
        if finding.statistic == SPEND_RATIO:
            channel = finding.channels[0]
            c = panel.channels.index(channel)
            spend[a, c, t] /= finding.value
            what = f"Account {finding.account!r}, channel {channel!r}: the spend"
        message = (
            f"{what} of {finding.dates[0]} is {finding.value:,.0f} times what is usual around it: "
            "the row is left out of the fit, as asked."
        )
        notes.append(
            Note(kind="masked_row", account=finding.account, channel=channel, message=message)
        )
    return replace(panel, spend=spend, outcome=outcome, notes=tuple(notes))
