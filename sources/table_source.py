"""The base of the three kinds that read tables: what their configuration has in common, and how rows reach them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar, Final

from schemas.errors import PartRefused
from schemas.records import DIALOGUE, INSTRUCTION, PREFERENCE, TRIPLE, frame_of
from sources.base import BATCH_CHARS, BATCH_ROWS, Batch, Part, ReadReport, Source, location_of
from sources.hub import is_remote, read_hub
from sources.mapping import Binding, Layout, Mapper, matches, path_of, unknown_layout
from sources.rows import Row
from sources.tables import read_table

Record = tuple[str, dict[str, Any]]
"""A record kind and a row of it."""

_LOOKAHEAD_ROWS: Final = 200
_MAX_NOTES: Final = 20
_SPOKEN: Final = {INSTRUCTION: "messages", PREFERENCE: "prompt", DIALOGUE: "turns"}
_WRITTEN: Final = {PREFERENCE: ("chosen", "rejected"), TRIPLE: ("tail",)}


@dataclass(frozen=True)
class TableSource(Source):
    """A source whose rows come from a table file, a folder that `datasets` saved, or the Hub.

    Attributes:
        columns: Field → column name or key path (`meta.turns[0]`), for a layout that is not recognised.
        where: Column → value or list of values; other rows are dropped as `read:filtered_by_where`.
        hub: `ORG/NAME`, perhaps with `@revision`, of a data set on the Hub; then `path` stays empty.
        subset: Configuration of the Hub data set.
        split: Split of the Hub data set; all of them by default.
        revision: Commit, tag or branch of the Hub data set.
    """

    LAYOUTS: ClassVar[tuple[Layout, ...]] = ()
    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    hub: str | None = None
    subset: str | None = None
    split: str | None = None
    revision: str | None = None

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        """The fields that `columns:` may name."""
        return tuple(sorted({f for layout in cls.LAYOUTS for f in (*layout.needs, *layout.takes)}))

    def mapper(self) -> Mapper:
        """A mapper for one part."""
        return Mapper(self.LAYOUTS, self.NAMES, self.columns)

    def rows(self, part: Part, report: ReadReport, known: Iterable[str] = ()) -> Iterator[Row]:
        """The part's rows, wherever they come from."""
        if is_remote(part) or location_of(part).is_dir():
            yield from read_hub(part, report)
        else:
            yield from read_table(location_of(part), report, self.encoding, frozenset(known))

    def batches(self, part: Part, records: Iterable[Record]) -> Iterator[Batch]:
        """The part's records in batches; a refusal says which part it is about."""
        try:
            yield from mixed_batches(records)
        except PartRefused as refused:
            where = f"sources.{self.source_id}: {part.path}"
            raise PartRefused(refused.reason, f"{where}: {refused.detail}") from refused

    def bound_rows(self, part: Part, report: ReadReport) -> Iterator[tuple[Row, Binding | None]]:
        """Each row with the binding of its layout; None, with a problem set, where it must be dropped.

        Raises:
            PartRefused: `empty`, or no layout fits any of the first rows.
        """
        mapper = self.mapper()
        rows = self.rows(part, report, mapper.known())
        ahead: list[Row] = []
        for row in rows:
            ahead.append(row)
            bound = not row.problem and mapper.bind(row.values) and not self.where
            if bound or len(ahead) >= _LOOKAHEAD_ROWS:
                break
        if not ahead:
            raise PartRefused("empty", "no rows. Fill the file, or list it under 'skip:'.")
        readable = [row for row in ahead if not row.problem]
        if readable and not any(mapper.bind(row.values) for row in readable):
            raise unknown_layout(list(readable[0].values), mapper, self.kind)
        self._check_where(readable)
        noted: set[int] = set()
        for row in chain(ahead, rows):
            yield self._bound(row, mapper, report, noted)

    def _check_where(self, rows: list[Row]) -> None:
        """A filter on a column that no row has would drop every row without a word.

        Raises:
            PartRefused: `unknown_column`.
        """
        for column in self.where if rows else ():
            if not any(path_of(column, row.values) or column in row.values for row in rows):
                there = ", ".join(map(str, list(rows[0].values)[:12]))
                raise PartRefused(
                    "unknown_column", f"'where:' names the column '{column}', which is not there. There is: {there}."
                )

    def _bound(self, row: Row, mapper: Mapper, report: ReadReport, noted: set[int]) -> tuple[Row, Binding | None]:
        if row.problem:
            return row, None
        binding = mapper.bind(row.values)
        if binding is None:
            return row._replace(problem="unknown_layout", raw=shown(row)), None
        if id(binding) not in noted:
            noted.add(id(binding))
            _note(binding, report)
        if self.where and not matches(row.values, self.where):
            return row._replace(problem="filtered_by_where", raw=shown(row)), None
        return row, binding


def shown(row: Row) -> str:
    """A row's values as one short text, for the record that says it was dropped."""
    from sources.rows import excerpt

    return excerpt("｜".join(str(value)[:200] for value in list(row.values.values())[:20] if value is not None))


def mixed_batches(records: Iterable[Record]) -> Iterator[Batch]:
    """Records of several kinds as batches of one kind each, in the order in which they fill up."""
    held: dict[str, list[dict[str, Any]]] = {}
    n_chars: dict[str, int] = {}
    for kind, row in records:
        rows = held.setdefault(kind, [])
        rows.append(row)
        n_chars[kind] = n_chars.get(kind, 0) + _n_chars(kind, row)
        if len(rows) >= BATCH_ROWS or n_chars[kind] >= BATCH_CHARS:
            yield Batch(kind, frame_of(kind, rows))
            held[kind], n_chars[kind] = [], 0
    for kind, rows in held.items():
        if rows:
            yield Batch(kind, frame_of(kind, rows))


def _note(binding: Binding, report: ReadReport) -> None:
    notes = [f"column '{key}' taken for '{name}'" for key, name in binding.repaired]
    if binding.unused:
        notes.append(f"layout {binding.layout}; columns not used: {', '.join(binding.unused[:20])}")
    report.notes += [note for note in notes if note not in report.notes and len(report.notes) < _MAX_NOTES]


def _n_chars(kind: str, row: Mapping[str, Any]) -> int:
    """Characters of the row's long texts; its short columns do not matter to memory."""
    spoken = sum(len(item["content"]) for item in row.get(_SPOKEN.get(kind, ""), ()))
    return spoken + sum(len(row[name]) for name in _WRITTEN.get(kind, ()))
