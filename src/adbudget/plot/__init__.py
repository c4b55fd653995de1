"""Records -> matplotlib axes, and beside each plot its data as a tidy frame.

A fit, decisions, a forecast, a run of pacing or of the loop go in; axes come out. matplotlib is
imported when something is drawn. People call it; the report takes its data from here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
