"""A campaign that is new is seen to be new, and gets the test budget of the policy."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from adbudget import load_policy
from adbudget.errors import InputError
from adbudget.loop import LoopSettings
from adbudget.loop.campaigns import policy_tables
from adbudget.platforms.platform import FIGURES, Performance, StandingBudget
from adbudget.policy.apply import apply_policy

NOW = datetime(2026, 3, 22, 12, tzinfo=UTC)
BEGIN = date(2026, 3, 1)
POLICY = load_policy(
    {
        "currency": "EUR",
        "constraints": {
            "new_campaign_test_budget": 30,
            "test_period": "7 days",
            "approval_limit": 1_000,
            "cadence": 0,
            "max_daily_change": "100%",
        },
    }
)


def budget(campaign, money=50.0, channel="search"):
    return StandingBudget(
        account="acme",
        channel=channel,
        campaign=campaign,
        currency="EUR",
        daily_minor=round(100 * money),
        version="1",
    )


def reported(**first_days):
    rows = [
        {"account": "acme", "channel": "search", "campaign": campaign, "date": day}
        | dict.fromkeys(FIGURES, 1.0)
        for campaign, first in first_days.items()
        for day in pd.date_range(first, date(2026, 3, 21))
    ]
    return Performance(frame=pd.DataFrame(rows), complete_until=NOW, reported_at=NOW)


def table(*budgets, now=NOW, **first_days):
    return policy_tables(budgets, reported(**first_days), {("acme", "search")}, now)


def test_a_campaign_is_as_old_as_its_reports_and_one_without_any_begins_now():
    found = table(
        budget("old"), budget("young"), budget("idle"), budget("new", channel="video"),
        old=BEGIN, young=date(2026, 3, 19),
    )  # fmt: skip
    started = dict(zip(found["campaign_id"], found["started_at"], strict=True))
    assert pd.isna(started["old"])
    assert started["young"] == "2026-03-19T00:00:00"
    assert pd.isna(started["idle"])  # its channel is known, so it has been there for long
    assert started["new"] == NOW.isoformat()


def test_a_clock_that_went_back_finds_nothing_that_began_later():
    found = table(budget("old"), budget("young"), old=BEGIN, young=date(2026, 3, 21),
                  now=NOW - timedelta(days=3))  # fmt: skip
    assert found["started_at"].isna().tolist() == [True, False]
    assert found["started_at"].iloc[1] == "2026-03-19T12:00:00"


def test_a_new_campaign_is_proposed_its_test_budget_while_a_plan_moves_the_others():
    campaigns = table(
        budget("old", 100), budget("young", 10, channel="video"), old=BEGIN, young=date(2026, 3, 19)
    )
    targets = pd.DataFrame({"campaign_id": ["old"], "account": ["acme"], "target_budget": [80.0]})
    plan = apply_policy(POLICY, campaigns, targets=targets, as_of=NOW)
    decided = {call.campaign_id: float(call.recommended_budget) for call in plan.calls}
    assert decided == {"acme::old": 80.0, "acme::young": 30.0}


@pytest.mark.parametrize(
    "wrong", [{"time_zone": "Mars/Base"}, {"time_zones": {"acme": "Oz"}}, {"time_zones": ["UTC"]}]
)
def test_a_time_zone_nobody_knows_is_refused(wrong):
    with pytest.raises(InputError, match="zone"):
        LoopSettings(**wrong)
