"""A classifier for a user's own sources: errors planted into their texts, and records whose verdict they state."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from corpus.check.inputs import chunks
from corpus.check.records import record_of, values_of
from corpus.progress import Progress
from pipelines.check import classifier
from pipelines.check.answers import Unfit, turns
from pipelines.check.judge import CHECKS, signals
from pipelines.check.signals import KINDS
from pipelines.check.training import Example, Prepared, fingerprint, planted_examples, prepare, train
from schemas.errors import InputError
from sources.encoding import decode

MIN_EXAMPLES: Final = 200
MAX_TEXTS: Final = 600
"""Drawn by their content where there are more."""
PART_CHARS: Final = 700
MIN_PART_CHARS: Final = 100
_SUFFIXES: Final = (".md", ".txt")


def train_file(file: Path, out: Path, progress: Progress) -> dict[str, Any]:
    """Writes a classifier; what it was made from, and its thresholds.

    Args:
        file: A folder of texts, or records as `pedcorpus check` takes them: errors are planted into their evidence, and
            those with `label` (keep or reject; `error` and `span` besides) are examples themselves.
        out: The classifier, JSON.
        progress: Told how far it is.

    Raises:
        InputError: there is too little to learn from.
    """
    if out.is_dir():
        raise InputError([f"{out} is a folder. Name a file, such as {out / 'classifier.json'}."])
    texts, labelled = (_texts_in(file), []) if file.is_dir() else _texts_and_labels(file)
    planted = planted_examples(texts)
    if not labelled:  # nothing else to choose the thresholds by
        planted = [dataclasses.replace(example, scored=True, weight=1.0) for example in planted]
    if len(planted) + len(labelled) < MIN_EXAMPLES:
        raise InputError(
            [f"{file}: gives {len(planted) + len(labelled)} examples from {len(texts)} texts, too few to learn from; "
             f"{MIN_EXAMPLES} are needed. Add texts, or records with `label`."]
        )  # fmt: skip
    progress.begin("train", len(planted) + len(labelled))
    prepared = list(_prepared([*labelled, *planted], progress))
    model, _ = train(prepared)
    about = {"fingerprint": fingerprint(prepared), "texts": len(texts), "planted": len(planted),
             "labelled": len(labelled), "checks": list(CHECKS)}  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    classifier.save(dataclasses.replace(model, about=about), part)
    part.replace(out)
    return {**about, "thresholds": model.thresholds._asdict(), "out": str(out)}


def _prepared(examples: list[Example], progress: Progress) -> Iterator[Prepared]:
    for example in examples:
        yield prepare(example, signals(example.case))
        progress.advance()


def _texts_in(folder: Path) -> dict[str, str]:
    """Parts of the folder's texts, about as long as the evidence of a record."""
    found: dict[str, str] = {}
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file()):
        text, _ = decode(path.read_bytes())
        found |= {f"{path.relative_to(folder).as_posix()}#{i}": part for i, part in enumerate(_parts(text))}
    return _drawn(found)


def _parts(text: str) -> list[str]:
    parts = [""]
    for line in text.splitlines():
        if len(parts[-1]) > PART_CHARS:
            parts.append("")
        parts[-1] += line + "\n"
    return [part for part in parts if len(part) >= MIN_PART_CHARS]


def _texts_and_labels(file: Path) -> tuple[dict[str, str], list[Example]]:
    if not file.is_file():
        raise InputError([f"{file}: no such file or folder. Check the path."])
    texts: dict[str, str] = {}
    labelled: list[Example] = []
    for chunk in chunks(file):
        for entry in chunk.entries:
            try:
                values = values_of(entry)
                record = record_of(values, entry.locator)
                doc = _name(record.evidence[0])
                texts |= {_name(text): text for text in record.evidence if len(text) >= MIN_PART_CHARS}
                if values.get("label") is not None:
                    case = turns(record.messages, record.evidence)[-1].case
                    labelled.append(Example(str(record.id), doc, case, *_label(values, entry.locator, file)))
            except Unfit:
                continue  # `pedcorpus check` lists these
    return _drawn(texts), labelled


def _label(values: Any, locator: str, file: Path) -> tuple[str, str, str]:
    """Error, span and world of a labelled record.

    Raises:
        InputError: its label or its error is none.
    """
    label, error = values["label"], values.get("error") or ""
    if label not in ("keep", "reject") or (error and error not in KINDS):
        raise InputError([f"{file} {locator}: `label` is keep or reject, and `error` one of {', '.join(KINDS)}."])
    span, world = str(values.get("span") or ""), str(values.get("world") or "free")
    return ("", "", world) if label == "keep" else (error or "unsupported", span, world)


def _drawn(texts: dict[str, str]) -> dict[str, str]:
    kept = sorted(texts, key=lambda name: _name(texts[name]))[:MAX_TEXTS]
    return {name: texts[name] for name in sorted(kept)}


def _name(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
