"""Every call that ended, in one append-only file: what was paid for is never paid for again.

    <folder>/calls.jsonl    {"key":"<32 hex>","crc":"<8 hex>","state":"ok", …}   one line a call, JSON throughout
    <folder>/runs.jsonl     a line when a run first writes, and its report when it ends
    <folder>/lock           held by the one process that asks

A line reaches the system with one `write` before the reply is handed on, so a process that is killed loses the calls
in flight and no others; the disk is synced in the background and at the end. `crc` covers the key and all that comes
after it: a line that was damaged is as if it were not there, and counted. A last line without its end is cut off.
"""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from pipelines.llm.json_text import dump_json, load_json
from pipelines.llm.ledger_index import LedgerIndex
from pipelines.llm.wire import TeacherStopped
from schemas.errors import StoreError

CALLS, RUNS, LOCK = "calls.jsonl", "runs.jsonl", "lock"
SYNC_EVERY_S: Final = 5.0
_HEAD: Final = b'{"key":"%b","crc":"%08x",'
_KEY_AT: Final = 8
_BODY_AT: Final = 59
"""Where the key begins, and what comes after the checksum."""
_FAILED_AT: Final = slice(_BODY_AT, _BODY_AT + 15)
_FAILED: Final = b'"state":"failed'
_BLOCK_BYTES: Final = 4 << 20
_LONGEST_LINE_BYTES: Final = 256 << 20
"""What is longer is no line of ours: a file that the disk filled with zeros."""


class LedgerNotWritten(TeacherStopped):
    """A reply could not be written down, so no more are bought."""


class Ledger:
    """The calls of a folder, by key.

    Cost: 28 bytes of memory a call. Opening reads the file once, at the disk's speed.

    Attributes:
        folder: Where it is.
        n_damaged: Lines that were stepped over so far.
    """

    def __init__(self, folder: Path, *, read_only: bool = False, index: bool = True) -> None:
        """Opens the ledger; for writing, the folder is made and locked.

        Args:
            folder: Of the ledger.
            read_only: Look at it, also while another process writes.
            index: Read it for `get`; for `calls` alone there is no need.

        Raises:
            StoreError: another process asks with this ledger; or there is none to look at.
        """
        self.folder, self.n_damaged, self.read_only = folder, 0, read_only
        self._path = folder / CALLS
        self._lock = None if read_only else _locked(folder)
        self._index = LedgerIndex()
        self._torn, self._synced_at, self._syncing = False, time.monotonic(), _no_sync()
        self._threads: ThreadPoolExecutor | None = None
        if read_only and not self._path.exists():
            raise StoreError(f"{folder} holds no ledger ({CALLS}). A build that asks an LLM writes one.")
        self._fd = os.open(self._path, os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._end = self._read_index() if index or not read_only else 0
            if not read_only and self._end < os.fstat(self._fd).st_size:
                os.ftruncate(self._fd, self._end)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        """Calls that will not be asked again."""
        return len(self._index)

    def _read_index(self) -> int:
        """Puts every whole line into the index; where the last one ends."""
        end = 0
        for offset, line in _lines(self._fd):
            end = offset + len(line)
            key = _key_of(line)
            if key is None:
                self.n_damaged += 1
            elif line[_FAILED_AT] != _FAILED:
                self._index.add(key, offset, len(line))
        self._index.settle()
        return end

    def get(self, key: str) -> dict[str, Any] | None:
        """The call with that key, unless it failed or its line is damaged: then it has to be asked again."""
        place = self._index.find(bytes.fromhex(key))
        if place is None:
            return None
        call = parsed_line(os.pread(self._fd, place[1], place[0]))
        if call is None or call["key"] != key:
            self.n_damaged += 1
            return None
        return call

    def put(self, key: str, call: Mapping[str, Any]) -> None:
        """Writes a finished call down; `call` begins with its state.

        Raises:
            LedgerNotWritten: the disk is full or fails; what was there stays whole.
        """
        body = dump_json(call)[1:]
        digits = key.encode("ascii")
        line = _HEAD % (digits, zlib.crc32(body, zlib.crc32(digits))) + body + b"\n"
        try:
            if self._torn:
                os.ftruncate(self._fd, self._end)
                self._torn = False
            self._torn = True
            written = os.write(self._fd, line)
            while written < len(line):
                written += os.write(self._fd, line[written:])
            self._torn = False
        except OSError as error:
            raise LedgerNotWritten(
                f"{self._path}: cannot be written to ({error.strerror}). Make room or mend it, and run the same again."
            ) from None
        if call["state"] != "failed":
            self._index.add(bytes.fromhex(key), self._end, len(line))
        self._end += len(line)
        if time.monotonic() - self._synced_at > SYNC_EVERY_S and self._syncing.done():
            self._sync_soon()

    def _sync_soon(self) -> None:
        """Has the disk synced by a thread: the event loop does not wait for it."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="ledger-sync")
        self._synced_at = time.monotonic()
        self._syncing = self._threads.submit(os.fsync, self._fd)

    def calls(self, containing: bytes = b"") -> Iterator[dict[str, Any]]:
        """Every whole line in the order of writing, failed ones too; damaged ones are stepped over and counted.

        Args:
            containing: Only lines with these bytes in them, e.g. a key: the others need not be parsed.
        """
        self.n_damaged = 0
        for _, line in _lines(self._fd):
            if containing not in line:
                continue
            call = parsed_line(line)
            if call is None:
                self.n_damaged += 1
            else:
                yield call

    def last(self, n: int) -> list[dict[str, Any]]:
        """The calls in the last `n` places of the index, oldest first, to learn from."""
        lines = (parsed_line(os.pread(self._fd, length, offset)) for offset, length in self._index.latest(n))
        return [call for call in lines if call is not None]

    def add_run(self, line: Mapping[str, Any]) -> None:
        """Appends a line on a run."""
        with (self.folder / RUNS).open("ab") as file:
            if file.tell() and not _ends_with_newline(self.folder / RUNS):
                file.write(b"\n")
            file.write(dump_json(line) + b"\n")

    def runs(self) -> list[dict[str, Any]]:
        """The lines on runs, oldest first; those that are not whole are left out."""
        path = self.folder / RUNS
        if not path.exists():
            return []
        found = (load_json(line) for line in path.read_bytes().split(b"\n"))
        return [line for line in found if isinstance(line, dict)]

    def close(self) -> None:
        """Syncs the disk and lets go of the lock."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            try:
                if not self.read_only:
                    os.fsync(fd)
            finally:
                os.close(fd)
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def parsed_line(line: bytes) -> dict[str, Any] | None:
    """The call in a line, None where the line is not as it was written."""
    key = _key_of(line)
    if key is None or line[_BODY_AT - 10 : _BODY_AT - 2] != b"%08x" % zlib.crc32(
        line[_BODY_AT:-1], zlib.crc32(line[_KEY_AT : _KEY_AT + 32])
    ):
        return None
    call = load_json(line[:-1])
    return call if isinstance(call, dict) else None


def _key_of(line: bytes) -> bytes | None:
    """The key at its place, None where the line is none of ours."""
    if len(line) <= _BODY_AT or not line.startswith(b'{"key":"') or line[40:49] != b'","crc":"' or line[-2] != 125:
        return None
    try:
        key = bytes.fromhex(line[_KEY_AT : _KEY_AT + 32].decode("ascii"))
    except ValueError:
        return None
    return key if len(key) == 16 else None


def _lines(fd: int) -> Iterator[tuple[int, bytes]]:
    """`(offset, line)` of all whole lines up to the present end; memory stays with the longest line."""
    offset, at, held = 0, 0, b""
    while block := os.pread(fd, _BLOCK_BYTES, at):
        at += len(block)
        first = block.find(b"\n") + 1
        if not first:
            held = held + block if len(held) < _LONGEST_LINE_BYTES else held[:_BODY_AT]
            continue
        yield offset, held + block[:first]
        offset += len(held) + first
        while end := block.find(b"\n", first) + 1:
            yield offset, block[first:end]
            offset, first = offset + end - first, end
        held = block[first:]


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _locked(folder: Path) -> BinaryIO:
    """The folder's lock; the system lets go of it when the process ends, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a+b")
    except OSError as error:
        raise StoreError(
            f"{folder}: no ledger can be kept here ({error.strerror}), and what cannot be written down is not bought. "
            "Name a folder that can be written to (`llm.ledger:`), or mend that."
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read(20).decode("ascii", "replace").strip()
        file.close()
        raise StoreError(
            f"{folder}: another process{f' ({holder})' if holder else ''} is asking with this ledger. "
            "Wait for it, or use another `llm.ledger:`."
        ) from None
    except OSError as error:
        file.close()
        raise StoreError(
            f"{folder}: this file system has no locks ({error.strerror}), and two builds would buy the same replies. "
            "Put the ledger on a local disk (`llm.ledger:`)."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()).encode("ascii"))
    file.flush()
    return file


def _no_sync() -> Future[None]:
    done: Future[None] = Future()
    done.set_result(None)
    return done
