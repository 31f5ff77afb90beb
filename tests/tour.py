"""The tour of the README, run: `python -m tests.tour` writes what the commands print into the page.

A `console` block holds lines that begin with `$ ` and, below each, what it printed. The commands run in a bash of
their own, one after another in one empty folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"```console\n(.*?)```", re.S)


def commands(page: str) -> list[str]:
    """The commands of the page's console blocks, in order; leaving the environment is the reader's."""
    lines = [line for block in _BLOCK.findall(page) for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ") and "activate" not in line]


def run(command: str, folder: Path) -> str:
    """What a command prints on standard output.

    Raises:
        AssertionError: it did not exit with 0.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "COLUMNS": "100", "TERM": "dumb"}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stderr}"
    return "".join(line.rstrip() + "\n" for line in done.stdout.splitlines())


def masked(text: str) -> list[str]:
    """Lines without what may differ from run to run and from version to version: hashes, ids, numbers."""
    text = re.sub(r"\b[a-z]?[0-9a-f]{12,64}\b", "#", text)
    return [re.sub(r"[\d.]+|[█░]+|\s+", " ", line).strip() for line in text.splitlines()]


def written(page: str) -> str:
    """The page with every block's output as the commands print it now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def block(match: re.Match[str]) -> str:
            out = ""
            for line in match[1].splitlines():
                if line.startswith("$ "):
                    command = line.removeprefix("$ ")
                    out += line + "\n" + ("" if "activate" in command else run(command, folder))
            return f"```console\n{out}```"

        return _BLOCK.sub(block, page)


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
