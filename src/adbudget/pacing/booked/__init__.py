"""What was booked: flights, their curves, limits and local days. Plan tables -> FlightPlan.

Plan tables go in; flights on their own clocks come out. Everything in ``pacing`` imports it; it
knows tables and money, no delivery.
"""
