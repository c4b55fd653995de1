"""A short version of the year: every story in two weeks, and a judge that sees what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.year import year as year_of_agency
from benchmarks.year.accounts import ACCOUNTS, CHANNELS
from benchmarks.year.book import Book
from benchmarks.year.campaigns import Platform
from benchmarks.year.deals import SELLERS, Deals
from benchmarks.year.report import table
from benchmarks.year.stories import KINDS, Cast, Story, active, make_stories, quiet_weeks
from benchmarks.year.year import Settings, run_year

SMALL = Settings(seed=5, n_days=15, n_campaigns=10, n_groups=2, commands=0.0)
CAST = Cast(
    accounts=("shop", "software"),
    channels=CHANNELS,
    sellers=SELLERS,
    n_campaigns=30,
    n_deals=40,
)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Two weeks in which every kind of story happens once."""
    return run_year(SMALL, tmp_path_factory.mktemp("year") / "5")


def told(figures, kind: str) -> list[str]:
    """Violations of a kind, to be read when a test fails."""
    return [
        f"day {one['day']} {one['unit']}: {one['text']}"
        for one in figures["violations"]
        if one["kind"] == kind
    ]


@pytest.mark.parametrize("kind", ["harm", "limit", "contradiction", "duplicate", "refused", "lost"])
def test_two_weeks_with_every_story_bring_none_of_what_must_not_happen(short, kind):
    assert told(short, kind) == []


def test_in_two_weeks_budgets_move_and_requests_are_drafted(short):
    assert short["counts"]["changes"] > 0
    assert short["touched"]["edits by hand"] > 0
    assert short["touched"]["kill switch"] == 2
    assert short["alerts_needed"] > 0


def test_the_judge_sees_harm_where_a_policy_does_not_look_for_outages(tmp_path, monkeypatch):
    blind = [
        replace(one, policy=one.policy.replace("constraints:", "constraints:\n  outage_drop: 99%"))
        for one in ACCOUNTS
    ]
    monkeypatch.setattr(year_of_agency, "ACCOUNTS", tuple(blind))
    settings = replace(SMALL, n_groups=1, n_campaigns=15, n_days=14, only=("few results",))
    assert run_year(settings, tmp_path / "blind")["harm"] > 0


def test_a_process_killed_in_the_middle_and_run_again_leaves_one_run_a_day(tmp_path):
    settings = replace(SMALL, n_days=3, n_campaigns=4, n_groups=1, only=("killed",), commands=1.0)
    figures = run_year(settings, tmp_path / "killed")
    assert told(figures, "lost") == []
    assert told(figures, "duplicate") == []
    assert figures["runs"] == 3 * 3  # two accounts and the deals, every day


# The truth itself ---------------------------------------------------------------------------------


def test_a_year_has_every_kind_of_story_as_often_as_said_and_weeks_without_any():
    stories = make_stories(1, 365, CAST)
    for kind, (a_year, *_) in KINDS.items():
        assert sum(one.kind == kind for one in stories) == a_year
    assert len(quiet_weeks(stories, 365)) >= 8
    assert stories == make_stories(1, 365, CAST)


def test_an_outage_is_known_to_lack_results_until_its_days_leave_the_window():
    shop = ACCOUNTS[0]
    outage = Story(kind="no results", first=3, last=4, about="shop")
    platform = Platform(shop, seed=1, n_days=30, n_campaigns=6, stories=[outage])
    lacking = []
    for _ in range(20):
        platform.happen()
        lacking.append(platform.broken(platform.day).all())
    assert np.flatnonzero(lacking).tolist() == list(range(3, 11))  # mornings after days 3 to 10
    assert platform.table()["leads"].sum() > 0


def test_a_silent_seller_breaks_its_deals_from_the_third_morning_on():
    silent = Story(kind="silent feed", first=5, last=9, about="Pole TV")
    deals = Deals(seed=1, n_days=30, n_campaigns=1, stories=[silent])
    broken = []
    for day in range(15):
        one = next(deal for deal in deals.deals if deal.seller == "Pole TV")
        broken += [day] if deals.broken(one) else []
        deals.happen()
    assert broken == [7, 8, 9]


def test_stories_about_others_do_not_count():
    story = Story(kind="frozen seller", first=2, last=3, about="Pole TV")
    assert active([story], "frozen seller", 2, "Pole TV") == [story]
    assert active([story], "frozen seller", 2, "Northstar") == []
    assert active([story], "frozen seller", 4) == []


def test_the_book_counts_what_never_happened_too():
    book = Book()
    book.add("harm", 3, "shop/c01", "cut")
    book.add("harm", 3, "shop/c01", "cut")
    assert book.by_kind()["harm"] == 1
    assert book.by_kind()["duplicate"] == 0
    assert np.isnan(book.alerts_a_week([]))


def test_the_table_has_a_column_for_every_seed(short):
    page = table([short | {"seed": 2}, short | {"seed": 1}])
    assert page.splitlines()[0] == "| | seed 1 | seed 2 |"
