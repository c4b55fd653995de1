"""Changes asked of sellers: drafted, sent, tracked, and believed only once agreed.

Plan and measures go in, requests come out; a ledger keeps how they stand, and gateways carry them.
Names are imported on first use, so that looking at a request loads no network library.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
