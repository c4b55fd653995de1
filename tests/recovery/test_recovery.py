"""Worlds whose truth is known: the decisions must be right there, and as sure as they should be."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.synthetic import World, WorldSpec, families, naive_roas_rule, synthesize

STUDY_SEEDS = range(8)


@dataclass(frozen=True)
class Study:
    """One world, what the fit says of it, and what is decided."""

    world: World
    fitted: ab.Fit
    decisions: ab.Decisions

    @property
    def now(self) -> pd.Series:
        return self.fitted.current_spend

    def captured(self) -> float:
        """Share of the oracle's gain at fixed totals that the plan with the best mean achieves."""
        limits, risk = ab.Limits(change=0.3, total="fixed"), ab.Risk(aversion=0.0)
        plan = ab.optimize(self.fitted, limits=limits, risk=risk).plan.spend
        return self.world.truth.captured(plan, self.now).overall

    def captured_by_dashboard(self) -> float:
        plan = naive_roas_rule(self.world.spend, self.world.outcome, self.now)
        return self.world.truth.captured(plan, self.now).overall

    def lift_of_more(self) -> tuple[np.ndarray, ...]:
        """(cell,) 5% quantile, mean and 95% quantile of the lift of 30% more spend."""
        draws = self.fitted.draws
        lift = draws.response(1.3 * self.now) - draws.response(self.now)
        by_cell = lift.to_numpy()[:, draws.exists]
        low, high = np.quantile(by_cell, (0.05, 0.95), axis=0)
        return low, by_cell.mean(axis=0), high

    def covered(self) -> float:
        """Share of cells whose 90% interval holds the true lift of 30% more spend."""
        truth = self.world.truth.response(1.3 * self.now) - self.world.truth.response(self.now)
        true_lift = truth.reindex(self.now.index).to_numpy()
        low, _, high = self.lift_of_more()
        return float(np.mean((low <= true_lift) & (true_lift <= high)))

    def wrong_share(self) -> float:
        """Share of calls that the oracle, with the same limits, moves the other way or not."""
        best = self.world.truth.optimal(self.now, change=0.3, total="at_most")
        moved = self.decisions.proposal.plan.spend - self.now
        called = moved != 0
        assert called.sum() >= 5, "a share of next to no calls says nothing"
        wanted = np.sign((best - self.now).reindex(self.now.index).round(6))
        return float((wanted != np.sign(moved))[called].mean())


def study(spec: WorldSpec, seed: int) -> Study:
    world = synthesize(spec, seed)
    fitted = ab.fit(ab.read_panel(world.spend, world.outcome), seed=seed, progress=False)
    assert fitted.health.ok
    decisions = ab.decide(ab.optimize(fitted), health=fitted.health)
    return Study(world=world, fitted=fitted, decisions=decisions)


@pytest.fixture(scope="module")
def assumed():
    return study(families()["assumed"], seed=2)


@pytest.fixture(scope="module")
def with_dud():
    return study(WorldSpec(n_accounts=8, n_channels=4, dud_channels=("video",)), seed=1)


def test_the_plan_captures_most_of_what_the_oracle_gains(assumed):
    assert assumed.captured() > 0.5


def test_the_plan_gains_more_than_the_dashboards(assumed):
    assert assumed.captured() > assumed.captured_by_dashboard() + 0.1


def test_nine_in_ten_intervals_hold_the_true_lift(assumed):
    # 32 cells; neighbours share channels and accounts, so .90 may come out as .80 or 1
    assert assumed.covered() >= 0.80


def test_intervals_are_narrower_than_before_the_data(assumed):
    # the prior alone, log-normal with sd sqrt(1 + .5^2 + .3^2), has a width of 3.3 times its mean
    low, mean, high = assumed.lift_of_more()
    assert np.median((high - low) / mean) < 0.75 * 3.3


def test_few_calls_point_the_wrong_way(assumed):
    # a tenth may be wrong by the promise; twice that in one world of some twenty calls
    assert assumed.wrong_share() < 0.2


def test_a_channel_that_does_nothing_is_found_out(with_dud):
    now, draws = with_dud.now, with_dud.fitted.draws
    spent = now.xs("video", level="channel").to_numpy()
    roi = draws.response(now).sel(channel="video").to_numpy() / spent
    assert (np.quantile(roi, 0.05, axis=0) < 0.05).all(), "nothing at all is among the answers"
    others = draws.response(now).drop_sel(channel="video").to_numpy()
    other_roi = others / now.drop("video", level="channel").to_numpy().reshape(others.shape[1:])
    assert np.median(roi) < 0.5 * np.median(other_roi)


def test_a_channel_that_does_nothing_is_cut_and_never_raised(with_dud):
    calls = [call for call in with_dud.decisions.calls if call.channel == "video"]
    assert len(calls) == 8
    assert all(call.action != "increase" for call in calls)
    assert sum(call.action == "reduce" for call in calls) >= 4


@pytest.fixture(scope="module", params=["assumed", "duds"])
def family(request):
    return request.param


@pytest.fixture(scope="module")
def studies(family):
    return [study(families()[family], seed) for seed in STUDY_SEEDS]


@pytest.mark.slow
def test_over_many_worlds_nine_in_ten_intervals_hold_the_true_lift(family, studies):
    # .90 with the sampling error of 8 worlds of 32 cells that share channels. In "duds" a fifth of
    # the cells of good channels earn nothing, which the model takes for poor rather than nil.
    low, high = {"assumed": (0.85, 0.97), "duds": (0.78, 0.97)}[family]
    assert low <= np.mean([one.covered() for one in studies]) <= high


@pytest.mark.slow
def test_over_many_worlds_the_plan_gains_far_more_than_the_dashboards(studies):
    # measured: .74 against .32 in "assumed", .79 against .42 in "duds"
    ours = np.mean([one.captured() for one in studies])
    dashboards = np.mean([one.captured_by_dashboard() for one in studies])
    assert ours > 0.6
    assert ours > dashboards + 0.2


@pytest.mark.slow
def test_over_many_worlds_no_more_calls_are_wrong_than_promised(studies):
    promised = studies[0].decisions.thresholds.max_wrong_share
    assert np.mean([one.wrong_share() for one in studies]) <= promised


@pytest.mark.slow
def test_over_many_worlds_no_dud_is_raised(family, studies):
    if family == "assumed":
        pytest.skip("no cell there does nothing")
    for one in studies:
        calls = [c for c in one.decisions.calls if one.world.truth.is_dud((c.account, c.channel))]
        assert len(calls) == 13
        assert sum(call.action == "increase" for call in calls) <= 1
        assert sum(call.action == "reduce" for call in calls) >= 4
