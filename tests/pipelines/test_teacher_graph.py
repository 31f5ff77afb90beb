"""Facts of a noisy graph: what is stated, what is not, and how a consultation tells them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipelines.teacher.consultations import consultations
from pipelines.teacher.diseases import MAX_VALUES, Disease, bare, disease_class, diseases
from pipelines.teacher.graph_advice import advice
from pipelines.teacher.graph_questions import knowledge
from pipelines.teacher.hallmarks import has_hallmark
from pipelines.teacher.lay_names import lay_name
from pipelines.teacher.phrasing import pick, shuffled
from pipelines.teacher.relations import aspect_of
from tests.pipelines.teacher_rows import disease, triple, triples


def _told(rows: list[dict[str, Any]]) -> str:
    made = [i for d in diseases(rows) for i in (*knowledge(d, 99), *advice(d, 99), *consultations(d, 9))]
    return "\n".join(m["content"] for i in made for m in i["messages"])


def _one(head: str, **relations: str) -> Disease:
    (found,) = diseases(disease(head, **relations))
    return found


def test_nonsense_of_the_graph_is_never_stated() -> None:
    text = _told(triples())
    for nonsense in ("宫颈", "女性尿道癌", "牙疼", "肾区叩击痛", "老年痴呆", "七叶", "田七", "蛇胆", "90%", "骨肽"):
        assert nonsense not in text
    for fact in ("结膜充血", "冠状动脉瘤", "二维超声心动图", "心血管内科", "胸部平片", "肺气肿"):
        assert fact in text


def test_lists_are_never_given_as_complete() -> None:
    for row in [i for d in diseases(triples()) for i in knowledge(d, 99)]:
        answer = row["messages"][-1]["content"]
        if row["aspect"] in ("symptom", "exam", "complication"):
            assert re.search(r"等|之一", answer), answer


@pytest.mark.parametrize(
    ("head", "said", "stated"),
    [
        ("手足口病", "有传染性", True),
        ("小儿感冒", "无传染性", False),
        ("川崎病", "有传染性", False),
        ("地中海贫血", "无传染性", True),
    ],
)
def test_infectivity_is_stated_only_where_it_can_be_right(head: str, said: str, stated: bool) -> None:
    assert ("infectious" in _one(head, 传染性=said, 症状="发烧").facts) is stated


@pytest.mark.parametrize(
    ("text", "kept"),
    [("7天", "7天"), ("7-14天", "7-14天"), ("3-6月", None), ("1---3个月", None), ("14-7天", None), ("周期", None)],
)
def test_a_length_of_treatment_must_fit_the_disease(text: str, kept: str | None) -> None:
    found = _one("手足口病", 治疗周期=text, 症状="发烧").texts("period")
    assert found == ([kept] if kept else [])


def test_other_names_are_neither_wider_nor_narrower_nor_of_another_age() -> None:
    found = _one(
        "小儿急性喉炎", 别名="喉炎 新生儿喉炎 小儿慢性喉炎 小儿急性感染性喉气管炎症 格鲁布综合征", 症状="犬吠样咳嗽"
    )
    assert found.texts("alias") == ["格鲁布综合征"]


@pytest.mark.parametrize("head", ["脚后跟...", "7-10天", "单基因遗传病", "返祖现象", "小", "未知怪病甲"])
def test_what_is_no_disease_yields_nothing(head: str) -> None:
    assert list(diseases(disease(head, 症状="发烧 咳嗽", 就诊科室="儿科"))) == []


def test_a_disease_of_grown_ups_yields_nothing() -> None:
    assert list(diseases(disease("咽炎", 好发人群="有烟酒嗜好的成年人", 症状="咽痛"))) == []
    assert list(diseases(disease("小儿咽炎", 好发人群="儿童", 症状="咽痛"))) != []


def test_one_finding_is_named_once() -> None:
    assert _one("小儿感冒", 症状="发烧 高热 小儿发热 流鼻涕 流清涕 打喷嚏").texts("symptom") == [
        "发烧",
        "流鼻涕",
        "打喷嚏",
    ]
    assert bare("小儿咳嗽") == "咳嗽"
    assert bare("儿童期情绪障碍") == "儿童期情绪障碍"


def test_two_graphs_with_the_same_disease_stay_apart() -> None:
    mine = disease("小儿感冒", 症状="发烧 咳嗽 流鼻涕", 就诊科室="儿科")
    other = [{**triple("小儿感冒", "症状", "打喷嚏"), "source_id": "s_other", "license": "unknown"}]
    for row in [i for d in diseases([*mine, *other]) for i in knowledge(d, 99)]:
        assert row["source_id"] == "s_triple"
        assert "打喷嚏" not in row["messages"][-1]["content"]


def _stories(head: str = "小儿肺炎") -> list[dict[str, Any]]:
    rows = disease(
        head,
        症状="小儿发热 小儿咳嗽 流鼻涕 痰鸣音 呼吸困难",
        检查="胸部平片 血常规",
        并发症="气胸 肺气肿",
        就诊科室="儿科 呼吸内科",
    )
    return [i for d in diseases(rows) for i in consultations(d, 9)]


def test_a_consultation_asks_back_and_names_the_diagnosis_with_its_grounds() -> None:
    made = _stories()
    assert len(made) >= 2
    assert len({i["messages"][0]["content"] for i in made}) == len(made)
    for story in made:
        turns = story["messages"]
        assert [m["role"] for m in turns] == ["user", "assistant"] * (len(turns) // 2)
        assert len(turns) >= 4
        assert re.search(r"有没有|注意到", turns[1]["content"])
        final = turns[-1]["content"]
        assert "小儿肺炎" in final
        assert "胸部平片" in final
        assert sum(word in final for word in ("发热", "咳嗽", "流鼻涕", "呼吸困难")) >= 3
        assert not any("小儿肺炎" in m["content"] for m in turns[:-1])


def test_a_parent_speaks_of_what_a_parent_sees() -> None:
    stories = [story for story in _stories() if story["generator"]["template"].startswith("graph/parent")]
    assert stories
    for story in stories:
        said = "".join(m["content"] for m in story["messages"] if m["role"] == "user")
        assert "痰鸣音" not in said
        assert "发热" not in said


def test_what_the_parent_denies_is_nothing_that_the_disease_shows() -> None:
    for story in _stories():
        said = "".join(m["content"] for m in story["messages"] if m["role"] == "user")
        denied = re.findall(r"(?:没有发现|没有)([\u4e00-\u9fff]+)|([\u4e00-\u9fff]+?)倒没有", said)
        for sign in [a or b for a, b in denied]:
            assert sign not in ("喘不上气", "咳嗽", "发烧")


def test_nobody_names_a_tumour_after_a_talk() -> None:
    rows = disease("小儿白血病", 症状="低烧 乏力 面色苍白 齿龈出血", 检查="骨髓象分析", 就诊科室="儿科 血液科")
    assert [i for d in diseases(rows) for i in consultations(d, 9)] == []


def test_a_disease_is_not_named_without_what_it_never_lacks() -> None:
    assert not has_hallmark("小儿抽动症", ["紧张", "焦虑"])
    assert has_hallmark("小儿抽动症", ["紧张", "摇头转颈"])
    rows = disease("小儿抽动症", 症状="紧张 焦虑 易激惹", 检查="脑电图", 就诊科室="儿科")
    assert [i for d in diseases(rows) for i in consultations(d, 9)] == []


def test_a_bare_drug_treatment_is_no_advice() -> None:
    found = _one("小儿感冒", 治疗方式="药物治疗", 就诊科室="儿科", 症状="发烧 咳嗽")
    assert not any(i["aspect"] == "treatment" for i in advice(found, 9))


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("犬吠样咳嗽", "小狗"),
        ("小便失禁", None),
        ("双肺水泡音", None),
        ("尿道口有红斑和水肿", None),
        ("心音低钝", None),
    ],
)
def test_lay_names_mean_the_term_itself(term: str, words: str | None) -> None:
    said = lay_name(term)
    assert (said is None) if words is None else words in (said or "")


def test_the_newborns_jaundice_is_no_liver_disease() -> None:
    kind = disease_class("新生儿黄疸")
    assert kind is not None
    assert kind.name == "jaundice of the newborn"


def test_relations_are_known_by_any_name() -> None:
    for name in ("症状", "symptom", "has_symptom", "Has Symptom"):
        assert aspect_of(name) == "symptom"
    assert aspect_of("费用") == "ignored"
    assert aspect_of("奇怪") is None


def test_choices_depend_on_the_key_alone() -> None:
    options = list("abcdefgh")
    assert pick(options, "k") == pick(options, "k")
    assert sorted(shuffled(options, "k")) == options
    assert len({pick(options, str(i)) for i in range(100)}) == len(options)


def test_a_disease_with_countless_values_ends_in_bounded_time() -> None:
    rows = [triple("小儿感冒", "症状", f"发烧{i}") for i in range(20_000)]
    (found,) = diseases(rows)
    assert len(found.texts("symptom")) <= MAX_VALUES
