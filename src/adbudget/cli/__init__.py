"""The ``adbudget`` command: parses, calls the library and prints; the only reader of the clock.

Words of a shell go in; pages, files and exit codes come out. Nothing imports it.
"""

from adbudget.cli.app import main

__all__ = ["main"]
