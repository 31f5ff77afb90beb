"""Drops the older versions of guidelines, standards and statutes whose newer version is in the corpus too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from pipelines.base import DECISION, CorpusStage, RunTasks
from pipelines.shuffle import decisions
from pipelines.superseded.findings import detail_of, newer_name, reason_of
from pipelines.superseded.provisions import Pair, Provision, added, are_versions, compared
from pipelines.superseded.titles import read_title
from pipelines.superseded.versions import Document, Succession, Version, successions
from pipelines.tasks import stage_fingerprint
from pipelines.workspace import Result, Shard
from schemas.arrow import scan_rows
from schemas.errors import ConfigError
from schemas.fingerprints import fingerprint
from schemas.records import DOCUMENT

GUIDELINE: Final = "guideline"
_SUCCESSIONS_PER_TASK: Final = 16
_DOCUMENT: Final = ("source_id", "part", "title", "issuer", "year")
_PROVISION: Final = ("record_id", "number", "section_path", "text")
_DECISION_TYPES: Final = (pl.Int64, pl.Int64, pl.String, pl.String, pl.String)


@dataclass(frozen=True)
class DropSuperseded(CorpusStage):
    """Of the versions of one guideline, standard or statute the newest stays: an assistant must not teach repealed law.

    Looks at documents of guideline sources only. Two documents are versions of one where their titles are equal
    without year, edition and words such as 修订版 or 试行, or the numbers of standards are; where their issuers do not
    differ (ministries are renamed: all national authorities are one issuer); and where a twentieth of the older one's
    provisions at least live on in the newer. The newer one is told by its year, then by its edition; where neither
    tells, or the years are equal, both stay, and so does a version in force beside a draft.

    Every provision of the older one is dropped, with the record that takes its place and what changed: `unchanged`
    (the newer one says the same, but for space and the width of punctuation), `changed` or `removed`.

    Attributes:
        replaces: Old title → new title, for documents that were renamed: `{旧办法: 新办法}`. A title without a version
            means every version of it.
        source_order: Source ids, the preferred first; the configuration's order.

    Cost: linear; a statute of a hundred articles takes some ten milliseconds.
    Does not cover: a version whose title was misread, a part of an act repealed by another act, the day of two
        versions of one year, provisions of the newer version that an earlier stage dropped (they count as `removed`).
    """

    kind: ClassVar[str] = "drop_superseded"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT,)

    replaces: Mapping[str, str] = field(default_factory=dict)
    source_order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = []
        for old, new in self.replaces.items():
            if not read_title(old).plain or not read_title(new).plain:
                problems.append(f"replaces: `{old}: {new}` should be two titles.")
            elif read_title(old).plain == read_title(new).plain:
                problems.append(f"replaces: `{old}` cannot take its own place; give the title of the newer document.")
            elif self.replaces.get(new) == old:
                problems.append(f"replaces: `{old}` and `{new}` replace each other; leave one of the two out.")
        if problems:
            raise ConfigError(problems)

    def decide(self, run: RunTasks, root: str, shards: Sequence[Shard]) -> list[Result]:
        """Surveys the titles, pairs the versions, and compares each pair provision by provision.

        Raises:
            ConfigError: a title of `replaces` names no guideline.
        """
        surveyed = run([SurveyTask(root, self, shard) for shard in shards])
        held: dict[Document, list[int]] = {}
        for number, result in enumerate(surveyed):
            for row in result.report["documents"]:
                held.setdefault(Document(*row), []).append(number)
        found = successions(held, self.replaces)
        bundles = [found[at : at + _SUCCESSIONS_PER_TASK] for at in range(0, len(found), _SUCCESSIONS_PER_TASK)]
        return run([self._task(root, bundle, held, shards) for bundle in bundles or [[]]])

    def _task(
        self, root: str, bundle: Sequence[Succession], held: Mapping[Document, list[int]], shards: Sequence[Shard]
    ) -> CompareTask:
        documents = {document for each in bundle for document in _documents(each)}
        numbers = sorted({number for document in documents for number in held[document]})
        return CompareTask(root, self, tuple(bundle), tuple((number, shards[number]) for number in numbers))


@dataclass(frozen=True)
class SurveyTask:
    """Finds the guidelines of a shard."""

    root: str
    stage: DropSuperseded
    shard: Shard

    @property
    def key(self) -> str:
        return fingerprint(["survey", stage_fingerprint(self.stage), self.shard.key])

    def run(self, folder: Path) -> Result:
        """The report has a `Document` for each, as a list."""
        rows = _guidelines(self.shard).select(_DOCUMENT).unique().sort(_DOCUMENT).collect()
        return Result(report={"documents": [list(row) for row in rows.iter_rows()]})


@dataclass(frozen=True)
class CompareTask:
    """Compares older versions with the newest, and says what became of each of their rows."""

    root: str
    stage: DropSuperseded
    successions: tuple[Succession, ...]
    shards: tuple[tuple[int, Shard], ...]
    """Those that hold the versions, each with its number among all."""

    @property
    def key(self) -> str:
        shards = [[number, shard.key] for number, shard in self.shards]
        return fingerprint(["compare versions", stage_fingerprint(self.stage), repr(self.successions), shards])

    def run(self, folder: Path) -> Result:
        """The decisions."""
        rows = self._rows()
        made = [decision for each in self.successions for decision in self._decisions(each, rows)]
        drops = pl.DataFrame(made, schema=dict(zip(DECISION, _DECISION_TYPES, strict=True)), orient="row")
        return decisions(folder, self.key, drops)

    def _rows(self) -> dict[Document, pl.DataFrame]:
        """The rows of each document, with the number of their shard and their own in it."""
        wanted = {document for each in self.successions for document in _documents(each)}
        frames: dict[Document, list[pl.DataFrame]] = {}
        for number, shard in self.shards:
            rows = _guidelines(shard).select("row", *_DOCUMENT, *_PROVISION).collect()
            for key, mine in rows.partition_by(_DOCUMENT, as_dict=True, maintain_order=True).items():
                if (document := Document(*key)) in wanted:
                    frames.setdefault(document, []).append(mine.with_columns(shard=pl.lit(number, pl.Int64)))
        return {document: pl.concat(held) for document, held in frames.items()}

    def _decisions(
        self, succession: Succession, rows: Mapping[Document, pl.DataFrame]
    ) -> list[tuple[int, int, str, str, str]]:
        newer = self._provisions_of(succession.newer, rows)
        each = {d: _became(_provisions(rows[d]), newer) for d in succession.older.documents}
        if not (succession.is_stated or self._is_alike(succession, each, rows)):
            return []
        held = {pair.newer for pairs in each.values() for pair in pairs.values() if pair.newer}
        name = newer_name(succession.newer, len(added([p for pairs in each.values() for p in pairs], newer, held)))
        told = {d: {p: (reason_of(pair), detail_of(pair, name)) for p, pair in each[d].items()} for d in each}
        made = []
        for document, words in told.items():
            at = rows[document].select("shard", "row").iter_rows()
            for (shard, row), provision in zip(at, _provisions(rows[document]), strict=True):
                reason, detail = words[provision]
                made.append((shard, row, provision.record_id, f"{self.stage.kind}:{reason}", detail))
        return made

    def _is_alike(
        self,
        succession: Succession,
        each: Mapping[Document, Mapping[Provision, Pair]],
        rows: Mapping[Document, pl.DataFrame],
    ) -> bool:
        """Whether the words bear out what the titles say, of the newest version or of one on the way to it."""
        if are_versions([pair for pairs in each.values() for pair in pairs.values()]):
            return True
        older = [p for pairs in each.values() for p in pairs]
        return any(are_versions(compared(older, self._provisions_of(v, rows))) for v in succession.between)

    def _provisions_of(self, version: Version, rows: Mapping[Document, pl.DataFrame]) -> list[Provision]:
        """The provisions of a version, of equal ones the copy that will stay among exact duplicates."""
        ranks = {source: rank for rank, source in enumerate(self.stage.source_order)}
        copies = [
            (ranks.get(document.source_id, len(ranks)), provision)
            for document in version.documents
            for provision in _provisions(rows[document])
        ]
        first: dict[tuple[str, tuple[str, ...], str], Provision] = {}
        for _, provision in sorted(copies):
            first.setdefault(provision[1:], provision)
        return list(first.values())


def _documents(succession: Succession) -> set[Document]:
    versions = (succession.older, succession.newer, *succession.between)
    return {document for version in versions for document in version.documents}


def _guidelines(shard: Shard) -> pl.LazyFrame:
    """The rows of guidelines, each with its place in the shard; nothing in a title, an issuer or a year is null."""
    rows = scan_rows(shard.path).with_row_index("row").filter(pl.col("source_kind") == GUIDELINE)
    return rows.with_columns(
        pl.col("row").cast(pl.Int64),
        pl.col("title", "issuer", "number", "part", "text").fill_null(""),
        pl.col("year").fill_null(0),
        pl.col("section_path").fill_null([]),
    )


def _provisions(rows: pl.DataFrame) -> list[Provision]:
    columns = rows.select(_PROVISION).iter_rows()
    return [Provision(record_id, number, tuple(path), text) for record_id, number, path, text in columns]


def _became(older: Iterable[Provision], newer: Sequence[Provision]) -> dict[Provision, Pair]:
    """What became of each; rows that are equal but for their id are one provision."""
    same: dict[tuple[str, tuple[str, ...], str], list[Provision]] = {}
    for provision in sorted(set(older)):
        same.setdefault(provision[1:], []).append(provision)
    pairs = compared([copies[0] for copies in same.values()], newer)
    return {p: pair for copies, pair in zip(same.values(), pairs, strict=True) for p in copies}
