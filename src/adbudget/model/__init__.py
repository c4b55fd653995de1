"""Panel -> Fit: priors, evidence, density, sampling; the only folder that imports PyMC or numba.

A Panel goes in; curve draws, health and predictions come out. ``recommendation``, ``cli`` and
whatever decides import what it returns; it knows panel, draws and curves.
"""
