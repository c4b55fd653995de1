# The README's own code, checked in strict mode; pandas says nothing of the types it returns.
# pyright: strict, reportMissingTypeStubs=false, reportUnknownArgumentType=false

import pandas as pd

import adbudget as ab

spend = pd.read_csv("data/synthetic/agency_spend.csv")  # account, channel, date, spend
revenue = pd.read_csv("data/synthetic/agency_outcome.csv")  # account, date, revenue

decisions = ab.recommend(spend, revenue, currency="EUR", seed=0)

print(decisions[["account", "channel", "decision", "recommended_spend", "prob_gain"]])
print(decisions.loc[0, "reason"])
print(decisions.attrs["expected_wrong_share"], decisions.attrs["health"]["ok"])
