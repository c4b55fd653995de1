"""Bytes -> a file that is complete or as it was before, and where a file may be written."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from adbudget.errors import InputError


def check_place(path: Path, example: str) -> None:
    """Refuse a path that no file could be written to; writes nothing.

    Parameters
    ----------
    path : of the file
    example : of a name, for a path that is a folder

    Raises
    ------
    InputError : no such folder, no permission, or the path is a folder
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {str(path.parent)!r} does not exist. Make it first.")
    if path.is_dir():
        raise InputError(f"{path} is a folder. Name a file in it, e.g. {path / example}.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: no permission to write into the folder {str(path.parent)!r}.")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step: afterwards it is either complete or as it was before.

    Raises
    ------
    InputError : the disk refuses
    """
    try:
        replace_file(path, content)
    except OSError as cause:
        raise InputError(f"{path} cannot be written: {cause.strerror or cause}.") from cause


def replace_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write beside the target, then take its place: a reader never sees half a file.

    Parameters
    ----------
    path : of the file, which need not be there
    content : all of it
    durable : return only when it would survive a power cut

    Raises
    ------
    OSError : the disk refuses
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        os.replace(name, path)
        if durable:
            _sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _sync_folder(folder: Path) -> None:
    """Have the name of a new file on the disk, where folders can be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
