"""Reading a plan: what is understood, and what is refused with the rows."""

import numpy as np
import pandas as pd
import pytest

from adbudget import InputError
from adbudget.pacing.booked.curves import custom
from adbudget.pacing.booked.flight import NO_MAXIMUM
from adbudget.pacing.booked.plan_table import read_plan
from tests.pacing.flights import plan_frame, plan_of, plan_row


def test_a_plan_is_sorted_by_deal_and_counts_its_days():
    plan = plan_of(plan_row("B", start="2026-03-05", end="2026-03-05"), plan_row("A"))
    assert plan.deals == ("A", "B")
    assert plan.n_days.tolist() == [30, 1]
    assert plan.budget_minor.tolist() == [3_000_000, 3_000_000]


def test_minor_units_follow_the_currency():
    plan = plan_of(
        plan_row("A", currency="JPY", budget=500, campaign="a"),
        plan_row("B", currency="KWD", budget=1.234, campaign="b"),
    )
    assert plan.budget_minor.tolist() == [500, 1_234]
    assert plan.exponent.tolist() == [0, 3]


def test_what_a_plan_may_leave_out_is_open():
    plan = plan_of(plan_row())
    assert plan.minimum_minor.tolist() == [0]
    assert plan.maximum_minor.tolist() == [NO_MAXIMUM]
    assert plan.time_zone.tolist() == ["UTC"]
    assert np.isnan(plan.planned_impressions).all()
    assert not plan.locked.any()
    assert plan.limits == ()
    assert plan.notes == ()


def test_a_plan_without_curves_says_that_it_is_even():
    plan = read_plan(plan_frame().drop(columns="curve"))
    assert plan.planned_share(np.array([10.0])) == pytest.approx(1 / 3)
    assert [note.kind for note in plan.notes] == ["even_curve"]


def test_a_plan_names_own_curves():
    curves = {"launch": custom([(0, 0), (0.5, 0.7), (1, 1)])}
    plan = plan_of(plan_row(curve="launch"), curves=curves)
    assert plan.planned_share(np.array([7.5])) == pytest.approx(0.35)


def test_limits_of_a_seller_are_per_campaign_and_written_once():
    plan = plan_of(
        plan_row("A", seller_maximum=45_000, channel_minimum=10_000),
        plan_row("B", seller_maximum=None, channel_minimum=10_000),
        plan_row("C", campaign="autumn", seller_maximum=None, channel_minimum=None),
    )
    assert plan.group_limit("seller", "spring", "Northstar").maximum_minor == 4_500_000
    assert plan.group_limit("channel", "spring", "ctv").minimum_minor == 1_000_000
    assert plan.group_limit("seller", "autumn", "Northstar").maximum_minor == NO_MAXIMUM


def test_two_different_limits_of_one_seller_are_refused():
    rows = plan_row("A", seller_maximum=45_000), plan_row("B", seller_maximum=50_000)
    with pytest.raises(InputError, match="seller_maximum of 'Northstar' differs between rows 0, 1"):
        plan_of(*rows)


def test_a_column_nobody_reads_is_told_with_what_it_may_mean():
    plan = plan_of(plan_row(budgets=3))
    assert "'budgets' may be meant as 'budget'" in plan.notes[0].message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"end": "2026-02-28"}, "end is before start in row 0 of the plan"),
        ({"budget": -1}, "budget is negative in row 0"),
        ({"budget": None}, "budget is missing in row 0"),
        ({"budget": 10.005}, "budget has more than 2 decimals in row 0"),
        ({"budget": 1e14}, "budget is too large to be exact in row 0"),
        ({"budget": "12k"}, "text where numbers are expected, in row 0"),
        ({"start": "03/01/2026"}, "ambiguous dates in row 0"),
        ({"start": None}, "has no date in row 0"),
        ({"currency": "euro"}, "three letters"),
        ({"time_zone": "Berlin"}, "time zone 'Berlin' is unknown.*row 0"),
        ({"curve": "steady"}, "curve 'steady' in row 0 of the plan is unknown"),
        ({"seller": " "}, "column 'seller' is missing or blank in row 0"),
        ({"minimum": 5, "maximum": 4}, "minimum is above maximum in row 0"),
        ({"locked": "perhaps"}, "locked is neither true nor false in row 0"),
        ({"planned_impressions": -5}, "planned_impressions is negative in row 0"),
    ],
)
def test_what_is_unclear_is_refused_with_its_row(changes, message):
    with pytest.raises(InputError, match=message):
        plan_of(plan_row(**changes))


def test_one_deal_twice_is_refused():
    with pytest.raises(InputError, match="'D1' come more than once, in rows 0, 1 of the plan"):
        plan_of(plan_row(), plan_row())


def test_a_campaign_in_two_currencies_is_refused():
    with pytest.raises(InputError, match=r"campaigns 'spring' have deals in several currencies"):
        plan_of(plan_row("A"), plan_row("B", currency="USD"))


def test_a_currency_by_argument_must_agree_with_the_column():
    with pytest.raises(InputError, match="'USD' by argument, but 'EUR' by column"):
        plan_of(plan_row(), currency="USD")


def test_a_missing_column_is_named_with_the_likely_one():
    frame = plan_frame().rename(columns={"budget": "bugdet"})
    with pytest.raises(InputError, match=r"plan has no column 'budget'.*Is it 'bugdet'"):
        read_plan(frame)


@pytest.mark.parametrize("nothing", [pd.DataFrame(), None, [1, 2]])
def test_no_table_is_refused(nothing):
    with pytest.raises(InputError):
        read_plan(nothing)
