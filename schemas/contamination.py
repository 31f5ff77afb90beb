"""`contamination.json` of a version: what was kept out of training, and how much of it had been there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import jsonschema

from schemas.errors import VerifyError

CONTAMINATION: Final = "contamination.json"

_COUNT: Final = {"type": "integer", "minimum": 0}
_SET: Final = {
    "role": {
        "enum": ["benchmark", "evaluation", "test", "validation"],
        "description": "a user's benchmark file, a source for evaluation only, or a split of a source",
    },
    "source": {"type": "string", "description": "the benchmark's file, or the source's id"},
    "n_rows": {**_COUNT, "description": "rows of the set"},
    "n_searched": {**_COUNT, "description": "searched for anywhere in a row, with edits"},
    "n_whole_only": {**_COUNT, "description": "so short that only a whole field counts"},
    "n_unchecked": {**_COUNT, "description": "with hardly a letter, or unreadable: compared with nothing"},
    "n_weak": {**_COUNT, "description": "searched for with fewer edits, since much of the wording is everybody's"},
    "n_found": {**_COUNT, "description": "rows of the set that the corpus held"},
    "n_matched": {**_COUNT, "description": "rows of the corpus that held them, all of which were dropped"},
}
CONTAMINATION_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://pedcorpus.invalid/schemas/contamination.schema.json",
    "title": "PedCorpus contamination report",
    "type": "array",
    "items": {"type": "object", "properties": _SET, "required": list(_SET), "additionalProperties": False},
}


def write_contamination(folder: Path, sets: list[dict[str, Any]]) -> None:
    """Writes the report of a version; equal reports are equal bytes."""
    text = json.dumps(sets, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (folder / CONTAMINATION).write_text(text, "utf-8")


def read_contamination(folder: Path) -> list[dict[str, Any]]:
    """The report of a version; empty where the stage was left out.

    Raises:
        VerifyError: it is not such a report.
    """
    path = folder / CONTAMINATION
    if not path.exists():
        return []
    try:
        sets = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise VerifyError([f"{path}: not JSON ({error}). Build the version again."]) from None
    errors = sorted(jsonschema.Draft202012Validator(CONTAMINATION_SCHEMA).iter_errors(sets), key=str)
    if errors:
        raise VerifyError([f"{path}: {error.message[:200]}." for error in errors[:20]])
    return [{name: found[name] for name in _SET} for found in sets]
