"""From what a person types for a version to its folder."""

from __future__ import annotations

from pathlib import Path

from corpus.store import Store
from schemas.errors import StoreError
from schemas.manifest import MANIFEST
from schemas.reader import Version, open_version


def corpora(store: Path) -> dict[str, Store]:
    """The corpora in a store by name; the store may also be the folder of one corpus.

    Raises:
        StoreError: there is none.
    """
    if (store / "versions").is_dir():
        return {store.resolve().name: Store(store)}
    found = {p.name: Store(p) for p in sorted(store.iterdir()) if (p / "versions").is_dir()} if store.is_dir() else {}
    if not found:
        raise StoreError(
            f"{store}: no corpus here. Make one with `pedcorpus build`, or name its folder with `--store`."
        )
    return found


def find_folder(version: str | None, store: Path) -> Path:
    """The folder of `VERSION`, `NAME/VERSION` or a path; of the current version where none is named.

    Raises:
        StoreError: there is no such version, or several corpora have one of that name.
    """
    if version and (Path(version) / MANIFEST).is_file():
        return Path(version)
    found = corpora(store)
    name, _, wanted = (version or "").rpartition("/")
    if name:
        if name not in found:
            raise StoreError(f"{store}: no corpus `{name}`. There is: {', '.join(found)}.")
        return found[name].find(wanted or None)
    holders = [s for s in found.values() if (wanted in s.versions() if wanted else s.current())]
    if len(holders) > 1:
        names = ", ".join(f"{s.root.name}/{wanted or s.current()}" for s in holders)
        raise StoreError(f"{store}: several corpora have it. Say which: {names}.")
    return (holders or list(found.values()))[0].find(wanted or None)


def find_version(version: str | None, store: Path) -> Version:
    """Like `find_folder`, opened; hashing every file is left to `verify`, so that looking answers at once."""
    return open_version(find_folder(version, store), check_hashes=False)
