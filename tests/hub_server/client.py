"""A child process that runs the real clients, one job a line of JSON on standard input.

huggingface_hub reads its endpoint and its folders when it is imported, so the clients need a process whose
environment was right from the start. Every job has an optional `env`, which holds for that job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass
class ClientFailed(Exception):
    """A job ended in an exception: its type's name, its message, and the traceback that a person would see."""

    kind: str
    message: str
    trace: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}\n{self.trace}"


@dataclass
class Client:
    """The parent's end.

    Attributes:
        variables: What goes into the child's environment last.
        printed: All lines that the child wrote to standard error so far.
    """

    endpoint: str
    home: Path
    token: str | None
    variables: dict[str, str] = field(default_factory=dict)
    printed: deque[str] = field(default_factory=deque)

    def __enter__(self) -> Client:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        env |= {"HF_HOME": str(self.home), "HF_ENDPOINT": self.endpoint, "HF_HUB_DISABLE_XET": "1"}
        env |= {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "NO_PROXY": "*"}
        env |= {"HF_TOKEN": self.token} if self.token is not None else {}
        env |= self.variables
        command = [sys.executable, "-m", "tests.hub_server.client"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=env, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self._reader = threading.Thread(target=self._keep_printed, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        if self.process.poll() is None:
            self.process.stdin.close()
        self.process.wait(timeout=30)
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def do(self, job: str, /, *, env: dict[str, str | None] | None = None, **arguments: Any) -> Any:
        """The job's result.

        Raises:
            ClientFailed: it ended in an exception.
            EOFError: the process is gone.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"job": job, "env": env or {}, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise EOFError("the client process is gone")
        reply = json.loads(line)
        if "failed" in reply:
            raise ClientFailed(**reply["failed"])
        return reply["result"]

    def _keep_printed(self) -> None:
        assert self.process.stderr is not None
        self.printed.extend(iter(self.process.stderr.readline, ""))


def _push(version: str, repo: str, findings: list[str] | None = None, **options: Any) -> dict[str, Any]:
    from corpus.hub import push

    told: list[str] = []
    result = push(Path(version), repo, verify=lambda folder: findings or [], progress=told.append, **options)
    return {**vars(result), "files": [vars(file) for file in result.files], "n_bytes": result.n_bytes, "told": told}


def _command(*arguments: str) -> dict[str, Any]:
    """The `pedcorpus` command with these arguments: its exit code and what it prints."""
    from click.testing import CliRunner

    from corpus.cli import main

    done = CliRunner().invoke(main, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return {"exit": done.exit_code, "out": done.stdout, "err": done.stderr}


def _load(repo: str, view: str, split: str, revision: str | None = None) -> dict[str, Any]:
    from datasets import load_dataset

    loaded = load_dataset(repo, view, split=split, revision=revision)
    return {"columns": loaded.column_names, "rows": list(loaded)}


def _splits(repo: str, view: str, revision: str | None = None) -> dict[str, int]:
    from datasets import load_dataset

    return {split: rows.num_rows for split, rows in load_dataset(repo, view, revision=revision).items()}


def _download(repo: str, revision: str) -> str:
    from huggingface_hub import snapshot_download

    return str(snapshot_download(repo, repo_type="dataset", revision=revision))


def _run(code: str, folder: str) -> None:
    """The code as a reader of the card would run it, in the folder."""
    os.chdir(folder)
    try:
        exec(compile(code, "card", "exec"), {"__name__": "card"})
    finally:
        os.chdir(ROOT)


_JOBS: dict[str, Callable[..., Any]] = {
    "push": _push,
    "command": lambda words: _command(*words),
    "load": _load,
    "splits": _splits,
    "download": _download,
    "run": _run,
}


@contextmanager
def _environment(changes: dict[str, str | None]) -> Iterator[None]:
    before = dict(os.environ)
    for name, value in changes.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _serve() -> None:
    # Replies have the real standard output to themselves: whatever libraries print goes to standard error.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with replies:
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                with _environment(asked["env"]):
                    reply = {"result": _JOBS[asked["job"]](**asked["arguments"])}
            except Exception as error:
                told = {"kind": type(error).__name__, "message": str(error), "trace": traceback.format_exc()}
                reply = {"failed": told}
            replies.write(json.dumps(reply, default=str) + "\n")
            replies.flush()


if __name__ == "__main__":
    _serve()
