"""A year left running: a made-up agency's campaigns and deals, run every day, and what went wrong.

In: a seed. Out: figures and a written record of every violation, with day and unit. Uses the public
calls and the command line of adbudget only, as a team would.
"""
