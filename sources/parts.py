"""Which files a source has: patterns expanded, in an order that no locale changes, each with its hash."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from schemas.errors import ConfigError
from schemas.fingerprints import sha256_file
from sources.base import Part, Source
from sources.hub import folder_parts, is_dataset_folder


@dataclass(frozen=True)
class Refusal:
    """A file that is not read: a short reason, and the sentence for a person."""

    source_id: str
    path: str
    reason: str
    detail: str


def list_parts(source: Source, base: Path) -> tuple[list[Part], list[Refusal]]:
    """The parts of a source under `base`, by relative path; files that cannot be opened are refusals.

    A folder that `datasets.save_to_disk` wrote is a part a split. Other folders are walked without following links
    to folders, so a loop of links ends. Names that begin with a dot are left out, as a shell would. Files that
    `skip` names are refusals with the reason `skipped`.

    Raises:
        ConfigError: a pattern matches nothing.
    """
    found: dict[str, Path] = {}
    problems = []
    parts: list[Part] = []
    for pattern in source.path:
        folder = base / Path(pattern).expanduser()
        if is_dataset_folder(folder):
            parts += folder_parts(source.source_id, folder, _relative(folder, base))
            continue
        matches = list(_matches(pattern, base))
        if not matches:
            problems.append(f"sources.{source.source_id}.path: nothing matches `{pattern}` under {base}.")
        found.update({_relative(path, base): path for path in matches})
    if problems:
        raise ConfigError(problems)
    refusals: list[Refusal] = []
    for relative in sorted(found):
        outcome = _part(source, relative, found[relative])
        if isinstance(outcome, Part):
            parts.append(outcome)
        else:
            refusals.append(outcome)
    return parts, refusals


def _matches(pattern: str, base: Path) -> list[Path]:
    path = Path(pattern).expanduser()
    whole = path if path.is_absolute() else base / path
    if whole.is_dir():
        return _walk(whole)
    if os.path.lexists(whole):
        return [whole]
    root = Path(path.anchor) if path.is_absolute() else base
    relative = path.relative_to(path.anchor) if path.is_absolute() else path
    if not str(relative) or relative == Path("."):
        return []
    matches = sorted(p for p in root.glob(str(relative)) if not _hidden(p, root))
    return [file for p in matches for file in (_walk(p) if p.is_dir() else [p])]


def _hidden(path: Path, root: Path) -> bool:
    return any(name.startswith(".") for name in path.relative_to(root).parts)


def _walk(folder: Path) -> list[Path]:
    files: list[Path] = []
    for where, folders, names in os.walk(folder, followlinks=False, onerror=_raise_unless_denied):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        here = Path(where)
        files.extend(here / f for f in folders if (here / f).is_symlink() or not os.access(here / f, os.R_OK | os.X_OK))
        files.extend(here / name for name in sorted(names) if not name.startswith("."))
    return files


def _raise_unless_denied(error: OSError) -> None:
    # A folder that may not be entered is listed by its own name, and refused there.
    if not isinstance(error, PermissionError):
        raise error


def _relative(path: Path, base: Path) -> str:
    """The path as it goes into records: relative to the configuration's folder where it can be."""
    return Path(os.path.relpath(path, base)).as_posix()


def _part(source: Source, relative: str, path: Path) -> Part | Refusal:
    def refused(reason: str, detail: str) -> Refusal:
        return Refusal(source.source_id, relative, reason, f"sources.{source.source_id}: {relative} {detail}")

    if any(fnmatchcase(relative, pattern) or fnmatchcase(path.name, pattern) for pattern in source.skip):
        return refused("skipped", "is named under `skip:`.")
    try:
        info = path.stat()
        if path.is_symlink() and stat.S_ISDIR(info.st_mode):
            return refused("linked_folder", "is a link to a folder. Name the folder itself in `path:` to read it.")
        if stat.S_ISDIR(info.st_mode):
            return refused("unreadable", "is a folder that may not be opened. Give read permission, or skip it.")
        if not stat.S_ISREG(info.st_mode):
            return refused("not_a_file", "is not a plain file. Take it out of `path:`.")
        return Part(source.source_id, relative, str(path), sha256_file(path), info.st_size)
    except PermissionError:
        return refused("unreadable", "may not be read. Give read permission, or list it under `skip:`.")
    except OSError as error:
        reason = "link_loop" if error.errno == errno.ELOOP else "unreadable"
        return refused(
            reason, f"cannot be opened ({os.strerror(error.errno or 0)}). Mend it, or list it under `skip:`."
        )
