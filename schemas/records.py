"""The records: one declared schema a kind, and the three things that every record can be asked.

A record is a row of a polars frame whose columns are `SCHEMAS[kind]`, in that order. The same shapes are
written down as JSON Schema in `schemas/json/`, so that other tools can validate what we publish.

Columns of every record:
    record_id    `make_record_id(kind, source_id, part, locator, content)`; stable across runs
    source_id    the key of the source in the configuration
    part         the file that the record comes from: relative POSIX path, or `hub:ORG/NAME/SPLIT`
    locator      where in the part, never empty: `p12`, `L381`, `row 7`, `ch3/s2`, `[4]`
    license      SPDX identifier or a short name, as the configuration states it; `unknown` where it states none
    group_id     the unit that a split never cuts: a chapter, a patient, a conversation, a disease
    topic        what the source is admitted for: `paediatric`, `medical` or `general`
    domain       what the row is about, as `drop_off_topic` judged it: the same three values; null before
    split        null until the splits are drawn; a source with `role: eval` sets `test` itself
    drop_reason  null = kept; otherwise `<stage>:<reason>`
    drop_detail  what a person needs to judge the drop (the keeper's id, the words that matched); may be null
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any, Final

import polars as pl
import pyarrow as pa

from schemas.arrow import arrow_schema

DOCUMENT, TRIPLE, DIALOGUE = "document", "triple", "dialogue"
INSTRUCTION, PREFERENCE, COMPLETION = "instruction", "preference", "completion"
QUESTION = "question"
"""No record, but counted like one: the questions of a stage to an LLM, of which some stay without an answer."""
SOURCE_KINDS: Final = (DOCUMENT, TRIPLE, DIALOGUE)
"""Record kinds that only sources make: an instruction's evidence points at one of these."""

TASKS: Final = ("medkqa", "evidiag", "trerecom", "general", "safety", "self_cognition")
PAEDIATRIC_TASKS: Final = TASKS[:3]
TOPICS: Final = ("paediatric", "medical", "general")
SEED: Final = "seed"
"""The `source_kind` of documents that are no text to learn from: hazards and topics that an LLM writes from."""
SAFETY_BEHAVIOURS: Final = ("refuse", "warn", "emergency", "correct_premise")
SPLITS: Final = ("train", "validation", "test")
VIEWS: Final = ("cpt", "sft", "dfpo", "psft", "eval")

MESSAGES: Final = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
EVIDENCE: Final = pl.List(pl.Struct({"record_id": pl.String, "start": pl.Int64, "end": pl.Int64, "text": pl.String}))
GENERATOR: Final = pl.Struct(
    {
        "method": pl.String,  # extractive | source | llm
        "name": pl.String,  # the module, data set or model that made the row
        "version": pl.String,  # of the template or prompt
        "template": pl.String,  # which question template or prompt
        "call_key": pl.String,  # of the LLM ledger; null without an LLM
    }
)
VERDICTS: Final = pl.List(pl.Struct({"check": pl.String, "verdict": pl.String}))

_COMMON: Final[dict[str, Any]] = {
    "record_id": pl.String,
    "source_id": pl.String,
    "part": pl.String,
    "locator": pl.String,
    "license": pl.String,
    "group_id": pl.String,
    "topic": pl.String,
    "domain": pl.String,
    "split": pl.String,
    "drop_reason": pl.String,
    "drop_detail": pl.String,
}

SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    DOCUMENT: {
        **_COMMON,
        "title": pl.String,  # of the book or guideline
        "section_path": pl.List(pl.String),  # headings from the outermost to this section's own
        "text": pl.String,
        "original_text": pl.String,  # before traditional-to-simplified; null where nothing was converted
        "char_start": pl.Int64,  # span in the decoded file, in characters; null where a format has none
        "char_end": pl.Int64,
        "page": pl.Int64,  # 1-based; null where a format has no pages
        "source_kind": pl.String,  # textbook | guideline | plain | seed
        "register": pl.String,  # modern | classical
        "number": pl.String,  # of the article or recommendation: 第十条, 4.2.1, 推荐意见3
        "issuer": pl.String,
        "year": pl.Int64,
        "grade": pl.String,  # grade of evidence or recommendation, as written
    },
    TRIPLE: {
        **_COMMON,
        "head": pl.String,
        "head_type": pl.String,
        "relation": pl.String,
        "tail": pl.String,
        "tail_type": pl.String,
    },
    DIALOGUE: {
        **_COMMON,
        "turns": MESSAGES,  # role: patient | doctor
        "title": pl.String,
        "department": pl.String,
        "age": pl.String,  # as tagged; may be the asker's own
        "diagnosis": pl.String,  # a label that the source gives
    },
    INSTRUCTION: {
        **_COMMON,
        "task": pl.String,
        "aspect": pl.String,  # what is asked: symptom, treatment, diet …; null where unknown
        "department": pl.String,
        "messages": MESSAGES,  # role: system | user | assistant; ends with assistant
        "evidence": EVIDENCE,
        "generator": GENERATOR,
        "verdicts": VERDICTS,
    },
    PREFERENCE: {
        **_COMMON,
        "task": pl.String,
        "prompt": MESSAGES,  # ends with user
        "chosen": pl.String,
        "rejected": pl.String,
        "evidence": EVIDENCE,
        "generator": GENERATOR,
    },
    COMPLETION: {
        **_COMMON,
        "text": pl.String,
        "origin": pl.String,  # document | triple | instruction | source
        "task": pl.String,  # of the instruction it was rewritten from; null otherwise
        "derived_from": pl.List(pl.String),  # record ids
    },
}

ROLE_NAMES: Final = {"patient": "患者", "doctor": "医生"}


def make_record_id(kind: str, *content: str) -> str:
    """The identity of a record: its kind's initial and 20 hex digits of BLAKE2b over the `content` fields.

    Fields are length-prefixed, so `("ab", "c")` and `("a", "bc")` differ. 80 bits: with 10^9 records the
    probability of any collision is below 5e-7.
    """
    digest = hashlib.blake2b(digest_size=10)
    for field in (kind, *content):
        data = field.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return f"{kind[0]}{digest.hexdigest()}"


def frame_of(kind: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as a frame with exactly `SCHEMAS[kind]`; keys that a row leaves out are null.

    Raises:
        ValueError: a row has a key that the schema does not name (a bug of the caller).
    """
    schema = SCHEMAS[kind]
    if unknown := set().union(*rows) - schema.keys():
        raise ValueError(f"{kind} has no column {sorted(unknown)}")
    types = _arrow_types(kind)
    columns = []
    for name, dtype in schema.items():
        values = [row.get(name) for row in rows]
        if isinstance(dtype, pl.List | pl.Struct):  # through Arrow: twenty times as fast for nested values
            columns.append(pl.Series(name, pl.from_arrow(pa.array(values, type=types.field(name).type)), dtype=dtype))
        else:
            columns.append(pl.Series(name, values, dtype=dtype, strict=True))
    return pl.DataFrame(columns)


@functools.cache
def _arrow_types(kind: str) -> pa.Schema:
    return arrow_schema(SCHEMAS[kind], large=True)


def canonical_text(kind: str, row: dict[str, Any]) -> str:
    """The one text of a source record: what an evidence span counts its characters in.

    A document's is its `text`; a triple's `head｜relation｜tail`; a dialogue's its turns, a line each, as
    `患者：…` and `医生：…`.
    """
    if kind == DOCUMENT:
        return str(row["text"])
    if kind == TRIPLE:
        return "｜".join((row["head"], row["relation"], row["tail"]))
    if kind == DIALOGUE:
        return "\n".join(f"{ROLE_NAMES[t['role']]}：{t['content']}" for t in row["turns"])
    raise ValueError(f"{kind} is not evidence")


def turn_spans(turns: list[dict[str, str]]) -> list[tuple[int, int]]:
    """Where each turn's content lies in the dialogue's `canonical_text`: `(start, end)` in characters."""
    spans, at = [], 0
    for turn in turns:
        start = at + len(ROLE_NAMES[turn["role"]]) + 1
        spans.append((start, start + len(turn["content"])))
        at = spans[-1][1] + 1
    return spans


def span(kind: str, row: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    """One evidence entry: the characters `start:end` of the record's `canonical_text`."""
    text = canonical_text(kind, row)
    if not 0 <= start < end <= len(text):
        raise ValueError(f"span {start}:{end} outside {row['record_id']} of {len(text)} characters")
    return {"record_id": row["record_id"], "start": start, "end": end, "text": text[start:end]}
