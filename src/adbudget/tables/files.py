"""Path <-> table: CSV, JSON, Excel and Parquet by extension, plain or compressed."""

import gzip
import importlib.util
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from adbudget.errors import InputError
from adbudget.plain_json import to_plain, visible
from adbudget.tables.facts_beside import FACTS, facts_beside, write_facts
from adbudget.tables.spreadsheets import for_spreadsheets
from adbudget.tables.text_tables import FILE_NOTES, decoded, read_csv_text
from adbudget.tables.whole_files import check_place, write_whole
from adbudget.tables.workbooks import NO_EXCEL, read_workbook, workbook_bytes

ARCHIVES = (".gz", ".zip")
NO_PARQUET = "needs pyarrow, which is not installed: pip install 'adbudget[parquet]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a file that is read.

    Attributes
    ----------
    path : of the file, for messages
    text_columns : columns, in any case, whose values are names: 007 and NA are kept as written
    sheet : of a workbook, or file of an archive; None for the only one
    decimal : as in :func:`read_table`
    notes : gains what was left out or taken for something
    """

    path: Path
    text_columns: tuple[str, ...] = ()
    sheet: str | None = None
    decimal: str | None = "."
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """One kind of file that holds a table; ``KINDS`` at the end lists them.

    Attributes
    ----------
    extensions : what its names may end in; ``written`` are those that are written, too
    read : content and what was asked of it -> table
    write : table -> content
    library : that it needs, "" for none; ``without`` says so in a message
    gzipped : may be compressed, ``.csv.gz`` or ``.csv.zip``
    keeps_attrs : the file holds ``frame.attrs`` itself; they are in a file beside it otherwise
    """

    extensions: tuple[str, ...]
    written: tuple[str, ...]
    read: "Callable[[bytes, Asked], pd.DataFrame]"
    write: Callable[[pd.DataFrame], bytes]
    library: str = ""
    without: str = ""
    gzipped: bool = True
    keeps_attrs: bool = True


def read_table(
    path: Path,
    text_columns: Iterable[str] = (),
    *,
    sheet: str | None = None,
    decimal: str | None = ".",
) -> pd.DataFrame:
    """Read one table; dates stay text.

    Rows of a CSV file are labelled as a spreadsheet numbers them, so that messages can be followed.
    Lines above the header and columns without name and values are left out; ``attrs["reading"]``
    lists what was.

    Parameters
    ----------
    path : .csv, .tsv or .txt (comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252), .json
        (a list of records, or a file that :func:`write_table` wrote), each also with .gz or .zip;
        .xlsx; .zip of one table; or .parquet
    text_columns : columns, in any case, whose values are names: 007 and NA are kept as written
    sheet : of a workbook, or file of an archive that holds several
    decimal : "." takes a lone point for a decimal sign; None leaves numbers such as 1.234 as text
        when nothing in the file says whether that is a thousand; "," leaves all with a point

    Raises
    ------
    InputError : the file is missing, unreadable, or of an unknown kind
    """
    content = _read_bytes(path)
    inner = path
    if path.suffix.lower() == ".zip":
        content, inner, sheet = _unzipped(content, path, sheet)
    kind = _kind(inner, [(one, one.extensions) for one in KINDS])
    asked = Asked(path=path, text_columns=tuple(text_columns), sheet=sheet, decimal=decimal)
    frame = kind.read(content, asked)
    if not kind.keeps_attrs:
        frame.attrs |= facts_beside(path, content)
    if asked.notes:
        frame.attrs[FILE_NOTES] = asked.notes
    return frame


def readable_in(folder: Path) -> list[Path]:
    """Files of a folder that :func:`read_table` reads, by name.

    Raises
    ------
    InputError : there is none
    """
    endings = tuple(name for kind in KINDS for name in kind.extensions)
    every = (*endings, *(name + ending for name in endings for ending in ARCHIVES), ".zip")
    hidden = ("~", ".")  # Excel keeps ~$book.xlsx beside a book that is open
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name.lower().endswith(every) and path.name[0] not in hidden
        if not path.name.endswith(FACTS)
    ]
    if not found:
        raise InputError(f"{folder} holds no table: none of its files ends in {_either(endings)}.")
    return found


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


def write_table(frame: pd.DataFrame, path: Path) -> tuple[Path, ...]:
    """Write a table in one step: afterwards the file is either complete or as it was before.

    JSON holds ``{"attrs": {...}, "decisions": [records]}``, a value that is missing or infinite is
    null; Parquet keeps ``frame.attrs``, Excel has a sheet for them, "about"; beside CSV they are in
    a file of their own, ``decisions.attrs.json``, which :func:`read_table` reads with the table.

    Parameters
    ----------
    frame : any table of numbers and text; ``attrs`` JSON-able. In CSV, text that a spreadsheet
        would take for a formula has a ' before it, and control characters are written out;
        :func:`read_table` takes the ' away again
    path : .csv, .json, .xlsx or .parquet; .csv.gz and .json.gz are compressed

    Returns
    -------
    The files that were written: the table, and the one beside it, if there is one

    Raises
    ------
    InputError : as :func:`check_writable`, or the disk refuses
    """
    check_writable(path)
    kind = _kind(path, [(one, one.written) for one in KINDS])
    content = kind.write(frame)
    beside = () if kind.keeps_attrs else write_facts(frame.attrs, path, content)
    if path.suffix.lower() == ".gz":
        content = gzip.compress(content, mtime=0)  # no clock inside: the same table, the same bytes
    write_whole(path, content)
    return path, *beside


def _kind(path: Path, choices: Sequence[tuple[FileKind, tuple[str, ...]]]) -> FileKind:
    """Kind whose extensions among the choices hold the path's."""
    compressed = path.suffix.lower() in ARCHIVES
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


def _unzipped(content: bytes, path: Path, sheet: str | None) -> tuple[bytes, Path, str | None]:
    """The one file of an archive, or the one asked for; what was asked for is found then."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [
                name
                for name in archive.namelist()
                if not name.endswith("/") and not Path(name).name.startswith((".", "__"))
            ]
            names = [name for name in names if not name.startswith("__MACOSX/")]
            chosen = [name for name in names if sheet in (name, Path(name).name)] or names
            if len(chosen) != 1:
                raise InputError(
                    f"{path} holds {len(names)} files: {', '.join(map(repr, names)) or 'none'}. "
                    "Name one of them with sheet='NAME', or unpack it and name the folder."
                )
            left = None if chosen[0] in (sheet, f"{sheet}") else sheet
            return archive.read(chosen[0]), Path(chosen[0]), left
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as cause:
        raise InputError(f"{path} is not a complete zip file ({cause}). Copy it again.") from cause


def _read_csv(content: bytes, asked: Asked) -> pd.DataFrame:
    text = decoded(content, asked.path, asked.notes)
    return read_csv_text(
        text, asked.path, asked.text_columns, decimal=asked.decimal, notes=asked.notes
    )


def _read_workbook(content: bytes, asked: Asked) -> pd.DataFrame:
    return read_workbook(content, asked.path, asked.text_columns, asked.sheet, asked.notes)


def _read_json(content: bytes, asked: Asked) -> pd.DataFrame:
    path = asked.path
    text = decoded(content, path, asked.notes)
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


def _read_parquet(content: bytes, asked: Asked) -> pd.DataFrame:
    path = asked.path
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


# A new kind is one entry here; ``--out`` and the messages follow.
KINDS: list[FileKind] = [
    FileKind(
        extensions=(".csv", ".tsv", ".txt"),
        written=(".csv",),
        read=_read_csv,
        write=_csv_bytes,
        keeps_attrs=False,
    ),
    FileKind(extensions=(".json",), written=(".json",), read=_read_json, write=_json_bytes),
    FileKind(
        extensions=(".xlsx", ".xlsm"),
        written=(".xlsx",),
        read=_read_workbook,
        write=workbook_bytes,
        library="openpyxl",
        without=NO_EXCEL,
        gzipped=False,
    ),
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
