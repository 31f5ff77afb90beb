"""A process that asks: `… asker URL FOLDER N IN_FLIGHT`; when it is done, FOLDER/replies.json has what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from pipelines.llm.client import LlmClient
from pipelines.llm.settings import Endpoint, LlmSettings
from tests.pipelines.llm.fake_backend import question


async def main(url: str, folder: Path, n: int, in_flight: int) -> None:
    writer = Endpoint(model="m", base_url=(url,), max_in_flight=in_flight, max_attempts=1, max_outage_s=1.0)
    async with LlmClient(LlmSettings(writer=writer), folder / "ledger") as client:
        replies = await asyncio.gather(*(client.ask(question(i)) for i in range(n)))
    found = [[reply.state, reply.reason, reply.text] for reply in replies]
    (folder / "replies.json").write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
