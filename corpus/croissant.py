"""A version as Croissant 1.0, the JSON-LD in which data set search engines and loaders read data sets.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from corpus.card import as_mapping, view_splits
from corpus.card_text import VIEWS as VIEW_TEXTS
from schemas.views import VIEW_SCHEMAS

CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification gives: readers compare it, so every term stays."""

_PARQUET: Final = "application/x-parquet"


def croissant(manifest: Any) -> dict[str, Any]:
    """The description of a version: each Parquet file with its SHA-256, and each view with its columns."""
    data = as_mapping(manifest)
    counts = view_splits(data)
    licenses = sorted(data.get("licenses") or {})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": data["name"],
        "version": data["version"],
        "description": "A Chinese paediatric instruction corpus; every row names its source, licence and evidence.",
        "inLanguage": data.get("language") or "zh",
        "license": licenses[0] if len(licenses) == 1 else licenses,
        "identifier": data["content_hash"],
        "citeAs": f"{data['name']} {data['version']}, built by PedCorpus, content hash {data['content_hash']}",
        "isLiveDataset": False,
        "distribution": [
            *(_file_object(entry) for entry in data["files"] if _in_a_view(entry["path"], counts)),
            *map(_file_set, counts),
        ],
        "recordSet": [_record_set(view) for view in counts],
    }


def _in_a_view(path: str, counts: Mapping[str, Any]) -> bool:
    return path.endswith(".parquet") and path.startswith(tuple(f"data/{view}/" for view in counts))


def _file_object(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": entry["path"],
        "name": entry["path"],
        "contentUrl": entry["path"],
        "contentSize": f"{entry['n_bytes']} B",
        "encodingFormat": _PARQUET,
        "sha256": entry["sha256"],
    }


def _file_set(view: str) -> dict[str, Any]:
    """A view's files, by pattern: readers look for them beside the description."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{view}-files",
        "name": f"{view}-files",
        "encodingFormat": _PARQUET,
        "includes": f"data/{view}/*.parquet",
    }


def _record_set(view: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": view,
        "name": view,
        "description": VIEW_TEXTS[view],
        "key": {"@id": f"{view}/record_id"},
        "field": [_field(f"{view}/{name}", view, name, dtype) for name, dtype in VIEW_SCHEMAS[view].items()],
    }


def _field(identity: str, view: str, column: str, dtype: Any, inside: str | None = None) -> dict[str, Any]:
    """One column, or one key of a struct column (`inside` is then the key). Columns nest two deep at the most."""
    inner, repeated = (dtype.inner, True) if isinstance(dtype, pl.List) else (dtype, False)
    source: dict[str, Any] = {"fileSet": {"@id": f"{view}-files"}, "extract": {"column": column}}
    if inside is not None:
        source["transform"] = {"jsonPath": inside}
    described: dict[str, Any] = {"@type": "cr:Field", "@id": identity, "name": identity}
    if repeated:
        described["repeated"] = True
    if isinstance(inner, pl.Struct):
        described["subField"] = [
            _field(f"{identity}/{key.name}", view, column, key.dtype, inside=key.name) for key in inner.fields
        ]
        return described
    return described | {"dataType": "sc:Integer" if inner == pl.Int64 else "sc:Text", "source": source}
