"""Layouts are recognised by their columns, mended where misspelt, and named in the configuration where unknown."""

from __future__ import annotations

from sources.distilled import Distilled
from sources.mapping import Mapper, matches, path_of, text_of, unknown_layout


def mapper(**columns: str) -> Mapper:
    return Distilled(source_id="s", columns=columns).mapper()


def test_a_misspelt_column_is_mended_and_told() -> None:
    binding = mapper().bind({"id": "1", "question": "q", "raw_anwser": "a"})
    assert binding is not None
    assert binding.repaired == (("raw_anwser", "raw_answer"),)
    assert binding.text({"raw_anwser": " a "}, "answer") == "a"
    assert binding.unused == ("id",)


def test_a_column_that_is_merely_similar_is_not_taken() -> None:
    assert mapper().bind({"question": "q", "author": "a", "page": 1}) is None


def test_an_exact_name_goes_before_a_misspelt_one() -> None:
    binding = mapper().bind({"question": "q", "answer": "right", "answwer": "wrong"})
    assert binding is not None
    assert binding.paths["answer"] == ("answer",)
    assert binding.repaired == ()


def test_columns_of_the_configuration_open_an_unknown_layout() -> None:
    columns = {"question": "meta.问句[0]", "answer": "回应内容"}
    values = {"meta": {"问句": ["发烧怎么办"]}, "回应内容": "多喝水"}
    assert mapper().bind(values) is None
    binding = mapper(**columns).bind(values)
    assert binding is not None
    assert [binding.text(values, name) for name in ("question", "answer")] == ["发烧怎么办", "多喝水"]


def test_a_named_column_goes_before_a_recognised_one() -> None:
    binding = mapper(answer="better").bind({"question": "q", "answer": "a", "better": "b"})
    assert binding is not None
    assert binding.paths["answer"] == ("better",)


def test_the_refusal_lists_columns_and_says_what_to_write() -> None:
    refused = unknown_layout(["标题", "正文"], mapper(), "distilled")
    assert refused.reason == "unknown_layout"
    assert "标题, 正文" in str(refused)
    assert "columns: {question: 标题" in str(refused)
    refused = unknown_layout(["titel", "body"], mapper(question="title"), "distilled")
    assert refused.reason == "unknown_column"
    assert "Did you mean 'titel'" in str(refused)


def test_where_compares_as_text_and_takes_lists() -> None:
    values = {"label": "keep", "n": 3, "meta": {"lang": "zh"}, "none": None}
    assert matches(values, {"label": "keep", "n": "3"})
    assert matches(values, {"n": [1, 3], "meta.lang": "zh"})
    assert not matches(values, {"label": ["reject"]})
    assert not matches(values, {"missing": "x"})


def test_text_of_is_strict_about_what_is_text() -> None:
    values = (" a ", "nan", float("nan"), 3.0, 2.5, 7, ["a"], {"a": 1}, None)
    assert [text_of(v) for v in values] == ["a", None, None, "3", "2.5", "7", None, None, None]


def test_paths() -> None:
    assert path_of("a.b", ["a.b", "a"]) == ("a.b",)
    assert path_of("a.b[2].c", ["a"]) == ("a", "b", 2, "c")
    assert path_of("x.b", ["a"]) is None
