"""What money brings in each deal, and how sure that is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from adbudget.pacing.moves.efficiency import ObservedWorth, observed_worth
from tests.pacing.moving import START, deal, delivery_table, measured, plan_table


def worth_of(table: pd.DataFrame, *rows: dict) -> ObservedWorth:
    plan, delivery, _ = measured(plan_table(*rows), table)
    return observed_worth(plan, delivery, np.zeros(len(plan), np.int64))


def counts(daily_spend: dict[str, float], daily_counts: dict[str, list[float]]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "deal": name,
                    "date": pd.date_range(START, periods=len(each)),
                    "spend": daily_spend[name],
                    "impressions": 1_000,
                    "final": True,
                    "conversions": each,
                }
            )
            for name, each in daily_counts.items()
        ]
    )


A, B = deal("A", 10_000, 1_000), deal("B", 10_000, 1_000)
DONOR_B = np.array([0.0, 5.0])


def test_without_extra_spread_the_posterior_counts_every_outcome_and_one_of_the_campaign():
    table = counts({"A": 100, "B": 100}, {"A": [2] * 10, "B": [4] * 10})
    worth = worth_of(table, A, B)
    # 60 outcomes of 2,000: one prior event is worth 2000 / 60 of money
    np.testing.assert_allclose(worth.shape, [21, 41])
    np.testing.assert_allclose(worth.rate, 1_000 + 2_000 / 60)


def test_probability_of_being_better_agrees_with_draws():
    table = counts({"A": 100, "B": 100}, {"A": [5] * 10, "B": [4] * 10})
    worth = worth_of(table, A, B)
    rng = np.random.default_rng(0)
    draws = rng.gamma(worth.shape, 1 / worth.rate, (200_000, 2))
    told = worth.prob_better(np.zeros(2, np.int64), DONOR_B)[0]
    assert told == pytest.approx((draws[:, 0] > draws[:, 1]).mean(), abs=0.005)


def test_days_that_vary_more_than_chance_make_less_sure():
    steady = counts({"A": 100, "B": 100}, {"A": [6] * 10, "B": [4] * 10})
    wild = counts({"A": 100, "B": 100}, {"A": [0, 12] * 5, "B": [0, 8] * 5})
    pool = np.zeros(2, np.int64)
    sure = worth_of(steady, A, B).prob_better(pool, DONOR_B)[0]
    less_sure = worth_of(wild, A, B).prob_better(pool, DONOR_B)[0]
    assert 0.5 < less_sure < sure


def test_a_deal_without_outcomes_is_taken_to_be_like_its_campaign():
    table = counts({"A": 100, "B": 0}, {"A": [3] * 10, "B": [0] * 10})
    worth = worth_of(table, A, B)
    assert worth.mean[1] == pytest.approx(0.03)
    assert worth.shape[1] == 1.0


def test_provisional_outcomes_do_not_count():
    table = counts({"A": 100, "B": 100}, {"A": [2] * 10, "B": [4] * 10})
    late = table.assign(final=table["date"] < START + pd.Timedelta(days=5))
    late.loc[~late["final"], "conversions"] = 0
    early = table.query("date < '2026-04-06'")
    kept = worth_of(early, A, B)
    np.testing.assert_allclose(worth_of(late, A, B).mean, kept.mean)


def test_a_campaign_without_outcomes_says_nothing():
    worth = worth_of(delivery_table(A, B), A, B)
    assert np.isnan(worth.mean).all()
    assert np.isnan(worth.prob_better(np.zeros(2, np.int64), DONOR_B)).all()
    assert worth.basis.tolist() == ["delivery", "delivery"]


def test_outcomes_that_are_all_zero_say_nothing():
    worth = worth_of(counts({"A": 100, "B": 100}, {"A": [0] * 10, "B": [0] * 10}), A, B)
    assert np.isnan(worth.mean).all()


def test_revenue_goes_before_conversions_and_its_unit_does_not_matter():
    table = counts({"A": 100, "B": 100}, {"A": [2] * 10, "B": [4] * 10})
    revenue = np.tile([250.0, 350.0], 10)
    pool = np.zeros(2, np.int64)
    worth = worth_of(table.assign(revenue=revenue), A, B)
    assert worth.basis.tolist() == ["revenue", "revenue"]
    np.testing.assert_allclose(worth.mean, 3.0)
    scaled = worth_of(table.assign(revenue=revenue * 7), A, B)
    np.testing.assert_allclose(scaled.prob_better(pool, DONOR_B), worth.prob_better(pool, DONOR_B))


def test_several_donors_count_by_what_they_give():
    worth = ObservedWorth(
        shape=np.array([50.0, 100.0, 100.0]),
        rate=np.array([1_000.0, 1_000.0, 5_000.0]),
        basis=np.full(3, "conversions", dtype=object),
    )
    pool = np.zeros(3, np.int64)
    mostly_good = worth.prob_better(pool, np.array([0.0, 9.0, 1.0]))[0]
    mostly_bad = worth.prob_better(pool, np.array([0.0, 1.0, 9.0]))[0]
    assert mostly_good < 0.05 < 0.95 < mostly_bad
    alone = replace(worth).prob_better(pool, np.array([0.0, 0.0, 1.0]))[0]
    assert alone > mostly_bad
