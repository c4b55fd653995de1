"""The two accounts of the year: currency, clock, and the policy that their team has written."""

from dataclasses import dataclass

LAGS_SEARCH = (0.0, 0.70, 0.85, 0.92, 0.96, 1.0)  # share reported by age in days
LAGS_B2B = (0.0, 0.55, 0.75, 0.85, 0.92, 0.96, 0.98, 1.0)
CHANNELS = ("search", "social", "video")

SHOP = """
preset: b2c
currency: USD
timezone: America/New_York
target_cpl: $40
confidence_threshold: 90%
rules:
  - {name: scale_winners, trigger: "cpl < target * 0.8", action: increase_budget_15%}
  - {name: reduce_losers, trigger: "cpl > target * 1.3", action: decrease_budget_20%}
constraints:
  max_single_campaign: 20%
  min_campaign_budget: $60
  total_budget_change: 0
  max_daily_change: 25%
  approval_limit: $120
attribution:
  curve: {1: 70%, 2: 85%, 3: 92%, 4: 96%, 5: 100%}
  mature_at: 90%
"""
SOFTWARE = """
preset: b2b
currency: EUR
timezone: Europe/Berlin
target_cpl: 90 EUR
confidence_threshold: 80%
rules:
  - {name: scale_winners, trigger: "cpl < target * 0.8", action: increase_budget_15%}
  - {name: reduce_losers, trigger: "cpl > target * 1.3", action: decrease_budget_20%}
constraints:
  max_single_campaign: 20%
  min_campaign_budget: 80 EUR
  total_budget_change: 0
  max_daily_change: 25%
  approval_limit: 200 EUR
attribution:
  curve: {1: 55%, 2: 75%, 3: 85%, 4: 92%, 5: 96%, 6: 98%, 7: 100%}
  mature_at: 90%
  window: 14 days
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account, and the limits of its policy as the judge of the year reads them.

    Attributes
    ----------
    name, currency, time_zone : of the account
    policy : text of the policy file
    window : days that the campaign table covers
    reported : share of results reported by age in days
    target : cost per lead
    daily_change, cap : shares of the opening budget, and of the total
    least, approval_limit : currency per day
    rest_days : after a change no rule may change the campaign again
    """

    name: str
    currency: str
    time_zone: str
    policy: str
    window: int
    reported: tuple[float, ...]
    target: float
    daily_change: float = 0.25
    cap: float = 0.20
    least: float
    approval_limit: float
    rest_days: float


ACCOUNTS = (
    Account(
        name="shop",
        currency="USD",
        time_zone="America/New_York",
        policy=SHOP,
        window=7,
        reported=LAGS_SEARCH,
        target=40.0,
        least=60.0,
        approval_limit=120.0,
        rest_days=7,
    ),
    Account(
        name="software",
        currency="EUR",
        time_zone="Europe/Berlin",
        policy=SOFTWARE,
        window=14,
        reported=LAGS_B2B,
        target=90.0,
        least=80.0,
        approval_limit=200.0,
        rest_days=14,
    ),
)
