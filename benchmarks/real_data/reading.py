"""Published files -> Panel, by ``read_panel`` and the few lines of pandas a user would write.

Nothing is repaired: what has to be decided about a set is decided here, once, and stands in
docs/real-data.md. Knows nothing of fits.
"""

from pathlib import Path
from typing import Literal

import pandas as pd

from adbudget import Panel, read_panel

CONJURA_ROLES = {
    "account": "MMM_TIMESERIES_ID",
    "date": "DATE_DAY",
    "currency": "CURRENCY_CODE",
    "outcome": "revenue",
}
CONJURA_KEYS = ["MMM_TIMESERIES_ID", "CURRENCY_CODE"]
ROBYN_CHANNELS = ["tv_S", "ooh_S", "print_S", "facebook_S", "search_S"]
ROBYN_CONTROLS = ["competitor_sales_B", "newsletter", "event1", "event2"]
SIMPLE_CHANNELS = ["x1_Search-Ads", "x2_Social-Media", "x3_Local-Ads", "x4_Email"]


def conjura_table(folder: Path, without_days: int = 0) -> pd.DataFrame:
    """The daily table with its revenue after discount; ids cut to eight characters.

    Parameters
    ----------
    folder : of the data
    without_days : days left out at the end of each series
    """
    table = pd.read_csv(folder / "conjura_ecommerce_daily.csv.gz", parse_dates=["DATE_DAY"])
    table["MMM_TIMESERIES_ID"] = table["MMM_TIMESERIES_ID"].str[:8]
    table["revenue"] = table["ALL_PURCHASES_ORIGINAL_PRICE"] - table["ALL_PURCHASES_GROSS_DISCOUNT"]
    last = table.groupby("MMM_TIMESERIES_ID")["DATE_DAY"].transform("max")
    days_left = (last - table["DATE_DAY"]).dt.days
    return pd.DataFrame(table[days_left >= without_days])


def conjura_daily(folder: Path, without_days: int = 0) -> Panel:
    """Four accounts by day. An empty spend means that the channel was not in use."""
    table = conjura_table(folder, without_days)
    return read_panel(table, columns=CONJURA_ROLES, missing_spend="zero")


def conjura_weekly_table(folder: Path) -> pd.DataFrame:
    """Sums over whole weeks from Monday; the broken weeks at both ends are left out."""
    table = conjura_table(folder)
    spend = [name for name in table.columns if name.endswith("_SPEND")]
    week = table["DATE_DAY"].dt.to_period("W-SUN").dt.start_time.rename("DATE_DAY")
    groups = table.groupby([*(table[key] for key in CONJURA_KEYS), week])
    # A week without any spend value stays empty: the channel was not in use.
    sums = groups[[*spend, "revenue"]].sum(min_count=1)
    return pd.DataFrame(sums).loc[groups.size().to_numpy() == 7].reset_index()


def conjura_weekly(folder: Path) -> Panel:
    """Four accounts by week."""
    return read_panel(
        conjura_weekly_table(folder), columns=CONJURA_ROLES, freq="weekly", missing_spend="zero"
    )


def lydia(folder: Path, year_as: Literal["weekly", "monthly"]) -> Panel:
    """One account of 54 periods: every year is labelled as one week, or as one month.

    The library reads days, weeks and months. Labels do not change the order of the rows, only how
    long a period is against the adstocks and waves of the model.
    """
    table = pd.read_csv(folder / "lydia_pinkham_annual.csv")
    label = {"weekly": "W-MON", "monthly": "MS"}[year_as]
    table["date"] = pd.date_range("1907-01-01", periods=len(table), freq=label)
    return _one_advertiser(table, "advertising", year_as)


def dietary(folder: Path) -> Panel:
    """One account of 36 months. Their dates are not published, so the first is called January."""
    table = pd.read_csv(folder / "fma_advsales.csv")
    table["date"] = pd.date_range("2001-01-01", periods=len(table), freq="MS")
    return _one_advertiser(table, "advert", "monthly")


def _one_advertiser(table: pd.DataFrame, channel: str, freq: str) -> Panel:
    return read_panel(table[["date", channel, "sales"]], channels=[channel], freq=freq)


def mmm_simple(folder: Path) -> Panel:
    """One account by week, with its two event columns as controls."""
    return read_panel(
        pd.read_csv(folder / "mmm_simple" / "mmm_data.csv"),
        columns={"account": "geo", "outcome": "y"},
        channels=SIMPLE_CHANNELS,
        controls=["c1", "c2"],
    )


def mmm_simple_truth(folder: Path) -> pd.DataFrame:
    """(week, channel) what each channel truly brought."""
    table = pd.read_csv(folder / "mmm_simple" / "channel_contributions.csv")
    return pd.DataFrame({name: table[f"contribution_{name}"] for name in SIMPLE_CHANNELS})


def meridian(folder: Path) -> Panel:
    """Twenty geos as accounts, by week; revenue is conversions times what one brings."""
    table = pd.read_csv(folder / "meridian_geo_media.csv")
    table["revenue"] = table["conversions"] * table["revenue_per_conversion"]
    return read_panel(
        table,
        columns={"account": "geo", "date": "time", "outcome": "revenue"},
        controls=["competitor_activity_score_control", "sentiment_score_control"],
    )


def robyn(folder: Path) -> Panel:
    """One account by week; its two events as one column of 0 and 1 each."""
    table = pd.read_csv(folder / "robyn_simulated_weekly.csv", keep_default_na=False)
    for event in ("event1", "event2"):
        table[event] = (table["events"] == event).astype(float)
    return read_panel(
        table,
        columns={"date": "DATE", "outcome": "revenue"},
        channels=ROBYN_CHANNELS,
        controls=ROBYN_CONTROLS,
    )
