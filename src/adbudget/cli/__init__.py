"""The ``adbudget`` command: parses, calls the library and prints; the only reader of the clock.

Words of a shell go in; pages, files and exit codes come out. Nothing imports it.
"""

from adbudget.cli.stopping import ends_within_a_second

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C is heard from here on."""
    with ends_within_a_second():
        from adbudget.cli.app import run

        run()
