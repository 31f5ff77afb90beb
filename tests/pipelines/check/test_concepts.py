"""Paraphrases mean the same, and clauses are found by what they mean."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from pipelines.check.additions import additions
from pipelines.check.alignment import aligned
from pipelines.check.concepts import concepts, keys_of
from pipelines.check.reading import Reading
from pipelines.lexicons import rows
from tests.pipelines.check.cases import case, found


@pytest.mark.parametrize(
    ("one", "other"), [("发烧", "体温升高"), ("拉肚子", "腹泻"), ("静滴", "打点滴"), ("逾期", "超过期限")]
)
def test_learned_and_lay_words_mean_the_same(one: str, other: str) -> None:
    assert set(keys_of(one)) & set(keys_of(other))


def test_the_longest_word_wins_and_none_overlap() -> None:
    text = "急性支气管炎患儿体温升高时打电话"
    words = concepts(text)
    assert "急性支气管炎" in [text[w.start : w.end] for w in words]
    assert all(a.end <= b.start for a, b in pairwise(words))


def test_letters_within_a_longer_word_are_none() -> None:
    assert not [w for w in concepts("xct3d") if w.keys]
    assert [w for w in concepts("做ct时") if w.keys]


def test_groups_are_groups() -> None:
    for row in rows("check_synonyms"):
        words = row["words"].split()
        assert len(words) == len(set(words)) > 1, row
        assert row["field"] == "character" or not any(w[0].isdigit() for w in words)


def test_a_paraphrase_finds_its_clause_without_a_character_in_common() -> None:
    answer = Reading("拉稀了。烧起来就打屁股针")
    evidence = Reading("腹泻者口服补液，发热者肌内注射。皮疹者冷敷")
    assert [m[0].clause for m in aligned(answer, (evidence,))] == [0, 1]


def test_scores_are_shares_and_sorted() -> None:
    evidence = (Reading("发热者口服布洛芬，每日3次。"), Reading("【禁忌】过敏者。"))
    for text in ("发热者口服布洛芬，每日3次。", "过敏禁忌", "，，，", ""):
        for matches in aligned(Reading(text), evidence):
            scores = [m.score for m in matches]
            assert scores == sorted(scores, reverse=True)
            assert all(0.05 <= s <= 1 for s in scores)
    assert aligned(Reading("发热者口服布洛芬"), evidence)[0][0].score == pytest.approx(1.0)


def test_what_stands_under_a_heading_is_found_by_it() -> None:
    evidence = Reading("【用法用量】每次5毫升。\n【禁忌】对本品过敏者。")
    assert aligned(Reading("禁忌：过敏"), (evidence,))[0][0].clause == evidence.clauses[-1].number


@pytest.mark.parametrize("text", ["发热，" * 6_000, "1，" * 9_000, "（" * 19_000, "我" * 20_000])
def test_long_texts_are_aligned_fast(text: str) -> None:
    answer, evidence = Reading(text), Reading(text)
    answer.quantities, evidence.quantities, answer.clauses, evidence.clauses  # noqa: B018
    started = time.process_time()
    aligned(answer, (evidence,))
    assert time.process_time() - started < 1


EVIDENCE = "腹泻患儿出生后6个月内继续母乳喂养，少量多次口服补液盐。尿量减少者及时就诊。"


def test_retelling_is_no_addition() -> None:
    for answer in (
        "宝宝拉肚子的话，母乳照喂，一点点多喂几回补液盐水。",
        "落地半年里接着吃妈妈奶，小便少了要去看医生。",
        "请放心，有疑问请咨询医生。",
    ):
        assert not found(additions, answer, EVIDENCE), answer


def test_what_nothing_bears_out_is_one() -> None:
    for answer in ("每三个月复查一次心电图。", "母乳喂养期间要参加培训并领取补贴。", "还须雾化布地奈德。"):
        assert {
            "claim.unsupported_noun",
            "claim.unsupported_deed",
            "claim.unsupported_clause",
            "claim.unsupported",
        } & found(additions, answer, EVIDENCE), answer


def test_what_the_asker_says_is_known() -> None:
    assert not found(
        additions, "孩子在做雾化布地奈德，母乳继续喂。", EVIDENCE, question="孩子在做雾化布地奈德，能吃母乳吗？"
    )


def test_spans_are_within_the_answer() -> None:
    of = case("每日雾化丙种球蛋白，再做骨密度检查。", EVIDENCE)
    for signal in additions(of):
        assert 0 <= signal.start < signal.end <= len(of.answer.raw)
