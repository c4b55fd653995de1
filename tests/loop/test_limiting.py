"""What a cycle may move: channels with several campaigns, some paused, some moved before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from adbudget import load_policy, open_ledger
from adbudget.loop.applying import apply_changes, unit_of_budget
from adbudget.loop.campaigns import current_spend
from adbudget.loop.limiting import cycle_limits
from adbudget.loop.settings import LoopSettings
from adbudget.platforms.platform import StandingBudget
from tests.loop.helpers import order_changes, simulated, standing

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = load_policy({"currency": "EUR", "rules": []})


def budget(campaign, channel, minor, *, paused=False):
    return StandingBudget(
        account="shop",
        channel=channel,
        campaign=campaign,
        currency="EUR",
        daily_minor=minor,
        version="1",
        paused=paused,
    )


def limits_for(budgets, ledger, now=NOW):
    cells = pd.MultiIndex.from_tuples(
        sorted({(one.account, one.channel) for one in budgets}), names=["account", "channel"]
    )
    current = current_spend(budgets, cells, 7)
    return cycle_limits(None, POLICY, LoopSettings(), ledger, budgets, current, set(), now)


def test_a_channel_is_left_alone_only_where_all_its_campaigns_are_paused():
    budgets = [
        budget("brand", "search", 10000),
        budget("old", "search", 5000, paused=True),
        budget("feed", "social", 20000),
        budget("rest", "video", 3000, paused=True),
    ]
    with open_ledger(":memory:") as ledger:
        limits = limits_for(budgets, ledger)
    assert limits.fixed == (("shop", "video"),)


def test_campaigns_of_a_channel_count_together_against_where_it_stood_a_quarter_ago():
    """One of two has moved, paid by another channel; the bounds are those of what both had."""
    platform = simulated()
    before = standing(platform)
    with open_ledger(":memory:") as ledger:
        order_changes(ledger, platform, [1.2, 1.0, 0.5, 1.0, 1.0, 1.0])
        apply_changes(ledger, platform, now=platform.now)
        budgets = [replace(one, channel="both") for one in platform.budgets()[:2]]
        limits = limits_for(budgets, ledger, platform.now + timedelta(days=30))
    had = sum(before[unit_of_budget(one)] for one in budgets)
    has = sum(one.daily_minor for one in budgets)
    assert has != had
    cell, week = (budgets[0].account, "both"), 7 / 100
    assert limits.upper[cell] == pytest.approx(had * 1.6 * week)
    assert limits.lower[cell] == pytest.approx(had * 0.4 * week)
