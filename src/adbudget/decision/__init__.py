"""Proposal -> increase, monitor or reduce for every cell, with probability, sensitivity and reason.

A proposal with its draws goes in, Decisions come out; a policy may guard both ends. Imported by
``recommendation``, views and the command line; it knows the optimizer, no model.
"""
