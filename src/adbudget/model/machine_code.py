"""Where numba may keep machine code between processes: beside the code, in a cache, or nowhere.

A container often lets a process write neither beside the package nor into a home, and numba refuses
to compile what it was told to keep. Then a private folder among the temporary files does; and where
there is none, the model is compiled anew in every process.
"""

import os
import stat
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import config as numba_config

config: Any = numba_config  # its settings are made at run time


@cache
def keeps_machine_code() -> bool:
    """Whether compiled functions of this folder can be kept; a place is found for them if need be.

    Warns
    -----
    RuntimeWarning : none of the usual places can be written; what is done instead, and how to
        choose a place
    """
    if _can_keep():
        return True
    usual = config.CACHE_DIR  # pyright: ignore[reportAttributeAccessIssue]
    folder = _private_folder()
    if folder is not None:
        config.CACHE_DIR = str(folder)  # pyright: ignore[reportAttributeAccessIssue]
        if _can_keep():
            _warn(f"the compiled model is kept in {folder}")
            return True
        config.CACHE_DIR = usual  # pyright: ignore[reportAttributeAccessIssue]
    _warn("the model is compiled anew in every process, which takes a while")
    return False


def _can_keep() -> bool:
    """Ask numba, with a function that is never compiled."""
    try:
        numba.njit(cache=True)(_nothing)
    except RuntimeError:  # "cannot cache function ...: no locator available"
        return False
    return True


def _nothing() -> int:
    return 0


def _private_folder() -> Path | None:
    """A folder that nobody else can write to, as what it holds is run; None where there is none."""
    if not hasattr(os, "getuid"):
        return None
    try:
        folder = Path(tempfile.gettempdir()) / f"adbudget-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if ours and not found.st_mode & 0o077 else None


def _warn(instead: str) -> None:
    warnings.warn(
        f"Neither the folder of adbudget nor a cache folder can be written to, so {instead}. Set "
        "NUMBA_CACHE_DIR to a folder that can be written, and is kept, to start faster.",
        RuntimeWarning,
        stacklevel=3,
    )
