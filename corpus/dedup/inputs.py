"""The tables to look at: what they are, and their rows in Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.workspace import Result, Shard
from schemas.errors import InputError, PartRefused, PedCorpusError
from schemas.fingerprints import code_fingerprint, fingerprint
from schemas.settings import did_you_mean
from sources.base import ReadReport
from sources.rows import Row
from sources.tables import read_table

RESULTS: Final = ("kept.parquet", "removed.parquet", "summary.json", "rejected.parquet")
"""What a run leaves in its folder."""
_BLOCK_ROWS: Final = 10_000
_READ_BYTES: Final = 1 << 22
_BATCH_ROWS: Final = 65_536
_BATCH_BYTES: Final = 64_000_000
_ID_COLUMNS: Final = ("record_id", "id")
_REJECTED: Final = pa.schema({"file": pa.string(), "locator": pa.string(), "reason": pa.string(), "raw": pa.string()})


@dataclass(frozen=True)
class Input:
    """A file as a user names it.

    Attributes:
        path: Where it is.
        name: What it is called in results: its own name, the path as given where another file is called the same.
        stamp: Size and time of change; another stamp is another file.
    """

    path: Path
    name: str
    stamp: tuple[int, int]

    @property
    def identity(self) -> list[Any]:
        """For task keys."""
        return [self.name, str(self.path), *self.stamp]


def find_inputs(files: Sequence[Path], out: Path) -> list[Input]:
    """The files, in the order given; a folder stands for the tables in it, by name, but for hidden ones.

    Args:
        files: As a user names them.
        out: Where results go; what lies there is found in no folder.

    Raises:
        InputError: with every path that is none, or holds none, or would be written over.
    """
    found: list[Input] = []
    problems: list[str] = []
    for given in files:
        paths = _tables_in(given, out, problems) if given.is_dir() else [given]
        if not paths:
            problems.append(f"{given}: no table in this folder. Name files that end in {', '.join(_SUFFIXES)}.")
        for path in paths:
            if not path.is_file():
                problems.append(f"{path}: no such file. Check the path.")
            elif path.name in RESULTS and path.resolve().parent == out.resolve():
                problems.append(f"{path}: the results would be written over it. Name another --out.")
            else:
                found.append(Input(path.absolute(), path.as_posix(), _stamp(path)))
    real = [i.path.resolve() for i in found]
    twice = sorted({i.name for i, path in zip(found, real, strict=True) if real.count(path) > 1})
    problems += [f"{name}: named twice; every row of it would be a duplicate of itself." for name in twice]
    if problems:
        raise InputError(problems)
    names = [i.path.name for i in found]
    return [replace(i, name=name) if names.count(name) == 1 else i for i, name in zip(found, names, strict=True)]


_SUFFIXES: Final = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")


def _tables_in(folder: Path, out: Path, problems: list[str]) -> list[Path]:
    """The tables of a folder; results of another run among them are a problem, for their rows are there already."""
    own, tables = out.resolve(), []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        parents = path.resolve().parents
        if own in parents and (path.name in RESULTS or folder.resolve() != own):
            continue
        if path.name == RESULTS[0] and all((path.parent / name).is_file() for name in RESULTS[:3]):
            problems.append(f"{path.parent}: holds results of an earlier run, whose rows would count as duplicates of "
                            f"those they come from. Move it out of {folder}, or name files one by one.")  # fmt: skip
        tables.append(path)
    return tables


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@contextmanager
def unchanged(inputs: Sequence[Input]) -> Iterator[None]:
    """Within, whatever comes of reading a file that another program writes to is a user's mistake.

    Raises:
        InputError: a file is not what it was when it was found.
    """
    try:
        yield
    except PedCorpusError:
        raise
    except Exception:
        _check_unchanged(inputs)
        raise
    _check_unchanged(inputs)


def _check_unchanged(inputs: Sequence[Input]) -> None:
    changed = [i.name for i in inputs if not i.path.is_file() or _stamp(i.path) != i.stamp]
    if changed:
        raise InputError(
            [f"{name}: changed while it was read. Run again when nothing writes to it." for name in changed]
        )


@dataclass(frozen=True)
class ConvertTask:
    """Rows of a table that is no Parquet file, as Parquet, and what could not be read as a row."""

    root: str
    source: Input

    @property
    def key(self) -> str:
        return fingerprint(["convert", self.source.identity, code_fingerprint("schemas", "sources", "corpus")])

    def run(self, folder: Path) -> Result:
        """`rows.parquet` with a row for each row, and `rejected.parquet`; a refusal is in the report.

        Two passes: the columns and their types, then the rows.
        """
        rejected: list[dict[str, Any]] = []
        try:
            types = _column_types(self._blocks(rejected))
        except PartRefused as refused:
            detail = refused.detail.replace("list it under 'skip:'", "leave it out")  # no configuration here
            return Result(report={"refused": f"{self.source.name}: {detail}"})
        rejected.clear()
        path, n_rows = folder / "rows.parquet", 0
        with pq.ParquetWriter(path, pa.schema(types), compression="zstd", compression_level=1) as writer:
            for block in self._blocks(rejected):
                columns = [_column([row.get(name) for row in block], dtype) for name, dtype in types.items()]
                writer.write_table(pa.table(columns, schema=pa.schema(types)))
                n_rows += len(block)
        pq.write_table(pa.Table.from_pylist(rejected, schema=_REJECTED), folder / "rejected.parquet")
        shards = [
            Shard("rows", str(path), self.key, n_rows),
            Shard("rejected", str(folder / "rejected.parquet"), self.key, len(rejected)),
        ]
        return Result(shards)

    def _blocks(self, rejected: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
        block: list[dict[str, Any]] = []
        for row in read_table(self.source.path, ReadReport()):
            if row.problem:
                rejected.append(self._rejected(row))
                continue
            block.append(row.values)
            if len(block) == _BLOCK_ROWS:
                yield block
                block = []
        yield block

    def _rejected(self, row: Row) -> dict[str, Any]:
        return {"file": self.source.name, "locator": row.locator, "reason": row.problem, "raw": row.raw}


def _column_types(blocks: Iterator[list[dict[str, Any]]]) -> dict[str, pa.DataType]:
    """The type of each column over all rows; one whose values are of several types is JSON text."""
    found: dict[str, pa.DataType | None] = {}
    for block in blocks:
        for name in dict.fromkeys(name for row in block for name in row):
            values = [row.get(name) for row in block]
            found[name] = _common(found[name], values) if name in found else _common(pa.null(), values)
    return {name: dtype if dtype is not None and _is_storable(dtype) else pa.string() for name, dtype in found.items()}


def _is_storable(dtype: pa.DataType) -> bool:
    """Whether a Parquet file can hold it: there is no null column of itself, and none of objects without a key."""
    if pa.types.is_struct(dtype):
        return dtype.num_fields > 0 and all(_is_storable(dtype.field(i).type) for i in range(dtype.num_fields))
    return _is_storable(dtype.value_type) if pa.types.is_list(dtype) else not pa.types.is_null(dtype)


def _common(known: pa.DataType | None, values: list[Any]) -> pa.DataType | None:
    """The type of a column so far and of more values; None where they have none in common."""
    if known is None:
        return None
    try:
        fields = [pa.schema({"x": known}), pa.schema({"x": pa.array(values).type})]
        return pa.unify_schemas(fields, promote_options="permissive").field(0).type
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return None


def _column(values: list[Any], dtype: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type=dtype)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        if dtype != pa.string():
            raise
        return pa.array([v if v is None or isinstance(v, str) else _as_json(v) for v in values], dtype)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


@dataclass(frozen=True)
class Table:
    """A Parquet file of rows, and what it was made from.

    Attributes:
        source: What the user named.
        path: The Parquet file.
        key: Names its content.
        row_groups: Rows in each row group.
        row_bytes: Of a row in each row group, unpacked.
        schema: Its columns.
    """

    source: Input
    path: str
    key: str
    row_groups: tuple[int, ...]
    row_bytes: tuple[int, ...]
    schema: pa.Schema

    def batch_rows(self, row_group: int) -> int:
        """Rows to read at once, so that long texts take no more memory than short ones."""
        return max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, self.row_bytes[row_group])))

    @property
    def n_batches(self) -> int:
        """Batches of all row groups."""
        return sum(-(-n_rows // self.batch_rows(i)) for i, n_rows in enumerate(self.row_groups))

    def batches(self, row_group: int, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a row group."""
        n_rows = self.batch_rows(row_group)
        try:
            with parquet(self.path) as file:
                for batch in file.iter_batches(n_rows, row_groups=[row_group], columns=columns, use_threads=False):
                    yield self._without_views(batch)
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            message = f"{self.source.name}: row group {row_group + 1} is damaged ({error}). Write the file anew."
            raise InputError([message]) from None

    def _without_views(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        wanted = pa.schema([self.schema.field(name) for name in batch.schema.names])
        return batch if batch.schema.equals(wanted) else batch.cast(wanted)


def parquet(path: str) -> pq.ParquetFile:
    """The file, to be read a little at a time: by itself Arrow holds the columns of a whole row group."""
    return pq.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False)


def open_table(source: Input, path: str, key: str) -> Table:
    """A Parquet file, its footer read.

    Raises:
        InputError: it is damaged.
    """
    try:
        file = parquet(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError([f"{source.name}: no readable Parquet file ({error}). Write it anew."]) from None
    with file:
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        row_bytes = tuple(g.total_byte_size // max(1, g.num_rows) for g in groups)
        schema = pa.schema([f.with_type(_VIEWLESS.get(f.type, f.type)) for f in file.schema_arrow])
        return Table(source, path, key, tuple(g.num_rows for g in groups), row_bytes, schema)


_VIEWLESS: Final = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
"""Arrow cannot filter the types that it calls views."""


def checked_columns(tables: Sequence[Table], texts: Sequence[str], record_id: str | None) -> str | None:
    """The column of ids, None where rows are named by file and number.

    Raises:
        InputError: a table lacks a column, or a text column is not text.
    """
    problems = []
    for table in tables:
        names, where = table.schema.names, f"{table.source.name}: "
        twice = sorted({name for name in names if names.count(name) > 1})
        problems += [f"{where}several columns are called `{name}`. Give each another name." for name in twice]
        for column in (*texts, *([record_id] if record_id else [])):
            if column not in names:
                problems.append(f"{where}no column `{column}`.{did_you_mean(column, names)}")
                continue
            if column in twice:
                continue
            dtype = table.schema.field(column).type
            if column in texts and not _is_text(dtype):
                problems.append(f"{where}column `{column}` holds {dtype}, not text.")
            elif column == record_id and not _is_name(dtype):
                problems.append(
                    f"{where}column `{column}` holds {dtype}, which names no row. Name another --id-column."
                )
    if problems:
        raise InputError(problems)
    if record_id:
        return record_id
    own = (name for name in _ID_COLUMNS if all(name in t.schema.names for t in tables))
    return next((name for name in own if all(_is_name(t.schema.field(name).type) for t in tables)), None)


def _is_name(dtype: pa.DataType) -> bool:
    return _is_text(dtype) or pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_temporal(dtype)


def _is_text(dtype: pa.DataType) -> bool:
    if pa.types.is_dictionary(dtype):
        return _is_text(dtype.value_type)
    return bool(
        pa.types.is_string(dtype)
        or pa.types.is_large_string(dtype)
        or pa.types.is_string_view(dtype)
        or pa.types.is_null(dtype)
    )
