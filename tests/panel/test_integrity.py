"""What the rows say that cannot be true is found, named with its dates, and not found elsewhere."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import adbudget as ab
from adbudget.model.held_out import only_accounts, without_last
from adbudget.panel.findings import Alarms, blocked, caveats
from adbudget.panel.following import follow
from adbudget.panel.integrity import KINDS, check_data
from adbudget.reporting.summary import FINDINGS
from adbudget.synthetic import WorldSpec, families, synthesize
from benchmarks.bench_data_faults import DAILY, WEEKLY, tables_of, told
from benchmarks.real_data.sets import data_folder

N = 60
WEEKS = pd.date_range("2024-01-01", periods=N, freq="7D")
DAYS = pd.date_range("2024-01-01", periods=140)


def moving(mean, seed, n=N, size=0.25):
    return mean * np.exp(np.random.default_rng(seed).normal(0, size, n))


def shop(dates=WEEKS, account: Any = "shop", **columns):
    """One account in a wide table: revenue, and channels a and b, unless given."""
    n = len(dates)
    usual = {"revenue": moving(1000, 9, n, 0.05), "a": moving(100, 1, n), "b": moving(50, 2, n)}
    return pd.DataFrame({"account": account, "date": dates} | usual | columns)


def panel_of(*tables, **options):
    table = pd.concat(tables, ignore_index=True)
    named = {"account", "date", "revenue"}
    channels = [name for name in table if name not in named]
    return ab.read_panel(table, channels=channels, **options)


def found(*tables, **options):
    return check_data(panel_of(*tables, **options))


def changed(path, at, factor):
    spoilt = np.array(path, dtype=float)
    spoilt[at] *= factor
    return spoilt


def what(finding):
    return finding.kind, finding.account, finding.channels, finding.dates, finding.decides


ALL = ("a", "b")


def test_clean_rows_raise_nothing():
    assert found(shop()) == ()
    assert found(shop(DAYS)) == ()


# What ends before the rest ----------------------------------------------------------------------


def test_a_channel_whose_rows_end_before_its_accounts_is_named_with_its_dates():
    (one,) = found(shop(a=np.where(np.arange(N) < N - 3, moving(100, 1), np.nan)))
    last, since = str(WEEKS[N - 4].date()), str(WEEKS[N - 3].date())
    assert what(one) == ("rows_end", "shop", ("a",), (since, str(WEEKS[-1].date())), True)
    assert (one.statistic, one.value, one.limit) == ("silent_periods", 3, 1)
    assert one.message == (
        f"shop/a: its rows end on {last}, 3 weeks before those of the account, so the feed broke, "
        "or a stop was not written down. Add the missing rows, with 0 where nothing was spent."
    )
    assert list(blocked([one])) == [("shop", "a")]
    assert caveats([one]) == {}


def test_channels_that_end_together_are_one_finding():
    gone = np.where(np.arange(N) < N - 2, 1.0, np.nan)
    (one,) = found(shop(a=moving(100, 1) * gone, b=moving(50, 2) * gone))
    assert one.channels == ("a", "b")
    assert one.message.startswith("shop: the rows of a, b end on ")


def test_rows_that_ended_long_ago_are_said_and_hold_nothing():
    (one,) = found(shop(a=np.where(np.arange(N) < N - 9, moving(100, 1), np.nan)))
    assert (one.kind, one.decides) == ("rows_end", False)
    assert list(caveats([one])) == [("shop", "a")]


@pytest.mark.parametrize(
    ("weeks", "kinds"),
    [(1, [("spend_stopped", False)]), (3, [("spend_stopped", True)]), (5, [])],
)
def test_a_stop_that_is_written_down_is_held_only_while_it_is_part_of_todays_spend(weeks, kinds):
    written = np.where(np.arange(N) < N - weeks, moving(100, 1), 0.0)
    assert [(one.kind, one.decides) for one in found(shop(a=written))] == kinds


def test_a_pause_as_long_as_earlier_ones_is_no_finding():
    flights = np.where(np.arange(N) % 6 < 3, moving(100, 1), 0.0)
    assert flights[-3:].max() == 0
    assert found(shop(a=flights)) == ()
    left_out = np.where(flights > 0, flights, np.nan)
    assert found(shop(a=left_out), missing_spend="zero") == ()


def test_an_account_whose_data_end_long_before_the_others_is_held():
    (one,) = found(shop(), shop(WEEKS[:50], account="late", revenue=moving(900, 4, 50, 0.05),
                                a=moving(70, 5, 50), b=moving(30, 6, 50)))  # fmt: skip
    end, newest = str(WEEKS[49].date()), str(WEEKS[-1].date())
    assert what(one) == ("account_stale", "late", ALL, (end, newest), True)
    assert (one.value, one.limit) == (70, 28)
    assert f"its data end on {end}, 10 weeks before those of other accounts" in one.message


def test_an_account_four_weeks_behind_is_not_stale():
    assert found(shop(), shop(WEEKS[:-4], account="late")) == ()


def test_an_outcome_of_zero_while_spend_goes_on_holds_the_account():
    (one,) = found(shop(revenue=changed(moving(1000, 9, size=0.05), slice(-2, None), 0)))
    dates = str(WEEKS[-2].date()), str(WEEKS[-1].date())
    assert what(one) == ("outcome_ends", "shop", ALL, dates, True)
    assert f"the revenue of {dates[0]} to {dates[1]} is 0 while spend goes on" in one.message


def test_an_outcome_that_is_missing_is_left_out_and_holds_the_account_only_when_it_is_old():
    def ending(n):
        return [what(one)[::4] for one in found(shop(revenue=changed(np.ones(N), -1, 1) * 1000
                * np.where(np.arange(N) < N - n, 1, np.nan)))]  # fmt: skip

    assert ending(2) == [("outcome_ends", False)]
    assert ending(5) == [("outcome_ends", True)]


def test_an_outcome_lower_than_ever_beside_usual_spend_has_not_all_arrived():
    (one,) = found(shop(revenue=changed(moving(1000, 9, size=0.05), -1, 0.3)))
    day = str(WEEKS[-1].date())
    assert what(one) == ("outcome_late", "shop", ALL, (day, day), True)
    assert one.value == pytest.approx(0.3, abs=0.05)


def test_an_outcome_as_low_as_it_has_been_before_is_no_finding():
    revenue = moving(1000, 9, size=0.05)
    revenue[[30, -1]] *= 0.3
    assert found(shop(revenue=revenue)) == ()


def test_a_last_week_of_two_days_is_unfinished():
    part = {name: changed(shop()[name], -1, 2 / 7) for name in ("revenue", "a", "b")}
    (one,) = found(shop(**part))
    day = str(WEEKS[-1].date())
    assert what(one) == ("unfinished_period", "shop", ALL, (day, day), True)
    assert one.value == pytest.approx(2 / 7, abs=0.1)


def test_one_unfinished_day_is_said_and_holds_nothing():
    part = {name: changed(shop(DAYS)[name], -1, 0.3) for name in ("revenue", "a", "b")}
    (one,) = found(shop(DAYS, **part))
    assert (one.kind, one.decides) == ("unfinished_period", False)


def test_a_month_that_is_not_over_on_the_day_it_is_read_is_unfinished():
    months = pd.date_range("2022-01-01", periods=36, freq="MS")
    assert found(shop(months), today="2025-01-01") == ()
    (one,) = found(shop(months), today="2024-12-10")
    assert what(one)[0::4] == ("unfinished_period", True)
    assert one.value == pytest.approx(9 / 31)


@pytest.mark.parametrize("share", [3 / 7, 5 / 7])
def test_a_week_as_weak_as_the_clock_says_is_unfinished(share):
    part = {name: changed(np.full(N, 1000.0), -1, share) for name in ("revenue", "a", "b")}
    day = WEEKS[-1] + pd.Timedelta(days=round(7 * share))
    (one,) = found(shop(**part), today=str(day.date()))
    assert one.kind == "unfinished_period"
    assert one.value == pytest.approx(share)


# Values out of line, and other units ------------------------------------------------------------


def test_one_row_a_hundred_times_too_large_is_named_with_its_value():
    spend = moving(100, 1)
    (one,) = found(shop(a=changed(spend, 20, 100)))
    day = str(WEEKS[20].date())
    around = [*range(16, 20), *range(21, 25)]
    assert what(one) == ("value_out_of_line", "shop", ("a",), (day, day), True)
    assert one.value == pytest.approx(100 * spend[20] / np.exp(np.median(np.log(spend[around]))))
    assert one.message.startswith(f"shop/a: its spend is {100 * spend[20]:,.2f} on {day}, ")


def test_an_outcome_a_hundred_times_too_large_holds_the_account():
    (one,) = found(shop(revenue=changed(moving(1000, 9, size=0.05), 20, 100)))
    assert (one.kind, one.channels) == ("value_out_of_line", ALL)


def test_black_friday_is_no_typing_error():
    busy = changed(moving(100, 1), 47, 8)
    assert found(shop(a=busy, revenue=changed(moving(1000, 9, size=0.05), 47, 3))) == ()
    (one,) = found(shop(a=busy))
    assert one.kind == "value_out_of_line", "the same spend with no sale to explain it"


def test_launches_and_bursts_are_no_typing_errors():
    assert found(shop(a=changed(moving(100, 1), slice(30, None), 8))) == ()
    bursts = np.where(np.arange(N) % 10 == 5, 20.0, 1.0)
    assert found(shop(a=moving(100, 1) * bursts)) == ()


@pytest.mark.parametrize("factor", [100, 1000, 1e6, 1e-3])
def test_a_spend_in_another_unit_from_a_day_on_is_dated(factor):
    one = found(shop(a=changed(moving(100, 1), slice(40, None), factor)))[0]
    dates = str(WEEKS[40].date()), str(WEEKS[-1].date())
    assert what(one) == ("unit_changed", "shop", ("a",), dates, True)
    assert one.value == pytest.approx(max(factor, 1 / factor))


def test_a_fortnight_in_another_unit_ends_again():
    spoilt = changed(moving(100, 1), slice(30, 36), 1000)
    (one,) = found(shop(a=spoilt))
    assert one.dates == (str(WEEKS[30].date()), str(WEEKS[35].date()))


def test_a_channel_that_goes_from_a_trial_to_its_real_size_is_in_one_unit():
    assert found(shop(a=changed(moving(2, 1), slice(30, None), 30))) == ()
    flights = np.where(np.arange(N) // 8 % 2 == 0, 1.0, 100.0)
    assert found(shop(a=moving(2, 1) * flights)) == ()


def test_a_whole_account_in_another_unit_is_both_spend_and_outcome():
    part = {name: changed(shop()[name], slice(30, None), 1000) for name in ("revenue", "a", "b")}
    assert {one.kind for one in found(shop(**part))} == {"unit_changed"}
    assert {channel for one in found(shop(**part)) for channel in one.channels} == {"a", "b"}


def test_spend_in_micros_is_found_by_what_it_would_earn():
    (one,) = found(shop(a=moving(1e8, 1), b=moving(5e7, 2)))
    assert what(one) == ("unit_of_money", "shop", ALL, (), True)
    assert one.value < one.limit == 0.01


def test_an_outcome_of_five_thousand_times_the_spend_is_a_unit_until_it_is_confirmed():
    table = shop()
    table["revenue"] = (
        table["revenue"] * 5_000 / (table["revenue"].sum() / (table["a"] + table["b"]).sum())
    )
    (one,) = found(table)
    assert what(one) == ("unit_of_money", "shop", ALL, (), True)
    assert (round(one.value), one.limit) == (5_000, 1_000)
    assert "confirm that they are (accept_findings)" in one.message


# How spend is booked ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Total", "Grand-Total", "gesamt", "media"])
def test_a_channel_that_is_the_sum_of_the_others_holds_the_account(name):
    a, b = moving(100, 1), moving(50, 2)
    (one,) = found(shop(a=a, b=b, **{name: a + b}))
    assert (one.kind, one.decides, set(one.channels)) == ("total_channel", True, {"a", "b", name})
    assert "Leave it out: channels=['a', 'b']" in one.message


def test_a_channel_that_is_only_called_a_total_is_said():
    (one,) = found(shop(total=moving(70, 5)))
    assert what(one)[:3] == ("total_channel", "shop", ("total",))
    assert not one.decides
    assert found(shop().drop(columns=["a", "b"]).assign(total=moving(70, 5))) == ()


def test_weekly_spend_beside_a_daily_outcome_is_named_with_its_weekday():
    mondays = np.where(DAYS.day_of_week == 0, moving(700, 1, len(DAYS)), 0.0)
    (one,) = found(shop(DAYS, a=mondays))
    assert (one.kind, one.channels) == ("spend_on_one_day", ("a",))
    assert one.value == pytest.approx(1)
    assert "100% of its spend falls on Mondays, beside a daily revenue" in one.message


def test_monthly_bills_beside_a_daily_outcome_are_found():
    firsts = np.where(DAYS.day == 1, moving(3000, 1, len(DAYS)), 0.0)
    (one,) = found(shop(DAYS, a=firsts))
    assert "falls on day 1 of the month" in one.message
    assert one.decides


def test_a_week_of_weekdays_is_no_lump():
    assert found(shop(DAYS, a=np.where(DAYS.day_of_week < 5, moving(100, 1, len(DAYS)), 0.0))) == ()


# Dates that are not yet -------------------------------------------------------------------------


def test_rows_after_today_are_refused_with_their_dates():
    with pytest.raises(ab.InputError, match=r"lie after today \(2025-02-01\): 2025-02-10"):
        panel_of(shop(), today="2025-02-01")
    with pytest.raises(ab.InputError, match="today must be a date"):
        panel_of(shop(), today="soon")


def test_a_week_may_be_named_by_its_last_day_and_a_day_may_begin_further_east():
    last = WEEKS[-1]
    six_before = last - pd.Timedelta(days=6)
    assert panel_of(shop(), today=six_before).today == str(six_before.date())
    with pytest.raises(ab.InputError):
        panel_of(shop(), today=last - pd.Timedelta(days=7))
    panel_of(shop(DAYS), today=DAYS[-2])
    with pytest.raises(ab.InputError):
        panel_of(shop(DAYS), today=DAYS[-3])


# Laws -------------------------------------------------------------------------------------------


def every_fault():
    """Four shops with a fault each, of every group of statistics."""
    a, b = moving(100, 1), moving(50, 2)
    return pd.concat(
        [
            shop(account="ends", a=np.where(np.arange(N) < N - 3, a, np.nan)),
            shop(account="typo", a=changed(a, 20, 100)),
            shop(account="unit", b=changed(b, slice(40, None), 1000)),
            shop(account="late", revenue=changed(moving(1000, 9, size=0.05), -1, 0.2)),
        ],
        ignore_index=True,
    )


def signature(findings):
    return [(*what(one), one.statistic, pytest.approx(one.value, rel=1e-6)) for one in findings]


@settings(max_examples=20)
@given(power=st.integers(-10, 20))
def test_the_currency_changes_no_finding(power):
    table = every_fault()
    scaled = table.assign(**{name: table[name] * 2.0**power for name in ("revenue", "a", "b")})
    usual = found(table)
    assert len(usual) == 4
    assert signature(found(scaled)) == signature(usual)


@settings(max_examples=10)
@given(order=st.permutations(range(4 * N)))
def test_the_order_of_rows_changes_no_finding(order):
    table = every_fault()
    assert found(table.iloc[list(order)]) == found(table)


@pytest.mark.parametrize("name", [name for name in WEEKLY if name != "last week holds 5 of 7 days"])
def test_planted_faults_are_found_where_they_are_in_weekly_worlds(name):
    assert_found(WEEKLY[name], WorldSpec(n_accounts=4, spend_variation=0.25))


@pytest.mark.parametrize("name", DAILY)
def test_planted_faults_are_found_where_they_are_in_daily_worlds(name):
    assert_found(DAILY[name], WorldSpec.shop_daily())


def assert_found(fault, spec):
    spoilt = fault(tables_of(spec, 40), np.random.default_rng(41))
    hits, others = told(spoilt, check_data(spoilt.panel()))
    assert len(hits) == 1
    assert others == []


@pytest.mark.parametrize("name", sorted(families()))
def test_worlds_without_a_fault_hold_next_to_no_cell(name):
    few = 2 if name != "tiny" else 1
    worlds = [synthesize(families()[name], seed) for seed in range(50, 50 + few)]
    panels = [ab.read_panel(world.spend, world.outcome) for world in worlds]
    held = [one for panel in panels for one in check_data(panel) if one.decides]
    assert len(held) <= 0.002 * sum(len(panel.cells) for panel in panels)


# Inputs that went wrong, beside the checkout -----------------------------------------------------

CASES = data_folder().parent / "cases" / "tables"


@pytest.mark.parametrize(
    ("spend", "outcome", "options", "wanted"),
    [
        ("spend.csv", "revenue.csv", {}, set()),
        ("base_spend.csv", "base_revenue.csv", {}, set()),
        ("solo_spend.csv", "solo_rev.csv", {}, set()),
        ("meta_feed_broke.csv", "revenue.csv", {}, {("rows_end", "north"), ("rows_end", "south")}),
        ("spend_typo.csv", "revenue.csv", {}, {("value_out_of_line", "north")}),
        (
            *("n14_partial_spend.csv", "n14_partial_rev.csv", {}),
            {("unfinished_period", f"account_{n}") for n in ("04", "05", "07", "12")},
        ),
        (
            *("f14_total_channel.csv", "shop_revenue.csv"),
            {"channels": ["Total", "search", "shopping", "social", "video"]},
            {("total_channel", "account")},
        ),
        (
            *("f12_micros.csv", "shop_revenue.csv", {"columns": {"spend": "cost_micros"}}),
            set(),  # the name says its unit
        ),
        (
            *("spend.csv", "revenue_daily.csv", {"missing_spend": "zero"}),
            {("spend_on_one_day", "north"), ("spend_on_one_day", "south")},
        ),
    ],
)
def test_inputs_that_went_wrong_once_are_said(spend, outcome, options, wanted):
    if not (CASES / spend).exists():
        pytest.skip(f"{CASES} has no {spend}")
    tables = (pd.read_csv(CASES / name) for name in (spend, outcome))
    held = [one for one in check_data(ab.read_panel(*tables, **options)) if one.decides]
    assert {(one.kind, one.account) for one in held} == wanted


# The rest of the interface ----------------------------------------------------------------------


def test_a_kind_that_somebody_accepts_is_said_and_holds_nothing():
    panel = panel_of(shop(a=changed(moving(100, 1), 20, 100)))
    (one,) = check_data(panel, accepted=["value_out_of_line"])
    assert not one.decides
    assert list(caveats([one])) == [("shop", "a")]
    with pytest.raises(ab.InputError, match="accept_findings: unknown 'value_out_of_lin'"):
        check_data(panel, accepted=["value_out_of_lin"])
    with pytest.raises(ab.InputError, match=r"must be a list; got 'rows_end': \['rows_end'\]"):
        check_data(panel, accepted="rows_end")


def test_values_out_of_line_are_left_out_when_the_caller_says_so():
    spend, revenue = moving(100, 1), moving(1000, 9, size=0.05)
    spoilt = shop(a=changed(spend, 20, 100), revenue=changed(revenue, 40, 100))
    kept, masked = panel_of(spoilt), panel_of(spoilt, out_of_line="mask")
    assert [one.kind for one in check_data(kept)] == ["value_out_of_line"] * 2
    assert check_data(masked) == ()
    assert np.flatnonzero(np.isnan(masked.outcome[0])).tolist() == [20, 40]
    around = spend[[*range(16, 20), *range(21, 25)]]
    assert masked.spend[0, 0, 20] == pytest.approx(np.exp(np.median(np.log(around))))
    assert (masked.spend != kept.spend).sum() == 1
    notes = [note.message for note in masked.notes if note.kind == "masked_row"]
    day = str(WEEKS[20].date())
    assert notes[1].startswith(f"Account 'shop', channel 'a': the spend of {day} is ")
    with pytest.raises(ab.InputError, match="out_of_line must be 'keep' or 'mask'"):
        panel_of(spoilt, out_of_line="drop")


def test_limits_are_the_callers_to_move():
    panel = panel_of(shop(a=changed(moving(100, 1), 20, 100)))
    assert check_data(panel, Alarms(row_ratio=1000)) == ()


def test_every_kind_has_a_line_in_the_report():
    assert set(KINDS) <= set(FINDINGS)


def test_the_last_given_spend_is_remembered_by_parts_and_longer_panels():
    ends = np.where(np.arange(N) < N - 3, moving(100, 1), np.nan)
    panel = panel_of(shop(), shop(account="ends", a=ends))
    assert panel.last_spend.tolist() == [[N - 4, N - 1], [N - 1, N - 1]]
    assert without_last(panel, 2).last_spend.tolist() == [[N - 4, N - 3], [N - 3, N - 3]]
    assert only_accounts(panel, [1]).last_spend.tolist() == [[N - 1, N - 1]]
    next_week = shop(WEEKS[-1:] + pd.Timedelta(days=7))
    longer = follow(panel, next_week, channels=["a", "b"])
    assert longer.last_spend.tolist() == [[N - 4, N - 1], [N, N]]
