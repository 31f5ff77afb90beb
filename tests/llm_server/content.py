"""What the model says where a test does not care: the smallest thing that holds to what was asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def default_content(body: Mapping[str, Any]) -> str:
    """The smallest instance of the request's JSON schema; else a sentence that names the request by its hash."""
    asked = body.get("response_format")
    if isinstance(asked, Mapping) and asked.get("type") == "json_schema":
        schema = asked.get("json_schema", {}).get("schema", {})
        return json.dumps(instance(schema), ensure_ascii=False)
    name = hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=6).hexdigest()
    if isinstance(asked, Mapping) and asked.get("type") == "json_object":
        return json.dumps({"answer": f"回答 {name}"}, ensure_ascii=False)
    return f"这是对请求 {name} 的回答。"


def instance(schema: Mapping[str, Any]) -> Any:
    """The smallest value that a plain JSON schema takes."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return instance(schema[word][0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        known = schema.get("properties", {})
        return {name: instance(known.get(name, {})) for name in schema.get("required", list(known))}
    if kind == "array":
        return [instance(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    if kind == "boolean":
        return True
    return None if kind == "null" else "字" * max(1, schema.get("minLength", 1))


def n_tokens(value: Any) -> int:
    """A count that grows with the text: a token for each character, as if it were all Chinese."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(n_tokens(item) for item in value.values())
    return sum(n_tokens(item) for item in value) if isinstance(value, list | tuple) else 0
