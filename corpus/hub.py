"""Publishing one version on the Hugging Face Hub: one commit, one tag, and neither ever moved.

    refuse   unknown licences, a failed verify, a repository that holds something else: all problems at once
    commit   every published file in one commit on top of the head that was looked at; the Hub refuses it when
             somebody else committed meanwhile
    compare  what the Hub lists at that commit, file by file, with what lies on disk
    tag      `v<version>`, only after that

Killed anywhere, the next push finds out how far this one came: large files are there already, and a commit without
its tag is found by its title and compared. `rejected/` stays at home: it may hold text that nobody may pass on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import polars as pl
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, constants
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from corpus.card import is_unknown_license
from corpus.hub_client import Head, HubRepository, PushConflict, PushFailed, RemoteFile
from schemas.arrow import scan_rows
from schemas.errors import PushRefused, VerifyError
from schemas.manifest import Manifest, read_manifest

__all__ = ["PushConflict", "PushFailed", "PushResult", "PushedFile", "push"]

FRONT_FILES: Final = ("README.md", "LICENSES.md", "SOURCES.jsonl", "manifest.json", "croissant.json")
"""Published whether or not the manifest lists them; it cannot list itself."""
OWN_FOLDERS: Final = ("data/", "provenance/", "rejected/")
"""What lies in these on the Hub is ours: files there that the new version lacks go, or loaders would read them."""
_SHOWN = 20
"""Findings of `verify` that the refusal repeats; the rest is counted."""


@dataclass(frozen=True)
class PushedFile:
    """One file of the version as it is published, `path` relative to the version and to the repository alike."""

    path: str
    n_bytes: int


@dataclass(frozen=True)
class PushResult:
    """What a push did.

    Attributes:
        status: `pushed`; `tagged`, where the commit of an earlier push only lacked its tag; `already_pushed`;
            `dry_run`.
        commit: Id of the commit that the tag names, None in a dry run.
        files: All files of the version that are published, by path.
        deleted: Files of the version before that this commit removed.
        card: README.md as it is published.
    """

    status: str
    repo: str
    tag: str
    url: str
    commit: str | None
    files: tuple[PushedFile, ...]
    deleted: tuple[str, ...]
    card: str

    @property
    def n_bytes(self) -> int:
        return sum(file.n_bytes for file in self.files)


@dataclass(frozen=True)
class _Version:
    """A version on disk that may be published."""

    folder: Path
    manifest: Manifest
    files: tuple[PushedFile, ...]

    @property
    def tag(self) -> str:
        return f"v{self.manifest.version}"

    @property
    def title(self) -> str:
        return f"PedCorpus {self.manifest.name} {self.manifest.version}"

    @property
    def about(self) -> str:
        return f"Content hash {self.manifest.content_hash}"

    def result(self, repo: str, url: str, status: str, commit: str | None, deleted: Sequence[str] = ()) -> PushResult:
        card = self.folder / "README.md"
        text = card.read_text("utf-8") if card.is_file() else ""
        return PushResult(status, repo, self.tag, url, commit, self.files, tuple(deleted), text)


def push(
    version_dir: Path,
    repo: str,
    *,
    verify: Callable[[Path], Sequence[str]],
    dry_run: bool = False,
    private: bool = False,
    rejected: bool = False,
    token: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> PushResult:
    """The version is on the Hub under its tag, whole, and compared with the disk.

    Args:
        repo: `ORG/NAME`; made where there is none.
        verify: Problems of the version on disk, one sentence each; none means that it holds what it says.
        dry_run: Check and list everything; touch no network.
        private: Make the repository private, and refuse one that is public.
        rejected: Publish `rejected/` too.
        token: None for huggingface_hub's own lookup: `HF_TOKEN`, then `hf auth login`.
        progress: Told what happens, a line at a time. None also keeps huggingface_hub from drawing bars.

    Raises:
        PushRefused: it must not be published, or not there; every reason on a line of its own.
        PushFailed: the Hub cannot be reached, does not accept the token, or changed meanwhile.
    """
    tell = progress or (lambda line: None)
    version = _read(version_dir, rejected)
    tell(f"checking {version.manifest.name} {version.manifest.version}, {len(version.files)} files")
    if problems := [*_repo_problems(repo), *_license_problems(version), *_verify_problems(verify(version_dir))]:
        raise PushRefused("\n".join(problems))
    if dry_run:
        return version.result(repo, f"{constants.ENDPOINT}/datasets/{repo}", "dry_run", None)
    return _publish(HubRepository(repo, token, bars=progress is not None), version, private, tell)


def _read(version_dir: Path, rejected: bool) -> _Version:
    try:
        manifest = read_manifest(version_dir)
    except VerifyError as error:
        raise PushRefused(str(error)) from None
    return _Version(version_dir, manifest, tuple(_files(version_dir, manifest, rejected)))


def _files(version_dir: Path, manifest: Manifest, rejected: bool) -> Iterator[PushedFile]:
    """What the manifest lists and the front files, in order of path; a stray file in the folder stays there."""
    listed = {str(entry["path"]) for entry in manifest.files}
    present = {name for name in FRONT_FILES if (version_dir / name).is_file()}
    for path in sorted(listed | present):
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
            raise PushRefused(f"{version_dir / 'manifest.json'} lists {path!r}, outside the version. Build it again.")
        if path.startswith("rejected/") and not rejected:
            continue
        target = version_dir / path
        if not target.is_file():
            raise PushRefused(f"{target} is not there, and the manifest lists it. Build the version again.")
        yield PushedFile(path, target.stat().st_size)


def _repo_problems(repo: str) -> Iterator[str]:
    try:
        validate_repo_id(repo)
    except HFValidationError:
        yield f"{repo!r} is not a repository. Give it as ORG/NAME, in letters, digits, '-', '_' and '.'."
        return
    if repo.count("/") != 1:
        yield f"{repo!r} names no owner. Give the repository as ORG/NAME."


def _license_problems(version: _Version) -> Iterator[str]:
    """Sources without a known licence, and rows without one, which the manifest may not know of."""
    for source in version.manifest.sources:
        if is_unknown_license(source.get("license")):
            yield (
                f"Source {source['source_id']} states no known licence. "
                "Set 'license:' of the source in the configuration, and build again."
            )
    for file in version.files:
        if not file.path.endswith(".parquet"):
            continue
        try:
            frame = scan_rows(version.folder / file.path)
            if "license" not in frame.collect_schema():
                yield f"{file.path} has no column 'license', so its rows cannot be published. Build the version again."
                continue
            counts = frame.group_by("license").len().collect(engine="streaming").iter_rows()
        except (pl.exceptions.PolarsError, OSError) as error:
            yield f"{file.path} does not read as Parquet ({type(error).__name__}). Build the version again."
            continue
        if n_rows := sum(n for name, n in counts if is_unknown_license(name)):
            yield f"{file.path} has {n_rows:,} rows without a known licence. State their source's, and build again."


def _verify_problems(findings: Sequence[str]) -> Iterator[str]:
    yield from findings[:_SHOWN]
    if len(findings) > _SHOWN:
        yield f"And {len(findings) - _SHOWN:,} more findings of `pedcorpus verify`."


def _publish(hub: HubRepository, version: _Version, private: bool, tell: Callable[[str], None]) -> PushResult:
    head = _head(hub, private, tell)
    if version.tag in hub.tags():
        return _settled(hub, version)
    status, deleted = "tagged", tuple[str, ...]()
    commit = next((c for c in hub.commits_titled(version.title) if not _differences(version, hub.files(c))), None)
    if commit is None:
        status = "pushed"
        commit, deleted = _commit(hub, version, head, tell)
        if differences := _differences(version, hub.files(commit)):
            raise PushFailed(
                f"{hub.repo}: the Hub's {differences[0]} differs from the one on disk at commit {commit[:8]} "
                f"({len(differences)} such files), so it was not tagged. Look at the commit, then push again."
            )
    else:
        tell(f"found commit {commit[:8]} of an earlier push, which only lacks its tag")
    if not hub.tag(version.tag, commit, version.about):
        return _settled(hub, version)
    tell(f"tagged {version.tag}")
    return version.result(hub.repo, hub.url, status, commit, deleted)


def _head(hub: HubRepository, private: bool, tell: Callable[[str], None]) -> Head:
    """The head of the repository, which is made where there is none."""
    head = hub.head()
    if head is None:
        tell(f"creating {'private ' if private else ''}repository {hub.repo}")
        hub.create(private)
        head = hub.head()
    if head is None:
        raise PushFailed(
            f"{hub.repo} is there or was just made, but this token does not see it. "
            "Use one with write access to it, or push again in a minute."
        )
    if private and not head.private:
        raise PushRefused(f"{hub.repo} is public, and --private was given. Make it private first, or leave that out.")
    return head


def _settled(hub: HubRepository, version: _Version) -> PushResult:
    """The tag is there already: fine where it names this content, refused where it names another."""
    published = hub.manifest(version.tag) or {}
    _require_own(hub.repo, version, published)
    if published.get("content_hash") != version.manifest.content_hash:
        raise PushRefused(
            f"{hub.repo} has a tag {version.tag} already, with other content "
            f"({published.get('content_hash') or 'no manifest'}), and tags never move. Build under a new version."
        )
    return version.result(hub.repo, hub.url, "already_pushed", hub.commit_at(version.tag))


def _commit(
    hub: HubRepository, version: _Version, head: Head, tell: Callable[[str], None]
) -> tuple[str, tuple[str, ...]]:
    """One commit with all files; returns its id and what it removed."""
    remote = hub.files(head.commit)
    before = hub.manifest(head.commit) if "manifest.json" in remote else None
    deleted = _stale(hub.repo, version, remote, before)
    operations = [CommitOperationDelete(path, is_folder=False) for path in deleted]
    additions = [CommitOperationAdd(file.path, version.folder / file.path) for file in version.files]
    n_bytes = sum(file.n_bytes for file in version.files)
    tell(f"uploading {len(additions)} files, {n_bytes / 1e6:,.1f} MB, to {hub.repo}")
    commit = hub.commit([*additions, *operations], version.title, version.about, head.commit)
    tell(f"committed {commit[:8]}")
    return commit, deleted


def _stale(
    repo: str, version: _Version, remote: Mapping[str, RemoteFile], before: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """Files of the version before that this one lacks.

    Raises:
        PushRefused: the repository holds another corpus, or data that PedCorpus did not put there.
    """
    if before is None and any(path.startswith(OWN_FOLDERS) for path in remote):
        raise PushRefused(
            f"{repo} holds data that PedCorpus did not put there. Push to another repository, or empty it."
        )
    _require_own(repo, version, before or {})
    entries = (before or {}).get("files")
    listed = {entry.get("path") for entry in entries if isinstance(entry, dict)} if isinstance(entries, list) else set()
    gone = remote.keys() - {file.path for file in version.files} - {".gitattributes"}
    return tuple(sorted(path for path in gone if path in listed or path.startswith(OWN_FOLDERS)))


def _require_own(repo: str, version: _Version, published: Mapping[str, Any]) -> None:
    """One repository holds one corpus, in all its versions."""
    if published.get("name", version.manifest.name) != version.manifest.name:
        raise PushRefused(
            f"{repo} holds the corpus {published['name']!r}. Push {version.manifest.name!r} to another repository."
        )


def _differences(version: _Version, remote: Mapping[str, RemoteFile]) -> list[str]:
    """Files whose bytes on the Hub are not those on disk, or that are missing there."""
    listed = {str(entry["path"]): str(entry["sha256"]) for entry in version.manifest.files}
    return [f.path for f in version.files if not _same(version.folder, f, remote.get(f.path), listed.get(f.path))]


def _same(folder: Path, file: PushedFile, remote: RemoteFile | None, sha256: str | None) -> bool:
    if remote is None or remote.n_bytes != file.n_bytes:
        return False
    with (folder / file.path).open("rb") as stream:
        if remote.sha256 is not None:  # the manifest's was verified a moment ago
            return remote.sha256 == (sha256 or hashlib.file_digest(stream, "sha256").hexdigest())
        blob = hashlib.sha1(b"blob %d\0" % file.n_bytes, usedforsecurity=False)
        while block := stream.read(1 << 20):
            blob.update(block)
        return remote.blob_id == blob.hexdigest()
