"""Configurations that are YAML and still wrong: each problem with its place, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.config import load_config
from pipelines.drop_exact_duplicates import DropExactDuplicates
from schemas.errors import ConfigError

HEADER = "name: a\n"
SOURCE = "sources: {s: {kind: dialogue, path: x.csv}}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: versions\n" + SOURCE, "`versions` is what the store calls a folder"),
        (f"name: {'a' * 300}\n" + SOURCE, "at most 100"),
        ("name: yes\n" + SOURCE, "c.yaml.name: should be text, is true or false"),
        ("name: 2024-01-01\n" + SOURCE, "c.yaml.name: should be text, is date"),
        (HEADER + "version: 0.10\n" + SOURCE, "`0.1` is not a semantic version"),
        (HEADER + "version: 1.0.0-" + "a" * 300 + "\n" + SOURCE, "is not a semantic version"),
        (HEADER + "limits: {seconds: 0}\n" + SOURCE, "limits.seconds: 0.0 is out of bounds"),
        (HEADER + "limits: {seconds: .inf}\n" + SOURCE, "limits.seconds: inf is no number"),
        (HEADER + "limits: {memory_mb: 1}\n" + SOURCE, "limits.memory_mb: 1 is out of bounds"),
        (HEADER + "stages: {assign_splits: {test: .nan}}\n" + SOURCE, "assign_splits.test: nan is no number"),
        (HEADER + "stages: {assign_splits: {test: 0.5, validation: 0.5}}\n" + SOURCE, "nothing to train on"),
        (HEADER + "stages: [normalize]\n" + SOURCE, "stages: should be a mapping"),
        (HEADER + "sources: {}\n", "at least one source"),
        (HEADER + "sources: [a]\n", "at least one source"),
        (HEADER + "sources: {s: null}\n", "sources.s: should be a mapping"),
        (HEADER + "sources: {儿科: {kind: plain, path: x}}\n", "sources.儿科: a source's name should be"),
        (HEADER + "sources: {s: {kind: plain, path: [x, null]}}\n", r"sources.s.path\[1\]: should be text, is empty"),
        (HEADER + "sources: {s: {kind: plain, path: x, encoding: gb2313}}\n", "`gb2313` is no encoding"),
        (
            HEADER + "sources: {s: {kind: dialogue, path: x, columns: {aks: 病情}}}\n",
            "sources.s.columns.aks: no such field. Did you mean `ask`",
        ),
        (HEADER + "sources: {s: {kind: dialogue, path: x, columns: {ask: null}}}\n", "columns.ask: should be text"),
        *(
            (
                HEADER + f"llm: {{writer: {{model: m, base_url: {url!r}}}}}\n" + SOURCE,
                rf"llm\.writer: base_url: .*{says}",
            )
            for url, says in [
                ("http://127.0.0.1:99999/v1", "its host or its port cannot be"),
                ("http://me:hush@127.0.0.1:abc/v1", r"//\*\*\*@127.0.0.1:abc/v1` is no address"),
                ("http://[::1/v1", "is no address"),
                ("http://a..b/v1", "is no address"),
                (f"http://{'a' * 64}.com/v1", "is no address"),
                ("http://my host/v1", "a space or a line end"),
                ("http:///v1", "names no host"),
            ]
        ),
        *(
            (HEADER + f"llm: {{writer: {{model: m, extra: {extra}}}}}\n" + SOURCE, "holds a key, by its name")
            for extra in ("{api_key: sk-1}", "{more: {Authorization: Bearer 1}}", "{plugins: [{x-api-key: sk-1}]}")
        ),
    ],
)
def test_a_wrong_value_is_a_problem_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "c.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=says):
        load_config(tmp_path / "c.yaml")


def test_extra_may_hold_tokens_that_are_no_keys(tmp_path: Path) -> None:
    extra = "{min_tokens: 3, stop_token: '</s>', chat_template_kwargs: {thinking_token: x}, keys: [a]}"
    (tmp_path / "c.yaml").write_text(HEADER + f"llm: {{writer: {{model: m, extra: {extra}}}}}\n" + SOURCE, "utf-8")
    writer = load_config(tmp_path / "c.yaml").header.llm.writer
    assert writer is not None
    assert writer.extra["stop_token"] == "</s>"


def test_an_evaluation_set_goes_before_its_copies(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "name: a\nsources:\n"
        "  b: {kind: plain, path: x}\n  exam: {kind: distilled, path: y, role: eval}\n  a: {kind: plain, path: z}\n",
        "utf-8",
    )
    config = load_config(tmp_path / "c.yaml")
    (stage,) = (s for s in config.stages if isinstance(s, DropExactDuplicates))
    assert stage.source_order == ("exam", "b", "a")
    assert "drop_held_out" in {s.kind for s in config.stages}


def test_a_store_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    for store, expected in (("~/s", Path("/somewhere/s/a")), ("~nobody-here/s", tmp_path / "~nobody-here/s/a")):
        (tmp_path / "c.yaml").write_text(f"name: a\nstore: {store}\n{SOURCE}", "utf-8")
        assert load_config(tmp_path / "c.yaml").store == expected
