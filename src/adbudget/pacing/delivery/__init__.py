"""Delivery against plan: delivery tables + FlightPlan -> Measures, states, alerts.

What was delivered goes in; how far off every deal is, and where its flight ends, come out. Moves,
requests and the engine import it.
"""
