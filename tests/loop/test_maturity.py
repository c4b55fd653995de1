"""How outcomes come in, from what was told of the same days again and again."""

from datetime import date, timedelta

from adbudget.loop.maturity import learn_maturity

FIRST = date(2026, 1, 1)
CURVE = {0: 0.5, 1: 0.8, 2: 0.95, 3: 0.99, 25: 1.0}


def readings(curve, n_days=20, accounts=("a",)):
    return [
        (account, FIRST + timedelta(days=d), age, 100.0 * (1 + d) * share)
        for account in accounts
        for d in range(n_days)
        for age, share in curve.items()
    ]


def test_the_share_at_an_age_is_what_was_told_over_what_it_came_to():
    found = learn_maturity(readings(CURVE), oldest=21, stated=1)
    assert found.learned
    assert [round(float(found.share[age]), 6) for age in (0, 1, 2, 3)] == [0.5, 0.8, 0.95, 0.99]
    assert found.mature_days == 3


def test_until_enough_days_have_ended_it_is_what_was_stated():
    few = learn_maturity(readings(CURVE, n_days=5), oldest=21, stated=4)
    assert (few.learned, few.mature_days) == (False, 4)
    young = [row for row in readings(CURVE) if row[2] < 10]
    assert learn_maturity(young, oldest=21, stated=4).mature_days == 4


def test_ages_that_were_never_seen_are_not_taken_for_mature():
    """Seen once a week: short at 7 days, whole at 14; nobody knows of 8 to 13."""
    weekly = {7: 0.9, 14: 1.0, 21: 1.0}
    assert learn_maturity(readings(weekly), oldest=21, stated=1).mature_days == 14


def test_outcomes_that_are_complete_at_once_are_as_mature_as_stated():
    at_once = {7: 1.0, 14: 1.0, 21: 1.0}
    assert learn_maturity(readings(at_once), oldest=21, stated=2).mature_days == 2


def test_large_accounts_weigh_as_their_outcome_does_and_days_of_nothing_decide_nothing():
    nothing = [("b", FIRST + timedelta(days=d), age, 0.0) for d in range(20) for age in (0, 25)]
    found = learn_maturity([*readings(CURVE), *nothing], oldest=21, stated=1)
    assert found.mature_days == 3
