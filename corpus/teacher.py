"""The LLM of a build: opened when the first question is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager

from corpus.config import Config
from pipelines.llm.exchange import ROLES
from pipelines.llm.run import Asker, Teacher
from pipelines.llm.wire import TeacherStopped


def doubts(config: Config, roles: Collection[str]) -> list[str]:
    """What would stop the first question to one of the roles, found out before hours of other work.

    Only doubts: where the ledger has every reply, nobody needs a key.
    """
    from pipelines.llm.connection import addresses

    async def look() -> list[str]:
        found, looked_at = [], []
        for role in (role for role in ROLES if role in roles):
            endpoint = config.header.llm.endpoint(role)
            if endpoint is None or endpoint.checkpoint or endpoint in looked_at:
                continue
            looked_at.append(endpoint)
            try:
                await addresses(role, endpoint)
            except TeacherStopped as doubt:
                found.append(str(doubt))
        return found

    return asyncio.run(look())


def new_teacher(config: Config) -> Teacher:
    """Asks the endpoints of a configuration, and keeps what they say in its ledger."""

    def client() -> AbstractAsyncContextManager[Asker]:
        from pipelines.llm.client import LlmClient

        return LlmClient(config.header.llm, config.ledger)

    return Teacher(client)
