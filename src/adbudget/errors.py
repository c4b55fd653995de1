"""Every error adbudget raises on purpose. Knows nothing of what went wrong, only how to say it."""


class AdbudgetError(Exception):
    """Base of every error adbudget raises on purpose: catch this one to catch them all."""


class InputError(AdbudgetError, ValueError):
    """The caller's data or arguments cannot be used; the message says what to change."""


class InfeasibleError(AdbudgetError, ValueError):
    """No plan satisfies every limit; the message names the limits in conflict.

    Attributes
    ----------
    conflict : names of the limits that cannot hold together
    """

    def __init__(self, message: str, conflict: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.conflict = conflict


class FitError(AdbudgetError, RuntimeError):
    """The sampler could not start or finish; the message says at which stage and what to try."""


class FileFormatError(AdbudgetError, ValueError):
    """A saved fit cannot be read: damaged, or written by a newer version."""
