"""Hashes that say "the same work": of values, of files, and of our own code."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import unicodedata
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CODE_SUFFIXES = {".py", ".txt", ".json", ".tsv", ".yaml"}
_LIBRARIES = (
    "datasets",
    "jieba",
    "markdown-it-py",
    "opencc",
    "orjson",
    "polars",
    "pyarrow",
    "pyoxigraph",
    "pypdfium2",
    "python-docx",
    "rapidfuzz",
    "selectolax",
)
"""What our results also come from: another release may read a PDF, or write a Parquet file, in other bytes."""


def fingerprint(value: Any) -> str:
    """32 hex digits of BLAKE2b over the value's canonical JSON (sorted keys, no spaces, UTF-8)."""
    data = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(data.encode("ascii"), digest_size=16).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def code_fingerprint(*names: str) -> str:
    """A hash over every module and data file of our own packages (or of single modules), and what they stand on.

    It is part of every cache key and of every stage fingerprint, so that work done by older code, or by other
    releases of the libraries, is never taken for today's.
    """
    digest = hashlib.blake2b(fingerprint(ground()).encode(), digest_size=16)
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name)
        root = Path(spec.origin).parent
        for path in _code_files(root) if spec.submodule_search_locations else [Path(spec.origin)]:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@functools.cache
def ground() -> dict[str, str]:
    """What decides results and is not ours: releases of libraries, Unicode's tables, zlib, whose ratio is a measure."""
    return {
        **{name: _release(name) for name in _LIBRARIES},
        "unicode": unicodedata.unidata_version,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }


def _release(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _code_files(root: Path) -> Iterable[Path]:
    files = (p for p in root.rglob("*") if p.suffix in _CODE_SUFFIXES and "__pycache__" not in p.parts)
    return sorted(files, key=lambda p: p.relative_to(root).as_posix())
