"""A shadow price is what the plan gains by one more unit of room, and nothing else."""

from dataclasses import replace

import pytest

from adbudget.optimizer import optimize
from adbudget.plan import Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import hand_made, random_world, spend_of

MEAN_ONLY = Risk(aversion=0.0)
STEP = 0.5  # of money, either way


def price_of(proposal, account, channel=""):
    table = proposal.shadow_prices
    row = table[(table["account"] == account) & (table["channel"] == channel)]
    return row["price"].item()


@pytest.mark.parametrize("risk", [MEAN_ONLY, Risk(aversion=0.5, tail=0.2)])
def test_the_price_of_a_total_is_what_the_plan_gains_by_one_more_unit(risk):
    draws, now = random_world(4)
    limits = Limits(change=0.9, total="fixed")
    found = optimize(draws, now, limits, risk)
    total = now.groupby("account").sum()["account 0"]
    more, less = (
        optimize(draws, now, replace(limits, budget={"account 0": total + move}), risk).objective
        for move in (STEP, -STEP)
    )
    gained = (more - less) / (2 * STEP)
    assert price_of(found, "account 0") == pytest.approx(gained, rel=0.02, abs=2e-3)


def test_the_price_of_a_cell_is_what_the_plan_gains_by_one_more_unit_there():
    draws, now = random_world(4)
    limits = Limits(change=0.1, total="free")
    found = optimize(draws, now, limits, MEAN_ONLY)
    rows = found.shadow_prices
    assert set(rows["limit"]) <= {"upper bound of +10%", "lower bound of -10%"}
    assert rows["price"].abs().is_monotonic_decreasing
    first = rows.iloc[0]
    cell, up = (first["account"], first["channel"]), first["price"] > 0
    room = STEP / now[cell]
    wider = dict.fromkeys(now.index, (0.1, 0.1)) | {cell: (0.1 + room * (not up), 0.1 + room * up)}
    gained = optimize(draws, now, replace(limits, change=wider), MEAN_ONLY).objective
    assert abs(first["price"]) == pytest.approx((gained - found.objective) / STEP, rel=0.02)


def test_no_price_where_nothing_may_move():
    draws, now = random_world(4)
    limits = Limits(total="fixed", fixed=("channel 0", "channel 1", "channel 2"))
    assert optimize(draws, now, limits, MEAN_ONLY).shadow_prices.empty


def test_no_price_where_no_limit_binds():
    draws = hand_made([[[200.0, 200.0]]])
    now = spend_of(draws, 41.42, 41.42)  # where the next unit brings what it costs
    assert optimize(draws, now, Limits(total="free"), MEAN_ONLY).shadow_prices.empty
