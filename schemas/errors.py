"""The exception tree. Everything that a user can cause is a `PedCorpusError`; anything else is a bug.

    PedCorpusError               exit 2, one sentence, no traceback
    ├── ConfigError              the configuration is wrong; carries every problem at once
    ├── InputError               files named on the command line will not do; carries every problem at once
    ├── PartRefused              one file cannot be read; the build lists it and goes on
    ├── StoreError               a store, a version or a record that is not there, or is in the way
    ├── VerifyError              a version does not hold what its manifest says
    ├── PushRefused              a version must not be published
    ├── PushFailed               the Hub could not be reached, or does not accept (`corpus.hub_client`)
    │   └── PushConflict         somebody else committed meanwhile
    ├── WorkerLost               a worker process died (`pipelines.engine`)
    ├── EngineUnavailable        Ray is not installed, does not start, or a node cannot work (`pipelines.engine`)
    ├── ShardNotWritten          the disk is full, or the workspace may not be written to (below)
    ├── PartChanged              a file changed between planning and reading it (`corpus.reading`)
    └── ReaderNotStarted         the process that reads files did not start (`sources.isolation`)

A message says where, what was found and what to do, in that order.
"""

from __future__ import annotations

from collections.abc import Sequence


class PedCorpusError(Exception):
    """A mistake that the user can mend. `str()` of it is the whole message for a person."""

    exit_code = 2


class ConfigError(PedCorpusError):
    """The configuration is wrong. `problems` lists every one, so that one run shows them all."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


class InputError(PedCorpusError):
    """Files named on the command line will not do. `problems` lists every one."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


class PartRefused(PedCorpusError):
    """One part of a source cannot be read: `reason` is a short token, `detail` the sentence for a person.

    Raised by a reader; the build records it in `SOURCES.jsonl` and goes on with the other parts.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(reason, detail)  # both, so that the exception survives pickling

    def __str__(self) -> str:
        return self.detail


class StoreError(PedCorpusError):
    """A store, version or record is missing, or something is in the way of writing one."""


class ShardNotWritten(PedCorpusError):
    """Rows could not be written to the workspace: no fault of what they came from, so the build stops."""

    def __init__(self, folder: str, fault: str) -> None:
        self.folder, self.fault = folder, fault
        super().__init__(folder, fault)

    def __str__(self) -> str:
        return f"{self.folder}: cannot be written to ({self.fault}). Make room or mend it, and run the same again."


class VerifyError(PedCorpusError):
    """A version does not hold what its manifest says. `problems` lists every finding."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


class PushRefused(PedCorpusError):
    """A version must not be published as it is."""
