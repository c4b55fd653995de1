"""A synthetic world on its way: the same as the world continued, and a truth that can drift."""

import numpy as np
import pandas as pd
import pytest

from adbudget.backtesting.market import best_of_all, money_per_period, open_market
from adbudget.synthetic import WorldSpec, synthesize

SPEC = WorldSpec(n_accounts=2, n_channels=3, n_periods=40, demand_signal=0.5)


def test_a_market_becomes_what_the_continued_world_becomes():
    market, start = open_market(SPEC, 7, 3, 0.0)
    for factor in (1.0, 1.2):
        market = market.after(start * factor)
    world = synthesize(SPEC, 7).continued(start, 1).continued(start * 1.2, 1)
    keys = ["account", "channel", "date"]
    for mine, theirs, by in (
        (market.spend, world.spend, keys),
        (market.outcome, world.outcome, ["account", "date"]),
    ):
        pd.testing.assert_frame_equal(
            mine.sort_values(by).reset_index(drop=True),
            theirs.sort_values(by).reset_index(drop=True),
            check_dtype=False,
        )


def test_the_start_is_what_was_spent_over_28_days():
    _, start = open_market(SPEC, 7, 1, 0.0)
    pd.testing.assert_series_equal(start, synthesize(SPEC, 7).current(4))


def test_returns_drift_by_channel_and_only_where_they_are_told_to():
    still, start = open_market(SPEC, 7, 30, 0.0)
    assert (still.returns == 1).all()
    market, _ = open_market(SPEC, 7, 30, 0.5)
    by_channel = pd.DataFrame(market.returns, index=start.index).groupby(level=1)
    np.testing.assert_array_equal(by_channel.min(), by_channel.max())
    steps = np.diff(np.log(market.returns[:3]), axis=1)
    assert steps.std() == pytest.approx(0.5 * np.sqrt(7 / 365.25), rel=0.3)
    now = market.after(start)
    changed = now.truth.response(start) / market.world.truth.response(start)
    np.testing.assert_allclose(changed, market.returns[:, 1])


def test_the_best_split_of_all_keeps_totals_and_cannot_be_bettered_by_a_step():
    market, start = open_market(SPEC, 7, 1, 0.0)
    best = best_of_all(market.truth, start)
    pd.testing.assert_series_equal(
        best.groupby(level=0).sum(), start.groupby(level=0).sum(), check_names=False
    )
    earned = money_per_period(market.truth, best)
    assert earned > money_per_period(market.truth, start)
    one_more = money_per_period(market.truth, market.truth.optimal(best, 0.1, "fixed"))
    assert one_more == pytest.approx(earned, rel=1e-6)
