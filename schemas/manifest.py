"""The manifest of a version: written last, it says what the version is and holds the hash of every file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import jsonschema

from schemas.errors import VerifyError
from schemas.records import SPLITS, VIEWS

MANIFEST = "manifest.json"
FORMAT = 1
"""Of the manifest itself; a reader refuses a newer one."""

_COUNT: Final = {"type": "integer", "minimum": 0}
_COUNTS: Final = {"type": "object", "additionalProperties": _COUNT}
_PATH: Final = {"type": "string", "pattern": r"^(?!.*(?:^|/)\.\.?(?:/|$))[^/\\][^\\]*$"}
"""Inside the version: a foreign manifest must not make a reader open files elsewhere."""
_HASH: Final = {"type": "string", "pattern": "^[0-9a-f]{32,64}$"}


def _object(properties: dict[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


MANIFEST_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://pedcorpus.invalid/schemas/manifest.schema.json",
    "title": "PedCorpus manifest",
    **_object(
        {
            "format": {"const": FORMAT},
            "name": {"type": "string", "minLength": 1},
            "version": {"type": "string", "minLength": 1},
            "description": {"type": "string"},
            "language": {"const": "zh"},
            "content_hash": _HASH,
            "pedcorpus_version": {"type": "string"},
            "views": {
                "type": "object",
                "propertyNames": {"enum": list(VIEWS)},
                "additionalProperties": {
                    "type": "object",
                    "propertyNames": {"enum": list(SPLITS)},
                    "additionalProperties": _object({"files": {"type": "array", "items": _PATH}, "n_rows": _COUNT}),
                },
            },
            "tasks": {"type": "object", "additionalProperties": _COUNTS},
            "stages": {
                "type": "array",
                "items": _object(
                    {
                        "stage": {"type": "string"},
                        "fingerprint": _HASH,
                        "settings": {"type": "object"},
                        "counts": {
                            "type": "array",
                            "items": _object(
                                {"kind": {"type": "string"}, "n_in": _COUNT, "n_out": _COUNT, "dropped": _COUNTS}
                            ),
                        },
                    }
                ),
            },
            "sources": {
                "type": "array",
                "items": _object(
                    {
                        "source_id": {"type": "string"},
                        "kind": {"type": "string"},
                        "license": {"type": "string"},
                        "topic": {"type": "string"},
                        "role": {"type": "string"},
                        "n_parts": _COUNT,
                        "n_refused": _COUNT,
                        "n_records": _COUNTS,
                    }
                ),
            },
            "licenses": _COUNTS,
            "asked": {
                "type": "object",
                "additionalProperties": _object({"jobs": _COUNTS, "replies": _HASH}),
            },
            "files": {
                "type": "array",
                "items": _object(
                    {
                        "path": _PATH,
                        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                        "n_bytes": _COUNT,
                        "n_rows": {"type": ["integer", "null"]},
                    }
                ),
            },
        },
        optional=("asked",),
    ),
}


@dataclass(frozen=True)
class Manifest:
    """What a version is. Fields as in `MANIFEST_SCHEMA`; there is no clock in it.

    Attributes:
        content_hash: Over the resolved configuration, every part's hash and every stage's fingerprint.
        views: view → split → `{files, n_rows}`.
        tasks: view → task → rows.
        stages: In the order in which they ran, with what each dropped and why.
        sources: What each source gave.
        licenses: Licence → published rows.
        asked: Stage → how its questions to an LLM ended, and a hash of what came of them; absent in older versions.
        files: Every file of the version except the manifest itself.
    """

    name: str
    version: str
    content_hash: str
    pedcorpus_version: str
    description: str = ""
    language: str = "zh"
    format: int = FORMAT
    views: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    tasks: dict[str, dict[str, int]] = field(default_factory=dict)
    stages: list[dict[str, Any]] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    licenses: dict[str, int] = field(default_factory=dict)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> str:
        """The file's text: sorted keys, so that equal manifests are equal bytes."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def read_manifest(version_dir: Path) -> Manifest:
    """The manifest of the version in a folder, checked against its schema.

    Raises:
        VerifyError: there is none, it is not JSON, or it is not a manifest of this format.
    """
    path = version_dir / MANIFEST
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise VerifyError([f"{version_dir}: no {MANIFEST}, so this is not a whole version. Build it again."]) from None
    except (ValueError, RecursionError) as error:
        raise VerifyError([f"{path}: not JSON ({error}). Build the version again."]) from None
    if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
        raise VerifyError([f"{path}: made by a newer PedCorpus (format {data['format']}). Upgrade, then try again."])
    errors = sorted(
        jsonschema.Draft202012Validator(MANIFEST_SCHEMA).iter_errors(data), key=lambda e: list(map(str, e.path))
    )
    if errors:
        raise VerifyError([f"{path}: {'.'.join(map(str, e.path)) or 'top level'}: {_fault(e)}" for e in errors[:20]])
    return Manifest(**data)


def _fault(error: Any) -> str:
    if error.validator == "pattern" and error.schema is _PATH:
        return f"`{error.instance[:100]}` is no path inside the version."
    return f"{error.message[:200]}."
