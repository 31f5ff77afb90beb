"""EPUB → blocks, in the order of the spine."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser

from schemas.errors import PartRefused
from sources.archives import Archive
from sources.encoding import decode
from sources.headings import tidy
from sources.html import html_blocks
from sources.sections import Block

_CONTAINER: Final = "META-INF/container.xml"
_ROOT: Final = re.compile(r"<(?:\w+:)?rootfile\b[^>]{0,2000}?\bfull-path\s*=\s*[\"']([^\"']{1,1000})[\"']")
_ITEM: Final = re.compile(r"<(?:\w+:)?(item|itemref)\b([^>]{0,4000})>")
_ATTRIBUTE: Final = re.compile(r"([\w:-]{1,60})\s*=\s*(?:\"([^\"]{0,2000})\"|'([^']{0,2000})')")
_TITLE: Final = re.compile(r"<dc:title\b[^>]{0,500}>([^<]{1,500})</dc:title>")
_PAGE_TYPES: Final = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")


def epub_blocks(data: bytes, notes: list[str]) -> tuple[str, Iterator[Block]]:
    """The title and the blocks of an EPUB, as its spine orders them.

    Raises:
        PartRefused: as `Archive` does; `malformed_epub` without a package document or a spine;
            `path_traversal` where the spine points out of the archive; `encrypted` under DRM.
    """
    archive = Archive(data)
    if "META-INF/encryption.xml" in archive and b"EncryptedData" in archive.read_xml("META-INF/encryption.xml"):
        raise PartRefused(
            "encrypted", "the book is protected (META-INF/encryption.xml). Ask its publisher for a plain copy."
        )
    package = _package(archive)
    text = decode(archive.read_xml(package))[0]
    title = _TITLE.search(text)
    pages = _spine(archive, text, posixpath.dirname(package))
    notes.append(f"{len(pages)} pages in the spine")
    return tidy(_unescaped(title[1])) if title else "", _blocks(archive, pages, notes)


def _package(archive: Archive) -> str:
    if _CONTAINER in archive and (found := _ROOT.search(decode(archive.read_xml(_CONTAINER))[0])):
        return _inside(archive, unquote(found[1]))
    raise PartRefused("malformed_epub", f"{_CONTAINER} names no package document. Convert the book again.")


def _spine(archive: Archive, package: str, folder: str) -> list[str]:
    items: dict[str, str] = {}
    order: list[str] = []
    for found in _ITEM.finditer(package):
        attributes = {name: double or single for name, double, single in _ATTRIBUTE.findall(found[2])}
        if found[1] == "itemref":
            order.append(attributes.get("idref", ""))
        elif attributes.get("media-type") in _PAGE_TYPES and "nav" not in attributes.get("properties", "").split():
            items[attributes.get("id", "")] = unquote(attributes.get("href", "").partition("#")[0])
    pages = [_inside(archive, posixpath.join(folder, items[name])) for name in order if name in items]
    if not pages:
        raise PartRefused("malformed_epub", "the spine names no page. Convert the book again.")
    return list(dict.fromkeys(pages))


def _inside(archive: Archive, name: str) -> str:
    path = posixpath.normpath(name)
    if path.startswith(("/", "../")) or path == "..":
        raise PartRefused(
            "path_traversal", f"the book refers to {name!r}, which is outside of it. Do not trust this file."
        )
    if path not in archive:
        raise PartRefused("malformed_epub", f"the book refers to {name!r}, which it does not hold. Convert it again.")
    return path


def _blocks(archive: Archive, pages: list[str], notes: list[str]) -> Iterator[Block]:
    for page in pages:
        text, _ = decode(archive.read_xml(page))
        own: list[str] = []
        yield from html_blocks(text, own)
        notes.extend(note for note in own if note not in notes)


def _unescaped(text: str) -> str:
    return LexborHTMLParser(text).text()
