"""The versioned store of one corpus.

<store>/<name>/versions/<version>/    a published version; once there, it never changes
<store>/<name>/versions/.tmp-…/       one being written
<store>/<name>/CURRENT                the name of the version published last
<store>/<name>/.CURRENT-next          the same while a version is being put in its place
<store>/<name>/work/                  work in progress (`pipelines.workspace`)
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from pathlib import Path

from pipelines.workspace import sync_tree
from schemas.errors import StoreError
from schemas.manifest import MANIFEST, Manifest, read_manifest
from schemas.reader import file_problems


class Store:
    """The versions of one corpus."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._versions = root / "versions"
        self._next = root / ".CURRENT-next"

    def versions(self) -> list[str]:
        """Names of the published versions, the oldest semantic version first."""
        if not self._versions.is_dir():
            return []
        names = [p.name for p in self._versions.iterdir() if not p.name.startswith(".") and (p / MANIFEST).exists()]
        return sorted(names, key=version_key)

    def current(self) -> str | None:
        """The version that was published last, or None; right even where the build that published it was killed."""
        for pointer in (self._next, self.root / "CURRENT"):
            try:
                name = pointer.read_text("utf-8").strip()
            except FileNotFoundError:
                continue
            if name and (pointer != self._next or (self.version_dir(name) / MANIFEST).exists()):
                return name
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
            StoreError: the name is taken by other content, or the version was altered after publishing.
        """
        folder = self.version_dir(version)
        if not folder.exists():
            return None
        if not (folder / MANIFEST).exists():
            raise StoreError(f"{folder}: in the way, and no version of ours (no {MANIFEST}). Remove the folder.")
        manifest = read_manifest(folder)
        if manifest.content_hash != content_hash:
            raise StoreError(
                f"{folder}: version {version} is published with other content (hash {manifest.content_hash[:12]}, "
                f"this has {content_hash[:12]}). Published versions never change: set `version: {self._free(version)}`."
            )
        if problems := file_problems(folder, manifest):
            raise StoreError(
                f"{folder}: version {version} has this content but was altered after publishing: {problems[0]} "
                "Remove the folder and build again; finished work is kept, so that is quick."
            )
        return manifest

    def _free(self, version: str) -> str:
        """The next patch version that is not taken."""
        while self.version_dir(version).exists():
            version = bumped(version)
        return version

    def staging(self) -> Path:
        """A new folder to write a version into."""
        folder = self._versions / f".tmp-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        return folder

    def publish(self, staged: Path, version: str) -> Path:
        """Makes a written folder the version of that name, and the current one; each by one rename.

        The pointer is written before the first rename, so that a kill between the two loses nothing: from then on
        `current` reads it, and the next build puts it in its place.
        """
        sync_tree(staged)
        final = self.version_dir(version)
        with self._next.open("w", encoding="utf-8") as pointer:
            pointer.write(version + "\n")
            pointer.flush()
            os.fsync(pointer.fileno())
        os.rename(staged, final)
        os.replace(self._next, self.root / "CURRENT")
        sync_tree(self.root, whole=False)
        sync_tree(self._versions, whole=False)
        return final

    def sweep_unfinished(self) -> None:
        """Removes versions that a killed build left half written, and puts its pointer in place or takes it away."""
        for folder in sorted(self._versions.glob(".tmp-*")):
            shutil.rmtree(folder)
        current = self.current()
        if self._next.exists():
            if current == self._next.read_text("utf-8").strip():
                os.replace(self._next, self.root / "CURRENT")
            else:
                self._next.unlink()


def version_key(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
    """The sort key of a semantic version: 0.9.0 before 0.10.0, 1.0.0-rc.2 before 1.0.0-rc.10 before 1.0.0."""
    core, _, suffix = version.partition("-")
    numbers = tuple(int(n) for n in re.findall(r"\d+", core))
    words = tuple((not w.isdecimal(), int(w) if w.isdecimal() else 0, w) for w in suffix.split("."))
    return numbers, not suffix, words


def bumped(version: str) -> str:
    """The next patch version."""
    major, minor, patch = version.partition("-")[0].split(".")
    return f"{major}.{minor}.{int(patch) + 1}"
