"""Normalised text says the same as before, in one width, without markup."""

from __future__ import annotations

import pytest

from pipelines.normalize import Normalize
from schemas.records import DIALOGUE, DOCUMENT, INSTRUCTION
from tests.pipelines.rows import conversation, document, instruction


def cleaned(text: str, **settings: bool) -> str:
    return str(Normalize(**settings).apply(DOCUMENT, document(text))["text"][0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("体温＜３８℃，ＣＲＰ升高", "体温<38℃，CRP升高"),
        ("每次５㎎／㎏", "每次5mg/kg"),
        ("10²、½片、①、Ⅱ度、37℃", "10²、½片、①、Ⅱ度、37℃"),
        ("面积㎡", "面积m²"),
        ("⼉科、豈、成⻓", "儿科、豈、成长"),
        ("ﬁne", "fine"),
        ("（全角，标点：保留！）？；～", "（全角，标点：保留！）？；～"),
        ("甲\u200b乙\ufeff丙\u00ad丁\u2060戊", "甲乙丙丁戊"),
        ("甲\u00a0乙", "甲 乙"),
        ("行一\r\n行二\r行三", "行一\n行二\n行三"),
        ("□□散", "□□散"),
    ],
)
def test_characters(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("体温<38℃", "体温<38℃"),
        ("<3个月的婴儿", "<3个月的婴儿"),
        ("P<0.05且Q>0.1", "P<0.05且Q>0.1"),
        ("a<b and c>d", "a<b and c>d"),
        ("白细胞10<sup>9</sup>/L，CO<sub>2</sub>", "白细胞10⁹/L，CO₂"),
        ("甲<br/>乙", "甲\n乙"),
        ("＜ｂｒ＞甲", "甲"),
        ("&lt;p&gt;甲&lt;/p&gt;", "甲"),
        ("&amp;amp;lt;br&amp;amp;gt;甲", "甲"),
        ("甲&nbsp;&nbsp;乙", "甲 乙"),
        ("体温&lt;38℃", "体温<38℃"),
        ("&#20799;科&#x533B;院", "儿科医院"),
        ("&unknown;甲", "&unknown;甲"),
        ('<a href="x">甲</a><span class=y>乙</span>', "甲乙"),
        ("甲<!-- 注 -->乙", "甲乙"),
        ("甲<|endofcontext|>乙</s>[INST]", "甲乙"),
        ("粪便常规 [详细]", "粪便常规"),
        ("<<s>s>甲", "甲"),
    ],
)
def test_markup(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好,可能是尿布皮炎.尿布皮炎好治", "你好，可能是尿布皮炎。尿布皮炎好治"),
        ("1,000例,平均38.5℃,发热", "1,000例，平均38.5℃，发热"),
        ("怎么办？？？谢谢！！", "怎么办？谢谢！"),
        ("咳嗽。。。。发热......", "咳嗽……发热……"),
        ("儿 科 学 总 论", "儿科学总论"),
        ("第一章 总则", "第一章 总则"),
        ("麻黄 桂枝 甘草", "麻黄 桂枝 甘草"),
        ("发热 ，  咳嗽", "发热，咳嗽"),
        ("甲   乙", "甲 乙"),
        ("　　段首缩进", "段首缩进"),
        ("甲\n\n\n\n乙", "甲\n\n乙"),
        ("nan", ""),
        ("nano", "nano"),
    ],
)
def test_space_and_punctuation(text: str, expected: str) -> None:
    assert cleaned(text) == expected


def test_lines_cut_by_a_page_are_joined_and_lists_are_kept() -> None:
    text = (
        "小儿肺炎是婴幼儿时期的常见病，一年四季均可发\n生，以冬春寒冷季节多见，华南地区夏天发病亦\n不少。\n"
        "\n一、病因\n1. 细菌：肺炎链球菌等引起的感染性疾病\n2. 病毒"
    )
    assert cleaned(text) == (
        "小儿肺炎是婴幼儿时期的常见病，一年四季均可发生，以冬春寒冷季节多见，华南地区夏天发病亦不少。\n"
        "\n一、病因\n1. 细菌：肺炎链球菌等引起的感染性疾病\n2. 病毒"
    )
    assert cleaned(text, join_lines=False).count("\n") == text.count("\n")


def test_what_a_person_typed_on_two_lines_stays_on_two_lines() -> None:
    said = "宝宝三个月了最近总是咳嗽还有点流鼻涕\n吃什么药好呢医生请告诉我一下谢谢您了"
    after = Normalize().apply(DIALOGUE, conversation(said, "好的"))
    assert after["turns"][0][0]["content"] == said


def test_page_numbers_and_dot_leaders_go_from_documents_only() -> None:
    assert cleaned("第一章 总则.......... 12\n- 5 -\n第 3 页 共 60 页\n正文") == "正文"
    said = "- 5 -"
    assert Normalize().apply(DIALOGUE, conversation(said, "好的"))["turns"][0][0]["content"] == said


def test_fenced_code_keeps_its_tags_and_indents() -> None:
    code = "看：\n```html\n<p>\n    <br/>\n</p>\n```"
    after = Normalize().apply(INSTRUCTION, instruction("写网页", code, topic="general"))
    assert after["messages"][0][1]["content"] == code


def test_markdown_escapes_go_and_formulas_stay() -> None:
    said = Normalize().apply(INSTRUCTION, instruction("a\\_b \\*c\\*", "$x\\_1$", topic="general"))["messages"][0]
    assert [turn["content"] for turn in said] == ["a_b *c*", "$x\\_1$"]


def test_simplified_documents_keep_their_own_text() -> None:
    frame = Normalize(simplify=True).apply(DOCUMENT, document("嬰兒發熱，乾薑"))
    assert frame.select("text", "original_text").row(0) == ("婴儿发热，干姜", "嬰兒發熱，乾薑")
    plain = Normalize(simplify=True).apply(DOCUMENT, document("婴儿发热"))
    assert plain.select("text", "original_text").row(0) == ("婴儿发热", None)


def test_spans_in_the_file_stay() -> None:
    frame = Normalize().apply(DOCUMENT, document("甲&nbsp;乙", char_start=100, char_end=108))
    assert frame.select("char_start", "char_end").row(0) == (100, 108)


@pytest.mark.parametrize(
    "hostile",
    [
        "<" * 200_000,
        "<a " * 60_000,
        "&amp;" * 50_000,
        "<!--" * 50_000,
        "儿 " * 100_000,
        "\\" * 200_000 + "_",
        "。\n" * 100_000,
    ],
    ids=["angles", "open tags", "ampersands", "comments", "letterspaced", "backslashes", "lines"],
)
def test_hostile_text_ends_and_comes_to_rest(hostile: str) -> None:
    once = cleaned(hostile)  # a quadratic scan of these would take minutes
    assert cleaned(once) == once


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("您好，我是仲景智能医学助手。宝宝便秘可以多吃蔬菜水果。", "您好，宝宝便秘可以多吃蔬菜水果。"),
        ("我是仲景智能医学助手，很高兴为您解答。宝宝便秘可以多吃蔬菜水果。", "宝宝便秘可以多吃蔬菜水果。"),
        ("我是仲景智能医学助手。", "我是仲景智能医学助手。"),
        ("我是ChatGPT，是由OpenAI开发的语言模型。我不能看病。", "我是ChatGPT，是由OpenAI开发的语言模型。我不能看病。"),
        ("我是宝宝的妈妈。孩子发烧两天了，怎么办呢？", "我是宝宝的妈妈。孩子发烧两天了，怎么办呢？"),
    ],
)
def test_a_reply_loses_the_introduction_of_another_assistant(answer: str, expected: str) -> None:
    after = Normalize().apply(DIALOGUE, conversation("宝宝便秘怎么办？", answer))
    assert after["turns"][0][1]["content"] == expected
    kept = Normalize(introductions=False).apply(DIALOGUE, conversation("宝宝便秘怎么办？", answer))
    assert kept["turns"][0][1]["content"] == answer
    general = Normalize().apply(INSTRUCTION, instruction("你是谁？", answer, topic="general"))
    assert general["messages"][0][1]["content"] == answer
