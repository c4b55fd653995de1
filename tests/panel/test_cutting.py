"""The panel as it could have been read at a past date."""

import numpy as np
import pandas as pd
import pytest

from adbudget import InputError, read_panel
from adbudget.panel.cutting import panel_until
from adbudget.synthetic import WorldSpec, synthesize

WORLD = synthesize(
    WorldSpec(n_accounts=4, n_channels=3, n_periods=(20, 60), late_start_share=0.3), 5
)
PANEL = read_panel(WORLD.spend, WORLD.outcome)
FIELDS = (
    *("spend", "live", "outcome", "control_values", "unit_value", "margin", "first", "last"),
    *("last_spend", "dates"),
)


@pytest.mark.parametrize("n_periods", [60, 59, 50, 49, 30])
def test_a_cut_panel_is_the_one_that_was_read_then(n_periods):
    cut = panel_until(PANEL, n_periods)
    end = PANEL.dates[n_periods - 1]
    spend, outcome = (
        table[(table["date"] <= pd.Timestamp(end)) & table["account"].isin(cut.accounts)]
        for table in (WORLD.spend, WORLD.outcome)
    )
    then = read_panel(spend, outcome)
    assert (cut.accounts, cut.channels, cut.currency) == (
        then.accounts,
        then.channels,
        then.currency,
    )
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(cut, name), getattr(then, name), err_msg=name)


def test_an_account_with_too_short_a_record_is_left_out_and_comes_back():
    lengths = np.sort(PANEL.last - PANEL.first + 1)
    begun = 60 - lengths[0] + 7
    assert panel_until(PANEL, begun).n_accounts == 3
    assert panel_until(PANEL, begun + 1).n_accounts == 4


def test_a_date_before_any_account_is_refused():
    with pytest.raises(InputError, match="no account has 8 outcomes and some spend by"):
        panel_until(PANEL, 5)
