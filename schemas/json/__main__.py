"""Writes the JSON Schemas of every shape beside this file: `python -m schemas.json`."""

from __future__ import annotations

import json
from pathlib import Path

from schemas.contamination import CONTAMINATION_SCHEMA
from schemas.manifest import MANIFEST_SCHEMA
from schemas.validation import json_schema, shapes


def documents() -> dict[str, str]:
    """File name to content of every schema file."""
    found = {name: json_schema(name) for name in shapes()}
    found["manifest"] = MANIFEST_SCHEMA
    found["contamination"] = CONTAMINATION_SCHEMA
    return {f"{n}.schema.json": json.dumps(s, ensure_ascii=False, indent=2) + "\n" for n, s in found.items()}


if __name__ == "__main__":
    for name, text in documents().items():
        (Path(__file__).parent / name).write_text(text, "utf-8")
