"""The patient is judged, not the one who asks."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.drop_off_topic import DropOffTopic
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION, TRIPLE
from tests.pipelines.rows import conversation, document, instruction, triple

ANSWER = "建议及时就诊，明确诊断后再治疗。"


def domain(kind: str, frame: pl.DataFrame) -> str:
    after = DropOffTopic().apply(kind, frame)
    dropped = after["drop_reason"][0] == "drop_off_topic:not_paediatric"
    assert dropped == (after["domain"][0] != "paediatric")
    return str(after["domain"][0])


@pytest.mark.parametrize(
    "question",
    [
        "宝宝六个月便秘（女，26岁）",
        "肾病综合征怎么治疗（男，4岁）",
        "我老婆刚生下孩子一个多月就查出先天性肾病，饮食要注意什么？",
        "儿子今年3岁，感冒咳嗽流鼻涕怎么办？",
        "外甥女14岁，癫痫怎么治？",
        "一名13岁女孩，出现腹痛和紫癜，可能是什么病？",
        "早产儿奶粉怎么选？",
        "小儿支气管炎吃什么好？",
        "手足口病有什么症状？",
        "七岁半小孩查乙肝抗体都是阴性，要补打疫苗吗？",
        "两个月婴儿拉肚子怎么办",
        "我家孩子不停看着光疗灯，对眼睛有伤害吗？",
        "青春期女孩长痘痘怎么办？",
    ],
)
def test_children_are_paediatric(question: str) -> None:
    assert domain(DIALOGUE, conversation(question, ANSWER)) == "paediatric"


@pytest.mark.parametrize(
    "question",
    [
        "我有小三阳，能要宝宝吗？",
        "怀孕四个月血压高怎么办？",
        "我儿子今年20岁，有癫痫，怎么治？",
        "孩子今年19岁了，在学校晕倒抽搐，是癫痫吗？",
        "儿子给我买的氨糖，我有糖尿病能吃吗？",
        "女儿在网上买了龙眼干，我有高血压，能吃吗？",
        "高血压会不会遗传给孩子？",
        "乙肝大三阳妈妈能喂母乳吗？",
        "我爷爷糖尿病，血糖高怎么办？",
        "我今年46岁，头晕，是高血压吗？",
        "我小时候得过肾炎，现在腰疼，男，30岁",
        "前列腺炎吃什么药（男，35岁）",
        "月经不调怎么办？",
        "断奶吃什么回奶药？",
        "想要孩子，精子活力低怎么办？",
        "坐月子能吹空调吗？",
    ],
)
def test_adults_are_not(question: str) -> None:
    assert domain(DIALOGUE, conversation(question, ANSWER)) == "medical"


@pytest.mark.parametrize(
    ("age", "turns", "expected"),
    [
        ("女，13岁", ("耳朵里有心跳声，怎么回事？", ANSWER), "paediatric"),
        ("13岁", ("耳朵里有心跳声，怎么回事？", ANSWER), "paediatric"),
        ("男，8个月", ("大便有奶瓣，一天四次，要吃药吗？", ANSWER), "paediatric"),
        ("男，45岁", ("耳朵里有心跳声，怎么回事？", ANSWER), "medical"),
        ("女，28岁", ("宝宝两岁半总是便秘，怎么办？", ANSWER), "paediatric"),
        (
            "女，50岁",
            ("吃完四联药还要复查胃镜吗？我每年都查。", ANSWER, "我的儿子十岁了，孩子用检查吗？", "不用。"),
            "medical",
        ),
    ],
)
def test_the_age_column_tells_the_patient_unless_the_asker_speaks_of_a_child(
    age: str, turns: tuple[str, ...], expected: str
) -> None:
    assert domain(DIALOGUE, conversation(*turns, age=age)) == expected


def test_a_doctor_who_speaks_of_your_child_tells_who_the_patient_is() -> None:
    assert (
        domain(DIALOGUE, conversation("流鼻涕，咳嗽，有痰，没有发烧。", "您的小孩可能是上呼吸道感染。")) == "paediatric"
    )
    assert domain(DIALOGUE, conversation("流鼻涕，咳嗽，有痰，没有发烧。", "可能是上呼吸道感染。")) == "medical"


@pytest.mark.parametrize(
    ("topic", "expected"), [("paediatric", "not_paediatric"), ("medical", None), ("general", None)]
)
def test_the_source_s_topic_decides_what_goes(topic: str, expected: str | None) -> None:
    after = DropOffTopic().apply(INSTRUCTION, instruction("高血压怎么治疗？", ANSWER, topic=topic))
    assert after["drop_reason"][0] == (expected and f"drop_off_topic:{expected}")


def test_what_is_no_medicine_goes_from_medical_sources_and_general_ones_are_not_judged() -> None:
    off = DropOffTopic().apply(INSTRUCTION, instruction("写一首关于月亮的诗", "明月几时有。", topic="medical"))
    assert (off["domain"][0], off["drop_reason"][0]) == ("general", "drop_off_topic:not_medical")
    general = DropOffTopic().apply(INSTRUCTION, instruction("孩子发烧怎么办？", ANSWER, topic="general"))
    assert (general["domain"][0], general["drop_reason"][0]) == ("general", None)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"title": "小儿药证直诀", "text": "肝主风。实则目直，大叫，呵欠，项急，顿闷。"}, "paediatric"),
        ({"title": "婴儿配方食品标准", "text": "主要起草人：某某。本文件由某委归口。"}, "general"),
        ({"title": "婴儿配方食品标准", "text": "每100kJ所含蛋白质应符合表1的规定，营养素以干物质计。"}, "paediatric"),
        (
            {"title": "中华人民共和国母婴保健法", "number": "第八条", "text": "婚前医学检查包括对下列疾病的检查。"},
            "medical",
        ),
        (
            {
                "title": "中华人民共和国母婴保健法",
                "number": "第十四条",
                "text": "为新生儿提供生长发育、哺乳和护理的医疗保健服务。",
            },
            "paediatric",
        ),
        ({"title": "内科学", "text": "高血压的治疗包括限盐和药物。"}, "medical"),
        ({"title": "内科学", "text": "婴儿和儿童患者的剂量按体重计算，感染时减量。"}, "paediatric"),
    ],
)
def test_documents(columns: dict[str, str], expected: str) -> None:
    assert domain(DOCUMENT, document(**columns)) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("小儿肺炎", "症状", "咳嗽"), "paediatric"),
        (("鹅口疮", "药物", "制霉菌素"), "paediatric"),
        (("地中海贫血", "age", "婴幼儿"), "paediatric"),
        (("地中海贫血", "age", "所有人群，婴幼儿"), "medical"),
        (("高血压", "症状", "头晕"), "medical"),
        (("肺炎", "department", "儿科"), "medical"),
    ],
)
def test_triples_speak_for_themselves(cells: tuple[str, str, str], expected: str) -> None:
    assert domain(TRIPLE, triple(*cells)) == expected


def test_the_threshold_is_a_setting() -> None:
    frame = conversation("小儿支气管炎吃什么好？", ANSWER)
    assert DropOffTopic(threshold=10.0).apply(DIALOGUE, frame)["domain"][0] == "medical"


def test_a_source_that_saw_the_whole_disease_is_believed_unless_the_name_says_otherwise() -> None:
    assert domain(TRIPLE, triple("热感冒", "症状", "口干", domain="paediatric")) == "paediatric"
    assert domain(TRIPLE, triple("鞘膜积液", "症状", "阴囊肿大", domain="medical")) == "medical"
    assert domain(TRIPLE, triple("小儿猫叫综合征", "症状", "哭声如猫叫", domain="medical")) == "paediatric"


def test_a_paediatric_task_about_adults_becomes_general() -> None:
    adult = instruction("高血压怎么治疗？", ANSWER, topic="medical", task="medkqa")
    child = instruction("三岁孩子发烧怎么办？", ANSWER, topic="medical", task="medkqa")
    assert DropOffTopic().apply(INSTRUCTION, adult)["task"][0] == "general"
    assert DropOffTopic().apply(INSTRUCTION, child)["task"][0] == "medkqa"
