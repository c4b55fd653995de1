"""What every platform promises, shown for each of them."""

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import InputError
from adbudget.platforms import FilePlatform, Platform, SimulatedPlatform, create_platform_tables
from adbudget.platforms.platform import DAILY, HOURLY
from tests.platforms.conftest import (
    PATIENT,
    SMALL,
    SPAN,
    budget_of,
    order_for,
    sql_stand,
    write_folder,
)

# --- reading


def test_it_is_a_platform(stand):
    assert isinstance(stand.platform, Platform)
    assert stand.platform.name


def test_budgets_are_sorted_and_each_of_its_own(stand):
    units = [budget.unit for budget in stand.platform.budgets()]
    assert units == sorted(set(units))
    assert len(units) == 4


def test_performance_has_a_row_for_every_campaign_and_day(stand):
    report = stand.platform.performance(*SPAN)
    assert tuple(report.frame.columns) == DAILY
    assert not report.by_hour
    assert report.complete_until.tzinfo is not None
    assert report.complete_until <= report.reported_at
    keys = report.frame[["account", "channel", "campaign", "date"]]
    assert not keys.duplicated().any()
    assert len(keys) == 4 * 11
    assert keys.equals(keys.sort_values(list(keys.columns), ignore_index=True))


def test_hours_add_up_to_days(stand):
    days = stand.platform.performance(*SPAN).frame
    hours = stand.platform.performance(*SPAN, by_hour=True).frame
    assert tuple(hours.columns) == HOURLY
    figures = ["spend", "impressions", "clicks", "conversions", "revenue"]
    sums = hours.groupby(["account", "channel", "campaign", "date"])[figures].sum()
    assert (sums.to_numpy() - days[figures].to_numpy()).round(6).any() == False  # noqa: E712


def test_a_day_alone_is_the_day_in_a_longer_report(stand):
    day = date(2026, 2, 25)
    alone = stand.platform.performance(day, day).frame
    longer = stand.platform.performance(*SPAN).frame
    assert alone.equals(longer[longer["date"] == str(day)].reset_index(drop=True))


def test_days_without_reports_have_no_rows(stand):
    assert stand.platform.performance(date(2031, 1, 1), date(2031, 2, 1)).frame.empty


def test_a_span_that_ends_before_it_begins_is_refused(stand):
    with pytest.raises(InputError, match="since must not be after until"):
        stand.platform.performance(SPAN[1], SPAN[0])


# --- setting a budget


def test_an_order_that_is_made_sets_this_budget_and_no_other(stand):
    platform = stand.platform
    first, *others = platform.budgets()
    order = order_for(first, first.daily_minor + 100)
    answer = platform.set_budget(order)
    assert (answer.key, answer.status, answer.daily_minor) == (order.key, "made", order.daily_minor)
    now, *rest = platform.budgets()
    assert now.daily_minor == first.daily_minor + 100
    assert now.version != first.version
    assert rest == others
    assert platform.answer_of(order.key) == answer


def test_what_is_only_validated_changes_nothing_and_leaves_the_key_free(stand):
    platform = stand.platform
    before = platform.budgets()
    order = order_for(before[0], before[0].daily_minor + 100)
    answer = platform.set_budget(order, validate_only=True)
    assert (answer.status, answer.daily_minor) == ("valid", before[0].daily_minor)
    assert platform.budgets() == before
    assert platform.answer_of(order.key) is None
    assert platform.set_budget(order).status == "made"


def test_a_repeated_key_is_answered_as_the_first_time_and_nothing_is_done(stand):
    platform = stand.platform
    first = platform.budgets()[0]
    order = order_for(first, first.daily_minor + 100)
    answer = platform.set_budget(order)
    between = budget_of(platform, first.unit)
    assert platform.set_budget(order_for(between, first.daily_minor)).status == "made"
    back = platform.budgets()  # it is again what the order was based on
    later = replace(order, at=order.at + timedelta(hours=3))
    assert platform.set_budget(later) == answer
    assert platform.set_budget(order, validate_only=True) == answer
    assert platform.budgets() == back


def test_a_key_of_another_order_is_a_conflict(stand):
    platform = stand.platform
    first, second, *_ = platform.budgets()
    order = order_for(first, first.daily_minor + 100)
    platform.set_budget(order)
    now = platform.budgets()
    for other in (
        order_for(second, second.daily_minor + 1, key=order.key),
        replace(order, daily_minor=order.daily_minor + 1),
        replace(order, based_on_minor=order.based_on_minor + 1),
    ):
        answer = platform.set_budget(other)
        assert answer.status == "conflict"
        assert "another order" in answer.reason
    assert platform.budgets() == now
    assert platform.answer_of(order.key).status == "made"


def test_a_budget_that_is_not_what_the_plan_was_based_on_is_not_overwritten(stand):
    platform = stand.platform
    before = platform.budgets()
    stale = order_for(before[0], before[0].daily_minor + 500)
    stale = replace(stale, based_on_minor=before[0].daily_minor - 1)
    answer = platform.set_budget(stale)
    assert (answer.status, answer.daily_minor) == ("conflict", before[0].daily_minor)
    assert "based on" in answer.reason
    assert platform.budgets() == before
    assert platform.set_budget(stale) == answer  # remembered


@pytest.mark.parametrize("why", ["minimum", "campaign", "account", "currency", "paused"])
def test_what_is_refused_says_why_and_changes_nothing(stand, why):
    platform = stand.platform
    first = platform.budgets()[0]
    order = order_for(first, first.daily_minor + 100)
    said = {"minimum": "least budget", "currency": "is in EUR", "paused": "is paused"}
    if why == "minimum":
        order = replace(order, daily_minor=first.minimum_minor - 1)
    elif why == "paused":
        stand.pause(first, True)
    else:
        order = replace(order, **{why: "USD" if why == "currency" else "nobody"})
    before = platform.budgets()
    answer = platform.set_budget(order)
    assert answer.status == "refused"
    assert said.get(why, "there is no campaign") in answer.reason
    assert (answer.daily_minor is None) == (why in ("campaign", "account"))
    assert platform.budgets() == before
    if why == "paused":
        stand.pause(first, False)
    assert platform.set_budget(order) == answer  # a refused order needs a new key
    assert platform.answer_of(order.key) == answer


def test_an_order_for_what_stands_is_made_and_no_change(stand):
    before = stand.platform.budgets()
    answer = stand.platform.set_budget(order_for(before[1], before[1].daily_minor))
    assert answer.status == "made"
    assert stand.platform.budgets() == before


@pytest.mark.parametrize("key", ["a/b", "50% off?", "#1&key=2", "größer", "..", "x" * 250])
def test_keys_may_hold_any_printable_sign(stand, key):
    platform = stand.platform
    first = platform.budgets()[0]
    assert platform.answer_of(key) is None or stand.platform.name.startswith("platform ")
    answer = platform.set_budget(order_for(first, first.daily_minor + 7, key=key))
    assert answer.key == key
    assert platform.answer_of(key) == answer


def test_of_orders_based_on_the_same_budget_only_one_is_made(stand):
    platform = stand.platform
    first = platform.budgets()[0]
    orders = [order_for(first, first.daily_minor + 10 * i) for i in range(1, 9)]
    answers = at_once(lambda order: platform.set_budget(order), orders)
    made = [answer for answer in answers if answer.status == "made"]
    assert [answer.status for answer in answers].count("conflict") == 7
    assert budget_of(platform, first.unit).daily_minor == made[0].daily_minor


def test_one_order_sent_eight_times_at_once_is_made_once(stand):
    platform = stand.platform
    first = platform.budgets()[0]
    order = order_for(first, first.daily_minor + 10)
    answers = at_once(lambda one: platform.set_budget(one), [order] * 8)
    assert set(answers) == {answers[0]}
    assert budget_of(platform, first.unit).daily_minor == order.daily_minor


def at_once(call, arguments) -> list:
    barrier, answers = threading.Barrier(len(arguments)), [None] * len(arguments)

    def work(i: int) -> None:
        barrier.wait()
        answers[i] = call(arguments[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(arguments))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert None not in answers
    return answers


# --- any sequence of orders

STEP = st.tuples(
    st.integers(0, 3),  # campaign
    st.integers(0, 5),  # key
    st.sampled_from([0, 0, 0, -700, 700]),  # how far the plan is from what stands
    st.integers(400, 20_000),  # budget wanted; 500 is the least
    st.booleans(),  # validate only
)


@pytest.mark.parametrize("kind", ["file", "sqlite", "simulated"])
@given(steps=st.lists(STEP, max_size=12))
@settings(max_examples=15)
def test_any_sequence_of_orders_ends_as_its_answers_say(kind, steps, tmp_path_factory):
    source = SimulatedPlatform(SMALL, 3, rules=PATIENT)
    platform = source
    if kind == "file":
        folder = tmp_path_factory.mktemp("folder")
        write_folder(source, folder)
        platform = FilePlatform(folder=folder)
    elif kind == "sqlite":
        place = tmp_path_factory.mktemp("sql") / "platform.db"
        platform = sql_stand(source, f"sqlite:///{place}").platform
    standing = {budget.unit: budget.daily_minor for budget in platform.budgets()}
    answered = {}
    for campaign, number, off, wanted, validate_only in steps:
        budget = platform.budgets()[campaign]
        based_on = max(standing[budget.unit] + off, 0)
        order = order_for(budget, wanted, key=f"k{number}", based_on_minor=based_on)
        answer = platform.set_budget(order, validate_only=validate_only)
        if order.key in answered:
            first, before = answered[order.key]
            same = first.content == order.content
            assert answer == before if same else answer.status == "conflict"
            continue
        right = based_on == standing[budget.unit]
        good = "valid" if validate_only else "made"
        expected = "conflict" if not right else "refused" if wanted < 500 else good
        assert answer.status == expected
        if not validate_only:
            answered[order.key] = (order, answer)
        if answer.status == "made":
            standing[budget.unit] = wanted
        assert answer.daily_minor == standing[budget.unit]
    assert {budget.unit: budget.daily_minor for budget in platform.budgets()} == standing
    if kind == "file":
        assert FilePlatform(folder=platform.folder).budgets() == platform.budgets()
    if kind == "sqlite":
        platform.close()
        again = create_platform_tables(f"sqlite:///{place}")  # leaves what is there
        assert {budget.unit: budget.daily_minor for budget in again.budgets()} == standing
        again.close()
