"""The versioned store of one corpus.

<store>/<name>/versions/<version>/    a published version; once there, it never changes
<store>/<name>/versions/.tmp-…/       one being written
<store>/<name>/CURRENT                the name of the version published last
<store>/<name>/work/                  work in progress (`pipelines.workspace`)
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from pathlib import Path

from schemas.errors import StoreError
from schemas.manifest import MANIFEST, Manifest, read_manifest


class Store:
    """The versions of one corpus."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._versions = root / "versions"

    def versions(self) -> list[str]:
        """Names of the published versions, the oldest semantic version first."""
        if not self._versions.is_dir():
            return []
        names = [p.name for p in self._versions.iterdir() if not p.name.startswith(".") and (p / MANIFEST).exists()]
        return sorted(names, key=version_key)

    def current(self) -> str | None:
        """The version that was published last, or None."""
        try:
            return (self.root / "CURRENT").read_text("utf-8").strip()
        except FileNotFoundError:
            return None

    def version_dir(self, version: str) -> Path:
        """Where a version lies."""
        return self._versions / version

    def find(self, version: str | None) -> Path:
        """The folder of a version; of the current one where none is named.

        Raises:
            StoreError: there is no such version.
        """
        name = version or self.current()
        if name is None:
            raise StoreError(f"{self.root}: no version yet. Make one with `pedcorpus build`.")
        folder = self.version_dir(name)
        if not (folder / MANIFEST).exists():
            there = ", ".join(self.versions()) or "none"
            raise StoreError(f"{self.root}: no version {name}. There is: {there}. List them with `pedcorpus versions`.")
        return folder

    def claim(self, version: str, content_hash: str) -> Manifest | None:
        """The version of that name where it has that content, None where the name is free.

        Raises:
            StoreError: the name is taken by other content.
        """
        folder = self.version_dir(version)
        if not folder.exists():
            return None
        manifest = read_manifest(folder)
        if manifest.content_hash != content_hash:
            raise StoreError(
                f"{folder}: version {version} is published with other content (hash {manifest.content_hash[:12]}, this "
                f"build has {content_hash[:12]}). Published versions never change: set `version: {bumped(version)}`."
            )
        return manifest

    def staging(self) -> Path:
        """A new folder to write a version into."""
        folder = self._versions / f".tmp-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        return folder

    def publish(self, staged: Path, version: str) -> Path:
        """Makes a written folder the version of that name, and the current one; each by one rename."""
        sync_tree(staged)
        final = self.version_dir(version)
        os.rename(staged, final)
        pointer = self.root / f".CURRENT-{uuid.uuid4().hex}"
        pointer.write_text(version + "\n", "utf-8")
        os.replace(pointer, self.root / "CURRENT")
        return final

    def sweep_unfinished(self) -> None:
        """Removes versions that a killed build left half written, and mends the pointer to the last whole one."""
        for folder in sorted(self._versions.glob(".tmp-*")):
            shutil.rmtree(folder)
        for pointer in self.root.glob(".CURRENT-*"):
            pointer.unlink()


def sync_tree(folder: Path) -> None:
    """Asks the system to put a folder's files on the disk before they are made visible by a rename."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def version_key(version: str) -> tuple[tuple[int, ...], bool, str]:
    """The sort key of a semantic version: 0.9.0 before 0.10.0, 1.0.0-rc before 1.0.0."""
    core, _, suffix = version.partition("-")
    numbers = tuple(int(n) for n in re.findall(r"\d+", core))
    return numbers, not suffix, suffix


def bumped(version: str) -> str:
    """The next patch version."""
    major, minor, patch = version.partition("-")[0].split(".")
    return f"{major}.{minor}.{int(patch) + 1}"
