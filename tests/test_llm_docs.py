"""Documentation is a test: what docs/llm.md shows can be copied."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from pipelines.llm.settings import Endpoint, LlmSettings
from schemas.settings import load_yaml, parse

PAGE = (Path(__file__).parents[1] / "docs" / "llm.md").read_text("utf-8")
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
