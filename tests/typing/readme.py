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

panel = ab.read_panel(spend, revenue, currency="EUR")
fit = ab.fit(panel, seed=0)
proposal = ab.optimize(fit, limits=ab.Limits(change=0.2, total="fixed"))
decisions = ab.decide(proposal, health=fit.health)

print(fit.health.rhat_max, fit.health.ess_bulk_min)
print(decisions.calls[0].action, decisions.calls[0].reason)
