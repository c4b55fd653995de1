"""Platforms where budgets stand: what is spent there, and how a budget is set, once and for sure.

An address goes in, a :class:`Platform` comes out: a folder of files, tables of a database, a
service over HTTP, a simulated platform with known truth, or one of a package of its own, found by
its entry point. The loop and the command line import this folder. Knows no model and no ledger.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
