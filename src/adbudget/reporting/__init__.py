"""Records -> what people look at: terminal tables, plots. Computes no statistics of its own.

Decisions, plans and pacing reports go in; text and figures come out. Only the
command line imports it.
"""
