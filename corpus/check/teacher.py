"""An LLM's word on what is held back: its settings, and the questions, many side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from corpus.check.records import Record
from corpus.check.run import line_of
from corpus.config import load_config, placed, prompts_of
from corpus.progress import Progress
from pipelines.ask.verdict import decided, verdict_job
from pipelines.check.review import Judge, Review, review
from pipelines.llm.run import Asker
from pipelines.llm.settings import LlmSettings
from pipelines.prompts import PromptBook
from schemas.errors import ConfigError
from schemas.settings import expanded, load_yaml, parse

ROLE = "judge"


@dataclass(frozen=True)
class LlmTeacher:
    """Asks the endpoints of a configuration.

    Attributes:
        settings: Who is asked.
        ledger: Folder of what was ever answered.
        prompts: Ours, or the user's.
        votes: Replies for each record, of which more than half decide.
    """

    settings: LlmSettings
    ledger: Path
    prompts: PromptBook = field(default_factory=PromptBook)
    votes: int = 1

    def client(self) -> AbstractAsyncContextManager[Asker]:
        """Asks, and keeps what is answered."""
        from pipelines.llm.client import LlmClient

        return LlmClient(self.settings, self.ledger)

    def verdicts(self, held: Iterator[tuple[int, Record]], judge: Judge, progress: Progress) -> dict[int, bytes]:
        """Number of a line → the line as it is now.

        Raises:
            TeacherStopped: nothing more can be asked for now; what was answered is in the ledger.
        """
        said: dict[int, bytes] = {}

        async def worker(client: Asker) -> None:
            for at, record in held:
                found = await self._asked(client, review(record.messages, record.evidence, judge))
                said[at] = orjson.dumps(line_of(record, found)) + b"\n"
                progress.advance()
                progress.note(client.status())

        async def run() -> None:
            async with self.client() as client:
                jobs = [asyncio.create_task(worker(client)) for _ in range(self.settings.n_jobs([ROLE]))]
                try:
                    await asyncio.gather(*jobs)
                finally:
                    for job in jobs:
                        job.cancel()

        asyncio.run(run())
        return said

    async def _asked(self, client: Asker, found: Review) -> Review:
        job = verdict_job(found, self.prompts, self.votes)
        try:
            asks = next(job)
            while True:
                asks = job.send(list(await asyncio.gather(*map(client.ask, asks))))
        except StopIteration as end:
            return decided(found, end.value)


def teacher_of(path: Path, votes: int) -> LlmTeacher:
    """The teacher of a configuration: a corpus's, or a file with nothing but `llm:`.

    Raises:
        ConfigError: with everything that is wrong with it, or nobody is there to ask.
    """
    data = load_yaml(path)
    if "sources" in data:
        config = load_config(path)
        settings, ledger = config.header.llm, config.ledger
    else:
        base, problems = (
            path.parent.resolve(),
            [f"{key}: only `llm:` is looked at here." for key in data if key != "llm"],
        )
        found = parse(LlmSettings, data.get("llm"), "llm", problems)
        if problems or found is None:
            raise ConfigError(problems)
        settings = placed(found, base)
        ledger = base / expanded(settings.ledger or "ledger")
    if settings.endpoint(ROLE) is None:
        raise ConfigError(
            [f"{path}: names nobody to ask. Write `llm: {{writer: {{model: …}}}}`, or `judge:` beside it."]
        )
    if votes % 2 == 0:
        raise ConfigError([f"--votes {votes} may end in a tie; take an odd number."])
    problems = []
    prompts = prompts_of(settings, problems)
    if problems:
        raise ConfigError(problems)
    return LlmTeacher(settings, ledger, prompts, votes)
