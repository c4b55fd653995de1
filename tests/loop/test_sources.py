"""Feeds say how far they are complete; late and corrected rows take the place of earlier ones."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine

from adbudget import InputError
from adbudget.loop.gathering import gather
from adbudget.loop.maturity import Maturity
from adbudget.loop.sources import Feed, PlatformOutcome, QuerySource, TableSource
from adbudget.platforms.platform import Performance, StandingBudget

SINCE, UNTIL = date(2026, 3, 2), date(2026, 3, 29)
AT_ONCE = Maturity(share=np.array([]), mature_days=0, learned=False)


def days(n, **columns):
    return pd.DataFrame({"account": "a", "date": pd.date_range(SINCE, periods=n)} | columns)


def test_a_later_file_replaces_the_rows_of_an_earlier_one(tmp_path):
    days(5, revenue=10.0).to_csv(tmp_path / "2026-03-06.csv", index=False)
    days(7, revenue=[10, 10, 10, 12, 14, 9, 3]).to_csv(tmp_path / "2026-03-08.csv", index=False)
    feed = TableSource(path=tmp_path).read(SINCE, UNTIL)
    assert feed.frame["revenue"].tolist() == [10, 10, 10, 12, 14, 9, 3]
    assert feed.complete_until == date(2026, 3, 8)  # the last day told of may still be coming in


def test_a_stated_age_says_how_far_a_table_is_complete(tmp_path):
    days(10, revenue=1.0).to_csv(tmp_path / "t.csv", index=False)
    feed = TableSource(path=tmp_path / "t.csv", complete_days_ago=2).read(SINCE, date(2026, 3, 10))
    assert feed.complete_until == date(2026, 3, 9)


def test_a_query_reads_only_the_days_it_asks_for(tmp_path):
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    days(20, sales=2.0).assign(date=lambda t: t["date"].dt.strftime("%Y-%m-%d")).to_sql(
        "sales", engine, index=False
    )
    engine.dispose()
    query = "SELECT account, date, sales FROM sales WHERE date BETWEEN :since AND :until"
    feed = QuerySource(url=url, query=query).read(SINCE, date(2026, 3, 8))
    assert len(feed.frame) == 7


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pd.DataFrame({"account": ["a"], "day": ["x"], "revenue": [1]}), "no column 'date'"),
        (pd.DataFrame({"date": ["2026-03-02"], "revenue": [1]}), "no column 'account'"),
        (pd.DataFrame({"account": ["a"], "date": ["soon"], "revenue": [1]}), "read: 'soon'"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(tmp_path, table, says):
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=says):
        TableSource(path=tmp_path / "t.csv").read(SINCE, UNTIL)


def test_a_query_that_fails_shows_no_password(tmp_path):
    source = QuerySource(url=f"sqlite:///{tmp_path / 'none.db'}", query="SELECT nothing")
    with pytest.raises(InputError, match="there is no database at"):
        source.read(SINCE, UNTIL)
    assert "secret" not in QuerySource(url="postgresql+psycopg://me:secret@db/x", query="").name


class Shop:
    """A platform that spent 10 a day on one campaign, told by hand."""

    name = "shop"

    def __init__(self, n_days, spend=10.0):
        self.frame = days(n_days, channel="search", campaign="s", spend=spend)
        self.until = datetime(2026, 3, 2, 12, tzinfo=UTC) + pd.Timedelta(days=n_days)

    def budgets(self):
        return (
            StandingBudget(
                account="a",
                channel="search",
                campaign="s",
                currency="EUR",
                daily_minor=1000,
                version="1",
            ),
        )

    def performance(self, since, until, *, by_hour=False):
        return Performance(frame=self.frame, complete_until=self.until, reported_at=self.until)


class Told:
    """A source that tells a given table."""

    role, late, name = "outcome", "wait", "told"

    def __init__(self, frame, complete_until, **options):
        self.feed = Feed(frame=frame, complete_until=complete_until)
        for name, value in options.items():
            setattr(self, name, value)

    def read(self, since, until):
        return self.feed


def gathered(
    platform, *sources, now=datetime(2026, 3, 30, 12, tzinfo=UTC), maturity=AT_ONCE, zones=(UTC,)
):
    return gather(
        platform, sources, now=now, since=SINCE, period_days=7, maturity=maturity, zones=zones
    )


def test_weeks_are_whole_and_end_where_the_slowest_feed_does():
    outcome = Told(days(17, revenue=5.0), date(2026, 3, 19))
    found = gathered(Shop(28), outcome)
    assert found.until == date(2026, 3, 16)
    assert found.spend["spend"].tolist() == [70.0, 70.0]
    assert found.outcome["revenue"].tolist() == [35.0, 35.0]


def test_a_day_is_over_when_it_is_over_where_the_account_is():
    class Evening(Shop):
        """It is Monday in UTC, and still Sunday in Los Angeles."""

        def __init__(self):
            super().__init__(28)
            self.until = datetime(2026, 3, 30, 2, tzinfo=UTC)

    outcome = Told(days(28, revenue=5.0), date(2026, 3, 30))
    here = gathered(Evening(), outcome)
    there = gathered(Evening(), outcome, zones=(UTC, ZoneInfo("America/Los_Angeles")))
    assert (here.until, there.until) == (date(2026, 3, 30), date(2026, 3, 23))


def test_a_week_whose_outcome_is_young_has_spend_and_no_outcome():
    outcome = Told(days(28, revenue=5.0), date(2026, 3, 30))
    slow = Maturity(share=np.array([]), mature_days=5, learned=True)
    found = gathered(Shop(28), outcome, maturity=slow)
    assert len(found.spend) == 4
    assert found.outcome["revenue"].isna().tolist() == [False, False, False, True]


def test_a_missing_day_leaves_its_week_without_an_outcome_and_is_never_zero():
    frame = days(28, revenue=5.0).drop(index=9)
    found = gathered(Shop(28), Told(frame, date(2026, 3, 30)))
    assert found.outcome["revenue"].isna().tolist() == [False, True, False, False]


def test_a_late_control_is_held_and_said_so():
    outcome = Told(days(28, revenue=5.0), date(2026, 3, 30))
    season = pd.DataFrame(
        {"date": pd.date_range(SINCE, periods=14), "season": [1.0] * 7 + [3.0] * 7}
    )
    control = Told(season, date(2026, 3, 16), role="control", late="hold", name="season")
    found = gathered(Shop(28), outcome, control)
    assert found.outcome["season"].tolist() == [1.0, 3.0, 3.0, 3.0]
    assert "season ends on 2026-03-16" in found.notes[0].message


def test_no_whole_week_says_how_far_each_feed_is():
    with pytest.raises(InputError, match=r"no whole period.*told until 2026-03-05"):
        gathered(Shop(28), Told(days(4, revenue=5.0), date(2026, 3, 5)))


def test_two_columns_that_could_be_the_outcome_are_asked_about():
    with pytest.raises(InputError, match="2 columns that could be the outcome"):
        gathered(Shop(28), Told(days(28, orders=1.0, margin=2.0), date(2026, 3, 30)))


def test_a_platform_without_an_outcome_says_what_to_give():
    with pytest.raises(InputError, match="tells no outcome of its own"):
        gathered(Shop(28), PlatformOutcome(platform=Shop(28)))
