"""Ctrl-C -> the end of the process within a second: one line, exit code 130, no file half written.

Python hears a signal between two of its own instructions, and a compiler or a matrix product may
take longer than that. So a thread waits for the signal, and ends the process where the main thread
has not by then. Files are written beside their place and then put there, and databases in
transactions: what was not finished was never there. Imports nothing heavy, as it comes first.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import sleep
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
GRACE = 0.6  # seconds that the main thread has to end by itself
STOPPED = "Stopped."


@contextmanager
def ends_within_a_second() -> Iterator[None]:
    """Leave with exit code 130 and one line when somebody presses Ctrl-C inside.

    Commands that handle the signal themselves, such as ``loop run``, are left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, (hears, tells) = threading.Event(), socket.socketpair()
    tells.setblocking(False)

    def hear(number: int, frame: FrameType | None) -> None:
        heard.set()
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, hear)
    woken = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_end_when_told, args=(hears, hear), daemon=True).start()
    try:
        yield
    except KeyboardInterrupt:
        _end(heard)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer makes it of the interrupt
            _end(heard)
        raise
    finally:
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGINT, before)
        tells.close()  # and so ends the thread


def _end(heard: threading.Event) -> NoReturn:
    """End now: to take a process full of libraries apart in order can take seconds."""
    _say_stopped()
    if heard.is_set():
        os._exit(INTERRUPTED)
    sys.exit(INTERRUPTED)


def _end_when_told(hears: socket.socket, hear: object) -> None:
    """End the process a moment after Ctrl-C, whatever it is busy with."""
    with hears:
        while told := hears.recv(1):
            if told[0] == signal.SIGINT and signal.getsignal(signal.SIGINT) is hear:
                sleep(GRACE)
                _say_stopped()
                os._exit(INTERRUPTED)


_said = threading.Lock()


def _say_stopped() -> None:
    """Say it once, at the start of a line, whichever thread comes first."""
    if not _said.acquire(blocking=False):
        return
    with suppress(OSError, ValueError):  # nobody may be there to read it
        sys.stdout.flush()
        sys.stderr.write("\n" * sys.stderr.isatty() + STOPPED + "\n")
        sys.stderr.flush()
