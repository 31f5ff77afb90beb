"""A process that asks, and writes FOLDER/replies.json when it is done.

python -m tests.pipelines.llm.asker URL FOLDER N IN_FLIGHT              asks
python -m tests.pipelines.llm.asker URL FOLDER N IN_FLIGHT --children   a child that asks for each line of input

Children have everything imported when they begin, so that twenty of them can be killed in a few seconds.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
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
    given = (sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    if "--children" not in sys.argv:
        asyncio.run(main(*given))
    else:
        for slow in ("openai", "pipelines.llm.transport"):
            importlib.import_module(slow)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        for _ in sys.stdin:
            if not (child := os.fork()):
                asyncio.run(main(*given))
                os._exit(0)
            print(child, flush=True)
