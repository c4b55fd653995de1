"""Cycles of the loop that are killed, fed faults and started again -> what was lost or done twice.

``python -m benchmarks.loop_kills`` runs them against ``adbudget simulate-platform`` over HTTP,
every cycle a process of its own; docs/guide/loop.md publishes what came of it.
"""
