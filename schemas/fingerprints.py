"""Hashes that say "the same work": of values, of files, and of our own code."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CODE_SUFFIXES = {".py", ".txt", ".json", ".tsv", ".yaml"}


def fingerprint(value: Any) -> str:
    """32 hex digits of BLAKE2b over the value's canonical JSON (sorted keys, no spaces, UTF-8)."""
    data = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(data.encode("ascii"), digest_size=16).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def code_fingerprint(*packages: str) -> str:
    """A hash over every module and data file of our own `packages`.

    It is part of every cache key and of every stage fingerprint, so that work done by older code is never taken
    for today's.
    """
    digest = hashlib.blake2b(digest_size=16)
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(package)
        root = Path(next(iter(spec.submodule_search_locations)))
        for path in _code_files(root):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _code_files(root: Path) -> Iterable[Path]:
    files = (p for p in root.rglob("*") if p.suffix in _CODE_SUFFIXES and "__pycache__" not in p.parts)
    return sorted(files, key=lambda p: p.relative_to(root).as_posix())
