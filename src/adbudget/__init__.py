"""adbudget decides where an advertising budget should go, and says how sure it is.

The public names stand in ``__init__.pyi``. Each is imported on first use, so that ``import
adbudget`` and everything that does not sample start at once.
"""

import lazy_loader

_on_first_use, __dir__, _public = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*_public, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("adbudget")
    return _on_first_use(name)
