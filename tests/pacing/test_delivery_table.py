"""Reading delivery: days and hours, days of 23 and 25 hours, corrections, and refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget import InputError
from adbudget.pacing.delivery.delivery_table import read_delivery
from tests.pacing.flights import daily, delivery_of, plan_of, plan_row

BERLIN = plan_row(time_zone="Europe/Berlin")
HOUR = pd.Timedelta(hours=1)


def hourly(hours: list[str], spend: object = 1.0) -> pd.DataFrame:
    table = {"deal": "D1", "hour": hours, "spend": spend, "impressions": 10, "final": True}
    return pd.DataFrame(table)


def of(plan_rows: tuple, frame: pd.DataFrame, **arguments):
    return read_delivery(frame, plan_of(*plan_rows), **arguments)


def test_days_are_kept_as_they_come():
    delivery = of((plan_row("A"), plan_row("B")), pd.concat([daily("B", [2]), daily("A", [1, 3])]))
    assert delivery.deal.tolist() == [0, 0, 1]
    assert delivery.spend_minor.tolist() == [100, 300, 200]
    assert delivery.total(delivery.spend_minor).tolist() == [400, 200]


def test_a_deal_without_rows_has_delivered_nothing():
    delivery = of((plan_row("A"), plan_row("B")), daily("B", [2]))
    assert delivery.total(delivery.spend_minor).tolist() == [0, 200]


def test_hours_with_an_offset_belong_to_the_local_day():
    frame = hourly(["2026-03-01T22:00+00:00", "2026-03-01T23:00+00:00"], [1.0, 2.0])
    delivery = of((BERLIN,), frame)  # Berlin is an hour ahead
    assert delivery.day.astype(str).tolist() == ["2026-03-01", "2026-03-02"]
    assert delivery.spend_minor.tolist() == [100, 200]


@pytest.mark.parametrize(
    ("day", "n_hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_every_hour_of_a_short_or_long_day_is_counted_once(day, n_hours):
    start = pd.Timestamp(day, tz="Europe/Berlin")
    hours = pd.date_range(start, start + pd.DateOffset(days=1), freq="h", inclusive="left")
    frame = hourly([hour.isoformat() for hour in hours])
    delivery = of((BERLIN | {"start": day, "end": day},), frame)
    assert len(hours) == n_hours
    assert delivery.day.astype(str).tolist() == [day]
    assert delivery.spend_minor.tolist() == [100 * n_hours]
    next_midnight = (start + pd.DateOffset(days=1)).tz_convert("UTC").tz_localize(None)
    assert delivery.reported_until[0] == np.datetime64(next_midnight, "s")


def test_the_hour_that_comes_twice_needs_its_offset():
    frame = hourly(["2026-10-25T02:00", "2026-10-25T02:00"])
    with pytest.raises(InputError, match=r"two rows for one deal and hour.*with their offset"):
        of((BERLIN | {"end": "2026-10-30"},), frame)


def test_date_and_hour_may_be_two_columns():
    frame = daily("D1", [1.0, 2.0]).assign(date="2026-03-01", hour=[0, 23])
    assert of((BERLIN,), frame).spend_minor.tolist() == [300]


def test_a_day_is_final_when_all_its_hours_are():
    frame = hourly(["2026-03-01T00:00", "2026-03-01T01:00"]).assign(final=[True, False])
    assert of((plan_row(),), frame).final.tolist() == [False]


def test_the_figure_reported_later_holds_and_the_replaced_one_is_logged():
    frame = pd.concat([daily("D1", [10.0]), daily("D1", [8.5])], ignore_index=True)
    frame["reported_at"] = ["2026-03-05", "2026-03-02"]
    frame.loc[1, "spend"] = 9.0
    delivery = of((plan_row(),), frame)
    assert delivery.spend_minor.tolist() == [1000]
    assert [(c.day, c.spend_minor_before, c.spend_minor) for c in delivery.corrections] == [
        ("2026-03-01", 900, 1000)
    ]


def test_a_final_figure_replaces_a_provisional_one():
    frame = pd.concat([daily("D1", [10.0]), daily("D1", [9.0], final=False)], ignore_index=True)
    delivery = of((plan_row(),), frame)
    assert (delivery.spend_minor.tolist(), delivery.final.tolist()) == ([1000], [True])
    assert len(delivery.corrections) == 1


def test_an_equal_figure_reported_again_is_no_correction():
    frame = pd.concat([daily("D1", [10.0]), daily("D1", [10.0])], ignore_index=True)
    delivery = of((plan_row(),), frame.assign(reported_at=["2026-03-05", "2026-03-02"]))
    assert (delivery.spend_minor.tolist(), delivery.corrections) == ([1000], ())


def test_two_figures_for_one_day_that_nothing_tells_apart_are_refused():
    frame = pd.concat([daily("D1", [10.0]), daily("D1", [9.0])], ignore_index=True)
    with pytest.raises(InputError, match=r"two rows for one deal and day in rows 0, 1"):
        of((plan_row(),), frame)


@given(st.permutations(range(8)))
def test_the_order_of_rows_decides_nothing(order):
    plan = plan_of(plan_row("A"), plan_row("B"))
    frame = pd.concat([daily("A", [1, 2, 3, 4]), daily("B", [5, 6, 7, 8])], ignore_index=True)
    there, here = (delivery_of(plan, each) for each in (frame, frame.iloc[list(order)]))
    assert here.spend_minor.tolist() == there.spend_minor.tolist()
    assert here.day.tolist() == there.day.tolist()


def test_a_deal_nobody_planned_is_told():
    delivery = of((plan_row(),), pd.concat([daily("D1", [1]), daily("X", [5, 5])]))
    assert [note.kind for note in delivery.notes] == ["unknown_deal"]
    assert "'X'" in delivery.notes[0].message


def test_delivery_of_other_deals_only_is_refused():
    with pytest.raises(InputError, match="No row is about a planned deal"):
        of((plan_row(),), daily("X", [5]))


def test_money_spent_outside_the_flight_counts_and_is_told():
    delivery = of((plan_row(),), daily("D1", [5, 5], start="2026-02-28"))
    assert delivery.total(delivery.spend_minor).tolist() == [1000]
    assert [note.kind for note in delivery.notes] == ["outside_flight"]


def test_without_a_column_final_that_is_told():
    delivery = of((plan_row(),), daily("D1", [5]).drop(columns="final"))
    assert delivery.final.all()
    assert [note.kind for note in delivery.notes] == ["all_final"]


def test_the_words_final_and_provisional_are_understood():
    delivery = of((plan_row(),), daily("D1", [5, 6]).assign(final=["final", "Provisional"]))
    assert delivery.final.tolist() == [True, False]


@pytest.mark.parametrize(
    ("as_of", "refused"),
    [
        ("2026-03-03", False),
        ("2026-03-02", True),  # the midnight at which the second day begins
        ("2026-03-02T06:00", False),
        ("2026-03-01T23:30+00:00", False),  # in Berlin the second day has begun
        ("2026-03-01T22:30+00:00", True),
    ],
)
def test_nothing_is_known_from_later(as_of, refused):
    frame = daily("D1", [1, 2])
    if refused:
        with pytest.raises(InputError, match=r"date is not before as_of .* row 1 of the delivery"):
            of((BERLIN,), frame, as_of=as_of)
    else:
        assert len(of((BERLIN,), frame, as_of=as_of)) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"impressions": np.inf}, "'impressions' is infinite in row 0"),
        ({"final": "maybe"}, "final is missing or unclear in row 0"),
        ({"final": 2}, "final is missing or unclear in row 0"),
        ({"deal": None}, "column 'deal' is missing or blank in row 0"),
        ({"date": "tomorrow"}, "values that are not dates in row 0"),
        ({"hour": 24}, "hour must be a whole number from 0 to 23 in row 0"),
        ({"hour": "2026-03-01T14:30"}, "not full hours in row 0"),
    ],
)
def test_what_is_unclear_is_refused_with_its_row(changes, message):
    with pytest.raises(InputError, match=message):
        of((plan_row(),), daily("D1", [1.0]).assign(**changes))


def test_a_table_without_time_is_refused():
    with pytest.raises(InputError, match="neither a column 'date' nor 'hour'"):
        of((plan_row(),), daily("D1", [1.0]).drop(columns="date"))
