"""The LLM of a build: opened when the first question is asked."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from corpus.config import Config
from pipelines.llm.run import Asker, Teacher


def new_teacher(config: Config) -> Teacher:
    """Asks the endpoints of a configuration, and keeps what they say in its ledger."""

    def client() -> AbstractAsyncContextManager[Asker]:
        from pipelines.llm.client import LlmClient

        return LlmClient(config.header.llm, config.ledger)

    return Teacher(client)
