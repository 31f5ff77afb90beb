"""What is tested on is not trained on: planted copies are found however they are edited, and nothing else is."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest
from rapidfuzz.distance import Levenshtein

from pipelines.overlap_index import edits_for
from pipelines.overlap_letters import letters_of, words_at
from schemas.records import COMPLETION, INSTRUCTION, PREFERENCE, frame_of
from tests.pipelines.overlap_rows import decided, edited, evenly, passage
from tests.pipelines.rows import framed, instruction

N_UNRELATED = 10_000


def completions(texts: list[str], first: int = 0, **columns: object) -> pl.DataFrame:
    rows = [{"text": text, "origin": "document", "derived_from": [], **columns} for text in texts]
    return framed(COMPLETION, rows, first=first)


def talks(pairs: list[tuple[str, str]], first: int = 0, **columns: object) -> pl.DataFrame:
    rows = [
        {
            "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}],
            "task": "medkqa",
            **columns,
        }
        for q, a in pairs
    ]
    return framed(INSTRUCTION, rows, first=first)


@pytest.mark.parametrize("form", ["verbatim", "even edits", "edits at both ends", "random edits"])
def test_every_planted_question_is_found_wherever_it_stands(tmp_path: Path, form: str) -> None:
    rng = random.Random(form)
    questions = [passage(rng, n) for n in range(20, 420)] + [passage(rng, n) for n in (1_000, 3_000)]
    planted = []
    for question in questions:
        n_edits = len(question) // 20
        places = {
            "verbatim": [],
            "even edits": evenly(len(question), n_edits),
            "edits at both ends": [*range(n_edits // 2), *range(len(question) - n_edits + n_edits // 2, len(question))],
            "random edits": sorted(rng.sample(range(len(question)), n_edits)),
        }[form]
        before, after = passage(rng, rng.randint(0, 300)), passage(rng, rng.randint(0, 300))
        planted.append(before + edited(rng, question, places) + after)
    dropped, (found,) = decided(tmp_path, [(COMPLETION, completions(planted))], [[q] for q in questions], ("question",))
    assert len(dropped) == len(questions)
    assert {reason for reason, _ in dropped.values()} == {"drop_contaminated:benchmark"}
    assert (found["n_rows"], found["n_searched"], found["n_found"]) == (len(questions),) * 3


def test_no_unrelated_row_is_flagged(tmp_path: Path) -> None:
    rng = random.Random(3)
    exam = [[passage(rng, rng.randint(16, 200)), passage(rng, rng.randint(5, 200))] for _ in range(500)]
    others = [(passage(rng, rng.randint(10, 60)), passage(rng, rng.randint(50, 300))) for _ in range(N_UNRELATED)]
    dropped, (found,) = decided(tmp_path, [(INSTRUCTION, talks(others))], exam)
    assert dropped == {}
    assert (found["n_found"], found["n_matched"]) == (0, 0)


def test_what_is_aligned_is_as_near_as_it_is_said_to_be(tmp_path: Path) -> None:
    """Against rapidfuzz: a text with one edit more than it may have is not taken for a copy."""
    rng = random.Random(5)
    texts, copies, is_near = [], [], []
    for n_chars in (20, 24, 31, 40, 64, 90):
        allowed = int(edits_for(n_chars, n_chars))
        assert allowed >= n_chars // 20
        for n_edits in range(n_chars // 4):
            text = "".join(chr(0x4E00 + rng.randrange(2_000)) for _ in range(n_chars))
            places = sorted(rng.sample(range(n_chars), n_edits))
            copy = "".join("鼐" if i in places else c for i, c in enumerate(text))
            assert Levenshtein.distance(text, copy) == n_edits
            texts.append([text])
            copies.append(f"甲乙丙丁{copy}戊己")
            is_near.append(n_edits <= allowed)
    frame = completions(copies)
    dropped, _ = decided(tmp_path, [(COMPLETION, frame)], texts, ("q",))
    assert [record_id in dropped for record_id in frame["record_id"]] == is_near


def test_typography_is_no_difference(tmp_path: Path) -> None:
    question = "患儿，女，8个月，体重8.5kg，反复抽搐、血钙1.6mmol/L：首选的处理是什么？"
    copies = [
        "患儿 女 8 个月 体重 8.5 KG 反复抽搐 血钙 1.6 mmol／L 首选的处理是什么",
        "患儿（女）８个月，体重８．５ｋｇ。反复抽搐；血钙１．６ｍｍｏｌ/Ｌ\n首选的处理是什么?",
        "患兒，女，8個月，體重8.5kg，反復抽搐、血鈣1.6mmol/L：首選的處理是什麼？",
    ]
    dropped, _ = decided(tmp_path, [(COMPLETION, completions(copies))], [[question]], ("question",))
    assert len(dropped) == 3
    assert "all of it, 33 of 33 letters the same" in dropped[completions(copies)["record_id"][0]][1]


def test_a_dose_is_no_excuse(tmp_path: Path) -> None:
    question = "5岁患儿体重18kg，发热39.2℃，口服布洛芬的单次剂量应为多少毫克？"
    dropped, _ = decided(
        tmp_path, [(INSTRUCTION, talks([(question.replace("18", "20"), "约一百到两百毫克。")]))], [[question, ""]]
    )
    assert len(dropped) == 1


def test_a_short_question_counts_as_a_whole_field_only(tmp_path: Path) -> None:
    rows = talks([
        ("小儿肺炎怎么治疗？", "要看是哪种病原体引起的，请医生判断。"),
        ("邻居问我小儿肺炎怎么治疗，我该怎么说？", "请他带孩子去看医生。"),
        ("孩子咳嗽", "小儿肺炎怎么治疗要看病原体。"),
    ])  # fmt: skip
    dropped, (found,) = decided(
        tmp_path, [(INSTRUCTION, rows)], [["小儿肺炎怎么治疗", "抗感染"], ["发热", ""], ["？？", "…"]]
    )
    assert list(dropped) == [rows["record_id"][0]]
    assert (found["n_searched"], found["n_whole_only"], found["n_unchecked"]) == (0, 1, 2)
    assert found["n_rows"] == 3


def test_half_of_an_answer_is_found(tmp_path: Path) -> None:
    rng = random.Random(8)
    question, answer = passage(rng, 40), passage(rng, 400)
    halves = [passage(rng, 100) + answer[at : at + 75] + passage(rng, 100) for at in range(0, 320, 40)]
    little = [passage(rng, 100) + answer[at : at + 30] + passage(rng, 100) for at in range(0, 320, 40)]
    frame = completions(halves + little)
    dropped, _ = decided(tmp_path, [(COMPLETION, frame)], [[question, answer]])
    assert set(dropped) == set(frame["record_id"][: len(halves)])
    assert all("letters in a row" in detail for _, detail in dropped.values())


def test_between_splits_question_and_answer_are_judged_together(tmp_path: Path) -> None:
    rng = random.Random(13)
    question = "请问这位患儿目前最可能的诊断是什么，依据有哪些？"
    boilerplate = (
        "以上内容仅供参考，不能代替面诊；如果孩子出现精神差、呼吸急促、抽搐或者持续高热等情况，"
        "请立即带孩子到就近的医院就诊，路上注意保暖，并带上以前的化验单。"
    )
    answers = [passage(rng, 150) + boilerplate for _ in range(6)]
    held = talks([(question, answers[0])], split="test")
    valid = talks([(question, answers[1])], first=1, split="validation")
    train = talks([(question, a) for a in answers], first=10, split="train")
    also = talks([(question, answers[0]), (question, answers[5])], first=20, split="validation")
    frames = [(INSTRUCTION, f) for f in (held, valid, train, also)]
    dropped, sets = decided(tmp_path, frames)
    ids = train["record_id"].to_list()
    # Of validation only what the test split has; what only validation has goes from the training rows.
    assert set(dropped) == {ids[0], ids[1], ids[5], also["record_id"][0]}
    assert {reason for reason, _ in dropped.values()} == {"drop_contaminated:held_out"}
    assert held["record_id"][0] in dropped[ids[0]][1]
    assert {(s["role"], s["n_rows"], s["n_found"], s["n_matched"]) for s in sets} == {
        ("test", 1, 1, 2), ("validation", 3, 3, 3),
    }  # fmt: skip


def test_a_long_text_of_another_split_is_found_by_its_pieces(tmp_path: Path) -> None:
    rng = random.Random(17)
    chapter = passage(rng, 2_600)
    held = completions([chapter], split="test")
    copies = [
        edited(rng, chapter, evenly(2_600, 130)),
        passage(rng, 500) + edited(rng, chapter, evenly(2_600, 130)) + passage(rng, 500),
        passage(rng, 40) + chapter[300:500] + passage(rng, 40),  # most of a row
        passage(rng, 2_000) + chapter[300:1_000] + passage(rng, 2_000),  # a passage that both quote
    ]
    frame = completions(copies, first=9, split="train")
    dropped, _ = decided(tmp_path, [(COMPLETION, held), (COMPLETION, frame)])
    assert set(dropped) == set(frame["record_id"][:3])
    assert "all of it" in dropped[frame["record_id"][1]][1]


def test_the_question_of_an_evaluation_source_is_enough(tmp_path: Path) -> None:
    rng = random.Random(21)
    question = passage(rng, 60)
    exam = talks([(question, passage(rng, 80))], split="test", source_id="exam")
    train = talks([(passage(rng, 20) + question, passage(rng, 90)), (passage(rng, 60), "好的")], first=5, split="train")
    bare = talks([(question, "不知道")], first=9)  # no splits were drawn: it would be trained on
    dropped, (found,) = decided(
        tmp_path, [(INSTRUCTION, exam), (INSTRUCTION, train), (INSTRUCTION, bare)], eval_sources=("exam",)
    )
    assert set(dropped) == {train["record_id"][0], bare["record_id"][0]}
    assert {reason for reason, _ in dropped.values()} == {"drop_contaminated:evaluation"}
    assert (found["role"], found["source"]) == ("evaluation", "exam")


def test_a_completion_goes_with_its_instruction(tmp_path: Path) -> None:
    short = talks([("水痘几天能好？", "多数一到两周结痂。")], split="train")
    rewritten = completions(
        ["问：水痘几天能好？\n答：多数一到两周结痂。"], first=3, split="train", origin="instruction",
        derived_from=[short["record_id"][0]],
    )  # fmt: skip
    dropped, _ = decided(tmp_path, [(COMPLETION, rewritten), (INSTRUCTION, short)], [["水痘几天能好", ""]])
    assert dropped[rewritten["record_id"][0]] == ("drop_contaminated:derived", short["record_id"][0])
    assert len(dropped) == 2


def test_both_answers_of_a_preference_are_looked_through(tmp_path: Path) -> None:
    rng = random.Random(34)
    question, answer = passage(rng, 40), passage(rng, 90)
    rows = [
        {"prompt": [{"role": "user", "content": question}], "chosen": "好", "rejected": "不好"},
        {"prompt": [{"role": "user", "content": "这道题选什么"}], "chosen": "不知道", "rejected": answer},
    ]
    frame = framed(PREFERENCE, [{"task": "medkqa", **row} for row in rows])
    dropped, _ = decided(tmp_path, [(PREFERENCE, frame)], [[question, answer]])
    assert len(dropped) == 2


def test_shards_and_their_order_do_not_matter(tmp_path: Path) -> None:
    rng = random.Random(55)
    exam = [[passage(rng, 60), passage(rng, 120)] for _ in range(20)]
    pairs = [(passage(rng, 30) + q, a + passage(rng, 40)) for q, a in exam] + [(passage(rng, 50), passage(rng, 99))] * 5
    frame = talks(pairs, split="train")
    held = talks(pairs[-1:], first=500, split="test")
    whole, sets = decided(tmp_path / "a", [(INSTRUCTION, frame), (INSTRUCTION, held)], exam)
    cut, again = decided(tmp_path / "b", [(INSTRUCTION, held), (INSTRUCTION, frame.reverse())], exam, shard_rows=3)
    assert whole == cut
    assert sets == again
    assert len(whole) == 25


def test_nothing_held_is_nothing_dropped(tmp_path: Path) -> None:
    assert decided(tmp_path / "a", [(INSTRUCTION, instruction("你好", "你好"))]) == ({}, [])
    assert decided(tmp_path / "b", []) == ({}, [])
    empty = frame_of(INSTRUCTION, [])
    assert decided(tmp_path / "c", [(INSTRUCTION, empty)], [["", ""]])[0] == {}


def test_endless_repetition_ends(tmp_path: Path) -> None:
    rng = random.Random(89)
    exam = [["哈哈嘻嘻" * 100], ["哈" * 300 + passage(rng, 200)], ["哈" * 512]]
    rows = completions(["哈哈嘻嘻" * 250_000, "哈" * 1_000_000, "哈嘻" * 400_000, "\0\ufffd" * 1_000, ""])
    dropped, _ = decided(tmp_path, [(COMPLETION, rows)], exam, ("question",))
    assert rows["record_id"][0] in dropped


def test_the_words_that_matched_are_cut_from_the_row() -> None:
    text = "（1）体重 8.5 kg，\n血钙低。𠀀"
    letters = letters_of(pl.Series([text, None, "", "𠀀"]))
    assert letters.ends.tolist() == [11, 11, 11, 12]
    assert words_at(text, 1, 7) == "体重 8.5 kg"
    assert words_at(text, 10, 11) == "𠀀"
    assert words_at(text, 5, 99) == ""
