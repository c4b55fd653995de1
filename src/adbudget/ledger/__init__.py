"""The ledger: every recommendation, verdict, approval and change, written once and for good.

Entries go in; receipts, frames and a verdict on the chain come out. It knows nothing of rules,
models or deals: it keeps what they say. Names are imported on first use, so that looking at an
``Entry`` loads no database library.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
