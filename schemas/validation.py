"""Checks rows against their declared shape, by columns; and says the same as JSON Schema.

One table of rules makes both: the columnar check that a build runs over every row, and the files in
`schemas/json/` that other tools validate with. A test holds them against each other row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from schemas.records import SCHEMAS, SEED, SPLITS, TASKS, TOPICS
from schemas.views import VIEW_SCHEMAS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_INK: Final = r"[^\s\u0000-\u0020\u007f-\u00a0\ufeff]"
"""A character that shows. Spelt out, because what `\\s` means differs between Rust, Python and ECMAScript."""


@dataclass(frozen=True)
class Rule:
    """What a column's values must be. A column without a rule may be null and hold anything of its type."""

    required: bool = False
    choices: tuple[str, ...] | None = None
    pattern: str | None = None
    min_chars: int = 0
    min_items: int = 0
    minimum: int | None = None


_TEXT = Rule(required=True, min_chars=1)
_ID = Rule(required=True, pattern=r"^[a-z][0-9a-f]{20}$")
_RULES: Final[dict[str, Rule]] = {
    "record_id": _ID,
    "group_id": Rule(required=True, pattern=r"^[a-z][0-9a-f]{20}$"),
    "source_id": _TEXT,
    "part": _TEXT,
    "locator": _TEXT,
    "license": _TEXT,
    "topic": Rule(required=True, choices=TOPICS),
    "domain": Rule(choices=TOPICS),
    "split": Rule(choices=SPLITS),
    "drop_reason": Rule(pattern=r"^[a-z_]+:[a-z_]+$"),
    "text": _TEXT,
    "task": Rule(required=True, choices=TASKS),
    "origin": Rule(required=True, choices=("document", "triple", "instruction", "source")),
    "source_kind": Rule(required=True, choices=("textbook", "guideline", "plain", SEED)),
    "register": Rule(required=True, choices=("modern", "classical")),
    "head": _TEXT,
    "relation": _TEXT,
    "tail": _TEXT,
    "page": Rule(minimum=1),
    "char_start": Rule(minimum=0),
    "messages": Rule(required=True, min_items=2),
    "turns": Rule(required=True, min_items=1),
    "prompt": Rule(required=True, min_items=1),
    "chosen": Rule(required=True, min_chars=1, min_items=1),
    "rejected": Rule(required=True, min_chars=1, min_items=1),
    "generator": Rule(required=True),
    "evidence": Rule(required=True),
    "derived_from": Rule(required=True),
}
_MESSAGE_RULES: Final = {
    "messages": Rule(required=True, choices=("system", "user", "assistant")),
    "prompt": Rule(required=True, choices=("system", "user", "assistant")),
    "chosen": Rule(required=True, choices=("assistant",)),
    "rejected": Rule(required=True, choices=("assistant",)),
    "turns": Rule(required=True, choices=("patient", "doctor")),
}
_STRUCT_RULES: Final[dict[str, Rule]] = {
    "content": _TEXT,
    "record_id": _ID,
    "start": Rule(required=True, minimum=0),
    "end": Rule(required=True, minimum=1),
    "text": _TEXT,
    "method": Rule(required=True, choices=("extractive", "source", "llm")),
    "name": _TEXT,
    "check": _TEXT,
    "verdict": _TEXT,
}


def shapes() -> dict[str, dict[str, Any]]:
    """Every declared shape by name: the record kinds, and `view-cpt` and its like."""
    return {**SCHEMAS, **{f"view-{view}": schema for view, schema in VIEW_SCHEMAS.items()}}


@dataclass(frozen=True)
class Violation:
    """Rows that break one rule: how many, and the first of them."""

    column: str
    rule: str
    n_rows: int
    record_id: str

    def __str__(self) -> str:
        return f"{self.column} {self.rule} in {self.n_rows} rows, first {self.record_id}"


def violations(shape: str, frame: pl.DataFrame) -> list[Violation]:
    """What is wrong with the rows of `frame`, by rule; empty where they are all as `shape` declares.

    Raises:
        KeyError: there is no shape of that name.
    """
    schema = shapes()[shape]
    if dict(frame.schema) != schema:
        missing = sorted(schema.keys() - frame.schema.keys())
        wrong = sorted(c for c in schema.keys() & frame.schema.keys() if frame.schema[c] != schema[c])
        extra = sorted(frame.schema.keys() - schema.keys())
        named = [
            f"{what} {', '.join(c)}" for what, c in (("lacks", missing), ("extra", extra), ("type of", wrong)) if c
        ]
        return [Violation("columns", "; ".join(named) or "are in another order", frame.height, "")]
    checks = [(column, rule, bad) for column, dtype in schema.items() for rule, bad in _checks(shape, column, dtype)]
    if not checks or not frame.height:
        return []
    flags = frame.select(bad.fill_null(False).alias(str(i)) for i, (_, _, bad) in enumerate(checks))
    sums = flags.sum().row(0)
    found = []
    for i, (column, rule, _) in enumerate(checks):
        if sums[i]:
            first = frame["record_id"].filter(flags[str(i)])[0]
            found.append(Violation(column, rule, sums[i], str(first)))
    return found


def _rule(shape: str, column: str) -> Rule:
    rule = _RULES.get(column, Rule())
    if column == "task" and shape in ("completion", "view-cpt"):
        return Rule(choices=TASKS)
    return rule


def _checks(shape: str, column: str, dtype: Any) -> Iterator[tuple[str, pl.Expr]]:
    """`(what is wrong, the expression that finds it)` for one column."""
    rule, col = _rule(shape, column), pl.col(column)
    yield from _value_checks(rule, dtype, col)
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        for field in dtype.inner.fields:
            inner = _field_rule(column, field.name)
            element = pl.element().struct.field(field.name)
            for what, bad in _value_checks(inner, field.dtype, element):
                yield f"[].{field.name} {what}", col.list.eval(bad.fill_null(False)).list.any()
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            for what, bad in _value_checks(_field_rule(column, field.name), field.dtype, col.struct.field(field.name)):
                yield f".{field.name} {what}", bad


def _field_rule(column: str, field: str) -> Rule:
    if field == "role":
        return _MESSAGE_RULES[column]
    if column == "generator" and field == "version":
        return Rule()
    return _STRUCT_RULES.get(field, Rule())


def _value_checks(rule: Rule, dtype: Any, col: pl.Expr) -> Iterator[tuple[str, pl.Expr]]:
    if rule.required:
        yield "is null", col.is_null()
    if dtype == pl.String:
        if rule.choices:
            yield f"is not one of {', '.join(rule.choices)}", ~col.is_in(rule.choices)
        if rule.pattern:
            yield f"does not match {rule.pattern}", ~col.str.contains(rule.pattern)
        if rule.min_chars:
            yield "is blank", ~col.str.contains(_INK)
    if isinstance(dtype, pl.List) and rule.min_items:
        yield f"has fewer than {rule.min_items} items", col.list.len() < rule.min_items
    if dtype == pl.Int64 and rule.minimum is not None:
        yield f"is less than {rule.minimum}", col < rule.minimum


def json_schema(shape: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one shape: what a row is as a JSON object."""
    schema = shapes()[shape]
    return {
        "$schema": DIALECT,
        "$id": f"https://pedcorpus.invalid/schemas/{shape}.schema.json",
        "title": f"PedCorpus {shape}",
        "type": "object",
        "properties": {column: _json_column(shape, column, dtype) for column, dtype in schema.items()},
        "required": list(schema),
        "additionalProperties": False,
    }


def _json_column(shape: str, column: str, dtype: Any) -> dict[str, Any]:
    rule = _rule(shape, column)
    if isinstance(dtype, pl.List):
        array: dict[str, Any] = {"type": _nullable("array", rule)}
        if rule.min_items:
            array["minItems"] = rule.min_items
        inner = dtype.inner
        array["items"] = _json_struct(column, inner) if isinstance(inner, pl.Struct) else _json_value(Rule(), inner)
        return array
    if isinstance(dtype, pl.Struct):
        return {**_json_struct(column, dtype), "type": _nullable("object", rule)}
    return _json_value(rule, dtype)


def _json_struct(column: str, dtype: pl.Struct) -> dict[str, Any]:
    properties = {f.name: _json_value(_field_rule(column, f.name), f.dtype) for f in dtype.fields}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _json_value(rule: Rule, dtype: Any) -> dict[str, Any]:
    if dtype == pl.Int64:
        number: dict[str, Any] = {"type": _nullable("integer", rule)}
        return number if rule.minimum is None else {**number, "minimum": rule.minimum}
    if rule.choices:
        return {"enum": [*rule.choices] if rule.required else [*rule.choices, None]}
    text: dict[str, Any] = {"type": _nullable("string", rule)}
    if rule.pattern or rule.min_chars:
        text["pattern"] = rule.pattern or _INK
    if rule.pattern:
        text["not"] = {"type": "string", "pattern": r"\n"}  # some engines let `$` match before a last line break
    return text


def _nullable(name: str, rule: Rule) -> Any:
    return name if rule.required else [name, "null"]
