"""Path <-> table: CSV, JSON and Parquet by extension."""

import csv
import gzip
import importlib.util
import io
import json
import os
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from adbudget.errors import InputError
from adbudget.plain_json import to_plain, visible
from adbudget.tables.spreadsheets import as_written, for_spreadsheets

SEPARATORS = (",", ";", "\t")
FIRST_ROW = 2  # as a spreadsheet numbers rows: the header is row 1
NO_PARQUET = "needs pyarrow, which is not installed: pip install 'adbudget[parquet]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """One kind of file that holds a table; ``KINDS`` at the end lists them.

    Attributes
    ----------
    extensions : what its names may end in; ``written`` are those that are written, too
    read : content, its path for messages, and the columns to be kept as text -> table
    write : table -> content
    library : that it needs, "" for none; ``without`` says so in a message
    gzipped : may be compressed, ``.csv.gz``
    """

    extensions: tuple[str, ...]
    written: tuple[str, ...]
    read: Callable[[bytes, Path, Iterable[str]], pd.DataFrame]
    write: Callable[[pd.DataFrame], bytes]
    library: str = ""
    without: str = ""
    gzipped: bool = True


def read_table(path: Path, text_columns: Iterable[str] = ()) -> pd.DataFrame:
    """Read one table; dates stay text.

    Rows of a CSV file are labelled as a spreadsheet numbers them, so that messages can be followed.

    Parameters
    ----------
    path : .csv, .tsv or .txt (comma, semicolon or tab), .json (a list of records, or a file that
        :func:`write_table` wrote), each also with .gz; or .parquet
    text_columns : columns, in any case, whose values are names: 007 and NA are kept as written

    Raises
    ------
    InputError : the file is missing, unreadable, or of an unknown kind
    """
    kind = _kind(path, [(one, one.extensions) for one in KINDS])
    return kind.read(_read_bytes(path), path, text_columns)


def check_writable(path: Path) -> None:
    """Refuse a path that :func:`write_table` could not write; writes nothing.

    Raises
    ------
    InputError : unknown extension, no such folder, no permission, or a library is missing
    """
    kind = _kind(path, [(one, one.written) for one in KINDS])
    check_place(path, "decisions.csv")
    if kind.library and importlib.util.find_spec(kind.library) is None:
        others = _either([name for one in KINDS if not one.library for name in one.written])
        raise InputError(f"{path}: a {path.suffix} file {kind.without}. Or write {others}.")


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


def write_lines(frame: pd.DataFrame, path: Path) -> None:
    """Write one JSON object per row and line, every letter as it is, in one step.

    Parameters
    ----------
    frame : any table of plain values
    path : where to

    Raises
    ------
    InputError : the disk refuses
    """
    lines = [
        visible(json.dumps(to_plain(record), ensure_ascii=False, allow_nan=False)) + "\n"
        for record in frame.astype(object).to_dict("records")
    ]
    write_whole(path, "".join(lines).encode())


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table in one step: afterwards the file is either complete or as it was before.

    JSON holds ``{"attrs": {...}, "decisions": [records]}``, a value that is missing or infinite is
    null; Parquet keeps ``frame.attrs``; CSV holds the table only.

    Parameters
    ----------
    frame : any table of numbers and text; ``attrs`` JSON-able. In CSV, text that a spreadsheet
        would take for a formula has a ' before it, and control characters are written out;
        :func:`read_table` takes the ' away again
    path : .csv, .json or .parquet; .csv.gz and .json.gz are compressed

    Raises
    ------
    InputError : as :func:`check_writable`, or the disk refuses
    """
    check_writable(path)
    content = _kind(path, [(one, one.written) for one in KINDS]).write(frame)
    if path.suffix.lower() == ".gz":
        content = gzip.compress(content, mtime=0)  # no clock inside: the same table, the same bytes
    write_whole(path, content)


def _kind(path: Path, choices: Sequence[tuple[FileKind, tuple[str, ...]]]) -> FileKind:
    """Kind whose extensions among the choices hold the path's."""
    compressed = path.suffix.lower() == ".gz"
    extension = Path(path.stem).suffix.lower() if compressed else path.suffix.lower()
    for kind, extensions in choices:
        if extension in extensions and (kind.gzipped or not compressed):
            return kind
    ending = extension + ".gz" * compressed
    found = f"its extension is {ending!r}" if ending else "it has no extension"
    every = [name for _, extensions in choices for name in extensions]
    plain = [name for kind, extensions in choices if not kind.gzipped for name in extensions]
    raise InputError(
        f"{path}: the kind of file is told by its extension, and {found}. Use {_either(every)}; "
        f"all but {_either(plain)} also with .gz."
    )


def _either(names: Sequence[str]) -> str:
    """List names with "or" before the last."""
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a folder. Name a file in it.")
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix.lower() == ".gz" else content
    except FileNotFoundError as cause:
        raise InputError(f"{path} does not exist. Check the spelling and the folder.") from cause
    except (gzip.BadGzipFile, EOFError, zlib.error) as cause:
        raise InputError(
            f"{path} is not a complete gzip file ({cause}). Copy it again, or drop the .gz."
        ) from cause
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror or cause}.") from cause


def _decoded(content: bytes, path: Path) -> str:
    # Advertising platforms and Excel export UTF-16; it always starts with this mark.
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as cause:
        raise InputError(
            f"{path} is not UTF-8 text (byte {cause.start} is not). Save it as CSV UTF-8."
        ) from cause
    if not text.strip():
        raise InputError(f"{path} is empty. Expected a header row and at least one row of data.")
    return text


def _read_csv(content: bytes, path: Path, text_columns: Iterable[str]) -> pd.DataFrame:
    text = _decoded(content, path)
    header = next(line for line in text.splitlines() if line.strip())
    separator = max(SEPARATORS, key=header.count)
    names = next(csv.reader([header], delimiter=separator))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"{path} has more than one column called {', '.join(map(repr, twice))}. "
            "Rename or drop the extra ones, so that each column has its own name."
        )
    wanted = {name.casefold() for name in text_columns}
    as_text = [name for name in names if name.strip().casefold() in wanted]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # it would drop data
            frame = pd.read_csv(io.StringIO(text), sep=separator, index_col=False, low_memory=False)
            for name in as_text:
                column = pd.read_csv(
                    io.StringIO(text),
                    sep=separator,
                    index_col=False,
                    usecols=[name],
                    dtype=str,
                    keep_default_na=False,
                )
                frame[name] = column[name]
    except (pd.errors.ParserError, pd.errors.ParserWarning) as cause:
        raise InputError(
            f"{path} is not a regular table: {str(cause).strip().rstrip('.')}. Every row needs as "
            f"many values as the header, separated by {separator!r}."
        ) from cause
    return as_written(frame).set_axis(range(FIRST_ROW, FIRST_ROW + len(frame)))


def _read_json(content: bytes, path: Path, text_columns: Iterable[str]) -> pd.DataFrame:
    text = _decoded(content, path)
    try:
        records = json.loads(text)
    except ValueError as cause:
        raise InputError(f"{path} cannot be read as JSON: {cause}.") from cause
    attrs = None
    if isinstance(records, dict):
        attrs, records = records.get("attrs"), records.get("decisions")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(
            f'{path} must hold a list of records, [{{"date": "2025-01-06", "spend": 120.5, ...}}, '
            "...], one per row."
        )
    frame = pd.DataFrame(records)
    if isinstance(attrs, dict):
        frame.attrs = attrs
    return frame


def _read_parquet(content: bytes, path: Path, text_columns: Iterable[str]) -> pd.DataFrame:
    try:
        return pd.read_parquet(io.BytesIO(content), engine="pyarrow")
    except ImportError as cause:
        raise InputError(f"{path}: a .parquet file {NO_PARQUET}.") from cause
    except (ValueError, OSError) as cause:  # pyarrow's ArrowInvalid is a ValueError
        raise InputError(f"{path} cannot be read as Parquet: {cause}") from cause


def csv_text(frame: pd.DataFrame) -> str:
    """A table as :func:`write_table` would write it into a .csv file."""
    return _csv_bytes(frame).decode()


def _csv_bytes(frame: pd.DataFrame) -> bytes:
    safe = for_spreadsheets(frame)
    return safe.to_csv(index=False, lineterminator="\n").encode()


def _parquet_bytes(frame: pd.DataFrame) -> bytes:
    # pandas keeps attrs as JSON, which has no NaN
    plain = frame.copy(deep=False)
    plain.attrs = to_plain(frame.attrs)
    buffer = io.BytesIO()
    plain.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def _json_bytes(frame: pd.DataFrame) -> bytes:
    whole = {"attrs": to_plain(frame.attrs), "decisions": to_plain(frame.to_dict("records"))}
    return (json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


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


# A new kind is one entry here; ``--out`` and the messages follow.
KINDS: list[FileKind] = [
    FileKind(
        extensions=(".csv", ".tsv", ".txt"), written=(".csv",), read=_read_csv, write=_csv_bytes
    ),
    FileKind(extensions=(".json",), written=(".json",), read=_read_json, write=_json_bytes),
    FileKind(
        extensions=(".parquet",),
        written=(".parquet",),
        read=_read_parquet,
        write=_parquet_bytes,
        library="pyarrow",
        without=NO_PARQUET,
        gzipped=False,
    ),
]
