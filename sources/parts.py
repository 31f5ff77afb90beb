"""Which files a source has: patterns expanded, in an order that no locale changes, each with its hash."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from schemas.errors import ConfigError
from schemas.fingerprints import sha256_file
from schemas.settings import expanded
from sources.base import Part, Source
from sources.hub import folder_parts, is_dataset_folder

_NO_NAME: Final = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that a name must not hold: bytes that are no UTF-8 show as lone surrogates (Cs)."""


@dataclass(frozen=True)
class Refusal:
    """A file that is not read: a short reason, and the sentence for a person."""

    source_id: str
    path: str
    reason: str
    detail: str


def list_parts(source: Source, base: Path, leave_out: Sequence[Path] = ()) -> tuple[list[Part], list[Refusal]]:
    """The parts of a source under `base`, by relative path; files that cannot be opened are refusals.

    A folder that `datasets.save_to_disk` wrote is a part a split. Other folders are walked without following links
    to folders, so a loop of links ends. Names that begin with a dot are left out, as a shell would. Files that
    `skip` names are refusals with the reason `skipped`.

    Args:
        source: What to look for.
        base: Where relative patterns start from.
        leave_out: Files and folders that are ours (the store, the configuration): `path: .` does not mean them.

    Raises:
        ConfigError: a pattern matches nothing, or is none.
    """
    found: dict[str, Path] = {}
    problems = []
    parts: dict[str, Part] = {}
    refusals: dict[str, Refusal] = {}
    ours = _Ours(leave_out)
    for pattern in source.path:
        folder = _whole(pattern, base)
        try:
            if is_dataset_folder(folder):
                _add_dataset(source, folder, _relative(folder, base), parts, refusals)
                continue
            matches = _matches(pattern, base, ours)
        except (ValueError, OSError) as error:
            fault = error.strerror if isinstance(error, OSError) else error
            problems.append(f"sources.{source.source_id}.path: `{pattern}` cannot be looked up ({fault}).")
            continue
        if not matches:
            problems.append(f"sources.{source.source_id}.path: nothing matches `{pattern}` under {base}.")
        found.update({_relative(path, base): path for path in matches})
    if problems:
        raise ConfigError(problems)
    for relative in sorted(found):
        outcome = _part(source, relative, found[relative])
        if isinstance(outcome, Part):
            parts[relative] = outcome
        else:
            refusals[relative] = outcome
    return list(parts.values()), list(refusals.values())


def _add_dataset(
    source: Source, folder: Path, relative: str, parts: dict[str, Part], refusals: dict[str, Refusal]
) -> None:
    try:
        for part in folder_parts(source.source_id, folder, relative):
            parts[part.path] = part
    except (OSError, ValueError, LookupError, TypeError) as error:
        detail = f"sources.{source.source_id}: {relative} is a damaged data set ({error}). Save it anew, or skip it."
        refusals[relative] = Refusal(source.source_id, relative, "damaged", detail)


class _Ours:
    """Tells files that the program itself keeps, whichever way a pattern reaches them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = {path.resolve() for path in paths}
        self._names = {path.name for path in self._paths}

    def __contains__(self, path: Path) -> bool:
        return path.name in self._names and path.resolve() in self._paths

    def holds(self, path: Path) -> bool:
        """Whether the file is one of them, or lies in one of them."""
        return any(each in self for each in (path, *path.parents))


def _whole(pattern: str, base: Path) -> Path:
    """The path that a pattern is, if it is none with wildcards."""
    return base / expanded(pattern)


def _matches(pattern: str, base: Path, ours: _Ours) -> list[Path]:
    whole = _whole(pattern, base)
    if whole.is_dir():
        return _walk(whole, ours)
    if os.path.lexists(whole):
        return [whole]
    root = Path(whole.anchor) if Path(pattern).is_absolute() else base
    relative = os.path.relpath(whole, root) if root == base else str(whole.relative_to(root))
    matches = sorted(p for p in root.glob(relative) if not _hidden(p, root) and not ours.holds(p))
    return [file for p in matches for file in (_walk(p, ours) if p.is_dir() else [p])]


def _hidden(path: Path, root: Path) -> bool:
    return any(name.startswith(".") and name != ".." for name in path.relative_to(root).parts)


def _walk(folder: Path, ours: _Ours) -> list[Path]:
    files: list[Path] = []
    for where, folders, names in os.walk(folder, followlinks=False, onerror=_raise_unless_denied):
        here = Path(where)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and here / f not in ours)
        files.extend(here / f for f in folders if (here / f).is_symlink() or not os.access(here / f, os.R_OK | os.X_OK))
        files.extend(here / name for name in sorted(names) if not name.startswith(".") and here / name not in ours)
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

    if any(unicodedata.category(c) in _NO_NAME for c in relative):
        shown = relative.encode("unicode_escape").decode("ascii")
        return Refusal(
            source.source_id,
            shown,
            "bad_name",
            f"sources.{source.source_id}: {shown} has a name that is not UTF-8 text, or control characters in it. "
            "Rename it, e.g. with convmv.",
        )
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
