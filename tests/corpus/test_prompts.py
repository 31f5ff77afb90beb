"""`pedcorpus prompts`: what would be sent, from real records, without asking anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from corpus.cli import main
from pipelines.prompts import PromptBook, our_prompts, prompt_book
from schemas.errors import ConfigError

BOOK = "# 小儿发热\n\n## 治疗\n\n推荐体温≥38.5℃时口服对乙酰氨基酚，每次15 mg/kg。\n应当多饮水，注意观察精神和尿量。\n"


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["prompts", *args])


def shown(*args: str) -> Any:
    result = run(*args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def corpus(folder: Path, text: str = BOOK, more: str = "") -> str:
    (folder / "book.md").write_text(text, "utf-8")
    (folder / "c.yaml").write_text(f"name: x\nsources:\n  book: {{kind: textbook, path: book.md}}\n{more}", "utf-8")
    return str(folder / "c.yaml")


def test_the_list_has_every_prompt_with_version_stage_and_purpose() -> None:
    rows = shown()
    assert [row["name"] for row in rows] == our_prompts()
    assert all(row["version"] == PromptBook().version(row["name"]) and row["origin"] == "ours" for row in rows)
    assert all(row["name"] in run().output and row["purpose"] for row in rows)


@pytest.mark.parametrize("name", our_prompts())
def test_every_prompt_is_shown_filled_in_from_the_sample_corpus(name: str) -> None:
    data = shown(name)
    assert data["messages"][-1]["role"] == "user"
    assert data["prompt_tokens"] > 20
    assert not data["from_sample"]  # it is the corpus that was asked for
    if data["schema"] is not None:
        assert "<材料 " in data["messages"][-1]["content"]


def test_a_record_of_the_configured_corpus_fills_it_in(tmp_path: Path) -> None:
    data = shown("role_play_passage", "--config", corpus(tmp_path))
    assert "每次15 mg/kg" in data["messages"][1]["content"]
    assert "每次15 mg/kg" in run("role_play_passage", "--config", corpus(tmp_path)).output
    assert shown("role_play_graph", "--config", corpus(tmp_path))["from_sample"]
    assert not shown("safety", "--config", corpus(tmp_path))["from_sample"]


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    result = run("role_play_passage", "--config", corpus(tmp_path, BOOK.replace("应当", "\x1b[31m应当")))
    assert result.exit_code == 0
    assert "\x1b" not in result.output


def test_copies_can_be_edited_and_take_our_place(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert len(shown("--copy", str(folder))["files"]) == len(our_prompts())
    edited = folder / "role_play_passage.md"
    assert edited.read_text("utf-8") == shown("role_play_passage", "--raw")["text"]
    edited.write_text(edited.read_text("utf-8").replace("宁缺毋滥", "宁少勿错"), "utf-8")
    config = corpus(tmp_path, more=f"llm:\n  prompts: {folder}\n")
    data = shown("role_play_passage", "--config", config)
    assert (data["origin"], "宁少勿错" in data["messages"][0]["content"]) == ("yours", True)
    assert data["version"] != PromptBook().version("role_play_passage")
    origins = {row["name"]: row["origin"] for row in shown("--config", config)}
    assert origins["role_play_passage"] == "yours"


def test_a_copy_by_another_editor(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    run("--copy", str(folder))
    edited = folder / "safety.md"
    text = edited.read_text("utf-8")
    edited.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert prompt_book(folder).version("safety") == PromptBook().version("safety")
    edited.write_bytes(text.encode("gb18030"))
    with pytest.raises(ConfigError, match=r"safety\.md is not written in UTF-8"):
        prompt_book(folder)


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "safety.md").write_text("mine", "utf-8")
    result = run("safety", "--copy", str(tmp_path))
    assert (result.exit_code, (tmp_path / "safety.md").read_text("utf-8")) == (2, "mine")
    assert "is there already" in result.output
    assert run("self_cognition", "--copy", str(tmp_path)).exit_code == 0


def test_a_wrong_name_is_told_with_a_guess() -> None:
    result = run("role_play_pasage")
    assert result.exit_code == 2
    assert "Did you mean `role_play_passage`" in result.output
    assert "Traceback" not in result.output
