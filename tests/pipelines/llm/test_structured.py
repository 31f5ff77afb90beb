"""From text to value: what models wrap JSON in, what is no JSON, and what is said about it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pipelines.llm.reply_schema import ReplySchema, strict_copy
from pipelines.llm.structured import MAX_DEPTH, NotJson, complaint_turns, parsed, read_reply, said
from pipelines.llm.validity import compiled
from tests.pipelines.llm.fake_backend import GOOD, SCHEMA

OURS = ReplySchema("ask", SCHEMA)
ANY = ReplySchema("any", {"type": "object"})
VALUE = json.loads(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n\n  {GOOD}\n",
        f"\ufeff{GOOD}",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}```",
        f"好的，结果如下：\n```json\n{GOOD}\n```\n希望有帮助。",
        f"好的：{GOOD}。以上。",
        f"格式为 {{问题}} 的回答：{GOOD}",
        f'先给个例子 {{"question": 1}}，再回答：{GOOD}',
        f"```json\n{{}}\n```\n```json\n{GOOD}\n```",
        json.dumps(VALUE, indent=2),
        json.dumps(VALUE, ensure_ascii=True),
    ],
)
def test_what_stands_around_an_object_does_not_matter(text: str) -> None:
    reading = read_reply(text, OURS)
    assert (reading.value, reading.reason) == (VALUE, "")


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("<think>想\n想</think>\n答", "答"),
        ("想到一半</think>\n\n答", "答"),
        ("<thinking>想</thinking>答", "答"),
        ("<think>想不完", ""),
        ("答 <think> 不在开头", "答 <think> 不在开头"),
        ("I think so", "I think so"),
        ('{"a": "</think> 是标记"}', '{"a": "</think> 是标记"}'),
        ("答", "答"),
    ],
)
def test_thoughts_in_front_are_not_what_is_said(text: str, heard: str) -> None:
    assert said(text) == heard


@pytest.mark.parametrize(
    ("text", "reason", "complaint"),
    [
        ("好的。", "malformed", "没有找到 JSON 对象"),
        ('好的：{"question": "孩子发热", "answer": "水"', "malformed", "第 1 行"),
        ('{"items": [{"question": "孩子"}, {"que', "malformed", "第 1 行"),
        ('{"question": "孩子发热", "answer": "水",}', "malformed", "第 1 行"),
        ('{"question": "孩子发热", "answer": "水"', "malformed", "第 1 行"),
        ('{"question": "孩子发热", "answer": "水", "level": NaN}', "malformed", "NaN 不是合法的 JSON 数值"),
        ('{"question": "孩子发热", "answer": "水", "level": -Infinity}', "malformed", "Infinity"),
        ('{"question": "孩子", "question": "发热", "answer": "水"}', "malformed", "“question” 出现了两次"),
        ('{"a": {"b": 1, "b": "x"}}', "malformed", "“b” 出现了两次"),
        ('{"question": "孩子发热", "answer": "水", "level": 1e999}', "malformed", "数值过大"),
        ('{"question": "孩子发热", "answer": "水", "level": ' + "9" * 30 + "}", "malformed", "数值过大"),
        ('{"question": "孩子发热", "answer": "水", "level": ' + "9" * 5_000 + "}", "malformed", "数值过"),
        ("[" * 100_000, "malformed", "没有找到"),
        ('{"a":' * 100_000, "malformed", "嵌套"),
        ('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), "malformed", "嵌套"),
        (f"[{GOOD}]", "wrong_schema", "`整个回答`：应为对象"),
        ('"文"', "wrong_schema", "应为对象"),
        ("null", "wrong_schema", "应为对象"),
        ('{"question": "问", "answer": "水"}', "wrong_schema", "`question`：至少要有 2 个字符，实际 1 个"),
        ('{"question": "孩子发热"}', "wrong_schema", "缺少必需的键 answer"),
        ('{"question": "孩子发热", "answer": 1}', "wrong_schema", "`answer`：应为字符串，实际是 1"),
        ('{"question": "孩子发热", "answer": "水", "level": true}', "wrong_schema", "`level`：应为整数，实际是 true"),
        ('{"question": "孩子发热", "answer": "水", "level": 6}', "wrong_schema", "`level`：不应大于 5，实际是 6"),
        ('{"question": "孩子发热", "answer": "水", "更多": 6}', "wrong_schema", "不应有键 更多"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, reason: str, complaint: str) -> None:
    reading = read_reply(text, OURS)
    assert (reading.value, reading.reason) == (None, reason)
    assert complaint in reading.complaint
    assert len(reading.complaint) < 1_000


@pytest.mark.parametrize(
    "text",
    [
        "{" * 1_000_000,
        '{"a' * 300_000,
        "```" * 300_000,
        '{"a": ' * 30_000 + "x",
        "<think>" * 100_000,
        '"' * 1_000_000,
        "{}" * 500_000,
        "\ud800" * 100_000,
        '{"a":"' + "\\" * 1_000_001 + '"}',
        " " * 1_000_000 + "{",
        "字" * 5_000_000,
    ],
    ids=range(11),
)
def test_hostile_texts_end_soon(text: str) -> None:
    began = time.process_time()
    assert read_reply(said(text), OURS).reason in ("malformed", "wrong_schema")
    assert time.process_time() - began < 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_every_json_value_reads_as_itself(value: Any, ascii_only: bool, indent: int | None) -> None:
    assert parsed(json.dumps(value, ensure_ascii=ascii_only, indent=indent)) == value


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    reading = read_reply(said(text), ANY)
    assert (reading.value is None) == bool(reading.reason)


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), min_size=1), st.sampled_from("abc"))
def test_a_key_given_twice_is_never_taken(value: dict[str, int], key: str) -> None:
    text = json.dumps(value)[:-1] + f', "{key}": 1}}'
    if key in value:
        with pytest.raises(NotJson):
            parsed(text)
    else:
        assert parsed(text) == {**value, key: 1}


SCHEMAS: list[dict[str, Any]] = [
    SCHEMA,
    {
        "type": "object",
        "properties": {"a": {"type": ["integer", "null"]}, "b": {"enum": ["甲", "乙"]}},
        "required": ["a"],
    },
    {"type": "array", "items": {"type": "string", "pattern": "^.热", "maxLength": 3}, "minItems": 1, "maxItems": 3},
    {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}]}}},
    {"type": "object", "properties": {"a": {"const": "x"}}, "additionalProperties": False},
    {"properties": {"a": {"type": "string"}}},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}},
    {"type": "number", "exclusiveMinimum": 0},
    {"type": "array", "prefixItems": [{"type": "string"}]},
    {"type": "string", "minLength": 2, "maxLength": 3},
    {"type": "boolean"},
    {},
]
SMALL = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 6) | st.sampled_from([0.5, 1.0, "甲", "x", "", "发热", "孩子发热"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "question", "answer", "level"]), inner, max_size=4)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_the_compiled_check_never_passes_what_the_standard_refuses(schema: dict[str, Any]) -> None:
    check, standard, ours = compiled(schema), Draft202012Validator(schema), ReplySchema("s", schema)

    @given(SMALL)
    def agrees(value: Any) -> None:
        valid = standard.is_valid(value)
        assert check is None or not check(value) or valid
        assert (not ours.problems(value)) == valid

    agrees()


def test_the_schemas_that_stages_use_are_compiled() -> None:
    assert all(compiled(schema) is not None for schema in SCHEMAS[:5])


def test_the_strict_copy_requires_everything_and_null_stands_for_what_may_be_left_out() -> None:
    strict = strict_copy(SCHEMA)
    assert strict is not None
    assert strict["required"] == ["question", "answer", "level"]
    assert strict["properties"]["level"]["type"] == ["integer", "null"]
    assert strict["additionalProperties"] is False
    assert strict_copy({"type": "object", "additionalProperties": {"type": "string"}}) is None
    assert strict_copy({"type": "array", "items": {}}) is None
    with_null = read_reply('{"question": "孩子发热", "answer": "水", "level": null}', OURS)
    assert with_null.value == {"question": "孩子发热", "answer": "水"}
    properties = {"a": {"type": ["string", "null"]}, "b": {"enum": ["x", None]}, "c": {"type": "string"}}
    mixed = ReplySchema("m", {"type": "object", "properties": {"d": {"type": "object", "properties": properties}}})
    assert read_reply('{"d": {"a": null, "b": null, "c": null}}', mixed).value == {"d": {"a": None, "b": None}}
    assert SCHEMA["required"] == ["question", "answer"], "the schema itself is not touched"


def test_the_format_that_is_sent() -> None:
    sent = ReplySchema("提问.v2 问", SCHEMA).response_format()["json_schema"]
    assert sent["name"].isascii()
    assert sent["strict"] is True
    free = ReplySchema("x", {"type": "object"}).response_format()["json_schema"]
    assert free == {"name": "x", "schema": {"type": "object"}, "strict": False}


def test_a_complaint_is_bounded_and_shows_the_schema() -> None:
    reply, asked = complaint_turns("好" * 1_000_000, "没有找到 JSON 对象。", OURS)
    assert len(reply["content"]) < 13_000
    assert OURS.text in asked["content"]
    assert len(asked["content"]) < 2_000
