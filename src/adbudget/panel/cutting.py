"""Panel + a past period -> the panel as it could have been read then, if it is worth a fit."""

from dataclasses import replace

import numpy as np

from adbudget.errors import InputError
from adbudget.panel.arrays import span
from adbudget.panel.panel import Panel

LEAST_OUTCOMES = 8  # of an account, as read_panel asks for


def panel_until(panel: Panel, n_periods: int) -> Panel:
    """The first periods of a panel; accounts and channels that say too little by then are left out.

    Parameters
    ----------
    panel : all of it
    n_periods : how many periods of its calendar are kept, at least 1

    Returns
    -------
    Panel of the accounts with eight outcomes and some spend by then, whose calendar begins with the
    first of them

    Raises
    ------
    InputError : there is no such account
    """
    known = np.arange(panel.n_periods) < n_periods
    spend = panel.spend * known
    outcomes = (np.isfinite(panel.outcome) & known).sum(axis=1)
    some = (outcomes >= LEAST_OUTCOMES) & spend.any(axis=(1, 2))
    if not some.any():
        raise InputError(
            f"no account has {LEAST_OUTCOMES} outcomes and some spend by "
            f"{panel.dates[min(n_periods, panel.n_periods) - 1]}. Begin later."
        )
    channels = spend[some].any(axis=(0, 2))
    begin = int(panel.first[some].min())
    shown = slice(begin, n_periods)
    names = np.flatnonzero(some)
    last = np.minimum(panel.last[some], n_periods - 1) - begin
    of_cells = np.ix_(some, channels)
    return replace(
        panel,
        accounts=tuple(panel.accounts[a] for a in names),
        channels=tuple(np.array(panel.channels, dtype=object)[channels].tolist()),
        currency=tuple(panel.currency[a] for a in names),
        dates=panel.dates[shown],
        spend=spend[of_cells][..., shown],
        live=span(spend[of_cells] > 0)[..., shown],
        outcome=panel.outcome[some][:, shown],
        control_values=panel.control_values[some][..., shown],
        unit_value=panel.unit_value[some],
        margin=panel.margin[some],
        first=panel.first[some] - begin,
        last=last,
        last_spend=np.minimum(np.maximum(panel.last_spend[of_cells] - begin, -1), last[:, None]),
    )
