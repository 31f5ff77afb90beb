"""Words that turn a statement, what they turn, and where they do not."""

from __future__ import annotations

import pytest

from pipelines.check.marks import by_clause, marks, scale
from pipelines.check.reading import Reading
from pipelines.check.stances import distance, stances


def read(text: str, type_: str = "") -> list[tuple[str, str]]:
    return [(m.text, m.value) for m in marks(Reading(text)) if not type_ or m.type == type_]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("本品禁用于婴儿", (-3, -3)),
        ("不宜空腹", (-2, -2)),
        ("肝功能不全者慎用", (-1, -1)),
        ("用不着打针", (0, 0)),
        ("可以口服", (1, 1)),
        ("推荐口服", (2, 2)),
        ("应当口服", (3, 3)),
        ("必须口服", (4, 4)),
        ("不得不手术", (4, 4)),
        ("非住院不可", (4, 4)),
    ],
)
def test_permission_is_a_scale(text: str, place: tuple[int, int]) -> None:
    assert [scale(m) for m in marks(Reading(text)) if scale(m) is not None] == [place]


@pytest.mark.parametrize(
    "text", ["能不能吃", "是否有效", "非典型肺炎", "不良反应", "特别", "分别", "可见", "功能", "未成年人"]
)
def test_words_that_only_hold_a_mark_are_none(text: str) -> None:
    assert not [m for m in marks(Reading(text)) if m.type in ("negation", "permission", "modality")]


def test_a_negation_turns_what_follows_and_no_more() -> None:
    text = "没有出血就先观察"
    mark = next(m for m in marks(Reading(text)) if m.type == "negation")
    assert text[mark.scope_start : mark.scope_end] == "出血"


def test_a_word_at_the_end_turns_what_is_before() -> None:
    text = "严重肝功能不全者禁用"
    mark = next(m for m in marks(Reading(text)) if m.type == "permission")
    assert text[mark.scope_start : mark.scope_end] == "严重肝功能不全者"


def test_marks_stand_in_their_clauses() -> None:
    reading = Reading("不能口服，可以注射；必须住院。")
    assert [[m.text for m in each if scale(m)] for each in by_clause(reading)] == [["不能"], ["可以"], ["必须"]]


def places(text: str) -> list[list[tuple[int, int]]]:
    return [[(s.low, s.high) for s in each] for each in stances(Reading(text))]


def test_headings_pass_down() -> None:
    assert places("【禁忌】对本品过敏者；青光眼。\n【慎用】脱水；哮喘病史。\n【贮藏】密封。") == [
        [(-3, -3)],
        [(-3, -3)],
        [(-1, -1)],
        [(-1, -1)],
        [],
    ]


def test_a_lead_in_passes_down_to_the_end_of_its_sentence() -> None:
    assert places("口服。本品禁用于：青光眼；严重感染。常见腹泻。") == [[], [(-3, -3)], [(-3, -3)], []]


def test_what_is_said_of_all_is_said_of_each() -> None:
    assert places("孕妇，哺乳期妇女，都不能用。")[0][0][1] < 0


@pytest.mark.parametrize(
    ("text", "sign"),
    [("要停药", -1), ("应立即停用", -1), ("应慎用", -1), ("不要停药", 1), ("无须停药", 1), ("布地奈德不停", 1)],
)
def test_stopping_is_turned_by_what_is_before_it(text: str, sign: int) -> None:
    (found,) = places(text)
    assert all(sign * high > 0 and sign * low > 0 for low, high in found)
    assert len(found) == 1


@pytest.mark.parametrize("text", ["不能口服者静脉给药", "能不能用呢？", "医生：有没有发热、不能进食？"])
def test_conditions_and_questions_take_no_stance(text: str) -> None:
    assert not any(low < 0 for each in places(text) for low, _ in each)


def test_a_limit_is_no_prohibition() -> None:
    assert places("每日不得超过4次，不得空腹。") == [[], [(-3, -3)]]


def test_what_is_quoted_is_only_named() -> None:
    assert places("不得标示“可代替母乳”。") == [[(-3, -3)]]


def test_what_only_names_a_ban_or_an_offer_is_part_of_it() -> None:
    assert places("不得展示、推荐母乳代用品。") == [[(-3, -3)]]
    assert places("可引起皮疹，可减量。") == [[], [(1, 1)]]


def test_distance_counts_steps_between_the_nearest_ends() -> None:
    may, must, loose = (stances(Reading(t))[0][0] for t in ("可以口服", "必须口服", "不要口服"))
    assert (distance(must, may), distance(may, must), distance(loose, may)) == (3, -3, -3)


def test_a_heading_within_its_line_passes_down_to_the_end_of_the_line() -> None:
    assert places("禁忌：对疫苗过敏者；妊娠期。\n满月后检测抗体。") == [[(-3, -3)], [(-3, -3)], []]
