"""The embedded teacher as a stage: what must hold for every row that it makes, whatever it is made from."""

from __future__ import annotations

import inspect
import re
from typing import Any

import polars as pl
import pytest

from pipelines.make_completions import MakeCompletions
from pipelines.make_instructions import MakeInstructions
from pipelines.teacher import (
    advice_wording,
    clause_questions,
    consultation_wording,
    consultations,
    conversation_preferences,
    conversations,
    fact_wording,
    graph_advice,
    graph_questions,
    lay_names,
    linked_wording,
    preference_wording,
    section_questions,
    section_wording,
    statute_questions,
)
from schemas.records import (
    COMPLETION,
    DIALOGUE,
    DOCUMENT,
    INSTRUCTION,
    PREFERENCE,
    SCHEMAS,
    TASKS,
    TRIPLE,
    canonical_text,
    frame_of,
)
from tests.pipelines.teacher_rows import dialogues, documents, triples

KINDS = {DOCUMENT: documents, TRIPLE: triples, DIALOGUE: dialogues}
_MODULES = (
    *(clause_questions, consultations, conversation_preferences, conversations, graph_advice, graph_questions),
    *(lay_names, section_questions, statute_questions),
    *(advice_wording, consultation_wording, fact_wording, linked_wording, preference_wording, section_wording),
)
SET_PHRASES = "".join(inspect.getsource(module) for module in _MODULES)


def _source(kind: str) -> pl.DataFrame:
    return frame_of(kind, KINDS[kind]()).sort("record_id")


def _made(kind: str, frame: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    return MakeInstructions().make(kind, _source(kind) if frame is None else frame)


def _all(made_kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(kind, row) for kind in KINDS for row in _made(kind)[made_kind].to_dicts()]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_record_yields_instructions(kind: str) -> None:
    made = _made(kind)[INSTRUCTION]
    assert made.height >= 3
    assert made.schema == pl.Schema(SCHEMAS[INSTRUCTION])


def test_rows_carry_their_source_and_say_how_they_were_made() -> None:
    sources = {row["record_id"]: row for kind in KINDS for row in _source(kind).to_dicts()}
    for _, row in _all(INSTRUCTION):
        first = sources[row["evidence"][0]["record_id"]]
        for column in ("source_id", "part", "license", "group_id", "domain"):
            assert row[column] == first[column]
        assert row["locator"]
        assert row["task"] in TASKS
        assert row["generator"]["method"] == "extractive"
        assert row["generator"]["template"]


def test_evidence_is_the_text_that_stands_there() -> None:
    sources = {row["record_id"]: (kind, row) for kind in KINDS for row in _source(kind).to_dicts()}
    for _, row in _all(INSTRUCTION) + _all(PREFERENCE):
        assert row["evidence"]
        for entry in row["evidence"]:
            kind, source = sources[entry["record_id"]]
            assert canonical_text(kind, source)[entry["start"] : entry["end"]] == entry["text"]


def _beside_a_value(letter: str) -> bool:
    """Whether a set phrase has the letter next to a place for a value, as in `把{s}`."""
    return f"{letter}{{" in SET_PHRASES or f"}}{letter}" in SET_PHRASES or letter in "或和他她"


def _unexplained(answer: str, evidence: list[dict[str, Any]]) -> list[str]:
    """Characters of an answer that lie in no pair of the evidence and in none of the teacher's set phrases."""
    text = "\n".join(entry["text"] for entry in evidence)
    known = [answer[i : i + 2] in text or answer[i : i + 2] in SET_PHRASES for i in range(len(answer) - 1)]
    known = [False, *known, False]
    return [
        letter
        for i, letter in enumerate(answer)
        if letter.isalnum() and not (known[i] or known[i + 1] or _beside_a_value(letter))
    ]


def test_an_answer_holds_nothing_but_evidence_and_set_phrases() -> None:
    for kind, row in _all(INSTRUCTION):
        known = [*row["evidence"]]
        source = {"text": " ".join(filter(None, [row["locator"]]))}
        if kind == DOCUMENT:  # the article's own title and number are named in the answer
            source = {"text": " ".join(f"{d['title']} {d['number'] or ''} {d['section_path']}" for d in documents())}
        for message in row["messages"]:
            if message["role"] == "assistant":
                left = _unexplained(message["content"], [*known, source])
                assert not left, (message["content"], left)


def test_questions_and_answers_stand_alone() -> None:
    dangling = re.compile(r"见表|如上|前款|本条|上述|本标准|附录|\{\w+\}|None|\[详细\]|\.\.\.")
    for _, row in _all(INSTRUCTION):
        roles = [m["role"] for m in row["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        for message in row["messages"]:
            assert message["content"].strip() == message["content"] != ""
            assert not dangling.search(message["content"]), message["content"]
        assert row["messages"][-1]["content"][-1] in "。！？；"


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_one_group_do_not_depend_on_the_others(kind: str) -> None:
    frame = _source(kind)
    column = MakeInstructions().group_by(kind) or "record_id"
    groups = frame[column].unique(maintain_order=True).to_list()
    apart = [frame.filter(pl.col(column).is_in(groups[i::2])) for i in (0, 1)]
    whole, halves = _made(kind, frame), [_made(kind, part) for part in apart]
    for made_kind in (INSTRUCTION, PREFERENCE):
        joined = pl.concat([half[made_kind] for half in halves]).sort("record_id")
        assert whole[made_kind].sort("record_id").equals(joined)


def test_ids_are_unique_and_questions_of_one_task_are_not_repeated() -> None:
    made = pl.concat([_made(kind)[INSTRUCTION] for kind in KINDS])
    assert made["record_id"].is_unique().all()
    asked = [(row["task"], tuple(m["content"] for m in row["messages"])) for row in made.to_dicts()]
    assert len(set(asked)) == len(asked)


def test_the_caps_hold() -> None:
    small = MakeInstructions(
        max_per_disease=1, max_advice=0, max_consultations=1, max_per_section=1, max_per_dialogue=1, max_preferences=0
    )
    for kind in KINDS:
        frame = _source(kind)
        made = small.make(kind, frame)
        column = small.group_by(kind)
        units = frame[column].n_unique() if column else frame.height
        assert made[INSTRUCTION].height <= 2 * units
        assert made[PREFERENCE].height == 0


def test_general_rows_yield_nothing_and_medical_conversations_become_general() -> None:
    for kind in KINDS:
        frame = _source(kind).with_columns(domain=pl.lit("general"))
        assert _made(kind, frame)[INSTRUCTION].height == 0
    medical = _source(DIALOGUE).with_columns(domain=pl.lit("medical"))
    assert set(_made(DIALOGUE, medical)[INSTRUCTION]["task"]) == {"general"}


def test_a_preference_prefers_the_fuller_reply_of_the_same_doctor() -> None:
    rows = _made(DIALOGUE)[PREFERENCE].to_dicts()
    assert rows
    for row in rows:
        assert row["prompt"][-1]["role"] == "user"
        assert len(row["chosen"]) > len(row["rejected"])
        assert row["rejected"].rstrip("。") in row["chosen"]


@pytest.mark.parametrize("kind", [DOCUMENT, TRIPLE])
def test_completions_name_what_they_come_from(kind: str) -> None:
    frame = _source(kind)
    made = MakeCompletions().make(kind, frame)[COMPLETION]
    assert made.height >= 1
    ids = set(frame["record_id"])
    for row in made.to_dicts():
        assert row["origin"] == kind
        assert row["derived_from"]
        assert set(row["derived_from"]) <= ids


def test_a_paragraph_names_its_disease_first_and_ends_its_sentences() -> None:
    for row in MakeCompletions().make(TRIPLE, _source(TRIPLE))[COMPLETION].to_dicts():
        first = row["text"].partition("。")[0]
        assert any(head in first for head in ("川崎病", "小儿肺炎")), row["text"]
        assert row["text"].endswith("。")
        assert not re.search(r"，。|。。|\{|\}|这时可以", row["text"])


def test_completions_of_texts_say_something_under_headings_without_numbers() -> None:
    made = {row["text"] for row in MakeCompletions().make(DOCUMENT, _source(DOCUMENT))[COMPLETION].to_dicts()}
    assert not any("母乳的储存条件和允许储存时间见表2" in text for text in made)
    (guide,) = [text for text in made if "解冻的母乳" in text]
    assert guide.startswith("《0岁～6岁儿童营养配餐指南》　0 月龄～5 月龄婴儿喂养指南　母乳喂养\n")
    (law,) = [text for text in made if "预防接种证" in text]
    assert "第四章 预防接种\n第四十五条　国家" in law


def test_two_doctors_talk_as_doctors_in_a_completion() -> None:
    instructions = pl.concat([_made(kind)[INSTRUCTION] for kind in KINDS])
    made = MakeCompletions().make(INSTRUCTION, instructions)[COMPLETION]
    templates = {row["record_id"]: row["generator"]["template"] for row in instructions.to_dicts()}
    scripts = [row for row in made.to_dicts() if "clinician" in templates[row["derived_from"][0]]]
    assert scripts
    assert not any(re.match(r"家长|家属|患者|病人", row["text"]) for row in scripts)


def test_instructions_become_completions_without_a_chat_template() -> None:
    instructions = pl.concat([_made(kind)[INSTRUCTION] for kind in KINDS])
    made = MakeCompletions().make(INSTRUCTION, instructions)[COMPLETION]
    assert made.height == instructions.height
    answers = {row["record_id"]: row["messages"][-1]["content"] for row in instructions.to_dicts()}
    for row in made.to_dicts():
        assert row["text"].endswith(answers[row["derived_from"][0]])
        assert not re.search(r"<\|?\w+\|?>|assistant|\[INST\]|###", row["text"])
    only = MakeCompletions(tasks=("evidiag",)).make(INSTRUCTION, instructions)[COMPLETION]
    assert set(only["task"]) == {"evidiag"}
