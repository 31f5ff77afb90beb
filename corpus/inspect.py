"""What each source adapter sees, before anything is built."""

from __future__ import annotations

from typing import Any

from corpus.build import locked
from corpus.config import Config
from corpus.plan import Plan, make_plan
from corpus.progress import Progress
from corpus.reading import close_reader
from pipelines.engine import local_engine
from pipelines.workspace import Result, run_task
from schemas.arrow import scan_rows
from schemas.errors import ConfigError
from schemas.settings import did_you_mean


def inspect_sources(config: Config, only: str | None, n_samples: int, progress: Progress) -> list[dict[str, Any]]:
    """Reads every part and says what came of it. What was read is kept for the next build.

    Args:
        config: The configuration.
        only: The id of one source, or None for all.
        n_samples: Sample records to show for each source.
        progress: Told of every part.

    Raises:
        ConfigError: there is no source of that name, or a pattern matches nothing.
    """
    ids = [s.source_id for s in config.sources]
    if only is not None and only not in ids:
        raise ConfigError([f"sources.{only}: no such source.{did_you_mean(only, ids)}"])
    plan = make_plan(config)
    with locked(config.store):
        results = _read(plan, only, progress)
    return [_source(plan, i, results, n_samples) for i, s in enumerate(config.sources) if only in (None, s.source_id)]


def _read(plan: Plan, only: str | None, progress: Progress) -> dict[int, Result]:
    numbered = [(i, t) for i, t in enumerate(plan.read_tasks()) if only in (None, t.source.source_id)]
    progress.begin("read", len(numbered))
    engine = local_engine(plan.config.header.engine.n_local_workers)
    results: dict[int, Result] = {}
    try:
        for at, result in engine.map(run_task, [t for _, t in numbered]):
            results[numbered[at][0]] = result
            progress.advance()
    finally:
        engine.close()
        close_reader()
    return results


def _source(plan: Plan, index: int, results: dict[int, Result], n_samples: int) -> dict[str, Any]:
    source = plan.config.sources[index]
    mine = [(i, part) for i, (s, part) in enumerate(plan.parts) if s.source_id == source.source_id]
    parts = [_part(part.path, part.n_bytes, results[i]) for i, part in mine]
    parts += [
        {"path": r.path, "n_bytes": None, "refused": {"reason": r.reason, "detail": r.detail}}
        for r in plan.refusals
        if r.source_id == source.source_id
    ]
    return {
        "source_id": source.source_id,
        "kind": source.kind,
        "license": source.license,
        "parts": sorted(parts, key=lambda p: p["path"]),
        "samples": _samples([results[i] for i, _ in mine], n_samples),
    }


def _part(path: str, n_bytes: int, result: Result) -> dict[str, Any]:
    return {
        "path": path,
        "n_bytes": n_bytes,
        "format": result.report.get("format", ""),
        "encoding": result.report.get("encoding", ""),
        "notes": result.report.get("notes", []),
        "n_records": {c.kind: c.n_out for c in result.counts},
        "n_dropped": {c.kind: c.dropped for c in result.counts if c.dropped},
        "refused": result.report.get("refused"),
    }


def _samples(results: list[Result], n: int) -> list[dict[str, Any]]:
    """`n` records from as many parts as there are, spread over each part's first shard."""
    samples: list[dict[str, Any]] = []
    with_shards = [r for r in results if r.shards]
    for number in range(n if with_shards else 0):
        result = with_shards[number * len(with_shards) // n]
        shard = result.shards[0]
        row = scan_rows(shard.path).slice((number + 1) * shard.n_rows // (n + 1), 1).collect()
        if row.height:
            samples.append({"kind": shard.kind, **row.row(0, named=True)})
    return samples
