"""The closed loop: what was decided is made at a platform, seen, and decided again.

Platforms, sources, a policy and a state go in; a report of every cycle comes out, and changes of
budgets that are each made once. The command line imports this folder.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
