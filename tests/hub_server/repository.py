"""What the server keeps: repositories of commits, each a whole tree, and one store of large files by SHA-256."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

GITATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n*.zip filter=lfs diff=lfs merge=lfs -text\n"
"""The first commit of every repository holds it, as on the Hub: it decides which files are large."""
LARGE_BYTES = 10_000_000


class HubError(Exception):
    """An answer other than success: `code` goes into X-Error-Code, `message` to the person."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        self.status, self.message, self.code = status, message, code
        super().__init__(status, message, code)


@dataclass(frozen=True)
class Blob:
    """A file's content. In git a large file is a pointer of three lines; its bytes lie in the store."""

    content: bytes
    large: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pointer(self) -> bytes:
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.sha256}", f"size {len(self.content)}")
        return "".join(f"{line}\n" for line in lines).encode()

    @property
    def git_id(self) -> str:
        data = self.pointer if self.large else self.content
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass(frozen=True)
class Commit:
    """A tree and where it came from; the id follows from both, so equal histories have equal ids."""

    parent: str | None
    title: str
    message: str
    tree: Mapping[str, Blob]

    @property
    def oid(self) -> str:
        tree = sorted((path, blob.git_id) for path, blob in self.tree.items())
        return hashlib.sha1(json.dumps([self.parent, self.title, self.message, tree]).encode()).hexdigest()


@dataclass
class Repository:
    """One data set repository: a main branch that grows, tags that never move."""

    repo_id: str
    private: bool
    commits: dict[str, Commit] = field(default_factory=dict)
    main: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.append(Commit(None, "initial commit", "", {".gitattributes": Blob(GITATTRIBUTES, large=False)}))

    def append(self, commit: Commit) -> Commit:
        self.commits[commit.oid] = commit
        self.main = commit.oid
        return commit

    def write(self, files: Mapping[str, bytes], title: str = "Edit by hand") -> Commit:
        """A commit by somebody else, as through the web page."""
        tree = {**self.commits[self.main].tree, **{p: Blob(data, self.is_large(p, data)) for p, data in files.items()}}
        return self.append(Commit(self.main, title, "", tree))

    def at(self, revision: str) -> Commit:
        oid = {"main": self.main, **self.tags}.get(revision, revision)
        if oid not in self.commits:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Files by path, without the one that the Hub puts there itself."""
        return {path: blob.content for path, blob in self.at(revision).tree.items() if path != ".gitattributes"}

    def history(self, revision: str) -> list[Commit]:
        """Newest first."""
        commits, commit = [], self.at(revision)
        while True:
            commits.append(commit)
            if commit.parent is None:
                return commits
            commit = self.commits[commit.parent]

    def is_large(self, path: str, data: bytes | None = None, n_bytes: int = 0) -> bool:
        rules = self.commits[self.main].tree[".gitattributes"].content.decode() if self.main else ""
        patterns = [line.split()[0] for line in rules.splitlines() if "filter=lfs" in line]
        name = path.rsplit("/", 1)[-1]
        return max(n_bytes, len(data or b"")) > LARGE_BYTES or any(fnmatch.fnmatch(name, p) for p in patterns)

    def is_ignored(self, path: str, rules: str | None = None) -> bool:
        """By the rules given, or else by those of the .gitignore at the head."""
        there = self.commits[self.main].tree.get(".gitignore")
        patterns = (rules if rules is not None else there.content.decode() if there else "").split()
        return any(fnmatch.fnmatch(path, p) or fnmatch.fnmatch(path.rsplit("/", 1)[-1], p) for p in patterns)

    def tag(self, name: str, revision: str) -> None:
        if name in self.tags:
            raise HubError(409, f"Tag reference exists already: {name}")
        self.tags[name] = self.at(revision).oid
