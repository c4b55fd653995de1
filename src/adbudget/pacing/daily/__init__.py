"""Today's budget of every running deal: FlightPlan + Delivery -> DailyBudgets.

Plan and delivery go in; what each deal should be allowed to spend today, and why, comes out. The
engine imports it. It moves no money between deals and knows no ledger.
"""
