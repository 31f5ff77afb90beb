"""Reading a part as a task of the workspace: in a child process, into shards, once for each content."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from corpus.config import source_settings
from pipelines.workspace import Count, Result, Shard
from schemas.errors import PartRefused
from schemas.fingerprints import code_fingerprint, fingerprint
from sources.base import Part, Source
from sources.isolation import Limits, Reader

_readers: dict[Limits, Reader] = {}
"""This process's reader; a worker keeps it from part to part."""


@dataclass(frozen=True)
class ReadTask:
    """Reads one part. A refusal is a result too: kept, so that a bad file is not tried at every build."""

    root: str
    source: Source
    part: Part
    limits: Limits

    @property
    def key(self) -> str:
        part = [self.part.path, self.part.sha256]
        settings = [self.source.kind, source_settings(self.source)]
        return fingerprint(
            ["read", settings, part, dataclasses.asdict(self.limits), code_fingerprint("schemas", "sources")]
        )

    def run(self, folder: Path) -> Result:
        """The part's records in shards, or a report with `refused`."""
        reader = _readers.setdefault(self.limits, Reader(self.limits))
        try:
            summary = reader.read(self.source, self.part, folder)
        except PartRefused as refused:
            for half_done in folder.iterdir():
                half_done.unlink()
            return Result(report={"refused": {"reason": refused.reason, "detail": refused.detail}})
        result = Result(report=summary.report)
        for kind, name, n_rows in summary.shards:
            result.shards.append(Shard(kind, str(folder / name), f"{self.key}-{name}", n_rows))
        for kind, name, n_rows in summary.rejects:
            result.rejects.append(("read", Shard(kind, str(folder / name), f"{self.key}-{name}", n_rows)))
        result.counts = self._counts(result, summary.dropped)
        return result

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
