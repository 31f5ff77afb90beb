"""Rows of Parquet and Arrow files, a thousand at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import PartRefused
from sources.rows import Row, row_of

_ROWS: int = 1_000


def read_parquet(path: Path) -> Iterator[Row]:
    """Raises PartRefused `damaged` where pyarrow cannot read on."""
    try:
        with pq.ParquetFile(path) as file:
            yield from rows_of(file.iter_batches(batch_size=_ROWS))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(error) from error


def read_arrow(path: Path) -> Iterator[Row]:
    """An Arrow IPC file or stream. Raises PartRefused `damaged` where pyarrow cannot read on."""
    try:
        with pa.memory_map(str(path)) as memory:
            is_file = memory.read(6) == b"ARROW1"
            memory.seek(0)
            if is_file:
                reader = pa.ipc.open_file(memory)
                yield from rows_of(reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                yield from rows_of(pa.ipc.open_stream(memory))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(error) from error


def rows_of(batches: Iterable[Any]) -> Iterator[Row]:
    """Rows of record batches, numbered from 1 through all of them."""
    numbers = count(1)
    for batch in batches:
        for at in range(0, batch.num_rows, _ROWS):
            for value in batch.slice(at, _ROWS).to_pylist():
                yield row_of(f"row {next(numbers)}", value)


def _damaged(error: Exception) -> PartRefused:
    first_line = (str(error).splitlines() or [""])[0][:200]
    return PartRefused("damaged", f"a damaged Arrow or Parquet file ({first_line}). Get it anew.")
