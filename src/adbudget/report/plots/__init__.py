"""Curve draws -> figures: one file and one line of ``__init__.pyi`` for each plot.

A fit or its draws go in, a matplotlib figure comes out. Nothing imports it; people do.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
