import numpy as np
import pandas as pd
import pytest
import xarray as xr

from adbudget.errors import InputError
from adbudget.forecasting.spend_ahead import spend_ahead
from adbudget.panel.calendar import dates_after
from adbudget.panel.read import read_panel
from adbudget.plan import Plan


@pytest.fixture(scope="module")
def panel():
    """Two accounts by week; "b" does not use channel y."""
    days = pd.date_range("2024-01-01", periods=20, freq="7D")
    rows = [("a", "x"), ("a", "y"), ("b", "x")]
    spend = pd.concat(
        pd.DataFrame({"account": a, "channel": c, "date": days, "spend": 10.0 * (i + 1)})
        for i, (a, c) in enumerate(rows)
    )
    outcome = pd.concat(
        pd.DataFrame({"account": a, "date": days, "revenue": 100.0}) for a in ("a", "b")
    )
    return read_panel(spend, outcome)


@pytest.fixture(scope="module")
def ahead(panel):
    """Weeks of 2024-05-20, 05-27, 06-03 and 06-10."""
    return dates_after(panel.dates[-1], panel.period, 4)


def path(plan, panel, ahead):
    return spend_ahead(plan, panel, panel.current_spend(), ahead)


def table(*rows):
    return pd.DataFrame(rows, columns=["account", "channel", "date", "spend"])


def test_without_a_plan_the_spend_that_stands_goes_on(panel, ahead):
    spend, notes = path(None, panel, ahead)
    np.testing.assert_array_equal(spend[0], [[10.0] * 4, [20.0] * 4])
    np.testing.assert_array_equal(spend[1], [[30.0] * 4, [0.0] * 4])
    assert notes == []


def test_a_plan_a_series_and_a_mapping_are_one(panel, ahead):
    series = panel.current_spend() * 2
    for plan in (Plan(spend=series), series, series.to_dict()):
        np.testing.assert_array_equal(path(plan, panel, ahead)[0][0, 0], [20.0] * 4)


def test_a_budget_holds_from_its_date_until_the_next(panel, ahead):
    plan = table(("a", "x", "2024-05-27", 50.0), ("a", "x", "2024-06-10", 0.0))
    spend, notes = path(plan, panel, ahead)
    np.testing.assert_array_equal(spend[0, 0], [10.0, 50.0, 50.0, 0.0])
    np.testing.assert_array_equal(spend[1, 0], [30.0] * 4)
    assert "2 cell(s) that the plan does not name keep" in notes[0]


def test_a_budget_of_before_the_forecast_is_in_force_when_it_begins(panel, ahead):
    plan = table(("a", "x", "2024-05-15", 7.0), ("a", "x", "2024-04-01", 3.0))
    np.testing.assert_array_equal(path(plan, panel, ahead)[0][0, 0], [7.0] * 4)


def test_a_budget_after_the_forecast_is_told_not_counted(panel, ahead):
    spend, notes = path(table(("a", "x", "2024-07-01", 50.0)), panel, ahead)
    np.testing.assert_array_equal(spend[0, 0], [10.0] * 4)
    assert "1 budget(s) of the plan begin after the last forecast period" in notes[1]


def test_series_and_array_by_date_are_read_like_a_table(panel, ahead):
    plan = table(
        *((a, c, d, 5.0 + i) for a, c in panel.cells for i, d in enumerate(ahead.astype(str)))
    )
    wanted, _ = path(plan, panel, ahead)
    series = plan.set_index(["account", "channel", "date"])["spend"]
    array = xr.DataArray.from_series(series).transpose("date", "channel", "account")
    np.testing.assert_array_equal(path(series, panel, ahead)[0], wanted)
    np.testing.assert_array_equal(path(array, panel, ahead)[0], wanted)


def test_a_path_has_one_column_per_period(panel, ahead):
    frame = pd.DataFrame({t: panel.current_spend() * t for t in range(1, 5)})
    np.testing.assert_array_equal(path(frame, panel, ahead)[0][0, 0], [10.0, 20.0, 30.0, 40.0])
    with pytest.raises(InputError, match=r"3 columns, one per period, but 4 period"):
        path(frame.iloc[:, :3], panel, ahead)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("b", "y", "2024-05-27", 5.0), r"cells the fit does not know: \('b', 'y'\)"),
        (("c", "x", "2024-05-27", 5.0), r"cells the fit does not know: \('c', 'x'\)"),
        (("a", "x", "2024-05-29", 5.0), r"days inside a weekly period in row 0.*2024-05-29"),
        (("a", "x", "2024-05-27", -5.0), r"negative in row 0 of the plan"),
        (("a", "x", "2024-05-27", np.nan), r"no spend in row 0 of the plan"),
        (("a", "x", "07/05/2024", 5.0), r"ambiguous dates in row 0"),
    ],
)
def test_what_is_unclear_is_refused_with_its_row(row, told, panel, ahead):
    with pytest.raises(InputError, match=told):
        path(table(row), panel, ahead)


def test_two_budgets_of_one_day_are_refused(panel, ahead):
    plan = table(("a", "x", "2024-05-27", 5.0), ("a", "x", "2024-05-27", 6.0))
    with pytest.raises(InputError, match=r"twice on one day, in rows 0, 1"):
        path(plan, panel, ahead)
