"""Whether a version's own papers agree: manifest, SOURCES.jsonl, rejects, and the counts of the rows themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from schemas.arrow import scan_rows
from schemas.contamination import CONTAMINATION, read_contamination
from schemas.errors import VerifyError
from schemas.manifest import Manifest
from schemas.records import COMPLETION, PREFERENCE, QUESTION, VIEWS

PAPERS = ("LICENSES.md", "README.md", "SOURCES.jsonl", "croissant.json")
_HELD = {"benchmark": ("benchmark",), "evaluation": ("evaluation",), "held_out": ("test", "validation")}
"""Why `drop_contaminated` drops a row, and the sets that may be to blame."""
_MADE = {"cpt": COMPLETION, "dfpo": PREFERENCE}
"""Views that hold all there is of a kind; of instructions the configuration chooses."""


@dataclass
class Tally:
    """What the published rows say of themselves, gathered while they are looked at."""

    tasks: dict[str, Counter[str]] = field(default_factory=dict)
    licenses: Counter[str] = field(default_factory=Counter)
    origins: set[tuple[str, str, str, str]] = field(default_factory=set)
    """View, source, part and licence."""

    def add(self, view: str, frame: pl.DataFrame) -> None:
        """Counts a batch of a view's rows."""
        tasks = frame.filter(pl.col("task").is_not_null()).group_by("task").len()
        self.tasks.setdefault(view, Counter()).update(dict(tasks.iter_rows()))
        self.licenses.update(dict(frame.group_by("license").len().iter_rows()))
        self.origins.update((view, *row) for row in frame.select("source_id", "part", "license").unique().iter_rows())


def manifest_problems(folder: Path, manifest: Manifest) -> list[str]:
    """What the manifest says that cannot be, before any row is read."""
    listed = [entry["path"] for entry in manifest.files]
    problems = [f"manifest: {path} is listed {n} times." for path, n in Counter(listed).items() if n > 1]
    problems += [f"manifest: no entry for {name}." for name in PAPERS if name not in listed]
    problems += [f"manifest: no view {view}." for view in VIEWS if view not in manifest.views]
    for view, splits in manifest.views.items():
        for split, entry in splits.items():
            problems += [f"{view}/{split}: {n} is no file of the manifest." for n in entry["files"] if n not in listed]
    if folder.parent.name == "versions" and folder.name != manifest.version:
        problems.append(f"{folder}: the manifest is that of version {manifest.version}.")
    return [*problems, *_conservation(manifest)]


def _conservation(manifest: Manifest) -> Iterator[str]:
    """Records that a stage, or the way from one stage to the next, has lost or made up."""
    there: Counter[str] = Counter()
    for stage in manifest.stages:
        for c in stage["counts"]:
            kind, lost = c["kind"], c["n_in"] - c["n_out"] - sum(c["dropped"].values())
            if stage["stage"].startswith("make_") and c["n_in"] == 0:
                there[kind] += c["n_out"]
                continue
            if lost:
                yield f"{stage['stage']}: {lost} records of kind {kind} are unaccounted for."
            if kind == QUESTION:  # asked anew by every stage, of other records
                continue
            if stage["stage"] != "read" and c["n_in"] != there[kind]:
                yield f"{stage['stage']}: {c['n_in']} records of kind {kind} come in, {there[kind]} had been left."
            there[kind] = c["n_out"]
    for view, kind in _MADE.items():
        n_rows = sum(entry["n_rows"] for entry in manifest.views.get(view, {}).values())
        if manifest.stages and n_rows != there[kind]:
            yield f"{view}: {n_rows} rows published, {there[kind]} of kind {kind} were left."


def row_problems(folder: Path, manifest: Manifest, tally: Tally) -> list[str]:
    """Where the rows are not what the manifest and SOURCES.jsonl say of them."""
    problems = []
    for view in manifest.views:
        stated, found = manifest.tasks.get(view, {}), dict(tally.tasks.get(view, {}))
        if stated != found:
            problems.append(f"{view}: tasks are {_counts(found)}, the manifest says {_counts(stated)}.")
    if manifest.licenses != dict(tally.licenses):
        stated, found = manifest.licenses, dict(tally.licenses)
        problems.append(f"licences of rows are {_counts(found)}, the manifest says {_counts(stated)}.")
    try:
        lines = [json.loads(line) for line in (folder / "SOURCES.jsonl").read_text("utf-8").splitlines()]
        return [*problems, *_source_problems(manifest, lines), *_origin_problems(manifest, tally, lines)]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return [*problems, f"SOURCES.jsonl: not a list of parts ({error!r})."]


def _source_problems(manifest: Manifest, lines: list[dict[str, Any]]) -> Iterator[str]:
    for source in manifest.sources:
        name = source["source_id"]
        mine = [line for line in lines if line["source_id"] == name]
        n_records: Counter[str] = Counter()
        for line in mine:
            n_records.update(line.get("n_records", {}))
        if len(mine) != source["n_parts"] or sum(bool(line["refused"]) for line in mine) != source["n_refused"]:
            yield f"SOURCES.jsonl: parts of {name} are not those that the manifest counts."
        if {k: n for k, n in n_records.items() if n} != {k: n for k, n in source["n_records"].items() if n}:
            yield f"SOURCES.jsonl: records of {name} are {_counts(n_records)}, the manifest says otherwise."


def _origin_problems(manifest: Manifest, tally: Tally, lines: list[dict[str, Any]]) -> Iterator[str]:
    """Rows of a part or a licence that SOURCES.jsonl does not know, or of a source that no such view may hold."""
    known = {(line["source_id"], line["path"]): line.get("license") for line in lines if not line["refused"]}
    held_out = {source["source_id"] for source in manifest.sources if source["role"] == "eval"}
    for view, source_id, part, license_name in sorted(tally.origins):
        if (source_id, part) not in known:
            yield f"{view}: rows of {source_id}, {part}, which SOURCES.jsonl does not have as read."
        elif known[source_id, part] != license_name:
            yield f"{view}: rows of {source_id}, {part} under {license_name}, SOURCES.jsonl says otherwise."
        if source_id in held_out and view != "eval":
            yield f"{view}: rows of {source_id}, which is for evaluation only."


def contamination_problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Where the report of what was kept out of training is not there, or says less than was dropped for it."""
    dropped: Counter[str] = Counter()
    ran = [stage for stage in manifest.stages if stage["stage"] == "drop_contaminated"]
    for c in (c for stage in ran for c in stage["counts"]):
        dropped.update({reason.rpartition(":")[2]: n for reason, n in c["dropped"].items()})
    if ran and not (folder / CONTAMINATION).is_file():
        yield f"manifest: no entry for {CONTAMINATION}, though drop_contaminated ran."
        return
    try:
        sets = read_contamination(folder)
    except VerifyError as error:
        yield from error.problems
        return
    for reason, roles in _HELD.items():
        matched = sum(s["n_matched"] for s in sets if s["role"] in roles)
        if dropped[reason] > matched:
            yield f"{CONTAMINATION}: {matched} rows matched, the manifest counts {dropped[reason]} as {reason}."


def reject_problems(folder: Path, manifest: Manifest) -> list[str]:
    """Drops that are not on record, or not with the reason that is counted; nothing where rejects stayed behind."""
    if not (folder / "rejected").is_dir():
        return []
    counted: Counter[tuple[str, str]] = Counter()
    for stage in manifest.stages:
        for c in stage["counts"]:
            counted.update({(c["kind"], reason): n for reason, n in c["dropped"].items()})
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted((folder / "rejected").glob("*.parquet")):
        tally = scan_rows(path).group_by("kind", "drop_reason").len().collect(engine="streaming")
        found.update({(kind, str(reason)): n for kind, reason, n in tally.iter_rows()})
    return [
        f"rejected/: {found[at]} of kind {at[0]} for {at[1]}, the manifest counts {counted[at]}."
        for at in sorted(counted.keys() | found.keys())
        if found[at] != counted[at]
    ]


def _counts(counts: Any) -> str:
    items: Iterable[tuple[str, int]] = sorted(counts.items())
    return ", ".join(f"{name} {n}" for name, n in items) or "none"
