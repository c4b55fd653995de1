"""A short version of the year: every story in two weeks, and a judge that sees what is wrong."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.year.accounts import ACCOUNTS, CHANNELS
from benchmarks.year.book import Book
from benchmarks.year.campaigns import Platform
from benchmarks.year.deals import SELLERS, Deals
from benchmarks.year.judging_pace import PaceJudge
from benchmarks.year.judging_rules import RulesJudge
from benchmarks.year.orders import Row
from benchmarks.year.report import table
from benchmarks.year.stories import FIRST_DAY, KINDS, Cast, Story, active, make_stories, quiet_weeks
from benchmarks.year.year import Settings, moments, run_year

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


def test_a_process_killed_in_the_middle_and_run_again_leaves_one_run_a_day(tmp_path):
    settings = replace(SMALL, n_days=3, n_campaigns=4, n_groups=1, only=("killed",), commands=1.0)
    figures = run_year(settings, tmp_path / "killed")
    assert told(figures, "lost") == []
    assert told(figures, "duplicate") == []
    assert figures["runs"] == 3 * 3  # two accounts and the deals, every day


def test_hourly_runs_order_no_change_twice_and_keep_the_limit_of_the_day(tmp_path):
    settings = replace(SMALL, n_days=1, n_campaigns=4, n_groups=1, hourly=True, only=("killed",))
    figures = run_year(settings, tmp_path / "hourly")
    assert figures["runs"] == 1 + 2 * 24
    assert figures["violations"] == []


@pytest.mark.parametrize(("day", "hours"), [(65, 24), (66, 23), (304, 25)])
def test_an_hourly_day_has_as_many_hours_as_its_clock(day, hours):
    found = moments("America/New_York", day, hourly=True)
    assert len({at.timestamp() for at in found}) == len(found) == hours
    assert {at.date().isoformat() for at in found} == {str(FIRST_DAY + day)}


# The judges ---------------------------------------------------------------------------------------


def change(unit: str, old: int, new: int, rule: str = "reduce_losers", **payload: Any) -> Row:
    return Row(1, "change", "", unit, old, new, "auto", rule, "run", payload)


def shop_judge(*stories: Story, days: int = 6) -> RulesJudge:
    """A judge of twelve campaigns after some days."""
    shop = ACCOUNTS[0]
    platform = Platform(shop, seed=1, n_days=40, n_campaigns=12, stories=list(stories))
    for _ in range(days):
        platform.happen()
    return RulesJudge(platform=platform, book=Book())


def kinds(judge: RulesJudge | PaceJudge) -> list[str]:
    return [one.kind for one in judge.book.violations]


def cut_of_a_tenth(judge: RulesJudge, place: int = 0, **payload: Any) -> list[Row]:
    """Money goes from one campaign to the next."""
    names, budget = judge.platform.names, judge.platform.budget_minor.tolist()
    part = budget[place] // 10
    return [
        change(f"shop::{names[place]}", budget[place], budget[place] - part, **payload),
        change(f"shop::{names[place + 1]}", budget[place + 1], budget[place + 1] + part, "scale"),
    ]


def test_a_cut_on_sound_figures_is_no_violation():
    judge = shop_judge()
    judge.judge_run(cut_of_a_tenth(judge), kill_on=False)
    assert kinds(judge) == []


def test_a_cut_during_an_outage_is_harm_and_one_a_person_signed_is_not():
    outage = Story(kind="no results", first=4, last=5, about="shop")
    judge = shop_judge(outage)
    judge.judge_run(cut_of_a_tenth(judge), kill_on=False)
    assert kinds(judge) == ["harm", "harm"]
    signed = shop_judge(outage)
    signed.open_day()
    signed.judge_approved(cut_of_a_tenth(signed), kill_on=False)
    assert kinds(signed) == []


def test_a_change_under_the_kill_switch_breaks_a_limit():
    judge = shop_judge()
    judge.judge_run(cut_of_a_tenth(judge), kill_on=True)
    assert kinds(judge) == ["limit", "limit"]


def test_a_cut_by_half_breaks_the_limit_of_the_day_and_the_total():
    judge = shop_judge()
    budget = int(judge.platform.budget_minor[0])
    judge.judge_run([change("shop::c00", budget, budget // 2)], kill_on=False)
    assert {one.text.split(" in ")[-1] for one in judge.book.violations} >= {
        "a day, reduce_losers",
        "one run",
    }


def test_an_order_from_another_budget_and_one_to_and_fro_are_contradictions():
    judge = shop_judge()
    rows = cut_of_a_tenth(judge)
    judge.platform.budget_minor[0] += 5
    judge.judge_run(rows, kill_on=False)
    assert kinds(judge) == ["contradiction"]
    judge = shop_judge()
    judge.judge_run(cut_of_a_tenth(judge), kill_on=False)
    judge.platform.happen()
    budget = int(judge.platform.budget_minor[0])
    up = [change("shop::c00", budget, budget + 100), change("shop::c05", 100, 0)]
    judge.judge_run(up[:1], kill_on=False)
    assert "to and fro" in " ".join(one.text for one in judge.book.violations)


def silent_deals() -> Deals:
    silent = Story(kind="silent feed", first=5, last=12, about="Pole TV")
    deals = Deals(seed=1, n_days=30, n_campaigns=1, stories=[silent])
    for _ in range(9):
        deals.happen()
    return deals


def test_money_moved_out_of_a_deal_that_nobody_reports_is_harm():
    judge = PaceJudge(deals=silent_deals(), book=Book())
    tv, other = (
        next(deal for deal in judge.deals.deals if deal.seller == seller)
        for seller in ("Pole TV", "Northstar")
    )
    rows = [
        change(one.name, one.budget_minor, one.budget_minor + by, "reallocation", budget="flight")
        for one, by in ((tv, -5000), (other, 5000))
    ]
    judge.judge_run(rows, kill_on=False)
    assert kinds(judge) == ["harm"]
    judge.judge_run(rows[1:], kill_on=False)
    assert kinds(judge) == ["harm", "limit"], "a campaign's money must not change"


def test_a_raise_that_asks_for_less_is_a_contradiction():
    judge = PaceJudge(deals=silent_deals(), book=Book())
    name = next(deal.name for deal in judge.deals.deals if deal.seller == "Northstar")
    diffs = [{"field": "daily_budget", "old_value": "1130.00", "new_value": "901.25"}]
    ask = {"intent": "raise_delivery", "diffs": diffs}
    row = Row(1, "request", "", name, None, None, "needs_approval", "", "run", {"ask": ask})
    judge.judge_run([row], kill_on=False)
    assert kinds(judge) == ["contradiction"]


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
