"""A small version on disk, written by hand: every view and split, every kind of column, and rows that are hard.

Hard are: lists and structs that are empty or null, text with quotes, pipes, backticks, line breaks and characters
outside the basic plane, a split in two files, a split that a view lacks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from corpus.card import CardFacts, dataset_card, read_facts
from schemas.manifest import Manifest
from schemas.records import DOCUMENT, SCHEMAS, make_record_id
from schemas.views import VIEW_SCHEMAS

LICENSE = "CC-BY-4.0"
PASSAGE = "手足口病多见于5岁以下儿童。普通病例以对症治疗为主，注意隔离，避免交叉感染；\n体温超过38.5℃时可用退热药。"
PASSAGE_ID = make_record_id("document", PASSAGE)
PRIVATE = "这一行没有许可，不得公开"
GENERATOR = {"method": "extractive", "name": "sections", "version": "1", "template": "treatment:3", "call_key": None}


def instruction(at: int, split: str, **columns: Any) -> dict[str, Any]:
    """One row of the instruction views."""
    answer = PASSAGE[14:24]
    return {
        "record_id": make_record_id("instruction", split, str(at)),
        "task": ("medkqa", "evidiag", "trerecom")[at % 3],
        "aspect": None if at % 2 else "treatment",
        "domain": "paediatric",
        "department": "儿科",
        "messages": [
            *([{"role": "system", "content": "你是一名儿科医生。"}] if at % 3 == 1 else []),
            {"role": "user", "content": f"第{at}问：“手足口病”怎么治疗？| `代码` \\ 𠮷 👶"},
            {"role": "assistant", "content": answer},
        ],
        "evidence": [{"record_id": PASSAGE_ID, "start": 14, "end": 24, "text": answer}] if at % 4 != 3 else [],
        "generator": GENERATOR,
        "verdicts": [] if at % 2 else [{"check": "span", "verdict": "pass"}],
        "source_id": "guide",
        "part": "guidelines/手足口病.pdf",
        "locator": f"p{at}",
        "license": LICENSE,
        "group_id": make_record_id("group", split, str(at)),
        **columns,
    }


def preference(at: int, split: str) -> dict[str, Any]:
    """One row of the preference view."""
    row = instruction(at, split)
    said = {
        name: [{"role": "assistant", "content": text}] for name, text in (("chosen", "请多喝水。"), ("rejected", "嗯"))
    }
    kept = {name: value for name, value in row.items() if name in VIEW_SCHEMAS["dfpo"]}
    return {**kept, "prompt": row["messages"][:-1], **said}


def completion(at: int, split: str) -> dict[str, Any]:
    """One row of the completion view."""
    kept = {name: value for name, value in instruction(at, split).items() if name in VIEW_SCHEMAS["cpt"]}
    return {
        **kept,
        "text": f"{PASSAGE}\n\n第{at}段",
        "origin": "document",
        "derived_from": [PASSAGE_ID] if at % 2 else [],
    }


def rows_of_views(n_train: int = 7) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """view → split → rows; `cpt` has no test split, and `eval` nothing else."""
    splits = {"train": n_train, "validation": 2, "test": 1}
    made = {
        view: {split: [maker(at, split) for at in range(n)] for split, n in splits.items()}
        for view, maker in (("cpt", completion), ("sft", instruction), ("dfpo", preference), ("psft", instruction))
    }
    del made["cpt"]["test"]
    return {**made, "eval": {"test": [instruction(at, "test") for at in range(3)]}}


def write_version(
    folder: Path,
    *,
    version: str = "1.0.0",
    name: str = "tiny",
    views: Mapping[str, Mapping[str, Sequence[dict[str, Any]]]] | None = None,
    license_name: str = LICENSE,
    facts: CardFacts | None = None,
) -> Path:
    """The version lies in `folder`; its content hash follows from its rows."""
    views = views if views is not None else rows_of_views()
    layout: dict[str, dict[str, dict[str, Any]]] = {}
    n_rows: dict[str, int | None] = {}
    for view, splits in views.items():
        for split, rows in splits.items():
            cut = 4 if (view, split) == ("sft", "train") else len(rows)
            shards = [rows[at : at + cut] for at in range(0, len(rows), max(cut, 1))]
            paths = [f"data/{view}/{split}-{at:05}-of-{len(shards):05}.parquet" for at in range(len(shards))]
            for path, shard in zip(paths, shards, strict=True):
                _write(folder / path, pl.DataFrame(shard, schema=VIEW_SCHEMAS[view]))
                n_rows[path] = len(shard)
            layout.setdefault(view, {})[split] = {"files": paths, "n_rows": len(rows)}
    document = {"record_id": PASSAGE_ID, "license": license_name, "text": PASSAGE}
    provenance = pl.DataFrame([document], schema=SCHEMAS[DOCUMENT]).with_columns(canonical="text")
    _write(folder / "provenance/document-00000-of-00001.parquet", provenance)
    _write(folder / "rejected/drop_low_quality.parquet", pl.DataFrame({"text": [PRIVATE], "license": ["unknown"]}))
    (folder / "SOURCES.jsonl").write_text('{"source_id": "guide", "refused": null}\n', "utf-8")
    (folder / "LICENSES.md").write_text(f"# Licences\n\n{license_name}\n", "utf-8")
    manifest = _manifest(name, version, layout, license_name, _content_hash(folder))
    (folder / "README.md").write_text(dataset_card(manifest, facts or read_facts(folder, manifest)), "utf-8")
    files = [_listed(folder, path, n_rows) for path in sorted(p for p in folder.rglob("*") if p.is_file())]
    (folder / "manifest.json").write_text(Manifest(**{**vars(manifest), "files": files}).to_json(), "utf-8")
    return folder


def published_files(folder: Path) -> dict[str, bytes]:
    """Files of a version that may leave the machine, by path."""
    named = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {name: data for name, data in named.items() if not name.startswith("rejected/")}


def _write(path: Path, frame: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, compression="zstd")


def _content_hash(folder: Path) -> str:
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(hashlib.sha256(p.read_bytes()).digest() for p in paths)).hexdigest()


def _listed(folder: Path, path: Path, n_rows: Mapping[str, int | None]) -> dict[str, Any]:
    name, data = path.relative_to(folder).as_posix(), path.read_bytes()
    return {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "n_bytes": len(data), "n_rows": n_rows.get(name)}


def _manifest(name: str, version: str, layout: dict[str, Any], license_name: str, content_hash: str) -> Manifest:
    n_rows = sum(entry["n_rows"] for splits in layout.values() for entry in splits.values())
    dropped = {"drop_low_quality:too_short": 2, "drop_low_quality:page_numbers": 1}
    counts = {"normalize": (12, 12, {}), "drop_low_quality": (12, 9, dropped)}
    stages = [
        {
            "stage": stage,
            "fingerprint": "0" * 32,
            "settings": {},
            "counts": [{"kind": "document", "n_in": n_in, "n_out": n_out, "dropped": gone}],
        }
        for stage, (n_in, n_out, gone) in counts.items()
    ]
    source = {
        "source_id": "guide",
        "kind": "guideline",
        "license": license_name,
        "topic": "paediatric",
        "role": "train",
    }
    return Manifest(
        name=name,
        version=version,
        content_hash=content_hash,
        pedcorpus_version="0.1.0",
        views=layout,
        tasks={"sft": {"medkqa": 4, "evidiag": 3, "trerecom": 3}, "eval": {"medkqa": 3}},
        stages=stages,
        sources=[{**source, "n_parts": 3, "n_refused": 1, "n_records": {"document": 12}}],
        licenses={license_name: n_rows},
    )
