"""When a budget is used up shows in the hours of its own last days."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from adbudget.loop.within_day import rehearse_day
from adbudget.platforms.platform import Performance, StandingBudget

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
UNIT = ("acme", "search", "brand")
EVEN = np.ones(24)


def budget(money=24.0, **options):
    account, channel, campaign = UNIT
    return StandingBudget(
        account=account,
        channel=channel,
        campaign=campaign,
        currency="EUR",
        daily_minor=round(100 * money),
        version="1",
        **options,
    )


def hours_of(day_hours, n_days=7):
    days = pd.date_range(date(2026, 3, 2), periods=n_days)
    rows = [
        dict(zip(("account", "channel", "campaign"), UNIT, strict=True))
        | {"date": day, "hour": hour, "spend": float(money)}
        for day in days
        for hour, money in enumerate(day_hours)
    ]
    return Performance(frame=pd.DataFrame(rows), complete_until=NOW, reported_at=NOW)


def day_of(day_hours, planned, **options):
    found = rehearse_day(hours_of(day_hours), [budget(**options)], {UNIT: planned}, NOW)
    return tuple(found.loc[UNIT])


def test_a_campaign_that_runs_dry_at_noon_runs_on_when_it_is_given_more():
    """All campaigns together have 3/4 of their traffic before noon, so a whole day takes 32."""
    until_noon = np.where(np.arange(24) < 12, 2.0, 0.0)
    other = hours_of(EVEN).frame.assign(campaign="other")
    frame = pd.concat([hours_of(until_noon).frame, other], ignore_index=True)
    told = Performance(frame=frame, complete_until=NOW, reported_at=NOW)
    now, more, most = (
        rehearse_day(told, [budget()], {UNIT: money}, NOW).loc[UNIT] for money in (24, 28, 36)
    )
    assert now["used_up"] == pytest.approx(12.0)
    assert more["used_up"] == pytest.approx(18.0)
    assert np.isnan(most["used_up"])
    assert most["unspent"] == pytest.approx(4.0)


def test_a_campaign_that_does_not_use_its_budget_up_leaves_what_is_added():
    used_up, unspent = day_of(EVEN / 2, planned=30.0)
    assert np.isnan(used_up)
    assert unspent == pytest.approx(18.0)


def test_a_budget_below_what_its_traffic_takes_is_used_up_when_the_traffic_reaches_it():
    used_up, unspent = day_of(EVEN / 2, planned=6.0)
    assert used_up == pytest.approx(12.0)
    assert unspent == 0


def test_a_campaign_that_is_paced_ends_with_the_day_whatever_it_is_given():
    assert day_of(EVEN, planned=36.0) == (24.0, 0.0)


def test_days_before_the_last_change_of_a_budget_tell_nothing_of_it():
    found = rehearse_day(
        hours_of(EVEN), [budget(changed_at=NOW - timedelta(hours=3))], {UNIT: 36.0}, NOW
    )
    assert found.empty


def test_a_platform_without_hours_tells_nothing():
    by_day = hours_of(EVEN)
    frame = by_day.frame.drop(columns="hour").groupby("date", as_index=False).first()
    told = Performance(frame=frame, complete_until=NOW, reported_at=NOW)
    assert rehearse_day(told, [budget()], {}, NOW).empty
    assert rehearse_day(None, [budget()], {}, NOW).empty
