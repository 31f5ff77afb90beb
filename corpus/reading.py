"""Reading a part as a task of the workspace: in a child process, into shards, once for each content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from corpus.config import source_settings
from pipelines.workspace import Count, Result, Shard
from schemas.errors import PartRefused, PedCorpusError
from schemas.fingerprints import code_fingerprint, fingerprint, sha256_file
from sources.base import Part, Source, location_of
from sources.hub import is_remote
from sources.isolation import Limits, Reader

_readers: dict[Limits, Reader] = {}
"""This process's reader; a worker keeps it from part to part."""


LOST_REASONS: Final = ("timeout", "memory", "parser_crashed", "reader_failed", "hub_error")
"""Refusals that another machine, or another day, may not give: they are tried again at every build."""


class PartChanged(PedCorpusError):
    """A file is no longer what the plan saw: what was read from it must not stand under the old hash."""


@dataclass(frozen=True)
class ReadTask:
    """Reads one part. A refusal of the bytes themselves is a result too: kept, so that it is not tried again."""

    root: str
    source: Source
    part: Part
    limits: Limits

    @property
    def key(self) -> str:
        # Without the limits: they decide only whether a part is read, and such a refusal is never kept.
        part = [self.part.path, self.part.sha256]
        settings = [self.source.kind, source_settings(self.source)]
        return fingerprint(["read", settings, part, code_fingerprint("schemas", "sources")])

    def run(self, folder: Path) -> Result:
        """The part's records in shards, or a report with `refused`.

        Raises:
            PartChanged: the file was written to, or removed, since the plan was made.
        """
        reader = _readers.setdefault(self.limits, Reader(self.limits))
        try:
            summary = reader.read(self.source, self.part, folder)
        except PartRefused as refused:
            self._check_unchanged()
            for half_done in folder.iterdir():
                half_done.unlink()
            report = {"refused": {"reason": refused.reason, "detail": refused.detail}}
            return Result(report=report, is_final=refused.reason not in LOST_REASONS)
        self._check_unchanged()
        result, key = Result(report=summary.report), self.key
        for kind, name, n_rows in summary.shards:
            result.shards.append(Shard(kind, str(folder / name), f"{key}-{name}", n_rows))
        for kind, name, n_rows in summary.rejects:
            result.rejects.append(("read", Shard(kind, str(folder / name), f"{key}-{name}", n_rows)))
        result.counts = self._counts(result, summary.dropped)
        return result

    def _check_unchanged(self) -> None:
        """Cost: a second hash of the file, which reading has just put into memory."""
        path = location_of(self.part)
        if is_remote(self.part) or path.is_dir():
            return
        if not path.is_file() or sha256_file(path) != self.part.sha256:
            raise PartChanged(f"{path} changed while it was read. Let it rest, and run the same command again.")

    @staticmethod
    def _counts(result: Result, dropped: list[tuple[str, str, int]]) -> list[Count]:
        kinds = sorted({s.kind for s in result.shards} | {kind for kind, _, _ in dropped})
        counts = []
        for kind in kinds:
            n_out = sum(s.n_rows for s in result.shards if s.kind == kind)
            reasons = {reason: n for k, reason, n in dropped if k == kind}
            counts.append(Count("read", kind, n_out + sum(reasons.values()), n_out, reasons))
        return counts


def close_reader() -> None:
    """Ends this process's reader, if there is one."""
    while _readers:
        _readers.popitem()[1].close()
