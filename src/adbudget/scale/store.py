"""The working folder of a run: what every step has made, kept until the run is over or resumed.

Files appear whole or not at all, so a run that was killed goes on with what is there. Steps hand
each other Python records (pickle): a working folder is read by the run that made it and by nobody
else, so it belongs where only its owner can write.
"""

import hashlib
import json
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.util import hash_pandas_object  # pyright: ignore[reportAttributeAccessIssue]

from adbudget.errors import InputError
from adbudget.tables.whole_files import write_whole

ASKED = "run.json"
HASH_ROWS: Any = hash_pandas_object  # which pandas states no type of


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A folder that all workers reach under the same path.

    Attributes
    ----------
    folder : path
    """

    folder: Path

    def path(self, *parts: str) -> Path:
        """Where something is kept; the folder around it is made."""
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def has(self, *parts: str) -> bool:
        """Whether it was made already."""
        return self.folder.joinpath(*parts).exists()

    def keep(self, value: Any, *parts: str) -> None:
        """Keep a record, whole or not at all."""
        write_whole(self.path(*parts), pickle.dumps(value, protocol=5))

    def take(self, *parts: str) -> Any:
        """What was kept.

        Raises
        ------
        InputError : it cannot be read
        """
        path = self.folder.joinpath(*parts)
        try:
            return pickle.loads(path.read_bytes())  # of this run's own making: see above
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError) as cause:
            raise InputError(
                f"{path} cannot be read ({cause}). All workers need to reach the working folder "
                "under this path; if they do, remove the folder and run again."
            ) from cause


def open_store(folder: Path, asked: Mapping[str, Any]) -> Store:
    """The working folder, new or of an earlier start of the same run.

    Parameters
    ----------
    folder : made when missing
    asked : all that the numbers depend on, as plain values

    Raises
    ------
    InputError : the folder holds another run, or cannot be written
    """
    store = Store(folder=folder)
    text = json.dumps(asked, indent=1, sort_keys=True)
    path = folder / ASKED
    if path.exists():
        before = json.loads(path.read_text())
        differs = [key for key in asked if before.get(key) != json.loads(text)[key]]
        if differs:
            raise InputError(
                f"{folder} holds another run: {', '.join(differs)} differ. Name another working "
                "folder, or remove this one."
            )
        return store
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise InputError(f"{folder} cannot be made: {cause.strerror or cause}.") from cause
    if any(folder.iterdir()):
        raise InputError(
            f"{folder} holds other files. A working folder begins empty: name another one."
        )
    write_whole(path, text.encode())
    return store


def fingerprint(value: Any) -> str:
    """A short text that differs where a value differs; tables by their rows."""
    seen = hashlib.blake2b(digest_size=12)
    _add(value, seen)
    return seen.hexdigest()


def _add(value: Any, seen: Any) -> None:
    if isinstance(value, pd.DataFrame | pd.Series):
        seen.update(HASH_ROWS(value).to_numpy().tobytes())
    elif isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            seen.update(repr(key).encode())
            _add(value[key], seen)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for one in value:
            _add(one, seen)
        seen.update(b"]")
    else:
        seen.update(repr(value).encode())
