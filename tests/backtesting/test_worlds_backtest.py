"""The loop on a world with known truth, beside other rules; and what is counted, on paper."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

import adbudget.model.fit as home_of_fit
from adbudget import InputError, backtest_world
from adbudget.backtesting.loop_arm import Told
from adbudget.backtesting.world_record import WorldBacktest
from adbudget.backtesting.worlds import _broken
from adbudget.loop import LoopSettings
from adbudget.synthetic import WorldSpec

SPEC = WorldSpec(n_accounts=2, n_channels=2, n_periods=60, noise=0.04, demand_signal=0.5)
CELLS = pd.MultiIndex.from_product([["a"], ["x", "y"]], names=["account", "channel"])
START = pd.Series([100.0, 100.0], index=CELLS, name="spend")


@pytest.fixture(scope="module")
def short_fit():
    """Short fits that are not run again until they are healthy."""
    patch = pytest.MonkeyPatch()
    short = partial(home_of_fit.fit, draws=250, tune=300, chains=2)
    patch.setattr(home_of_fit, "fit", short)
    patch.setattr("adbudget.model.sampling.MAX_RUNS", 1)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def walked(short_fit):
    settings = LoopSettings(judge_after=1, refit_cycles=50, exploration=0.01)
    return backtest_world(SPEC, seed=4, cycles=3, settings=settings, late=1, cores=1)


def test_every_rule_keeps_totals_and_limits_and_the_loop_says_what_it_expects(walked):
    assert walked.broken == dict.fromkeys(("loop", "frozen", "roas", "oracle"), 0)
    total = walked.start.groupby(level=0).sum()
    for spend in walked.spend.values():
        for row in spend:
            now = pd.Series(row, walked.start.index).groupby(level=0).sum()
            np.testing.assert_allclose(now, total, rtol=1e-6)
    assert len(walked.told) == 3
    assert all(np.isfinite(one.expected) for one in walked.told)


def test_frozen_budgets_gain_nothing_and_nobody_gains_more_than_the_best(walked):
    shares = walked.shares()
    assert (shares["frozen"] == 0).all()
    assert (shares <= 1 + 1e-6).all(axis=None)
    assert (shares["oracle"].diff().dropna() >= -1e-6).all()
    assert shares["oracle"].iloc[-1] > 0


def test_the_page_fits_a_screen_and_tells_every_rule(walked):
    lines = repr(walked).splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 130
    for arm in ("loop", "frozen", "roas", "oracle"):
        assert any(line.strip().startswith(arm) for line in lines)


def by_hand(**changes) -> WorldBacktest:
    """Two cycles of a start of 100 and 100, of which the best split would gain 40."""
    spend = {
        "loop": np.array([[110.0, 90.0], [120.0, 80.0]]),
        "frozen": np.array([[100.0, 100.0], [100.0, 100.0]]),
        "roas": np.array([[90.0, 110.0], [100.0, 100.0]]),
        "oracle": np.array([[120.0, 80.0], [140.0, 60.0]]),
    }
    gains = pd.DataFrame(
        {
            "loop": [10.0, 18.0],
            "frozen": [0.0, 0.0],
            "roas": [-14.0, 0.0],
            "oracle": [24.0, 40.0],
            "best": [40.0, 40.0],
        }
    )
    told = Told(healthy=True, expected=1.0, explored=0.0, judged=())
    made = WorldBacktest(
        spec=SPEC,
        seed=0,
        settings=LoopSettings(),
        start=START,
        spend=spend,
        gains=gains,
        broken=dict.fromkeys(spend, 0),
        told=(told, told),
    )
    return replace(made, **changes)


def test_shares_churn_and_worst_month_are_those_worked_out_on_paper():
    table = by_hand().summary()
    assert table.loc["loop", "share"] == pytest.approx(18 / 40)
    assert table.loc["loop", "mean_share"] == pytest.approx(14 / 40)
    assert table.loc["roas", "worst_share"] == pytest.approx(-14 / 40)
    assert table.loc["roas", "worst_month"] == pytest.approx(-7 / 40)  # two cycles are all there is
    assert table.loc["loop", "churn"] == pytest.approx(10 / 200)
    frame = by_hand().to_frame()
    assert len(frame) == 8
    assert frame[frame["arm"] == "oracle"]["moved"].tolist() == pytest.approx([0.1, 0.1])


def test_where_nothing_can_be_gained_there_is_no_share():
    gains = by_hand().gains.assign(best=0.0)
    assert by_hand(gains=gains).shares().isna().all(axis=None)


@pytest.mark.parametrize(
    ("loop", "times"),
    [
        ([[110.0, 90.0]], 0),
        ([[130.0, 70.0]], 2),  # both cells step by more than 20%
        ([[110.0, 100.0]], 1),  # the total of the account
        ([[120.0, 80.0], [144.0, 64.0], [163.0, 52.0]], 3),  # a total twice, and a quarter
    ],
)
def test_steps_totals_and_quarters_that_go_too_far_are_counted(loop, times):
    spent = {"loop": [pd.Series(row, CELLS) for row in loop]}
    assert _broken(START, spent, LoopSettings())["loop"] == times


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cycles": 0}, "cycles must be a whole number from 1 to 520; got 0"),
        ({"late": -1}, "late must be"),
        ({"drift": -0.1}, "drift must be a number from 0 to 3"),
        ({"seed": True}, "seed must be"),
        ({"settings": LoopSettings(period="daily")}, "settings are for a daily panel"),
    ],
)
def test_arguments_out_of_range_are_named_before_anything_is_fitted(options, words):
    with pytest.raises(InputError, match=words):
        backtest_world(SPEC, **({"seed": 1} | options))


def test_a_monthly_world_is_refused():
    with pytest.raises(InputError, match="a loop learns from days or weeks; this world is monthly"):
        backtest_world(replace(SPEC, period="monthly"), seed=1)
