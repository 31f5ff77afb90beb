"""Runs the `transformers` command, in a process group that ends when standard input does.

The other end of that pipe belongs to the process that started us. When it closes the pipe, or is killed and the system
closes it, everything here goes: no orphan keeps a GPU.

python -P checkpoint_keeper.py serve MODEL …
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib.metadata import entry_points


def _end_with_the_pipe() -> None:
    while os.read(0, 1 << 12):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> None:
    """Does what the command line says, until the pipe ends."""
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    sys.argv[0] = "transformers"
    (command,) = entry_points(group="console_scripts", name="transformers")
    command.load()()


if __name__ == "__main__":
    main()
