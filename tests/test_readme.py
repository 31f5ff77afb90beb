"""The README claims only what was run: its commands run, and print what it shows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.tour import README, commands, masked, run

ROOT = README.parent


def test_the_tour_prints_what_it_shows(tmp_path: Path) -> None:
    page = README.read_text("utf-8")
    blocks = re.findall(r"```console\n(.*?)```", page, re.S)
    shown = {
        command: output
        for block in blocks
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)
        if "activate" not in command
    }
    assert list(shown) == commands(page)
    assert len(shown) >= 6
    for command, output in shown.items():
        printed = masked(run(command, tmp_path))
        assert masked(output) == printed, f"{command}: run `python -m tests.tour`"


def test_every_link_leads_somewhere() -> None:
    for page in [README, *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_example_configuration_is_one(tmp_path: Path) -> None:
    from corpus.config import load_config

    for page in (README, ROOT / "docs" / "configuration.md"):
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.S)):
            path = tmp_path / f"{page.stem}{number}.yaml"
            path.write_text(block, "utf-8")
            assert load_config(path).sources
