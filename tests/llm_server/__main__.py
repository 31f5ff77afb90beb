"""`python -m tests.llm_server PORT [--latency S] [--fixed]`: serves until it is interrupted."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util

from tests.llm_server.server import LlmServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--fixed", action="store_true", help="the same bytes for every request, for benchmarks")
    given = parser.parse_args()
    if importlib.util.find_spec("uvloop"):
        import uvloop

        uvloop.install()
    with contextlib.suppress(KeyboardInterrupt):
        LlmServer(port=given.port, latency_s=given.latency, fixed=given.fixed).run()


if __name__ == "__main__":
    main()
