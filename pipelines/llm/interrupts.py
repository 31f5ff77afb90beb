"""Ctrl-C while an LLM is asked: what is in flight is paid for, so it may end first."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def gentle_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """While it lasts, the first Ctrl-C calls `stop` in the running loop; a second one is what it always was.

    Does nothing outside the main thread, where signals do not come.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)

    def interrupted() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
        stop()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
