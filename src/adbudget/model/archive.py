"""One JSON text and plain arrays <-> one compressed file, which appears whole or not at all."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from adbudget.errors import FileFormatError
from adbudget.model.learned import Learned
from adbudget.model.priors import Priors
from adbudget.tables.whole_files import write_whole


def write_archive(
    path: Path, text: Mapping[str, Any], arrays: Mapping[str, Any], *, small: bool = True
) -> None:
    """Write them; a file of that name is replaced only by a whole one.

    Draws in double precision hardly get smaller: what is kept for a while only is not compressed.
    """
    buffer = io.BytesIO()
    written = np.savez_compressed if small else np.savez
    written(buffer, text=np.array(json.dumps(text)), **arrays)
    write_whole(path, buffer.getvalue())


def read_archive(
    path: Path, kind: str, what: str, remedy: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what :func:`write_archive` wrote.

    Parameters
    ----------
    path : of the file
    kind : what its text says under "format"
    what, remedy : how a person calls it, and the call that writes one

    Raises
    ------
    FileFormatError : another file, or a damaged one
    FileNotFoundError : there is no such file
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        text = json.loads(str(arrays.pop("text")))
        if text["format"] != kind:
            raise KeyError("format")
    except (ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise FileFormatError(
            f"{path} is not a saved {what}, or it is damaged ({error}). "
            f"Save the {what} again with {remedy}."
        ) from error
    return text, arrays


def tuples(value: Any) -> Any:
    """JSON has no tuples; records have no lists."""
    return tuple(tuples(part) for part in value) if isinstance(value, list) else value


def priors_of(text: Mapping[str, Any]) -> Priors:
    """Priors as they were written by ``asdict``."""
    values = {name: tuples(value) for name, value in text.items()}
    if values.get("learned") is not None:
        parts: dict[str, Any] = {name: tuples(value) for name, value in text["learned"].items()}
        values["learned"] = Learned(**parts)
    return Priors(**values)
