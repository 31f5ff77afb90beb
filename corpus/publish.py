"""From the last step's shards to a version on disk: views, provenance, rejects, papers, and the manifest last."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus import __version__
from corpus.card import dataset_card, read_facts
from corpus.croissant import croissant
from corpus.plan import Plan
from corpus.reading import LOST_REASONS
from corpus.store import Store
from corpus.tables import ProvenanceTask, RejectsTask, ViewTask
from pipelines.drop_contaminated import DropContaminated
from pipelines.workspace import Result, Shard, Task
from schemas.contamination import write_contamination
from schemas.errors import StoreError, VerifyError
from schemas.fingerprints import fingerprint, sha256_file
from schemas.manifest import MANIFEST, Manifest, read_manifest
from schemas.records import PAEDIATRIC_TASKS, SOURCE_KINDS, SPLITS
from schemas.views import VIEW_READS

Run = Callable[[Sequence[Task]], list[Result]]
SOURCES = "SOURCES.jsonl"


@dataclass(frozen=True)
class Outcome:
    """What the steps of a build leave for publishing."""

    shards: dict[str, list[Shard]]
    rejects: list[tuple[str, Shard]]
    stages: list[dict[str, Any]]
    reads: list[Result]
    contamination: list[dict[str, Any]] = field(default_factory=list)
    """Of `drop_contaminated`: what was found of each set that is held."""
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Stage → how its questions to an LLM ended (`jobs`) and a hash of what came of them (`replies`)."""


def publish(plan: Plan, store: Store, outcome: Outcome, run: Run) -> Manifest:
    """Writes and publishes the version; returns its manifest.

    Raises:
        StoreError: there is nothing to publish.
    """
    results = _tables(plan, outcome, run)
    if not any(r.shards for r in results["views"]):
        raise StoreError(
            "Nothing is left to publish: every record was dropped or no file could be read. "
            "See what the sources give with `pedcorpus sources CONFIG`."
        )
    staged = store.staging()
    rows = _lay_out(staged, results)
    lines = _part_lines(plan, outcome.reads)
    _write_jsonl(staged / SOURCES, lines)
    if any(stage["stage"] == DropContaminated.kind for stage in outcome.stages):
        write_contamination(staged, outcome.contamination)
    identity = plan.content_hash_without(_lost(lines), _replies(outcome.asked))
    manifest = _manifest(plan, outcome, results["views"], identity)
    (staged / "LICENSES.md").write_text(_licenses(manifest), "utf-8")
    manifest = _with_files(manifest, staged, rows)
    (staged / "README.md").write_text(dataset_card(manifest, read_facts(staged, manifest)), "utf-8")
    described = json.dumps(croissant(manifest), ensure_ascii=False, indent=2, sort_keys=True)
    (staged / "croissant.json").write_text(described + "\n", "utf-8")
    manifest = _with_files(manifest, staged, rows)
    (staged / MANIFEST).write_text(manifest.to_json(), "utf-8")
    store.publish(staged, manifest.version)
    return manifest


def lost_parts(version_dir: Path) -> list[list[str]]:
    """Of each part that a published version is missing for want of time, memory or a connection: what names it."""
    path = version_dir / SOURCES
    return _lost(map(json.loads, path.read_text("utf-8").splitlines())) if path.is_file() else []


def replies_of(version_dir: Path) -> str:
    """What the replies of an LLM came to in a published version, as `Plan.content_hash_without` takes it."""
    try:
        return _replies(read_manifest(version_dir).asked)
    except VerifyError:
        return ""


def _replies(asked: dict[str, dict[str, Any]]) -> str:
    return fingerprint({stage: found["replies"] for stage, found in asked.items()}) if asked else ""


def _lost(lines: Iterable[dict[str, Any]]) -> list[list[str]]:
    refused = ((line, line["refused"]["reason"]) for line in lines if line["refused"])
    return [[line["source_id"], line["path"], reason] for line, reason in refused if reason in LOST_REASONS]


def _tables(plan: Plan, outcome: Outcome, run: Run) -> dict[str, list[Result]]:
    """The Parquet files, written by the engine's workers: views and rejects, then what the views point at."""
    root = str(plan.workspace)
    eval_sources = tuple(s.source_id for s in plan.config.sources if s.role == "eval")
    tasks_of = {"sft": plan.config.header.views.sft, "psft": plan.config.header.views.psft, "eval": PAEDIATRIC_TASKS}
    views: list[Task] = [
        ViewTask(root, view, tasks_of.get(view), eval_sources, tuple(outcome.shards.get(kind, [])))
        for view, kind in VIEW_READS.items()
    ]
    stages = list(dict.fromkeys(stage for stage, _ in outcome.rejects))
    rejects: list[Task] = [
        RejectsTask(root, stage, tuple(s for at, s in outcome.rejects if at == stage)) for stage in stages
    ]
    done = run([*views, *rejects])
    view_results, reject_results = done[: len(views)], done[len(views) :]
    referenced = tuple(s for r in view_results for _, s in r.rejects)
    provenance: list[Task] = [
        ProvenanceTask(root, kind, tuple(outcome.shards.get(kind, [])), referenced)
        for kind in SOURCE_KINDS
        if outcome.shards.get(kind)
    ]
    return {"views": view_results, "rejected": reject_results, "provenance": run(provenance)}


def _lay_out(staged: Path, results: dict[str, list[Result]]) -> dict[str, int]:
    """Copies the workers' files to their places in the version; path → rows.

    No links: the workspace's file would be the version's, and what changes one would change the other.
    """
    rows = {}
    for result in (r for group in results.values() for r in group):
        for relative, shard in zip(result.report["paths"], result.shards, strict=True):
            target = staged / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shard.path, target)
            rows[relative] = shard.n_rows
    return rows


def _part_lines(plan: Plan, reads: list[Result]) -> list[dict[str, Any]]:
    """One line a part, read or refused, in the plan's order."""
    lines = []
    for (source, part), result in zip(plan.parts, reads, strict=True):
        refused = result.report.get("refused")
        lines.append(
            {
                "source_id": source.source_id,
                "kind": source.kind,
                "path": part.path,
                "sha256": part.sha256,
                "n_bytes": part.n_bytes,
                "license": source.license,
                "format": result.report.get("format", ""),
                "encoding": result.report.get("encoding", ""),
                "notes": result.report.get("notes", []),
                "n_records": {c.kind: c.n_out for c in result.counts},
                "n_dropped": {c.kind: c.dropped for c in result.counts if c.dropped},
                "refused": refused,
            }
        )
    for r in plan.refusals:
        lines.append({"source_id": r.source_id, "path": r.path, "refused": {"reason": r.reason, "detail": r.detail}})
    return lines


def _sources(plan: Plan, reads: list[Result]) -> list[dict[str, Any]]:
    found = []
    for source in plan.config.sources:
        mine = [r for (s, _), r in zip(plan.parts, reads, strict=True) if s.source_id == source.source_id]
        n_records: dict[str, int] = {}
        for count in (c for r in mine for c in r.counts):
            n_records[count.kind] = n_records.get(count.kind, 0) + count.n_out
        listed = [r for r in plan.refusals if r.source_id == source.source_id]
        found.append(
            {
                "source_id": source.source_id,
                "kind": source.kind,
                "license": source.license,
                "topic": source.topic,
                "role": source.role,
                "n_parts": len(mine) + len(listed),
                "n_refused": sum("refused" in r.report for r in mine) + len(listed),
                "n_records": dict(sorted(n_records.items())),
            }
        )
    return found


def _manifest(plan: Plan, outcome: Outcome, views: list[Result], content_hash: str) -> Manifest:
    header = plan.config.header
    licenses: dict[str, int] = {}
    for result in views:
        for name, n in result.report["licenses"].items():
            licenses[name] = licenses.get(name, 0) + n
    return Manifest(
        name=header.name,
        version=header.version,
        description=header.description,
        content_hash=content_hash,
        pedcorpus_version=__version__,
        views={r.report["view"]: _splits(r) for r in views},
        tasks={r.report["view"]: r.report["tasks"] for r in views if r.report["tasks"]},
        stages=outcome.stages,
        sources=_sources(plan, outcome.reads),
        licenses=dict(sorted(licenses.items())),
        asked=outcome.asked,
    )


def _splits(result: Result) -> dict[str, dict[str, Any]]:
    splits: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        mine = [(p, s) for p, s in zip(result.report["paths"], result.shards, strict=True) if f"/{split}-" in p]
        if mine:
            splits[split] = {"files": [p for p, _ in mine], "n_rows": sum(s.n_rows for _, s in mine)}
    return splits


def _with_files(manifest: Manifest, staged: Path, rows: dict[str, int]) -> Manifest:
    """The manifest with an entry for every file; those that it has already are not hashed again."""
    entries = {entry["path"]: entry for entry in manifest.files}
    for path in (p for p in staged.rglob("*") if p.is_file()):
        name = path.relative_to(staged).as_posix()
        if name not in entries:
            size = path.stat().st_size
            entries[name] = {"path": name, "sha256": sha256_file(path), "n_bytes": size, "n_rows": rows.get(name)}
    return Manifest(**{**vars(manifest), "files": [entries[name] for name in sorted(entries)]})


def _write_jsonl(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines), "utf-8")


def _licenses(manifest: Manifest) -> str:
    """LICENSES.md: what each source is under, and what that asks of whoever passes the rows on."""
    lines = [
        f"# Licences of {manifest.name} {manifest.version}",
        "",
        "Every row names its own licence in its `license` column. As the configuration states them:",
        "",
        "| source | kind | licence | records |",
        "|---|---|---|---:|",
    ]
    for s in manifest.sources:
        lines.append(f"| {s['source_id']} | {s['kind']} | {s['license']} | {sum(s['n_records'].values())} |")
    lines += ["", "| licence | published rows, over all views |", "|---|---:|"]
    lines += [f"| {name} | {n} |" for name, n in manifest.licenses.items()]
    unknown = [s["source_id"] for s in manifest.sources if s["license"] == "unknown"]
    if unknown:
        lines += [
            "",
            f"No licence is stated for {', '.join(unknown)}: "
            "this version must not be passed on, and `push` refuses it.",
        ]
    return "\n".join(lines) + "\n"
