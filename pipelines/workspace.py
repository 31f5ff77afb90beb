"""Where work in progress lies, so that a build killed at any moment goes on from where it was.

    <root>/<key[:2]>/<key>/      one finished task: its files and, among them, `result.json`
    <root>/tmp/                  tasks under way, and finished ones on their way out; swept when a build starts

A task's key is the hash of everything that its output depends on. Its folder appears whole, by one rename, and
goes whole, by another: what is there is right, and need not be done again.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

RESULT = "result.json"


@dataclass(frozen=True)
class Shard:
    """A Parquet file of records of one kind. `key` names its content: equal keys, equal rows."""

    kind: str
    path: str
    key: str
    n_rows: int


@dataclass(frozen=True)
class Count:
    """What one stage did to the records of one kind in one task: `n_in == n_out + sum(dropped.values())`."""

    stage: str
    kind: str
    n_in: int
    n_out: int
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass
class Result:
    """What a finished task says of itself; small, because it is what crosses the engine's seam."""

    shards: list[Shard] = field(default_factory=list)
    rejects: list[tuple[str, Shard]] = field(default_factory=list)
    """`(stage, shard)`: the rows that the stage dropped."""
    counts: list[Count] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    is_final: bool = True
    """False: what came of it may be otherwise next time (a time limit, a lost connection), so it is not kept."""


class Task(Protocol):
    """A unit of work for an engine: picklable, named by a key, done into a folder."""

    @property
    def key(self) -> str: ...

    @property
    def root(self) -> str: ...

    def run(self, folder: Path) -> Result: ...


def run_task(task: Task) -> Result:
    """The task's result: from the workspace if it is finished there, else done now and put there by one rename."""
    final = _folder(task.root, task.key)
    if not (final / RESULT).exists():
        temporary = Path(task.root, "tmp", f"{final.name}-{uuid.uuid4().hex}")
        temporary.mkdir(parents=True)
        result = task.run(temporary)
        if not result.is_final:
            shutil.rmtree(temporary)
            return result
        (temporary / RESULT).write_text(json.dumps(_to_json(result), ensure_ascii=False), "utf-8")
        _put(temporary, final)
    return _from_json(final, json.loads((final / RESULT).read_text("utf-8")))


def _put(temporary: Path, final: Path) -> None:
    """Makes a folder a finished task's, on the disk before it is visible; another worker may have been first."""
    sync_tree(temporary)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(temporary, final)
    except OSError:
        if not (final / RESULT).exists():
            raise
        shutil.rmtree(temporary)


def sync_tree(folder: Path, whole: bool = True) -> None:
    """Asks the system to put a folder's files on the disk, so that a power cut leaves no empty ones in their names.

    Args:
        folder: A folder.
        whole: False: only its own list of names.
    """
    for path in [*(sorted(folder.rglob("*")) if whole else ()), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def finished(root: str, key: str) -> bool:
    """Whether a task of that key is done."""
    return (_folder(root, key) / RESULT).exists()


def sweep_unfinished(root: str) -> None:
    """Removes what tasks of a killed build left half done."""
    temporary = Path(root, "tmp")
    if temporary.exists():
        shutil.rmtree(temporary)


def sweep_unused(root: str, used: Iterable[str]) -> int:
    """Removes finished tasks that the last build did not use; returns how many.

    Each leaves its name by a rename before its files go: killed in between, nothing half removed counts as finished.
    """
    keep, n_removed = set(used), 0
    for folder in sorted(Path(root).glob("??/*")):
        if folder.name not in keep:
            leaving = Path(root, "tmp", f"{folder.name}-{uuid.uuid4().hex}")
            leaving.parent.mkdir(parents=True, exist_ok=True)
            os.rename(folder, leaving)
            shutil.rmtree(leaving)
            n_removed += 1
    return n_removed


def _folder(root: str, key: str) -> Path:
    return Path(root, key[:2], key)


def _to_json(result: Result) -> dict[str, Any]:
    def shard(s: Shard) -> dict[str, Any]:
        # A path inside the task's folder is stored by its name, so that the workspace can be moved.
        return {"kind": s.kind, "name": Path(s.path).name, "key": s.key, "n_rows": s.n_rows}

    return {
        "shards": [shard(s) for s in result.shards],
        "rejects": [[stage, shard(s)] for stage, s in result.rejects],
        "counts": [vars(c) for c in result.counts],
        "report": result.report,
    }


def _from_json(folder: Path, data: dict[str, Any]) -> Result:
    def shard(d: dict[str, Any]) -> Shard:
        return Shard(d["kind"], str(folder / d["name"]), d["key"], d["n_rows"])

    return Result(
        shards=[shard(d) for d in data["shards"]],
        rejects=[(stage, shard(d)) for stage, d in data["rejects"]],
        counts=[Count(**c) for c in data["counts"]],
        report=data["report"],
    )
