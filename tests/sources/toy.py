"""A source that does what its part says, for the tests of the child process; importable by spawned workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from schemas.errors import PartRefused
from schemas.records import DOCUMENT
from sources.base import Batch, Part, ReadReport, Source, batches


@dataclass(frozen=True)
class Toy(Source):
    """Reads lines as documents; a line that names a fault has it."""

    kind: ClassVar[str] = "toy"

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        report.format = "toy"
        lines = Path(part.location).read_text("utf-8").splitlines()
        faults = {"hang": _hang, "crash": _crash, "exit": _exit, "memory": _memory, "recursion": _recursion}
        for line in lines:
            if line in faults:
                faults[line]()
            if line == "refuse":
                raise PartRefused("toy_refusal", f"sources.{self.source_id}: {part.path} asks to be refused.")
            if line == "bug":
                raise ZeroDivisionError("a bug of ours")
        rows = (
            self.record(DOCUMENT, part, f"L{n}", line, text=line, drop_reason="read:empty" if not line else None)
            for n, line in enumerate(lines, 1)
        )
        yield from batches(DOCUMENT, rows)


def _hang() -> None:
    time.sleep(600)


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _exit() -> None:
    sys.stdout.flush()
    os._exit(7)


def _memory() -> None:
    held = []
    while True:
        held.append(bytearray(50_000_000))


def _recursion() -> None:
    _recursion()
