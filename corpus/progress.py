"""How far long work is, for those who watch."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

PLAIN_EVERY_S = 20.0


class Progress(Protocol):
    """Is told how far work is."""

    def begin(self, step: str, n_tasks: int) -> None: ...

    def advance(self, n: int = 1) -> None: ...

    def note(self, text: str) -> None: ...

    def say(self, text: str) -> None: ...


class Silent:
    """Progress for nobody."""

    def begin(self, step: str, n_tasks: int) -> None:
        """A step with that many tasks begins."""

    def advance(self, n: int = 1) -> None:
        """So many tasks are done."""

    def note(self, text: str) -> None:
        """A line about what is going on."""

    def say(self, text: str) -> None:
        """A line to keep in sight."""


class Shown:
    """A bar a step on standard error; nothing where `enabled` is false or nobody watches."""

    def __init__(self, enabled: bool) -> None:
        stderr = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}[/dim]"),
            console=stderr,
            disable=not (enabled and stderr.is_terminal),
        )
        self._plain = enabled and not stderr.is_terminal
        self._tasks: dict[str, Any] = {}
        self._current = ""
        self._noted = time.monotonic()

    def __enter__(self) -> Shown:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def begin(self, step: str, n_tasks: int) -> None:
        """A step with that many tasks begins; a step that begins again has more to do."""
        if step in self._tasks:
            total = (self._bars.tasks[self._tasks[step]].total or 0) + n_tasks
            self._bars.update(self._tasks[step], total=total)
        else:
            self._tasks[step] = self._bars.add_task(step, total=n_tasks, note="")
            if self._plain:
                Console(stderr=True).print(f"{step} …", highlight=False)
        self._current = step

    def advance(self, n: int = 1) -> None:
        """So many tasks of the current step are done."""
        self._bars.advance(self._tasks[self._current], n)

    def note(self, text: str) -> None:
        """Shown beside the bar of the current step; where nobody watches, a line now and then."""
        self._bars.update(self._tasks[self._current], note=text)
        if self._plain and time.monotonic() - self._noted >= PLAIN_EVERY_S:
            self._noted = time.monotonic()
            Console(stderr=True).print(f"{self._current}: {text}", highlight=False, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Printed above the bars, or as a line of its own."""
        if self._plain:
            Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)
        else:
            self._bars.console.print(text, highlight=False, markup=False, soft_wrap=True)
