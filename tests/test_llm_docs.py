"""Documentation is a test: what docs/llm.md shows can be copied."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from corpus.cli import main
from pipelines.llm.settings import Endpoint, LlmSettings
from schemas.settings import load_yaml, parse
from tests.benchmarks.llm_reckoning import written

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "llm.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[yaml.safe_load(b)["llm"]["writer"]["model"] for b in BLOCKS])
def test_every_example_is_a_configuration(block: str, tmp_path: Path) -> None:
    path = tmp_path / "corpus.yaml"
    path.write_text(block, "utf-8")
    problems: list[str] = []
    assert parse(LlmSettings, load_yaml(path)["llm"], "llm", problems) is not None, problems


def test_there_is_an_example_for_every_endpoint_of_the_table() -> None:
    hosts = ("deepseek", "openai.azure.com/openai/v1", "dashscope.", "dashscope-intl", "bigmodel", "moonshot")
    hosts += ("siliconflow", "11434", "8080", "1234", "gpu-1:8000")
    assert not [host for host in hosts if host not in "".join(BLOCKS)]


def test_settings_that_the_page_explains_exist() -> None:
    table = PAGE.split("## Settings that matter")[1].split("\n## ")[0]
    known = {f.name for f in (*fields(Endpoint), *fields(LlmSettings))}
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)", row)}
    assert named
    assert named <= known


def test_every_state_and_reason_is_explained() -> None:
    from pipelines.llm import exchange

    source = Path(exchange.__file__).read_text("utf-8")
    words = re.findall(r"`(\w+)`", source.split("STATES: Final")[1].split('"""')[1])
    table = PAGE.split("## How questions end")[1].split("\n## ")[0]
    assert {"refused", "truncated", "malformed_response"} <= set(words)
    assert not [word for word in words if f"`{word}`" not in table]


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.stem)
def test_commands_that_a_page_names_exist_with_their_options(page: Path) -> None:
    wrong = []
    text = page.read_text("utf-8")
    fenced = re.findall(r"^(?:\$ |    )?(pedcorpus [a-z].*)$", text, re.MULTILINE)
    for line in [*fenced, *re.findall(r"`(pedcorpus [a-z][^`]*)`", text)]:
        words = shlex.split(re.split(r"[|;&]", line)[0], comments=True)[1:]
        command = main.commands.get(words[0])
        options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} if command else set()
        named = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help"}
        if command is None or not named <= options:
            wrong.append(line)
    assert wrong == []


def test_what_instructions_cost_follows_from_the_tokens_above_it() -> None:
    assert PAGE.count("reckoning: begin") == PAGE.count("reckoning: end") == 1
    assert written(PAGE) == PAGE, "run `python -m tests.benchmarks.llm_tokens ... --write docs/llm.md`"
