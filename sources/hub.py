"""Rows from the Hugging Face Hub, or from a folder that `datasets` saved. No code of a data set is ever run.

A remote part is one split at one commit: `hub:ORG/NAME/SPLIT` in records, and in `location`, which goes into no
hash, everything that reading needs. A local part is one split's folder, or one Parquet file of a folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import ConfigError, PartRefused
from sources.arrow_rows import rows_of
from sources.base import Part, ReadReport
from sources.rows import Row

if TYPE_CHECKING:
    from sources.table_source import TableSource

REMOTE: Final = "hub:"
_CHUNK_BYTES: Final = 1 << 20
_ROWS: Final = 1_000


def is_remote(part: Part) -> bool:
    """Whether the part lies on the Hub."""
    return part.path.startswith(REMOTE)


def hub_parts(source: TableSource) -> list[Part]:
    """One part for each split that the source names on the Hub, pinned to the commit that it resolves to now.

    Raises:
        ConfigError: the data set, the revision, the subset or the split is not there, or the Hub is not reachable.
    """
    import datasets
    from huggingface_hub import HfApi

    name, _, at = (source.hub or "").partition("@")
    revision = source.revision or at or None
    try:
        info = HfApi().dataset_info(name, revision=revision)
        commit = str(info.sha)
        subset = source.subset or "default"
        subsets = datasets.get_dataset_config_names(name, revision=commit)
        if source.subset is None and subset not in subsets:
            subset = subsets[0]
        splits = [str(s) for s in datasets.get_dataset_split_names(name, subset, revision=commit)]
    except Exception as error:  # the clients raise a dozen unrelated types; each means the same to a user
        raise ConfigError([_unreachable(source, error)]) from error
    if source.split is not None and source.split not in splits:
        found = ", ".join(splits)
        raise ConfigError([f"sources.{source.source_id}: {name} has no split '{source.split}', only {found}."])
    return [
        _remote_part(source.source_id, name, subset, split, commit) for split in splits if source.split in (None, split)
    ]


def is_dataset_folder(folder: Path) -> bool:
    """Whether `datasets.save_to_disk` wrote the folder: one split, or one folder a split."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def folder_parts(source_id: str, folder: Path, path: str) -> list[Part]:
    """One part for each split of a folder that `datasets.save_to_disk` wrote.

    Args:
        source_id: Of the source.
        folder: On this machine.
        path: The folder's relative POSIX path, as records will name it.
    """
    if (folder / "dataset_dict.json").is_file():
        splits = json.loads((folder / "dataset_dict.json").read_text("utf-8"))["splits"]
        return [_folder_part(source_id, folder / split, f"{path}/{split}") for split in splits]
    return [_folder_part(source_id, folder, path)]


def read_hub(part: Part, report: ReadReport) -> Iterator[Row]:
    """The rows of a part that `hub_parts` or `folder_parts` made.

    Raises:
        PartRefused: `hub_error` or `damaged`.
    """
    import datasets

    report.format = "datasets"
    try:
        if is_remote(part):
            at = json.loads(part.location)
            table = datasets.load_dataset(at["name"], at["subset"], split=at["split"], revision=at["commit"])
        else:
            table = datasets.load_from_disk(part.location)
        batches = table.with_format("arrow").iter(batch_size=_ROWS)
        yield from rows_of(batch for table in batches for batch in table.to_batches())
    except PartRefused:
        raise
    except Exception as error:
        reason, what = ("hub_error", "the Hub") if is_remote(part) else ("damaged", "datasets")
        raise PartRefused(reason, f"{what} says {_first_line(error)}. Try again, or get it anew.") from error


def _remote_part(source_id: str, name: str, subset: str, split: str, commit: str) -> Part:
    location = {"name": name, "subset": subset, "split": split, "commit": commit}
    digest = hashlib.sha256(json.dumps(location, sort_keys=True).encode()).hexdigest()
    inner = f"{split}" if subset == "default" else f"{subset}/{split}"
    return Part(source_id, f"{REMOTE}{name}/{inner}", json.dumps(location), digest, 0)


def _folder_part(source_id: str, folder: Path, path: str) -> Part:
    """Hashed over names and contents of the split's files."""
    digest, n_bytes = hashlib.sha256(), 0
    for file in sorted(p for p in folder.iterdir() if p.is_file()):
        content = hashlib.sha256()
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                content.update(chunk)
                n_bytes += len(chunk)
        digest.update(f"{file.name}\0{content.hexdigest()}\n".encode())
    return Part(source_id, path, str(folder), digest.hexdigest(), n_bytes)


def _unreachable(source: TableSource, error: Any) -> str:
    return (
        f"sources.{source.source_id}: the data set '{source.hub}' cannot be read from the Hub "
        f"({_first_line(error)}). Check 'hub:', 'revision:', 'subset:' and the network, or give a local 'path:'."
    )


def _first_line(error: Any) -> str:
    return f"{type(error).__name__}: " + (str(error).strip().splitlines() or [""])[0][:200]
