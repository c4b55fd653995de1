"""What a cycle only tries: how much of it stands after a cycle, on paper."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from adbudget import open_ledger
from adbudget.ledger.entry import Entry
from adbudget.loop.leaning import lean_left, leans_of, settled_spend, tried_budgets
from adbudget.loop.proposing import Draft
from adbudget.platforms.platform import StandingBudget

CELLS = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")], names=["account", "channel"])


def spend(*values):
    return pd.Series(np.array(values, dtype=float), index=CELLS)


# 70 and 140 a week stand, 7 of them tried; the best step is 77 and 126, the plan leans by 3.5 more.
DRAFT = Draft(
    current=spend(77.0, 133.0),
    settled=spend(70.0, 140.0),
    plan=spend(80.5, 122.5),
    base=spend(77.0, 126.0),
    explored=spend(3.5, -3.5),
    exploration_cost=0.1,
    proposal=SimpleNamespace(),  # pyright: ignore[reportArgumentType]
)


def budget(channel, daily_minor):
    return StandingBudget(
        account="a",
        channel=channel,
        campaign=f"{channel}-1",
        currency="EUR",
        daily_minor=daily_minor,
        version="1",
    )


STANDING = (budget("x", 1100), budget("y", 1900))


def tried(**minor):
    """What is only tried after a run that ordered these budgets, minor units a day."""
    facts = {"run_ids": ["run"], "lean": leans_of(DRAFT, STANDING)}
    with open_ledger(":memory:") as ledger:
        for one in STANDING:
            if one.channel in minor:
                entry = change(f"a::{one.campaign}", one.daily_minor, minor[one.channel])
                ledger.append(entry, key=one.campaign)
        return tried_budgets(facts, ledger)


def change(unit, old, new):
    return Entry(
        kind="change",
        at=datetime(2026, 3, 2, tzinfo=UTC),
        who="adbudget loop",
        run_id="run",
        unit=unit,
        currency="EUR",
        old_minor=old,
        new_minor=new,
        verdict="auto",
    )


@pytest.mark.parametrize(
    ("set_now", "left"),
    [
        ((80.5, 122.5), (3.5, -3.5)),  # all of the plan: the new lean
        ((77.0, 133.0), (7.0, -7.0)),  # nothing of it: the old one
        ((78.75, 127.75), (5.25, -5.25)),  # half of the way
        ((90.0, 100.0), (3.5, -3.5)),  # beyond it is somebody else's
    ],
)
def test_what_went_a_part_of_the_way_keeps_as_much_of_the_old_lean(set_now, left):
    np.testing.assert_allclose(lean_left(DRAFT, spend(*set_now)), left)


def test_a_budget_that_the_policy_leaves_as_it_was_still_holds_the_lean_of_before():
    made = tried()
    assert made["a::x-1"] == (1100, pytest.approx(100.0))
    assert made["a::y-1"] == (1900, pytest.approx(-100.0))
    settled = settled_spend(made, STANDING, DRAFT.current, 7)
    np.testing.assert_allclose(settled, [70.0, 140.0])


def test_a_budget_that_follows_the_plan_holds_its_lean_and_the_next_cycle_takes_it_back():
    made = tried(x=1150, y=1750)
    after = (budget("x", 1150), budget("y", 1750))
    settled = settled_spend(made, after, DRAFT.plan, 7)
    np.testing.assert_allclose(settled, DRAFT.base)


def test_a_budget_that_somebody_else_set_is_taken_as_it_is():
    made = tried(x=1150, y=1750)
    settled = settled_spend(made, (budget("x", 2000),), spend(140.0, 122.5), 7)
    np.testing.assert_allclose(settled, [140.0, 122.5])
