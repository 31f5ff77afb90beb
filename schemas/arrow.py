"""Arrow types and shard files.

Large types build polars columns from Python values, plain ones are for files that others read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from schemas.errors import ShardNotWritten


def write_shard_file(frame: pl.DataFrame, path: Path) -> None:
    """The rows as a Parquet file of the workspace: written once, read once or twice, so packed lightly.

    Raises:
        ShardNotWritten: the disk is full or the folder may not be written to.
    """
    try:
        frame.write_parquet(path, compression="zstd", compression_level=1, statistics=False)
    except (OSError, pl.exceptions.ComputeError) as error:  # polars hides a full disk in a type of its own
        said = str(error)
        if not isinstance(error, OSError) and "IO error" not in said and "transport error" not in said:
            raise
        # Where only the file's last bytes found no room, polars says so in the words of its format.
        raise ShardNotWritten(str(path.parent), "the disk took no more" if "transport" in said else said) from error


def scan_rows(paths: Path | str | list[Path] | list[str]) -> pl.LazyFrame:
    """The rows of Parquet files; a `[` or a `*` in the name of a folder is a character, not a pattern."""
    return pl.scan_parquet(paths, glob=False)


def read_rows(path: Path | str, n_rows: int | None = None) -> pl.DataFrame:
    """The same, read."""
    return pl.read_parquet(path, glob=False, n_rows=n_rows)


def arrow_schema(schema: dict[str, Any], *, large: bool) -> pa.Schema:
    """A polars schema as Arrow's, with large strings and lists throughout or with ordinary ones.

    Arrow's string views, which polars writes by itself, take no Python values and are strange to many readers.
    """
    fields = pl.DataFrame(schema=schema).to_arrow().schema
    return pa.schema([pa.field(f.name, _plain(f.type, large)) for f in fields])


def _plain(dtype: pa.DataType, large: bool) -> pa.DataType:
    if pa.types.is_large_list(dtype) or pa.types.is_list(dtype):
        inner = _plain(dtype.value_type, large)
        return pa.large_list(inner) if large else pa.list_(inner)
    if pa.types.is_struct(dtype):
        return pa.struct([pa.field(f.name, _plain(f.type, large)) for f in dtype])
    if pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or pa.types.is_string_view(dtype):
        return pa.large_string() if large else pa.string()
    return dtype
