"""Sections, clauses, articles and conversations: the question fits, the answer makes sense alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipelines.teacher.clause_questions import clause_rows
from pipelines.teacher.conversation_cleaning import cleaned, is_machine_made
from pipelines.teacher.conversation_preferences import conversation_preferences
from pipelines.teacher.conversations import conversation_rows, is_unsafe
from pipelines.teacher.food_tables import table_rows
from pipelines.teacher.passages import excerpt, sentences, told
from pipelines.teacher.section_questions import clean_heading, section_rows
from pipelines.teacher.statute_questions import statute_rows
from tests.pipelines.teacher_rows import dialogue, document

GUIDE = ("儿童营养指南", "4.2.1 0 月龄～5 月龄婴儿喂养指南", "4.2.1.2 母乳喂养")


def _asked(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(r["messages"][0]["content"], r["messages"][-1]["content"]) for r in rows]


def _clause(text: str, path: tuple[str, ...] = GUIDE) -> list[tuple[str, str]]:
    return _asked(clause_rows(document(text, path, number="4.2.1.2.1"), 4))


def _article(text: str, number: str = "第三十二条") -> list[tuple[str, str]]:
    return _asked(statute_rows(document(text, ("中华人民共和国母婴保健法", "第四章"), number=number), 4))


@pytest.mark.parametrize(
    ("heading", "aspect", "task"),
    [("病因", "cause", "medkqa"), ("二、临床表现", "symptom", "medkqa"), ("第四节 治疗", "treatment", "trerecom"),
     ("家庭护理", "care", "trerecom"), ("鉴别诊断", "differential", "medkqa"), ("何时就医", "when_to_go", "trerecom")],
)  # fmt: skip
def test_the_heading_decides_what_is_asked(heading: str, aspect: str, task: str) -> None:
    text = "水痘的这一部分写得很清楚，孩子的家长和年轻医生读了都能明白，而且每一句话都完整。"
    row = section_rows(document(text, ("水痘", heading)), 4)[0]
    assert (row["aspect"], row["task"]) == (aspect, task)
    assert "水痘" in row["messages"][0]["content"]
    assert row["messages"][1]["content"] == text


def test_a_sentence_that_points_away_is_left_out_with_what_leans_on_it() -> None:
    found = sentences("口服补液盐少量多次喂服。具体用量见表3。其用法详见附录。退热后精神好转多提示病情较轻。")
    assert told(excerpt(found, 200)) == "口服补液盐少量多次喂服。退热后精神好转多提示病情较轻。"


def test_a_long_section_ends_at_a_sentence() -> None:
    text = "完整的一句话，讲的是水痘的护理方法。" * 60
    answer = section_rows(document(text, ("水痘", "护理")), 1)[0]["messages"][1]["content"]
    assert len(answer) < 450
    assert answer.endswith("护理方法。")


def test_recommendations_are_asked_as_a_parent_would() -> None:
    ((question, answer),) = _clause("解冻的母乳不宜再次冷冻。")
    assert re.fullmatch(r"解冻的母乳(?:可以|能|是不是不能)再次冷冻[吗？]+", question)
    assert answer.endswith("解冻的母乳不宜再次冷冻。")
    assert not answer.startswith(("是", "可以", "需要"))
    ((question, answer),) = _clause("饥饿引起哭闹时，宜及时哺喂。")
    assert "饥饿引起哭闹时" in question
    assert answer == "饥饿引起哭闹时，宜及时哺喂。"
    ((question, answer),) = _clause("婴幼儿辅食宜单独制作。")
    assert "单独制作" in question
    assert answer.endswith("婴幼儿辅食宜单独制作。")


@pytest.mark.parametrize(
    "text", ["母乳的储存条件见表2。", "具体见附录B。", "应符合GB 2760的规定。", "下列术语适用于本文件。"]
)
def test_clauses_that_point_away_yield_nothing(text: str) -> None:
    assert _clause(text) == []


def test_articles_are_asked_for_their_matter() -> None:
    ((question, answer),) = _article("严禁采用技术手段对胎儿进行性别鉴定，但医学上确有需要的除外。")
    assert question.startswith("可以采用技术手段对胎儿进行性别鉴定吗？")
    assert re.match(r"不(?:可以|行)[^根]*根据《中华人民共和国母婴保健法》第三十二条，严禁", answer)
    ((question, answer),) = _article("婚前保健服务包括下列内容：\n（一）婚前卫生指导；\n（二）婚前医学检查。")
    assert "《母婴保健法》" in question
    assert re.search(r"婚前保健服务.*哪些内容", question)
    assert answer.endswith("（二）婚前医学检查。")


@pytest.mark.parametrize(
    "text",
    ["本法自1995年6月1日起施行。", "违反前款规定的，婴儿家长可以申诉。", "疫苗批签发机构应当公布批签发结果。",
     "国务院卫生行政部门应当指导新生儿保健工作。", "有婴儿的单位违反本法的，处以罚款。"],
)  # fmt: skip
def test_dry_or_dangling_articles_yield_nothing(text: str) -> None:
    assert _article(text) == []


def _rule_of(title: str, text: str) -> list[tuple[str, str]]:
    return _asked(statute_rows(document(text, (title, "第二章"), number="第九条"), 4))


def test_what_is_no_law_is_called_by_its_name_with_its_brackets() -> None:
    for text in (
        "婴幼儿服药后立即呕吐的，应当通知监护人。",
        "托育园不得自行给婴幼儿用药。",
        "监护人应当如实告知过敏史。",
    ):
        ((question, answer),) = _rule_of("托育园喂药管理制度（试行）", text)
        assert "法律" not in question
        assert "根据《托育园喂药管理制度（试行）》第九条" in answer


def test_a_prohibition_is_asked_with_its_object() -> None:
    ((question, _),) = _rule_of("托育园喂药管理制度", "托育园不得以预防疾病为名，向婴幼儿集体提供药品。")
    assert question.startswith("托育园可以以预防疾病为名，向婴幼儿集体提供药品吗？")


def test_a_drug_whose_name_begins_like_a_preposition_stays_whole() -> None:
    for text in ("对乙酰氨基酚用于2月龄以上儿童，口服每次10～15 mg/kg。", "对症治疗效果不好的婴儿，宜尽早就医。"):
        for question, _ in _clause(text):
            assert "对于" not in question
    ((question, _),) = _clause("对于部分易过敏食物，可在婴儿 4 月龄～5 月龄期间引入。")
    assert "对于部分易过敏食物" in question


@pytest.mark.parametrize(
    "text", ["托幼机构宜在每个班级的家委会中设立 1 名健康家委。", "宜对供餐单位提供的食品随机进行外观查验。"]
)
def test_what_concerns_the_office_and_no_child_yields_nothing(text: str) -> None:
    assert _clause(text) == []


@pytest.mark.parametrize(
    ("heading", "bare"),
    [("0 岁～6 岁儿童营养配餐指南", "0 岁～6 岁儿童营养配餐指南"),
     ("4.2.1 0 月龄～5 月龄婴儿喂养", "0 月龄～5 月龄婴儿喂养"),
     ("3岁以下儿童", "3岁以下儿童"), ("2.1 病因", "病因"), ("第四节 治疗", "治疗"), ("（三）预防", "预防")],
)  # fmt: skip
def test_a_headings_number_goes_and_an_age_stays(heading: str, bare: str) -> None:
    assert clean_heading(heading) == bare


def test_a_warning_does_not_make_a_reply_unsafe() -> None:
    assert not is_unsafe("不要捂汗，也不要用酒精擦身。")
    assert not is_unsafe("阿司匹林要由医生开并监测。")
    assert is_unsafe("可以用酒精擦身，注意保暖。")
    assert is_unsafe("不要担心。给孩子吃半片阿司匹林。")


def test_a_title_repeated_in_the_first_line_is_not_run_into_the_question() -> None:
    row = dialogue("宝宝发烧能不能捂汗\n宝宝8个月，发烧38.8℃，奶奶要捂汗，这样对吗？", ADVICE)
    assert cleaned(row["turns"])[0].text == "宝宝8个月，发烧38.8℃，奶奶要捂汗，这样对吗？"
    row = dialogue("孩子吃糖会坏牙吗\n我家孩子今年三岁。", ADVICE)
    assert cleaned(row["turns"])[0].text == "孩子吃糖会坏牙吗？我家孩子今年三岁。"


def test_a_patients_question_keeps_its_matter_beside_courtesies_and_placeholders() -> None:
    row = dialogue("医生，请问我孩子出生后肌肉无力，这是肌营养不良症吗？如何处理？谢谢医生。", ADVICE)
    assert cleaned(row["turns"])[0].text == "医生，请问我孩子出生后肌肉无力，这是肌营养不良症吗？如何处理？"
    row = dialogue("孩子咳嗽一个月，吃药没用，我叫[姓名]，电话[电话]。", ADVICE)
    assert cleaned(row["turns"])[0].text == "孩子咳嗽一个月，吃药没用，"


def test_courtesies_identities_and_pictures_go() -> None:
    row = dialogue(
        "医生您好！孩子发烧怎么办？",
        "您好，我是儿科助手。多喝水，注意休息😊。祝宝宝早日康复！如有其他问题欢迎随时咨询我。",
    )
    assert [turn.text for turn in cleaned(row["turns"])] == ["医生您好！孩子发烧怎么办？", "多喝水，注意休息。"]


ADVICE = "可以少量多次喂口服补液盐，继续母乳喂养，饮食清淡易消化，注意观察精神和尿量，尿少时及时到医院就诊。"


def _advised(question: str, answer: str, **columns: Any) -> list[dict[str, Any]]:
    return conversation_rows(dialogue(question, answer, title="", **columns), 3)


def test_advice_for_a_child_becomes_a_recommendation() -> None:
    (row,) = _advised("宝宝一岁半，拉肚子三天了，应该怎么办？", ADVICE)
    assert row["task"] == "trerecom"
    assert row["messages"][-1]["content"] == ADVICE


@pytest.mark.parametrize(
    "answer",
    ["多喝水。", "您可以使用阿司匹林退热，每天三次，每次半片，连续吃三天，注意观察体温的变化和精神状态就可以了。",
     "建议您拨打热线咨询这家医院的优惠价格，他们治疗这个病非常有经验，孩子很快就会好起来的，不用担心。",
     "根据情况需要有仔细检查，致使孩子再次出现的隔代遗传问题要实施治疗，建议注意饮食和休息，不要太担心。"],
)  # fmt: skip
def test_curt_unsafe_advertising_or_garbled_answers_yield_nothing(answer: str) -> None:
    assert _advised("宝宝一岁半，发烧三天了，应该怎么办？", answer) == []


def test_a_grown_ups_question_is_not_taken_for_a_childs() -> None:
    assert _advised("我今年45岁，女儿带我去体检，血糖高应该怎么办？", ADVICE) == []
    assert _advised("怎么办？", ADVICE, department=None) == []


def test_a_conversation_ends_before_an_unsafe_turn() -> None:
    row = dialogue(
        "宝宝一岁，拉肚子怎么办？",
        ADVICE,
        "抽搐了怎么办？",
        "抽搐时让孩子咬住纱布，掐人中，然后再去医院检查，注意休息和饮食。",
        title="",
    )
    (made,) = conversation_rows(row, 3)
    assert "人中" not in "".join(m["content"] for m in made["messages"])


def test_the_diagnosis_quotes_what_the_patient_said_and_not_what_was_denied() -> None:
    row = dialogue(
        "孩子三岁，一直流清鼻涕，没有发烧，这是怎么回事？", "请问孩子打喷嚏吗？", "早上打喷嚏很多。",
        "孩子有可能得了过敏性鼻炎，建议去医院确认。", title="",
    )  # fmt: skip
    final = conversation_rows(row, 3)[0]["messages"][-1]["content"]
    assert "“一直流清鼻涕”" in final
    assert "发烧" not in final
    assert "过敏性鼻炎" in final
    (preferred,) = conversation_preferences(row)
    assert preferred["chosen"].endswith(final)
    assert preferred["rejected"] == "孩子有可能得了过敏性鼻炎，建议去医院确认。"


def test_simulated_answers_that_contradict_the_diagnosis_are_not_taught() -> None:
    row = dialogue(
        "孩子三岁，一直流清鼻涕，这是怎么回事？", "您家孩子目前抽搐吗？", "孩子目前抽搐。",
        "您的孩子有可能得了过敏性鼻炎, 建议去医院进一步确认病情.", title="",
    )  # fmt: skip
    assert not any(r["task"] == "evidiag" for r in conversation_rows(row, 3))


def test_a_synonym_machine_is_recognised() -> None:
    assert is_machine_made("这种病需要有仔细检查")
    assert not is_machine_made("孩子发烧要多喝水，注意休息。")


@pytest.mark.parametrize(
    "text",
    [
        "啊" * 200_000,
        "，" * 200_000,
        "a\n" * 100_000,
        "建议。" * 60_000,
        "发热\x00见表" * 30_000,
        "宜" * 50_000,
        "。\ud800" * 20_000,
    ],
)
def test_hostile_text_ends_in_bounded_time(text: str) -> None:
    for row in (
        document(text, ("水痘", "治疗")),
        document(text, GUIDE, number="4.1.1"),
        document(text, GUIDE, number="第一条"),
    ):
        for rule in (section_rows, clause_rows, statute_rows):
            rule(row, 4)
    conversation_rows(dialogue(text, text, text, text, title=""), 3)
    conversation_preferences(dialogue(text, text, text, text, title=""))


def test_short_hostile_text_does_not_backtrack() -> None:
    for text in (
        "，" * 19_000,
        "宜" * 19_000,
        "的，" * 9_000,
        "a" * 19_000,
        "如果" * 9_000,
        "一" * 9_000 + "包括下列" * 2_000,
    ):
        for path, number in ((("水痘", "治疗"), None), (GUIDE, "4.1.1"), (("某某法律", "一"), "第一条")):
            row = document(text, path, number=number)
            for rule in (section_rows, clause_rows, statute_rows):
                rule(row, 4)
        conversation_rows(dialogue(text[:4_000], text[:4_000], title=""), 3)


TABLES = (
    "常见富含营养素的食物见表。\n表 B.2 市售常见钙含量较高的食物及其钙含量\n牛奶：含量（mg/100 g可食部）为107\n"
    "豆腐丝：含量（mg/100 g可食部）为204\n虾皮：含量（mg/100 g可食部）为991\n"
    "表 A.1 市售能量含量相当于 50 g 大米的谷薯类\n馒头：重量（g）为80\n"
    "表 A.2 市售可食部相当于 100 g 的蔬菜类\n芹菜：重量（g）为150\n"
)


def test_food_tables_give_their_own_figures_and_only_where_the_caption_says_of_what() -> None:
    made = table_rows(document(TABLES, ("儿童营养指南", "附录B")), 99)
    answers = "\n".join(answer for _, answer in _asked(made))
    assert "钙含量较高的常见食物有牛奶、豆腐丝、虾皮等。" in answers
    assert "每100 g可食部的虾皮含钙991 mg" in answers
    assert "50 g大米相当于馒头 80 g" in answers
    assert "芹菜" not in answers
    for row in made:
        figure = re.search(r"\d+(?= mg|(?<=馒头 80) g)", row["messages"][1]["content"])
        assert figure is None or any(figure[0] in entry["text"] for entry in row["evidence"])
