"""Records -> one HTML file that needs nothing beside it: no network, no server, no font.

What recommend, pace, a policy or a cycle of the loop returned goes in; a page comes out. The
command line calls it, and ``adbudget.report`` is its :func:`report`.
"""
