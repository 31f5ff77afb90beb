"""Which documents are older versions of which: decided on their titles, issuers and years alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pipelines.superseded.issuers import bodies
from pipelines.superseded.titles import Title, code_in, read_title
from schemas.errors import ConfigError
from schemas.settings import did_you_mean


class Document(NamedTuple):
    """One document as its rows name it: a part of a source."""

    source_id: str
    part: str
    title: str
    issuer: str
    """Empty where the document gives none."""
    year: int
    """0 where the document gives none."""


@dataclass(frozen=True)
class Version:
    """The documents that hold one version: copies in other sources, or parts of a version in several files."""

    documents: tuple[Document, ...]
    year: int | None
    edition: tuple[int, ...] | None
    is_draft: bool


class Succession(NamedTuple):
    """An older version, and the newest one that takes its place."""

    older: Version
    newer: Version
    between: tuple[Version, ...] = ()
    """Those that took its place before, and have lost it."""
    is_stated: bool = False
    """Whether the user says so, and it does not rest on titles alone."""


def successions(documents: Iterable[Document], replaces: Mapping[str, str] | None = None) -> list[Succession]:
    """Every superseded version with the newest version of its document, in an order of their own.

    Args:
        documents: Each once, in any order.
        replaces: Old title → new title, for documents that were renamed.

    Raises:
        ConfigError: a title of `replaces` names no document.
    """
    read = {document: _read(document) for document in sorted(set(documents))}
    families = [_versions(family, read) for family in _families(read)]
    versions = [version for family in families for version in family]
    newer: dict[Version, set[Version]] = {
        version: {other for other in family if _is_older(version, other)} for family in families for version in family
    }
    stated = _stated(versions, read, replaces or {})
    for older, newest in stated:
        newer[older].add(newest)
        newer[newest].discard(older)
    said = {older for older, _ in stated}
    found = []
    for version in versions:
        reached = sorted(_reached(version, newer), key=_rank)
        last = [other for other in reached if not newer[other]]
        if last:
            between = tuple(other for other in reached if newer[other])
            found.append(Succession(version, last[-1], between, version in said))
    return found


def _read(document: Document) -> Title:
    """The title, with the number and the year of a standard from the file's name where the title gives none."""
    title = read_title(document.title)
    code = None if title.code or title.is_about else code_in(document.part.rsplit("/", 1)[-1])
    return title if code is None else replace(title, code=code[0], year=title.year or code[1])


def _families(read: Mapping[Document, Title]) -> list[list[Document]]:
    """Documents by what they are versions of: one number of a standard, else one name; and one issuer."""
    codes_of: dict[str, set[str]] = {}
    for title in read.values():
        if title.code and title.key:
            codes_of.setdefault(title.key, set()).add(title.code)
    by_identity: dict[tuple[str, str], list[Document]] = {}
    for document, title in read.items():
        codes = codes_of.get(title.key, set())
        code = title.code or (next(iter(codes)) if len(codes) == 1 else None)
        if code:
            identity = ("code", code)
        elif title.key:
            identity = ("name", title.key)
        else:  # a title that names nothing is nobody's older version
            identity = ("none", repr(document))
        by_identity.setdefault(identity, []).append(document)
    return [
        family
        for (what, _), same in sorted(by_identity.items())
        for family in ([same] if what == "code" else _by_issuer(same))  # numbers of standards are nobody else's
    ]


def _by_issuer(documents: Sequence[Document]) -> list[list[Document]]:
    """Documents with a body in common together; those without an issuer join where there is one issuer to join."""
    groups: list[tuple[frozenset[str], list[Document]]] = []
    unsigned = []
    for document in documents:
        signed, members = bodies(document.issuer), [document]
        if not signed:
            unsigned.append(document)
            continue
        for names, held in [group for group in groups if group[0] & signed]:
            groups.remove((names, held))
            signed, members = signed | names, held + members
        groups.append((signed, members))
    if len(groups) == 1:
        return [sorted(groups[0][1] + unsigned)]
    return [*sorted(sorted(held) for _, held in groups), *([unsigned] if unsigned else [])]


def _versions(family: Iterable[Document], read: Mapping[Document, Title]) -> list[Version]:
    same: dict[tuple[int | None, tuple[int, ...] | None, bool], list[Document]] = {}
    for document in family:
        title = read[document]
        same.setdefault((title.year or document.year or None, title.edition, title.is_draft), []).append(document)
    return [Version(tuple(held), *what) for what, held in same.items()]


def _is_older(a: Version, b: Version) -> bool:
    """Whether `b` takes the place of `a`: by the year, then by the edition, and never against the other of the two.

    A draft takes nobody's place but an older draft's, and comes before the version in force of its own year.
    """
    if b.is_draft and not a.is_draft:
        return False
    years = None if a.year is None or b.year is None else b.year - a.year
    editions = None
    if a.edition is not None and b.edition is not None:
        editions = (b.edition > a.edition) - (b.edition < a.edition)
    if years:
        return years > 0 and (editions is None or editions >= 0)
    if editions:
        return editions > 0
    return years == 0 and a.is_draft and not b.is_draft


def _stated(
    versions: Sequence[Version], read: Mapping[Document, Title], replaces: Mapping[str, str]
) -> list[tuple[Version, Version]]:
    """The pairs that the user states."""
    pairs, problems = [], []
    for old, new in replaces.items():
        named = [[v for v in versions if _is_named(v, read_title(title), read)] for title in (old, new)]
        for title, found in zip((old, new), named, strict=True):
            if not found:
                titles = {document.title for document in read}
                problems.append(f"replaces: no guideline is titled `{title}`.{did_you_mean(title, titles)}")
        pairs += [(a, b) for a in named[0] for b in named[1] if a is not b]
    if problems:
        raise ConfigError([f"stages.drop_superseded.{problem}" for problem in problems])
    return pairs


def _is_named(version: Version, wanted: Title, read: Mapping[Document, Title]) -> bool:
    """Whether the title means this version: as it is written, or every version where it names none."""
    has_version = wanted.year is not None or wanted.edition is not None
    titles = [read[document] for document in version.documents]
    return any(t.plain == wanted.plain or (not has_version and wanted.key and t.key == wanted.key) for t in titles)


def _reached(start: Version, newer: Mapping[Version, set[Version]]) -> set[Version]:
    found: set[Version] = set()
    ahead = [start]
    while ahead:
        fresh = newer[ahead.pop()] - found
        found |= fresh
        ahead += fresh
    return found - {start}


def _rank(version: Version) -> tuple[Any, ...]:
    """Of several newest versions that nothing orders, the one to point at."""
    return (version.year or 0, version.edition or (), version.documents)
