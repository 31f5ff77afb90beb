"""Records: identities, canonical texts and the spans that count in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import DIALOGUE, SCHEMAS, canonical_text, frame_of, make_record_id, span, turn_spans


def test_ids_tell_fields_apart() -> None:
    assert make_record_id("document", "ab", "c") != make_record_id("document", "a", "bc")
    assert make_record_id("document", "a") != make_record_id("dialogue", "a")
    assert make_record_id("triple", "热", "\ud800").startswith("t")


def test_ids_are_the_same_for_ever() -> None:
    # Published versions refer to each other by these: a change of the function would orphan every one.
    assert make_record_id("instruction", "source", "part", "L1", "儿童发热") == "i065c6103da9d3d47b681"


turns = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["patient", "doctor"]), "content": st.text(min_size=1, max_size=30)}
    ),
    min_size=1,
    max_size=6,
)


@given(turns)
def test_turn_spans_cut_the_turns_out_of_the_canonical_text(turns: list[dict[str, str]]) -> None:
    text = canonical_text(DIALOGUE, {"turns": turns})
    assert [text[a:b] for a, b in turn_spans(turns)] == [t["content"] for t in turns]


def test_a_span_outside_its_record_is_a_bug() -> None:
    row = {"record_id": "d1", "text": "发热三天"}
    assert span("document", row, 0, 2)["text"] == "发热"
    for start, end in ((0, 5), (2, 2), (-1, 2)):
        with pytest.raises(ValueError, match="outside"):
            span("document", row, start, end)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_frames_have_exactly_the_declared_columns(kind: str) -> None:
    frame = frame_of(kind, [{"record_id": "x"}])
    assert dict(frame.schema) == SCHEMAS[kind]
    with pytest.raises(ValueError, match="no column"):
        frame_of(kind, [{"colour": "red"}])
