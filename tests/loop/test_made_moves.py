"""A move is a move when it was made: from then on its campaign rests."""

from datetime import timedelta

import pytest

from adbudget import open_ledger
from adbudget.loop.applying import apply_changes
from adbudget.loop.made_moves import made_since, moved_units, opening_minor
from tests.loop.helpers import OPEN, order_changes, simulated, standing

WAITS = OPEN | {"constraints": OPEN["constraints"] | {"approval_limit": 1}}
SWAP = [1.2, 0.9, 0.95, 1.0, 1.0, 1.0]


@pytest.fixture
def ledger():
    with open_ledger(":memory:") as opened:
        yield opened


def test_what_was_made_is_moved_until_its_days_are_over(ledger):
    platform = simulated()
    order_changes(ledger, platform, SWAP)
    before = standing(platform)
    assert made_since(ledger, platform.now) == []
    apply_changes(ledger, platform, now=platform.now)
    made = made_since(ledger, platform.now - timedelta(days=1))
    moved = {unit for unit, minor in standing(platform).items() if minor != before[unit]}
    assert len(moved) == 3
    assert moved_units(made, platform.now + timedelta(days=6), 6.9) == moved
    assert moved_units(made, platform.now + timedelta(days=7), 6.9) == set()
    assert opening_minor(made) == {unit: before[unit] for unit in moved}


def test_a_move_that_was_approved_late_is_made_late(ledger):
    platform = simulated()
    order_changes(ledger, platform, SWAP, policy=WAITS)
    apply_changes(ledger, platform, now=platform.now)
    assert made_since(ledger, platform.now - timedelta(days=1)) == []
    platform.advance(hours=10)
    for item in ledger.pending(platform.now)["item"]:
        ledger.approve(item, who="anna", at=platform.now)
    apply_changes(ledger, platform, now=platform.now)
    made = made_since(ledger, platform.now - timedelta(hours=1))
    assert len(made) == 3
    assert {one.at for one in made} == {platform.now}
