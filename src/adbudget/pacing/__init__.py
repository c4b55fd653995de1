"""Delivery against plan: on pace or not, what is off, what to do. Imports no model.

Plan and delivery tables go in; a PacingReport, proposals and drafts come out. Names are imported
on first use, so that asking for one loads no more than it needs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
