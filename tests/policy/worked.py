"""The example policy, as people write it, and campaign tables by hand."""

import pandas as pd

from adbudget import apply_policy, load_policy
from adbudget.tables.documents import parse_document

EXAMPLE = """\
preset: b2c                      # b2c | b2b: daily/weekly, 48 h/1-2 weeks test period, $50/$500 step, $500/$2,000 approval
target_cpl: $50
target_roas: 2.5
observation_period: 7            # days
confidence_threshold: 95%
rules:
  - {name: scale_winners, trigger: "cpl < target * 0.8", action: increase_budget_15%, cap: 40% of total}
  - {name: reduce_losers, trigger: "cpl > target * 1.3", action: decrease_budget_20%, floor: $100 minimum}
  - {name: boost_roas,    trigger: "roas > 4",           action: increase_budget_10%, cap: 30% of total}
constraints:
  max_single_campaign: 40%
  min_campaign_budget: $100
  new_campaign_test_budget: $500
  pause_threshold_hours: 48
  total_budget_change: 0
alerts:
  - {type: anomaly,     trigger: "cpl_change > 50% in 24h",  action: alert_human}
  - {type: opportunity, trigger: "roas > 6 for 3 days",      action: suggest_scale}
  - {type: risk,        trigger: "spend_pace > 150%",        action: alert_overspend}
"""  # noqa: E501 (word for word)
AS_OF = "2026-03-02T08:00"


def table(*rows, **columns) -> pd.DataFrame:
    """(campaign_id, budget, cpl) rows, and further columns."""
    frame = pd.DataFrame(rows, columns=["campaign_id", "budget", "cpl"])
    return frame.assign(**columns)


def example(**changes) -> object:
    """The example policy with some keys of its constraints changed or added."""
    document = parse_document(EXAMPLE, "the example")
    for key, value in changes.items():
        if key in (
            "rules",
            "alerts",
            "target_cpl",
            "confidence_threshold",
            "observation_period",
            "combine",
            "attribution",
            "timezone",
            "currency",
            "target_roas",
        ):
            document[key] = value
            if value is None:
                del document[key]
        else:
            document["constraints"][key] = value
    return load_policy(document)


def plan_of(frame, policy=None, **options):
    """Plan of the example policy, or of another one."""
    return apply_policy(policy or load_policy(EXAMPLE), frame, **({"as_of": AS_OF} | options))


def next_budgets(plan) -> dict[str, float]:
    return {call.campaign_id: float(call.recommended_budget) for call in plan.calls}


FOUR = (("A", 2000, 35), ("B", 2500, 45), ("C", 3000, 75), ("D", 2500, 52))
