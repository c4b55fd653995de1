"""A column of budgets beside the spend tells what is set today."""

import numpy as np
import pandas as pd
import pytest

from adbudget import read_panel
from adbudget.errors import InputError
from adbudget.panel.budgets import budgets_beside_spend, read_budgets

WEEKS = pd.date_range("2026-01-05", periods=12, freq="7D")


def long_table(**more):
    rows = [
        {"account": "acme", "channel": channel, "date": day, "spend": 70.0 + week % 3}
        for channel in ("search", "social")
        for week, day in enumerate(WEEKS)
    ]
    return pd.DataFrame(rows).assign(**more)


def panel_of(table):
    revenue = pd.DataFrame({"account": "acme", "date": WEEKS, "revenue": np.arange(12) + 500.0})
    return read_panel(table, revenue)


def test_the_budget_of_the_last_day_is_what_is_set_per_period():
    table = long_table(daily_budget=[10.0] * 11 + [20.0] + [5.0] * 12)
    told = budgets_beside_spend(table, None, panel_of(table))
    standing = read_budgets(told, panel_of(table))
    assert standing.spend.to_dict() == {("acme", "search"): 140.0, ("acme", "social"): 35.0}
    assert "acme / search (140 set, 71 spent)" in standing.notes[0].message


def test_a_cell_whose_last_days_have_no_budget_keeps_the_last_one_it_had():
    table = long_table(budget=[90.0] * 10 + [np.nan] * 2 + [np.nan] * 12)
    told = budgets_beside_spend(table, None, panel_of(table))
    assert told.to_dict("records") == [{"account": "acme", "channel": "search", "budget": 90.0}]


def test_campaigns_of_one_channel_add_up():
    table = long_table(weekly_budget=60.0)
    both = pd.concat([table.assign(spend=table["spend"] / 2)] * 2, ignore_index=True)
    both["campaign"] = np.repeat(["a", "b"], len(table))
    told = budgets_beside_spend(both, None, panel_of(table))
    assert read_budgets(told, panel_of(table)).spend.tolist() == [120.0, 120.0]


def test_without_one_such_column_nothing_is_told():
    panel = panel_of(long_table())
    assert budgets_beside_spend(long_table(), None, panel) is None
    assert budgets_beside_spend(long_table(budget=1.0, daily_budget=1.0), None, panel) is None
    assert budgets_beside_spend(panel, None, panel) is None
    assert budgets_beside_spend(long_table(budget=1.0), {"spend": "budget"}, panel) is None


def test_a_budget_of_rows_that_are_no_periods_is_asked_about():
    table = long_table(budget=10.0)
    days = table.assign(date=[WEEKS[0] + pd.Timedelta(days=k % 12) for k in range(24)])
    with pytest.raises(InputError, match="for how long is it"):
        budgets_beside_spend(days, None, panel_of(table))
