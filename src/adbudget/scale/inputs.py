"""Folders of Parquet files -> the rows of each shard, one file at a time.

An account's rows may be spread over many files, and a file may hold many accounts: each input file
is cut once into pieces by shard. Nobody ever holds all rows.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd

from adbudget.errors import InputError
from adbudget.scale.engines import library
from adbudget.scale.store import Store
from adbudget.tables.messages import every_quoted, quoted

KINDS = ("spend", "outcome")
ROWS_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file of the input.

    Attributes
    ----------
    path : of the file
    kind : "spend" or "outcome"; one table with both is "spend"
    given : columns that stand in the names of its folders, ``account=north`` -> their values
    """

    path: str
    kind: str
    given: tuple[tuple[str, str], ...]

    @property
    def state(self) -> list[Any]:
        """What changes when the file does."""
        found = Path(self.path).stat()
        return [self.path, found.st_size, found.st_mtime_ns]


def input_files(data: str | Path, kind: str) -> list[InputFile]:
    """The Parquet files of a folder and the folders in it, by name; or one file.

    Raises
    ------
    InputError : no such folder, or no Parquet file in it
    """
    root = Path(data)
    if root.is_file():
        return [InputFile(path=str(root), kind=kind, given=())]
    if not root.is_dir():
        raise InputError(f"{root} does not exist. Name a folder of Parquet files.")
    found = [
        path
        for path in sorted(root.rglob("*.parquet"))
        if not any(part[0] in "._" for part in path.relative_to(root).parts)
    ]
    if not found:
        raise InputError(
            f"{root} holds no .parquet file. Write the tables as Parquet first, for instance with "
            "frame.to_parquet(folder / 'part-0.parquet')."
        )
    return [
        InputFile(
            path=str(path),
            kind=kind,
            given=tuple(
                (unquote(key), unquote(value))
                for key, is_pair, value in (
                    part.partition("=") for part in path.relative_to(root).parts[:-1]
                )
                if is_pair
            ),
        )
        for path in found
    ]


def accounts_of(file: InputFile, column: str) -> list[str]:
    """Names of the accounts in one file."""
    if dict(file.given).get(column) is not None:
        return [dict(file.given)[column]]
    parquet = _opened(file)
    name = _column(parquet, file, column)
    found: dict[str, None] = {}
    for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE, columns=[name]):
        found |= dict.fromkeys(map(_text, batch.column(0).unique().to_pylist()))
    return list(found)


def into_shards(accounts: Sequence[str], size: int) -> list[list[str]]:
    """Accounts in shards of nearly equal size, shuffled by a digest of their names.

    The order of the input does not matter. Shuffled, because accounts of neighbouring names are
    often alike, and shards should differ by chance only.
    """
    mixed = sorted(set(accounts), key=lambda name: (_place(name), name))
    count = max(1, -(-len(mixed) // size))
    bounds = [len(mixed) * k // count for k in range(count + 1)]
    return [sorted(mixed[low:high]) for low, high in pairwise(bounds)]


def _place(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def cut_file(store: Store, number: int, file: InputFile, column: str) -> int:
    """Write the rows of one file by shard, as row groups of one piece; returns how many rows."""
    piece, index = piece_of(file.kind, number)
    if store.has(*index):
        return 0
    arrow, writer_of = library("pyarrow", "parquet"), library("pyarrow.parquet", "parquet")
    shard_of: Mapping[str, int] = store.take("shard_of")
    parquet = _opened(file)
    groups: dict[int, list[int]] = {}
    writer, n_groups, n_rows = None, 0, 0
    path = store.path(*piece)
    try:
        for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE):
            table = arrow.Table.from_batches([batch])
            for name, value in file.given:
                if name not in table.column_names:
                    table = table.append_column(name, arrow.array([value] * len(table)))
            table = table.replace_schema_metadata(None)
            named = pd.Series(table.column(_named(table, file, column)).to_pylist()).map(_text)
            shard = named.map(shard_of)
            for k in sorted(shard.unique()):
                own = table.filter(arrow.array((shard == k).to_numpy()))
                writer = writer or writer_of.ParquetWriter(path, own.schema)
                writer.write_table(own, row_group_size=max(len(own), 1))
                groups.setdefault(int(k), []).append(n_groups)
                n_groups, n_rows = n_groups + 1, n_rows + len(own)
    finally:
        if writer is not None:
            writer.close()
    store.keep(groups, *index)
    return n_rows


def piece_of(kind: str, number: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Where the pieces of a file and their places are kept."""
    return ("rows", f"{kind}-{number:05d}.parquet"), ("rows", f"{kind}-{number:05d}.index")


def rows_of_shard(
    store: Store, files: Sequence[InputFile], shard: int, kind: str
) -> pd.DataFrame | None:
    """The rows of one shard, in the order of the files; None where there are none."""
    parquet = library("pyarrow.parquet", "parquet")
    parts = []
    for number, file in enumerate(files):
        if file.kind != kind:
            continue
        piece, index = piece_of(kind, number)
        groups = store.take(*index).get(shard, [])
        if groups:
            opened = parquet.ParquetFile(store.path(*piece))
            parts.append(opened.read_row_groups(groups).to_pandas())
    return pd.concat(parts, ignore_index=True) if parts else None


def by_account(rows: pd.DataFrame | None, column: str) -> dict[str, pd.DataFrame]:
    """Account -> its rows."""
    if rows is None:
        return {}
    name = next(one for one in rows.columns if _same(one, column))
    return {str(key): part for key, part in rows.groupby(rows[name].map(_text), sort=True)}


def _text(value: object) -> str:
    """A name as text, "" where there is none; numbers without the point that a gap adds to them."""
    if value is None or value != value:
        return ""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole and isinstance(value, float) else str(value)


def _opened(file: InputFile):
    parquet = library("pyarrow.parquet", "parquet")
    arrow = library("pyarrow", "parquet")
    try:
        return parquet.ParquetFile(file.path)
    except (arrow.ArrowInvalid, OSError) as cause:
        raise InputError(f"{file.path} cannot be read as Parquet: {cause}.") from cause


def _column(parquet, file: InputFile, column: str) -> str:
    return _find(parquet.schema_arrow.names, file, column)


def _named(table, file: InputFile, column: str) -> str:
    return _find(table.column_names, file, column)


def _find(names: Sequence[str], file: InputFile, column: str) -> str:
    found = [name for name in names if _same(name, column)]
    if len(found) != 1:
        raise InputError(
            f"{file.path} has no column {column!r} that says whose rows these are. Its columns are "
            f"{every_quoted(names)}. Say which it is: columns={{'account': 'NAME'}}."
        )
    return found[0]


def _same(name: object, column: str) -> bool:
    return str(name).strip().lower() == column.strip().lower()


def check_both(spend: Sequence[str], outcome: Sequence[str]) -> None:
    """Refuse accounts that only one of two tables has.

    Raises
    ------
    InputError : names them
    """
    for what, mine, theirs in (("spend", spend, outcome), ("an outcome", outcome, spend)):
        lone = sorted(set(mine) - set(theirs))
        if lone:
            raise InputError(
                f"{len(lone):,} account(s) have {what} and no rows in the other table, first "
                f"{quoted(lone)}. Add their rows, or leave them out."
            )
