"""Untouched exports become the right panel: summed, in money, idle days at zero, and it is said."""

import numpy as np
import pandas as pd
import pytest

from adbudget.errors import InputError
from adbudget.panel.integrity import check_data
from adbudget.panel.read import read_panel
from tests.panel.panel_tables import assert_names, kinds, long_table, refusal, two_tables

DAYS = pd.date_range("2024-12-02", periods=12).strftime("%Y-%m-%d")
SHOP = pd.DataFrame({"Day": DAYS, "Gross sales": 120.0, "Net sales": 100.0 + np.arange(12)})


def google(**columns):
    """Two campaign types a day, two campaigns each, and the totals below."""
    rows = [
        {"Day": day, "Campaign type": kind, "Campaign": f"{kind} {n}", "Cost": f"1,00{n}.50"}
        for day in DAYS
        for kind in ("Search", "Performance Max")
        for n in (1, 2)
    ]
    total = {"Day": "Total: Account", "Campaign type": " --", "Cost": "99,999.00"}
    frame = pd.DataFrame([*rows, total]).assign(**{"Currency code": "EUR", "Impr.": 9})
    return frame.assign(**columns)


def meta(days=DAYS, cost=10.0):
    columns = {"Berichtsstart": days, "Berichtsende": days, "Kampagnenname": "alle"}
    return pd.DataFrame(columns | {"Ausgegebener Betrag (EUR)": f"{cost:.2f}".replace(".", ",")})


def told(panel, kind):
    return " ".join(note.message for note in panel.notes if note.kind == kind)


def test_an_untouched_google_export_and_an_untouched_shopify_export_are_a_panel():
    panel = read_panel(google(), SHOP)
    assert panel.channels == ("google_ads_performance_max", "google_ads_search")
    assert panel.currency == ("EUR",)
    assert (panel.spend == 2004.0).all()
    assert panel.outcome.sum() == SHOP["Net sales"].sum()
    assert_names(told(panel, "layout"), "Google Ads report", "'Day'", "Shopify sales", "net sales")
    assert_names(told(panel, "rows_summed"), "48 rows are summed to 24")
    assert_names(told(panel, "totals_left_out"), "row 48")


def test_days_that_a_platform_leaves_out_had_no_spend():
    frame = google()
    frame = frame[
        (frame["Campaign type"] != "Search") | ~frame["Day"].isin([*DAYS[4:6], *DAYS[10:]])
    ]
    panel = read_panel(frame, SHOP)
    search = panel.spend[0, panel.channels.index("google_ads_search")]
    assert search[[4, 5, 10, 11]].tolist() == [0.0] * 4
    assert panel.last_spend.tolist() == [[11, 11]]
    assert "idle days" in told(panel, "layout")


def test_a_channel_of_no_layout_may_still_not_miss_days():
    spend, revenue = two_tables(long_table(n_days=12, accounts=("A",)))
    message = refusal(spend.drop(index=[3]), revenue)
    assert_names(message, "spend is missing", "missing_spend='zero'")


def test_campaigns_become_channels_as_the_caller_maps_them():
    panel = read_panel(google(), SHOP, channel_of={"Search 1": "brand", "perf*": "-"})
    assert panel.channels == ("brand", "google_ads_search")
    panel = read_panel(google(), SHOP, columns={"channel": "Campaign"})
    assert len(panel.channels) == 4
    message = refusal(google(), SHOP, channel_of={"brnd": "brand"})
    assert_names(message, "channel_of names 'brnd'", "'google_ads_search'")


def test_several_exports_are_one_panel():
    panel = read_panel([google(), meta()], SHOP)
    assert panel.channels == ("google_ads_performance_max", "google_ads_search", "meta")
    assert panel.spend[0, 2].tolist() == [10.0] * 12
    message = refusal([meta(), meta(DAYS[:3])], SHOP)
    assert_names(message, "duplicate rows", "the spend table 2")


def test_shops_by_month_are_one_outcome():
    panel = read_panel(google(), [SHOP[:5], SHOP[5:]])
    assert panel.outcome.sum() == SHOP["Net sales"].sum()


def test_accounts_of_one_shop_are_one_when_its_outcome_is():
    named = google(**{"Customer ID": 123})
    panel = read_panel([named, meta()], SHOP)
    assert panel.accounts == ("account",)
    both = pd.concat([named, google(**{"Customer ID": 456})], ignore_index=True)
    message = refusal(both, SHOP)
    assert_names(message, "accounts '123', '456'", "account_of={'*': 'shop'}")
    panel = read_panel(both, SHOP, account_of={"*": "account"})
    assert (panel.spend == 4008.0).all()
    panel = read_panel(both, SHOP, account_of={"456": "-", "*": "account"})
    assert (panel.spend == 2004.0).all()


def test_ids_of_accounts_go_before_names_unless_the_outcome_has_the_names():
    fivetran = pd.DataFrame(
        {
            "date_day": DAYS.tolist() * 2,
            "platform": "google_ads",
            "account_id": [1] * 12 + [2] * 12,
            "account_name": ["EU"] * 12 + ["US"] * 12,
            "spend": 5.0,
            "conversions_value": 9.0,
        }
    )
    own = {"columns": {"outcome": "conversions_value"}}
    assert read_panel(fivetran, **own).accounts == ("1", "2")
    outcome = pd.DataFrame({"account": ["EU", "US"], "revenue": 50.0}).merge(
        pd.DataFrame({"date": DAYS}), how="cross"
    )
    assert read_panel(fivetran, outcome).accounts == ("EU", "US")


def test_what_platforms_credit_to_themselves_is_an_outcome_only_when_asked_for():
    frame = google(**{"Conv. value": 30.0})
    message = refusal(frame)
    assert_names(message, "count for their own ads", "columns={'outcome': 'Conv. value'}")
    panel = read_panel(frame, columns={"outcome": "Conv. value"})
    assert panel.outcome.tolist() == [[120.0] * 12]
    assert "credited_outcome" in kinds(panel)


def test_micros_are_millionths_of_money():
    spend, revenue = two_tables(long_table(accounts=("A",)))
    micros = spend.assign(cost_micros=spend["spend"] * 1e6).drop(columns="spend")
    assert (read_panel(micros, revenue).spend == read_panel(spend, revenue).spend).all()


def test_a_long_table_of_variables_is_spread():
    wide = {"tv_spend": 5.0, "search_spend": 7.0, "Sales": 90.0, "Price": 2.0}
    rows = [
        {"Geography": "north", "Period": day, "VariableName": name, "VariableValue": value + i}
        for i, day in enumerate(DAYS)
        for name, value in wide.items()
    ]
    panel = read_panel(pd.DataFrame(rows))
    assert (panel.accounts, panel.channels, panel.controls) == (
        ("north",),
        ("search", "tv"),
        ("Price",),
    )
    assert panel.outcome[0, 0] == 90.0


def test_an_outcome_per_unit_is_multiplied_out():
    geo = pd.DataFrame(
        {
            "geo": "g",
            "time": pd.date_range("2024-01-01", periods=9, freq="7D"),
            "tv_spend": 3.0,
            "conversions": 10.0,
            "revenue_per_conversion": 0.5,
            "mood_control": np.arange(9.0) % 4,
        }
    )
    panel = read_panel(geo)
    assert (panel.outcome == 5.0).all()
    assert (panel.outcome_name, panel.controls) == ("revenue", ("mood_control",))


# Periods -----------------------------------------------------------------------------------------


def weekly_and_daily(n_weeks=10, begin="2025-01-06", extra=3):
    weeks = pd.date_range(begin, periods=n_weeks, freq="7D")
    spend = pd.DataFrame({"channel": "tv", "date": weeks, "spend": 70.0})
    days = pd.date_range(begin, periods=7 * n_weeks + extra)
    return spend, pd.DataFrame({"date": days, "revenue": np.arange(len(days), dtype=float)})


def test_a_week_beside_days_is_summed_and_never_filled_with_zeros():
    spend, daily = weekly_and_daily()
    message = refusal(spend, daily)
    assert_names(message, "daily", "weekly", "resample='weekly'")
    assert "missing_spend" not in message
    panel = read_panel(spend, daily, resample="weekly")
    assert (panel.period, panel.n_periods) == ("weekly", 10)
    assert panel.outcome[0, 0] == sum(range(7))
    assert panel.spend.sum() == 700.0
    assert_names(told(panel, "resampled"), "weeks begin on Monday", "2025-03-17")


def test_weeks_begin_where_those_of_the_coarser_table_do():
    spend, daily = weekly_and_daily(begin="2025-01-05")  # a Sunday
    panel = read_panel(spend, daily, resample="weekly")
    assert panel.outcome[0, 0] == sum(range(7))
    assert "Sunday" in told(panel, "resampled")


def test_a_week_with_a_missing_day_has_no_outcome():
    spend, daily = weekly_and_daily()
    panel = read_panel(spend, daily.drop(index=[10]), resample="weekly")
    assert np.isnan(panel.outcome[0, 1])
    assert np.isfinite(panel.outcome[0, [0, 2]]).all()


def test_days_become_months_and_controls_their_means():
    days = pd.date_range("2024-01-01", "2024-10-15")
    frame = pd.DataFrame({"date": days, "tv_spend": 1.0, "revenue": 2.0, "promo": days.day < 11})
    frame["promo"] = frame["promo"].astype(float)
    panel = read_panel(frame, controls=["promo"], resample="monthly")
    assert (panel.period, panel.n_periods) == ("monthly", 9)
    assert panel.outcome[0, :2].tolist() == [62.0, 58.0]
    assert panel.control_values[0, 0, 0] == pytest.approx(10 / 31)


def test_missing_days_are_not_summed_away():
    days = pd.date_range("2025-01-06", periods=70)
    spend = pd.DataFrame({"channel": "tv", "date": days, "spend": 1.0}).drop(index=[20])
    revenue = pd.DataFrame({"date": days, "revenue": 2.0})
    assert_names(refusal(spend, revenue, resample="weekly"), "2025-01-26", "missing_spend='zero'")
    panel = read_panel(spend, revenue, resample="weekly", missing_spend="zero")
    assert panel.spend[0, 0, 2] == 6.0


# What is never guessed ---------------------------------------------------------------------------


def test_a_channel_that_is_the_sum_of_the_others_is_refused_or_left_out_when_told():
    spend, revenue = two_tables(long_table(accounts=("A",)))
    total = spend.groupby(["account", "date"], as_index=False)["spend"].sum()
    both = pd.concat([spend, total.assign(channel="Total")], ignore_index=True)
    assert_names(refusal(both, revenue), "'Total'", "channels=['google', 'meta']")
    assert (
        read_panel(both, revenue, channels=["google", "meta"]).spend.sum() == spend["spend"].sum()
    )
    left_out = read_panel(both, revenue, channel_of={"Total": "-"})
    assert left_out.channels == ("google", "meta")


def test_an_account_called_total_is_refused_or_left_out_when_told():
    spend, revenue = two_tables(long_table(accounts=("A", "Total")))
    assert_names(refusal(spend, revenue), "'Total'", "account_of={'Total': '-'}")
    assert read_panel(spend, revenue, account_of={"Total": "-"}).accounts == ("A",)


def test_a_column_that_is_the_sum_of_the_others_is_refused_whatever_its_name():
    days = pd.date_range("2024-01-01", periods=10)
    a, b = np.arange(1.0, 11.0), np.arange(10.0) ** 2
    wide = pd.DataFrame({"date": days, "revenue": 9.0, "tv_spend": a, "ad_spend": b})
    message = refusal(wide.assign(marketing_spend=a + b))
    assert_names(message, "'marketing_spend'", "channels=['ad_spend', 'tv_spend']")


def test_true_and_false_are_no_money():
    message = refusal(long_table().assign(spend=True))
    assert_names(message, "'spend'", "true and false")


@pytest.mark.parametrize(("written", "meant"), [("Euro", "EUR"), ("$", "USD"), ("pounds", "GBP")])
def test_a_currency_is_a_code(written, meant):
    assert_names(refusal(long_table(), currency=written), f"{written!r}", f"did you mean '{meant}'")


def test_a_control_that_is_the_outcome_is_found():
    table = long_table(n_days=30)
    rng = np.random.default_rng(0)
    by_day = rng.normal(100, 20, (2, 1, 30))  # account, channel, day
    table["revenue"] = np.tile(by_day, (1, 2, 1)).reshape(-1)
    table["copy"], table["weather"] = np.log(table["revenue"]), np.tile(rng.normal(0, 1, 30), 4)
    found = check_data(read_panel(table, controls=["copy", "weather"]))
    copies = [one for one in found if one.kind == "control_is_outcome"]
    assert [(one.account, one.decides) for one in copies] == [("A", True), ("B", True)]
    assert "control copy is the outcome" in copies[0].message


def test_parts_of_a_day_are_summed_when_told():
    table = long_table(accounts=("A",))
    halves = pd.concat([table, table], ignore_index=True).assign(
        spend=lambda t: t["spend"] / 2, revenue=lambda t: t["revenue"] / 4
    )
    message = refusal(halves)
    assert "duplicates='sum'" in message
    panel = read_panel(halves, duplicates="sum")
    assert (panel.spend == read_panel(table).spend).all()
    assert (panel.outcome == read_panel(table).outcome).all()


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ({"decimal": ";"}, "decimal must be"),
        ({"dayfirst": "yes"}, "dayfirst must be"),
        ({"duplicates": "mean"}, "duplicates must be"),
        ({"resample": "daily"}, "resample must be"),
        ({"layout": 3}, "layout must be"),
    ],
)
def test_what_is_said_is_checked(option, wanted):
    with pytest.raises(InputError, match=wanted):
        read_panel(long_table(), **option)
