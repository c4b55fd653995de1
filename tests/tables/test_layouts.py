"""Every layout is recognised by the titles of its export, and by nothing else."""

import numpy as np
import pandas as pd
import pytest

from adbudget.errors import InputError
from adbudget.tables.laid_out import lay_out, mapped_names
from adbudget.tables.layout import find_layout, layout_names

TITLES = {  # as the exports write them
    "fivetran_ad_reporting": "source_relation,date_day,platform,account_id,account_name,"
    "campaign_id,campaign_name,clicks,impressions,spend,conversions,conversions_value",
    "fivetran_shopify_orders": "order_id,created_timestamp,currency,total_price,subtotal_price,"
    "refund_subtotal,financial_status,cancelled_timestamp",
    "fivetran_shopify_daily": "date_day,shop_id,domain,count_orders,order_adjusted_total",
    "google_ads": "Day,Campaign type,Currency code,Cost,Impr.,Conversions,Conv. value",
    "google_ads_bigquery": "customer_id,campaign_id,metrics_cost_micros,metrics_conversions_value,"
    "segments_date,_DATA_DATE",
    "meta_ads": "Reporting starts,Reporting ends,Campaign name,Amount spent (EUR),Impressions",
    "microsoft_ads": "TimePeriod,AccountName,CampaignType,CampaignName,CurrencyCode,Spend,Revenue",
    "tiktok_ads": "Date,Campaign name,Cost,Clicks (destination),CPC (destination),Currency",
    "linkedin_ads": "Start Date (in UTC),Account Name,Campaign ID,Total Spent,Impressions,Currency",
    "ga4": "Date,Sessions,Total revenue",
    "ga4_bigquery": "event_date,event_timestamp,event_name,ecommerce.purchase_revenue,"
    "ecommerce.transaction_id",
    "shopify_sales": "Day,Orders,Gross sales,Discounts,Returns,Net sales,Total sales",
    "shopify_orders": "Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Created at,"
    "Cancelled at,Refunded Amount",
    "meridian": "geo,time,Channel0_impression,Channel0_spend,conversions,revenue_per_conversion",
    "robyn": "DATE,revenue,tv_S,ooh_S,facebook_I,competitor_sales_B,events",
    "pymc_marketing": "date_week,y,x1,x2,event_1,event_2,dayofyear,t",
    "mff": "Geography,Product,Campaign,Outlet,Creative,Period,VariableName,VariableValue",
}
TRANSLATED = [
    ("meta_ads", "Berichtsstart;Berichtsende;Kampagnenname;Ausgegebener Betrag (EUR)"),
    ("meta_ads", "Début du rapport;Fin du rapport;Nom de la campagne;Montant dépensé (CHF)"),
    ("meta_ads", "Día;Nombre de la campaña;Importe gastado (EUR)"),
    ("meta_ads", "Giorno;Nome della campagna;Importo speso (EUR)"),
    ("google_ads", "Tag;Kampagnentyp;Währungscode;Kosten;Impr."),
    ("shopify_sales", "Tag;Bruttoumsatz;Nettoumsatz"),
    ("shopify_sales", "day;orders;gross_sales;net_sales;total_sales"),
    ("google_ads", "DAY;COST;IMPR.;campaign"),
]


def table(titles, separator=","):
    return pd.DataFrame({name: [1.0, 2.0] for name in titles.split(separator)})


def found(frame, asked=None):
    layout = find_layout(frame, asked, "the table")
    return None if layout is None else layout.name


def test_every_layout_has_its_titles_here():
    assert set(layout_names()) == set(TITLES)


@pytest.mark.parametrize("name", TITLES)
def test_titles_show_the_layout(name):
    assert found(table(TITLES[name])) == name


@pytest.mark.parametrize(("name", "titles"), TRANSLATED)
def test_titles_in_other_languages_and_cases_show_it_too(name, titles):
    assert found(table(titles, ";")) == name


@pytest.mark.parametrize(
    "titles",
    [
        "account,channel,date,spend",
        "account,date,revenue",
        "account,date,revenue,meta_spend,google_spend",
        "date,revenue",
        "date,channel,cost_micros",
        "location,Y,date",
    ],
)
def test_plain_tables_have_no_layout(titles):
    assert found(table(titles)) is None


@pytest.mark.parametrize("column", ["channel", "Platform", "publisher", "Source"])
def test_a_table_of_several_platforms_is_not_taken_for_one_of_them(column):
    assert found(table(f"Day,Cost,Impr.,Campaign,{column}")) is None
    assert found(table("date_day,platform,account_id,spend")) == "fivetran_ad_reporting"


def test_a_layout_can_be_said_or_switched_off():
    frame = table("Day,Cost")
    assert found(frame) is None
    assert found(frame, "google_ads") == "google_ads"
    with pytest.raises(InputError, match=r"lacks what it needs: spend \('Cost', 'Kosten'"):
        found(table("Day,Clicks"), "google_ads")
    assert found(table(TITLES["ga4"]), "none") is None


def test_an_unknown_layout_is_named_with_the_nearest_one():
    with pytest.raises(InputError, match="Did you mean 'google_ads'"):
        found(table("a"), "google_add")


def test_titles_that_fit_two_layouts_are_refused():
    both = table("Day,Cost,Impr.,Amount spent (EUR)")
    with pytest.raises(InputError, match="'google_ads', 'meta_ads'"):
        found(both)
    assert found(both, "meta_ads") == "meta_ads"


def test_a_file_of_ones_own_is_a_layout(tmp_path):
    own = tmp_path / "billboards.toml"
    own.write_text(
        'title = "Billboards"\nabout = "ours"\nneeds = ["date", "spend"]\nchannel = ["boards"]\n'
        '[columns]\ndate = ["When"]\nspend = ["Paid"]\n'
    )
    notes = []
    laid = lay_out(table("When,Paid,Where"), "the table", str(own), {}, notes)
    assert laid.roles == {"date": "When", "spend": "Paid", "channel": "channel by layout"}
    assert laid.frame["channel by layout"].tolist() == ["boards", "boards"]
    assert "Billboards" in notes[0].message
    own.write_text('title = "x"\nabout = "y"\nneeds = []\ncolums = {}\n')
    with pytest.raises(InputError, match="unknown 'colums'"):
        found(table("When"), str(own))


def test_the_callers_columns_go_before_the_layouts():
    frame = table("Day,Cost,Impr.,Campaign,Campaign type")
    laid = lay_out(frame, "the table", None, {"channel": "Campaign"}, [])
    assert laid.roles["channel"] == "Campaign"
    assert laid.roles["spend"] == "Cost"


def test_orders_that_are_cancelled_do_not_count_and_refunds_are_taken_off():
    frame = pd.DataFrame(
        {
            "Name": ["#1", "#1", "#2", "#3", "#4"],
            "Created at": "2024-12-02 10:00:00 +0100",
            "Financial Status": ["paid", np.nan, "voided", "partially_refunded", "paid"],
            "Subtotal": [100.0, np.nan, 50.0, 80.0, 20.0],
            "Refunded Amount": [0.0, np.nan, 0.0, 30.0, 0.0],
            "Cancelled at": [np.nan, np.nan, np.nan, np.nan, "2024-12-03 09:00:00 +0100"],
        }
    )
    notes = []
    laid = lay_out(frame, "the table", None, {}, notes)
    assert laid.frame[laid.roles["outcome"]].sum() == 150.0
    assert "1 whose 'Financial Status' is voided" in notes[0].message
    assert "1 whose 'Cancelled at' is filled" in notes[0].message


def test_a_purchase_counts_once():
    frame = pd.DataFrame(
        {
            "event_date": ["20241202"] * 4,
            "event_name": ["purchase", "purchase", "page_view", "purchase"],
            "ecommerce.purchase_revenue": [10.0, 10.0, np.nan, 7.0],
            "ecommerce.transaction_id": ["a", "a", None, "b"],
        }
    )
    laid = lay_out(frame, "the table", None, {}, [])
    assert laid.frame[laid.roles["outcome"]].sum() == 17.0


def test_a_mapping_of_names_takes_the_first_pattern_that_fits():
    mapping = {"brand*": "brand", "Old": "-", "*": "generic"}
    names, campaigns = ["g", "g", "g", "g"], ["Brand UK", "old", "Shoes", "brand de"]
    fitted = set()
    mapped = mapped_names(names, [campaigns], mapping, "channel_of", fitted)
    assert mapped == ["brand", None, "generic", "brand"]
    assert fitted == {("channel_of", pattern) for pattern in mapping}
    with pytest.raises(InputError, match="must map names"):
        mapped_names(["g"], [], "x", "channel_of", fitted)
