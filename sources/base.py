"""What a source is: a folder of parts, and a way to read each of them into records.

A source is a frozen dataclass whose fields are its configuration. It knows nothing of what happens to its
records afterwards. Reading one part touches nothing but that part, so parts are read in parallel, in child
processes, and again only when their bytes change.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import polars as pl

from schemas.records import TOPICS, frame_of, make_record_id

BATCH_ROWS = 2_000
"""Rows to a batch that a reader yields."""
BATCH_CHARS = 4_000_000
"""Characters to a batch at the most (counted over the strings of the row), so that memory stays flat."""


@dataclass(frozen=True)
class Part:
    """The unit of parallel reading and of incremental rebuild."""

    source_id: str
    path: str
    """Relative POSIX path (to the configuration's folder) or `hub:…`; it goes into records and into hashes."""
    location: str
    """Where to open it on this machine; never part of a hash."""
    sha256: str
    n_bytes: int


class Batch(NamedTuple):
    """Records of one kind, as `schemas.records.SCHEMAS[kind]` declares them."""

    kind: str
    frame: pl.DataFrame


@dataclass
class ReadReport:
    """What a reader noticed about its part, for `pedcorpus sources` and for `SOURCES.jsonl`."""

    format: str = ""
    """What the content is, whatever the extension says: `txt`, `markdown`, `tsv`, `jsonl` …"""
    encoding: str = ""
    """`utf-8`, `utf-8-sig`, `utf-16`, `gb18030`, `big5`; empty for binary formats."""
    notes: list[str] = field(default_factory=list)
    """What a person should know: a table that was left out, a conversation folded from 12 lines."""


@dataclass(frozen=True)
class Source(ABC):
    """Base of all sources: the fields that every source's configuration has.

    Attributes:
        source_id: The key in the configuration.
        path: Files, folders or globs, relative to the configuration's folder.
        license: As the licensor states it; `unknown` keeps the corpus from being pushed.
        topic: What rows this source is admitted for. `paediatric`: others are dropped as off topic;
            `medical`: other medical rows stay, as general medical data; `general`: nothing is judged.
        role: `train`, or `eval` for rows that only the `eval` view may hold.
        skip: Globs of files under `path` to leave out on purpose.
        encoding: Overrides detection.
    """

    kind: ClassVar[str]

    source_id: str
    path: tuple[str, ...] = ()
    license: str = "unknown"
    topic: str = field(default="paediatric", metadata={"choices": TOPICS})
    role: str = field(default="train", metadata={"choices": ("train", "eval")})
    skip: tuple[str, ...] = ()
    encoding: str | None = None

    @abstractmethod
    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        """Yields the part's records in the order of the part; fills in `report` before the first batch.

        A row that cannot become a record is yielded with `drop_reason` set (`read:…`), never left out.

        Raises:
            PartRefused: the part as a whole cannot be read.
        """

    def record(self, kind: str, part: Part, locator: str, content: str, **columns: Any) -> dict[str, Any]:
        """A row of `kind` with the common columns filled in; `group_id` defaults to the record's own id."""
        record_id = make_record_id(kind, self.source_id, part.path, locator, content)
        return {
            "record_id": record_id,
            "source_id": self.source_id,
            "part": part.path,
            "locator": locator,
            "license": self.license,
            "group_id": record_id,
            "topic": self.topic,
            "split": "test" if self.role == "eval" else None,
            **columns,
        }


class SupportsRead(Protocol):
    """Anything with a source's `read`."""

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]: ...


def group_key(*fields: str) -> str:
    """A `group_id` for the unit that `fields` name, the same wherever it is computed."""
    return "g" + hashlib.blake2b("\x1f".join(fields).encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def batches(kind: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Batch]:
    """Rows of one kind, cut into batches of at most `BATCH_ROWS` rows and about `BATCH_CHARS` characters."""
    held: list[dict[str, Any]] = []
    n_chars = 0
    for row in rows:
        held.append(dict(row))
        n_chars += _n_chars(row)
        if len(held) >= BATCH_ROWS or n_chars >= BATCH_CHARS:
            yield Batch(kind, frame_of(kind, held))
            held, n_chars = [], 0
    if held:
        yield Batch(kind, frame_of(kind, held))


def _n_chars(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_n_chars, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_n_chars, value))
    return 0


def location_of(part: Part) -> Path:
    """The file behind a part."""
    return Path(part.location)
