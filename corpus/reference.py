"""The reference of the configuration, out of the code that reads it.

    python -m corpus.reference > docs/configuration.md

A test holds the file against this, so that no option is undocumented and none is documented that is not there.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any, get_args, get_origin, get_type_hints

from corpus.config import Assistant, EngineConfig, Header, Views
from pipelines.llm.exchange import ROLES
from pipelines.llm.settings import Endpoint, LlmSettings
from pipelines.stages import STAGE_KINDS
from sources.isolation import Limits
from sources.kinds import SOURCE_KINDS

_HEAD = """# Configuration

One YAML file a corpus: plain data, no tags, no aliases. Paths start from the file's folder. Every problem is
reported at once, with its place and a "did you mean". `pedcorpus init DIR` writes a start; `pedcorpus plan` shows it
with every default filled in.

```yaml
name: my-corpus
version: 0.1.0
sources:
  books: {kind: textbook, path: books/*.pdf, license: "licensed by the publisher, 2026", skip: ["*-draft.pdf"]}
  talks: {kind: dialogue, path: talks.csv, license: CC-BY-4.0, columns: {ask: 病情描述, answer: 医生回复}}
  general: {kind: distilled, hub: ORG/NAME, license: Apache-2.0, topic: general}
stages:
  normalize: {simplify: true}
  drop_off_topic: false        # leave a stage out
  drop_contaminated: {benchmarks: [{path: exams/*.jsonl, columns: [question, answer]}]}
engine: {workers: 8}
```

This page is made from the code (`python -m corpus.reference`).
"""
_SECTIONS = (
    ("Top level", Header, ("llm", "assistant", "views", "engine", "limits")),
    ("`assistant:`", Assistant, ()),
    ("`views:`", Views, ()),
    ("`llm:` who is asked, and for how much (docs/llm.md)", LlmSettings, ()),
    ("`engine:`", EngineConfig, ()),
    ("`limits:` what reading one file may cost", Limits, ()),
)
_GIVEN = {"source_order", "source_id", "eval_sources", "files", "items", "models", "prompts", "assistant", "pool"}
_GIVEN |= {"leaves_middle", "triples", "drop"}
"""Fields that the program sets itself."""


def reference() -> str:
    """The whole page."""
    parts = [_HEAD]
    for title, cls, nested in _SECTIONS:
        parts.append(f"## {title}\n\n{_table(cls, skip=set(nested))}")
    parts.append("## Sources\n\n`sources:` maps a name of yours to a source; `kind:` says which of these it is.\n")
    for kind, source in SOURCE_KINDS.items():
        parts.append(f"### `{kind}`\n\n{_first_paragraph(source)}\n\n{_table(source, skip=_GIVEN)}")
    parts.append(
        "## Stages\n\n`stages:` maps a stage's name to its options, or to `false` to leave it out; "
        "`judge_unsupported` runs only where it is named. They run in this order, whatever the file's.\n"
    )
    for kind, stage in STAGE_KINDS.items():
        parts.append(f"### `{kind}`\n\n{_first_paragraph(stage)}\n\n{_table(stage, skip=_GIVEN)}")
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _table(cls: Any, skip: set[str]) -> str:
    docs = _attribute_docs(cls)
    fields = [f for f in dataclasses.fields(cls) if f.init and f.name not in skip]
    if cls.__name__ == "FillAssistant":
        return "Takes its settings from `assistant:`.\n"
    if not fields:
        return "No options.\n"
    rows = [f"| `{f.name}` | {_type(cls, f)} | {_default(f)} | {docs.get(f.name, '')} |" for f in fields]
    table = "\n".join(["| option | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"
    return table + "".join(_nested(cls, f) for f in fields)


def _nested(cls: Any, field: dataclasses.Field[Any]) -> str:
    """The table of what a list of mappings holds; nothing for other fields."""
    hint = get_type_hints(cls)[field.name]
    inner = (hint, *get_args(hint))
    of = next((each for each in inner if dataclasses.is_dataclass(each)), None)
    if of is None or (of is Endpoint and field.name != ROLES[0]):  # the roles are alike
        return ""
    name = "A role" if of is Endpoint else f"`{field.name}`" if of is hint else f"Each of `{field.name}`"
    return f"\n{name}: {_first_paragraph(of)}\n\n{_table(of, skip=set())}"


def _type(cls: Any, field: dataclasses.Field[Any]) -> str:
    if choices := field.metadata.get("choices"):
        return " \\| ".join(f"`{c}`" for c in choices)
    name = _type_name(get_type_hints(cls)[field.name])
    if Endpoint in get_args(get_type_hints(cls)[field.name]):
        name = "a role"
    low, high = field.metadata.get("min"), field.metadata.get("max")
    bounds = (
        f", {low if low is not None else ''}…{high if high is not None else ''}" if (low, high) != (None, None) else ""
    )
    return name + bounds


def _type_name(hint: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if hint in names:
        return names[hint]
    if get_origin(hint) is tuple:
        return f"list of {_type_name(get_args(hint)[0])}"
    if get_origin(hint) is not None and type(None) in get_args(hint):
        return _type_name(next(a for a in get_args(hint) if a is not type(None)))
    return "mapping"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "needed"
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    if value is None or value in ("", (), {}) or dataclasses.is_dataclass(value):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{v}`" for v in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _first_paragraph(cls: Any) -> str:
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())


def _attribute_docs(cls: Any) -> dict[str, str]:
    """Field → what its class's docstring says of it, bases first."""
    docs: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        text = inspect.cleandoc(each.__dict__.get("__doc__") or "")
        _, _, section = text.partition("Attributes:\n")
        section = re.split(r"\n(?=\S)", section)[0]
        for match in re.finditer(r"(?m)^ {4}(\w+): (.*(?:\n {6,}.*)*)", section):
            docs[match[1]] = " ".join(match[2].split()).replace("|", "\\|")
    return docs


if __name__ == "__main__":
    print(reference(), end="")
