"""Zip containers (EPUB, DOCX) read without trusting them: every size, name and entity is checked first."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Final

from schemas.errors import PartRefused

MAX_ENTRIES: Final = 20_000
MAX_UNPACKED_BYTES: Final = 1 << 30
MAX_ENTRY_BYTES: Final = 256 << 20
MAX_RATIO: Final = 200
"""Unpacked to packed bytes. Chinese XML packs 5 to 20 times, styles of a large DOCX up to 60 times."""

_SMALL_BYTES: Final = 1 << 20  # a ratio says nothing about a file this small
_ENTITY: Final = re.compile(rb"<!ENTITY\b|<!\x00E\x00N\x00T\x00I\x00T\x00Y", re.I)


class Archive:
    """A zip whose entries can be read one by one, each bounded."""

    def __init__(self, data: bytes) -> None:
        """Opens and checks the directory; unpacks nothing.

        Raises:
            PartRefused: `malformed_archive`, `archive_bomb`, `path_traversal` or `encrypted`.
        """
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
            raise PartRefused(
                "malformed_archive", f"the zip archive cannot be opened ({error}). Save it again."
            ) from None
        self.names = [entry.filename for entry in entries]
        self._check(entries, len(data))

    def _check(self, entries: list[zipfile.ZipInfo], n_bytes: int) -> None:
        n_unpacked = sum(entry.file_size for entry in entries)
        if len(entries) > MAX_ENTRIES or n_unpacked > MAX_UNPACKED_BYTES:
            raise _bomb(f"{len(entries)} entries of {n_unpacked} bytes in all")
        if n_unpacked > _SMALL_BYTES and n_unpacked > MAX_RATIO * n_bytes:
            raise _bomb(f"{n_bytes} bytes unpack to {n_unpacked}")
        for entry in entries:
            name = entry.filename.replace("\\", "/")
            if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
                raise PartRefused(
                    "path_traversal",
                    f"the entry {entry.filename!r} points out of the archive. Do not trust this file; pack it again.",
                )
            if entry.flag_bits & 1:
                raise PartRefused("encrypted", "the archive is encrypted. Save it without a password.")

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def read(self, name: str) -> bytes:
        """The bytes of one entry.

        Raises:
            PartRefused: `archive_bomb` where it unpacks to more than `MAX_ENTRY_BYTES`, whatever the directory
                says; `malformed_archive` where it is missing or broken.
        """
        try:
            with self._zip.open(name) as entry:
                data = entry.read(MAX_ENTRY_BYTES + 1)
        except (
            KeyError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
        ) as error:
            raise PartRefused(
                "malformed_archive", f"the entry {name!r} cannot be read ({error}). Save the file again."
            ) from None
        if len(data) > MAX_ENTRY_BYTES:
            raise _bomb(f"{name!r} unpacks to more than {MAX_ENTRY_BYTES} bytes")
        return data

    def read_xml(self, name: str) -> bytes:
        """`read`, for an entry that an XML parser will see.

        Raises:
            PartRefused: as `read`, and `entity_expansion` where it declares entities: no writer of these
                formats does, and they can be made to expand without bound.
        """
        data = self.read(name)
        if _ENTITY.search(data):
            raise PartRefused(
                "entity_expansion",
                f"{name!r} declares XML entities, which no word processor writes. Save the file again.",
            )
        return data


def _bomb(found: str) -> PartRefused:
    return PartRefused("archive_bomb", f"the archive holds too much ({found}). Do not trust this file.")
