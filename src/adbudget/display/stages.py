"""Stages of long work -> the log of the library, and one line of progress for whoever watches.

Both are silent unless somebody asks. Reads a clock, to say how long a stage took: no result of the
library depends on what it says.
"""

import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TextIO

from adbudget.plain_json import visible

LOG = logging.getLogger("adbudget")
LOG.addHandler(logging.NullHandler())  # silent, unless the program that uses the library says so
WIDEST = 79  # columns of the line, so that no terminal of 80 breaks it


class StatusLine:
    """One line of a terminal or a notebook, written over and over, and wiped in the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._shown = stream, 0

    def show(self, text: str) -> None:
        """Put this in the place of what stood there."""
        width = min(WIDEST, shutil.get_terminal_size().columns - 1)
        line = visible(text)[: max(width, 1)]
        self._stream.write("\r" + line.ljust(self._shown))
        self._stream.flush()
        self._shown = len(line)

    def clear(self) -> None:
        """Leave the line as if nothing had stood there."""
        if self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
            self._shown = 0


class _Stage:
    """What is being done, and since when."""

    def __init__(self, what: str) -> None:
        self.what, self.begin = what, monotonic()

    @property
    def seconds(self) -> float:
        return monotonic() - self.begin


_LINE: ContextVar[StatusLine | None] = ContextVar("line", default=None)
_STAGE: ContextVar[_Stage | None] = ContextVar("stage", default=None)


def somebody_watches() -> bool:
    """A person may be looking on: a terminal on standard error, or a notebook."""
    # A kernel's own shell: who runs notebooks for others has merely imported the library.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel") or (sys.stderr is not None and sys.stderr.isatty())


@contextmanager
def watched(progress: bool | None = None) -> Iterator[None]:
    """Show the stages inside on one line of standard error.

    Parameters
    ----------
    progress : False shows nothing, True shows them; None does where somebody watches, or where the
        caller shows them already
    """
    outer = _LINE.get()
    wanted = somebody_watches() if progress is None else progress
    line = outer
    if line is None and wanted and sys.stderr is not None:
        line = StatusLine(sys.stderr)
    token = _LINE.set(None if progress is False else line)
    try:
        yield
    finally:
        _LINE.reset(token)
        if line is not None and line is not outer:
            line.clear()


@contextmanager
def stage(what: str) -> Iterator[None]:
    """Log when something begins, and when it ended after how long; show it meanwhile.

    Parameters
    ----------
    what : "sampling"
    """
    now, line = _Stage(what), _LINE.get()
    outer = _STAGE.get()
    token = _STAGE.set(now)
    LOG.info("%s: begins", what)
    if line is not None:
        line.show(f"{what} ...")
    try:
        yield
    except BaseException as error:
        LOG.info("%s: ended by %s after %.2f s", what, type(error).__name__, now.seconds)
        raise
    finally:
        _STAGE.reset(token)
        if line is not None and outer is not None:
            line.show(f"{outer.what} ...")
    LOG.info("%s: done in %.2f s", what, now.seconds)


def reached(done: int, whole: int, what: str) -> None:
    """Show how far the stage is.

    Parameters
    ----------
    done, whole : so many of so many
    what : they are: "draws"
    """
    line, now = _LINE.get(), _STAGE.get()
    if line is not None and now is not None:
        share = f" ({done / whole:.0%})" if whole else ""
        line.show(f"{now.what}: {done:,} of {whole:,} {what}{share}, {now.seconds:.0f} s")


def told(message: str, *facts: object) -> None:
    """Log one fact worth keeping, such as what the data hold or what was decided."""
    LOG.info(message, *facts)
