"""Records -> one HTML file that needs nothing beside it: no network, no server, no font.

What recommend, pace, a policy or a cycle of the loop returned goes in; text of a page comes out.
:mod:`adbudget.reporting.report` and the command line call it.
"""
