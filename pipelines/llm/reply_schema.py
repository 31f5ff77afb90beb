"""The schema of a reply: how it is sent, how it is told, and how a value is held against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

from pipelines.llm.validity import compiled

MAX_PROBLEMS: Final = 5
"""Of a reply that are told to the model."""
_STRICT_KEYWORDS: Final = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs",
    "description", "title", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minItems", "maxItems", "format",
}  # fmt: skip
"""What strict structured output takes. Source: OpenAI, "Structured outputs: supported schemas"."""
_NAMES: Final = {
    "object": "对象", "array": "数组", "string": "字符串", "integer": "整数", "number": "数值", "boolean": "布尔值",
    "null": "null",
}  # fmt: skip


class ReplySchema:
    """A schema, prepared once.

    Attributes:
        text: As the model is shown it.
        strict: A copy that strict structured output takes; None where none can be made.
    """

    def __init__(self, name: str, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self.text = orjson.dumps(schema).decode()
        self.strict = strict_copy(schema)
        self._optional = self.strict is not None and _has_optional(schema)
        self._is_valid = compiled(schema)
        self._validator = Draft202012Validator(schema, registry=Registry())
        self._name = re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "reply"

    def response_format(self) -> dict[str, Any]:
        """For the request's body."""
        sent = {"name": self._name, "schema": self.strict or dict(self.schema), "strict": self.strict is not None}
        return {"type": "json_schema", "json_schema": sent}

    @property
    def told(self) -> str:
        """For a prompt, where the endpoint takes no schema."""
        return (
            "【输出格式】只输出一个 JSON 对象，不要输出任何解释、前言或代码块标记。"
            f"JSON 对象必须符合下面的 JSON Schema：\n{self.text}"
        )

    def problems(self, value: Any) -> list[str]:
        """What keeps a value from holding to the schema, in Chinese, with places; empty where it holds."""
        if self._is_valid is not None and self._is_valid(value):
            return []
        errors = sorted(self._validator.iter_errors(value), key=lambda e: [str(part) for part in e.absolute_path])
        return [f"`{_place(error)}`：{_said(error)}" for error in errors[:MAX_PROBLEMS]]

    def without_nulls(self, value: Any) -> Any:
        """A value as the schema means it: what the strict copy made a model say with null, is left out."""
        return _pruned(value, self.schema) if self._optional else value


def strict_copy(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema with every property required (null stands for one that is not) and none beyond them."""
    try:
        copy: dict[str, Any] = _strict(schema)
    except _NotStrict:
        return None
    return copy if copy.get("type") == "object" else None


class _NotStrict(Exception):
    """The schema means something that strict output cannot say."""


def _strict(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        raise _NotStrict
    made = {key: value for key, value in schema.items() if key in _STRICT_KEYWORDS}
    if "oneOf" in schema:
        made["anyOf"] = schema["oneOf"]
    if "allOf" in schema:
        raise _NotStrict
    if made.get("type") == "object" or "properties" in made:
        if made.get("additionalProperties", False) not in (False, True) or not made.get("properties"):
            raise _NotStrict  # a mapping from any names to values
        required = set(made.get("required", ()))
        made["properties"] = {
            name: _strict(each) if name in required else _or_null(_strict(each))
            for name, each in made["properties"].items()
        }
        made["required"], made["additionalProperties"] = list(made["properties"]), False
    if "items" in made:
        made["items"] = _strict(made["items"])
    if "anyOf" in made:
        made["anyOf"] = [_strict(each) for each in made["anyOf"]]
    if "$defs" in made:
        made["$defs"] = {name: _strict(each) for name, each in made["$defs"].items()}
    return made


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema and kind != "null":
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _has_optional(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        if set(schema.get("properties", ())) - set(schema.get("required", ())):
            return True
        return any(_has_optional(each) for each in schema.values())
    return isinstance(schema, list) and any(_has_optional(each) for each in schema)


def _pruned(value: Any, schema: Any) -> Any:
    if isinstance(value, dict) and isinstance(schema, Mapping):
        properties, required = schema.get("properties", {}), schema.get("required", ())
        return {
            name: _pruned(item, properties.get(name))
            for name, item in value.items()
            if item is not None or name in required or name not in properties or _takes_null(properties[name])
        }
    if isinstance(value, list) and isinstance(schema, Mapping):
        return [_pruned(item, schema.get("items")) for item in value]
    return value


def _takes_null(schema: Any) -> bool:
    """Whether a schema may mean null; what is not plain to see counts as a yes."""
    if not isinstance(schema, Mapping) or "$ref" in schema:
        return True
    if "anyOf" in schema:
        return any(_takes_null(each) for each in schema["anyOf"])
    if "enum" in schema:
        return None in schema["enum"]
    kinds = schema.get("type", "null")
    return "null" in kinds if isinstance(kinds, list) else bool(kinds == "null")


def _place(error: ValidationError) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return path.removeprefix(".")[:120] or "整个回答"


def _said(error: ValidationError) -> str:
    """A violation in Chinese: what was found, and what should be."""
    rule, limit, found = error.validator, error.validator_value, error.instance
    if rule == "required":
        missing = [name for name in limit if name not in found]
        return f"缺少必需的键 {'、'.join(missing[:8])}"
    if rule == "additionalProperties" and limit is False:
        known = error.schema.get("properties", {})
        return f"不应有键 {'、'.join(str(name)[:40] for name in list(found) if name not in known)[:200]}"
    if rule == "type":
        kinds = [limit] if isinstance(limit, str) else limit
        return f"应为{'或'.join(_NAMES.get(kind, kind) for kind in kinds)}，实际是 {_shown(found)}"
    if rule == "enum":
        return f"应为以下之一：{'、'.join(map(str, limit))[:300]}；实际是 {_shown(found)}"
    if rule in _LIMITS:
        return _LIMITS[rule].format(limit=limit, n=len(found) if hasattr(found, "__len__") else _shown(found))
    if rule == "pattern":
        return f"不符合格式 {limit}，实际是 {_shown(found)}"
    return f"不符合 {rule}（{_shown(limit)}），实际是 {_shown(found)}"


_LIMITS: Final = {
    "minLength": "至少要有 {limit} 个字符，实际 {n} 个",
    "maxLength": "最多 {limit} 个字符，实际 {n} 个",
    "minItems": "至少要有 {limit} 项，实际 {n} 项",
    "maxItems": "最多 {limit} 项，实际 {n} 项",
    "minimum": "不应小于 {limit}，实际是 {n}",
    "maximum": "不应大于 {limit}，实际是 {n}",
}


def _shown(value: Any) -> str:
    text = str(orjson.dumps(value, default=str).decode())
    return text if len(text) <= 60 else text[:60] + "…"
