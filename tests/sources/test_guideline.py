"""Articles, clauses and recommendations, with their numbers, their grades and who issued them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sources.guideline import Guideline, grade_of, issuer_of
from tests.sources.documents_fixture import REAL, kept, needs_real, read, refusal, written

GUIDELINE = Guideline("guide", license="CC0-1.0")

STATUTE = """# 某某母婴保健条例

2001年6月20日 某某省第九届人民代表大会常务委员会第三次会议通过

2017年11月4日 某某省第十二届人民代表大会常务委员会第九次会议修正

<!-- INFO END -->

## 第一章 总 则

第一条 为了保障母亲和婴儿健康，制定本条例。

第二条 婚前医学检查包括对下列疾病的检查:

（一）严重遗传性疾病；

（二）指定传染病；

经检查，应当出具证明。

## 第二章 附则

第三条 本条例自2018年1月1日起施行。
"""


def test_a_statute_is_its_articles_with_their_items(tmp_path: Path) -> None:
    rows = read(GUIDELINE, written(tmp_path, "条例(2017-11-04).md", STATUTE))
    assert rows[0]["drop_reason"] == "read:front_matter"
    articles = kept(rows)
    assert [row["number"] for row in articles] == ["第一条", "第二条", "第三条"]
    assert [row["section_path"] for row in articles] == [["第一章 总则"], ["第一章 总则"], ["第二章 附则"]]
    assert articles[1]["text"] == (
        "婚前医学检查包括对下列疾病的检查:\n（一）严重遗传性疾病；\n（二）指定传染病；\n经检查，应当出具证明。"
    )
    assert {(row["title"], row["issuer"], row["year"]) for row in rows} == {
        ("某某母婴保健条例", "某某省人民代表大会常务委员会", 2017)
    }
    assert len({row["group_id"] for row in articles}) == 2


def test_in_plain_text_short_items_of_an_article_are_no_headings(tmp_path: Path) -> None:
    text = "某某条例\n第一章 总则\n第一条 检查包括：\n（一）遗传病\n（二）传染病\n第二条 应当出具证明。\n"
    rows = kept(read(GUIDELINE, written(tmp_path, "a.txt", text)))
    assert [(row["number"], row["text"]) for row in rows] == [
        ("第一条", "检查包括：\n（一）遗传病\n（二）传染病"),
        ("第二条", "应当出具证明。"),
    ]


def test_clauses_stand_under_the_headings_that_their_numbers_name(tmp_path: Path) -> None:
    text = (
        "1 范围\n本文件适用于家庭。\n2 喂养\n2.1 核心推荐\n2.1.1 母亲宜在生后 1 h 内开奶，注重吸吮。\n"
        "2.1.2 喂奶量不宜过多。\n5.3 kg 体重者减半。\n"
        "2.2 母乳\n2.2.1 宜按需喂养：\na) 饥饿时；\n2.3 宜及时就医，不宜延误。\n"
    )
    rows = kept(read(GUIDELINE, written(tmp_path, "喂养指南.txt", text)))
    assert [(row["number"], row["section_path"][-1]) for row in rows] == [
        ("1", "1 范围"),
        ("2.1.1", "2.1 核心推荐"),
        ("2.1.2", "2.1 核心推荐"),
        ("2.2.1", "2.2 母乳"),
        ("2.3", "2 喂养"),
    ]
    assert rows[2]["text"] == "喂奶量不宜过多。\n5.3 kg 体重者减半。"
    assert rows[3]["text"] == "宜按需喂养：\na) 饥饿时；"


def test_clauses_under_marked_headings_are_split_as_under_plain_ones(tmp_path: Path) -> None:
    text = (
        "# 喂养标准\n\n## 1 范围\n\n本标准适用于家庭。\n\n## 2 喂养\n\n### 2.1 母乳\n\n2.1.1 宜在生后一小时内开奶。\n\n"
        "2.1.2 宜按需喂养。\n\n2.2 宜及时添加辅食。\n"
    )
    rows = kept(read(GUIDELINE, written(tmp_path, "a.md", text)))
    assert [(row["number"], row["text"]) for row in rows] == [
        ("1", "本标准适用于家庭。"),
        ("2.1.1", "宜在生后一小时内开奶。"),
        ("2.1.2", "宜按需喂养。"),
        ("2.2", "宜及时添加辅食。"),
    ]


def test_recommendations_keep_their_grade_and_their_reasons(tmp_path: Path) -> None:
    text = (
        "# 儿童肺炎诊疗指南\n\n## 一、治疗\n\n推荐意见1：轻症首选口服阿莫西林（1A）。\n\n"
        "推荐说明：两项随机对照试验支持。\n\n"
        "推荐意见2：重症应住院治疗（强推荐，高质量证据）。\n"
    )
    rows = kept(read(GUIDELINE, written(tmp_path, "a.md", text)))
    assert [(row["number"], row["grade"]) for row in rows] == [
        ("推荐意见1", "1A"),
        ("推荐意见2", "强推荐，高质量证据"),
    ]
    assert rows[0]["text"] == "轻症首选口服阿莫西林（1A）。\n推荐说明：两项随机对照试验支持。"


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("推荐使用布地奈德（证据等级Ⅰ级，推荐级别A级）。", "证据等级Ⅰ级，推荐级别A级"),
        ("建议使用（2C）；重症使用【1B】。", "2C；1B"),
        ("建议使用。推荐强度：强推荐；证据质量：中。", "推荐强度：强推荐；证据质量：中"),
        ("推荐退热（GRADE 1B）", "GRADE 1B"),
        ("维生素A（维A）与剂量（每日2次）", None),
        ("见表1（续），体重 10 kg（1 岁）", None),
    ],
)
def test_grades_as_written(text: str, grade: str | None) -> None:
    assert grade_of(text) == grade


@pytest.mark.parametrize(
    ("line", "issuer"),
    [
        ("1994年10月27日 第八届全国人民代表大会常务委员会第十次会议通过", "全国人民代表大会常务委员会"),
        ("2001年6月20日 中华人民共和国国务院令第308号公布", "中华人民共和国国务院"),
        ("深圳市市场监督管理局 发 布", "深圳市市场监督管理局"),
        ("2024-08-15 发布 2024-09-01 实施", None),
    ],
)
def test_issuers(line: str, issuer: str | None) -> None:
    assert issuer_of(["某某指南", line]) == issuer


def test_a_title_without_provisions_is_refused(tmp_path: Path) -> None:
    stub = STATUTE.split("## 第一章")[0]
    assert refusal(GUIDELINE, written(tmp_path, "a.md", stub)).reason == "no_provisions"


def test_the_configuration_wins(tmp_path: Path) -> None:
    source = Guideline("g", title="甲", issuer="乙", year=1999)
    row = read(source, written(tmp_path, "a.md", STATUTE))[0]
    assert (row["title"], row["issuer"], row["year"]) == ("甲", "乙", 1999)


@pytest.mark.parametrize(
    ("name", "text", "title", "year"),
    [
        ("doc1.txt", "儿童肺炎诊疗规范（2019年版）\n\n国家卫生健康委员会\n", "儿童肺炎诊疗规范（2019年版）", 2019),
        ("儿童肺炎诊疗规范（2013修订版）.txt", "2014年3月5日 某某杂志\n", "儿童肺炎诊疗规范（2013修订版）", 2013),
        ("儿童哮喘指南2016.txt", "2018年3月5日\n", "儿童哮喘指南", 2016),
        ("a.txt", "流感专家共识（2017实用版）\n", "流感专家共识（2017实用版）", 2017),
        ("b.txt", "中华人民共和国国家标准\nGB 10765-2021\n婴儿配方食品\n2021-02-22 发布\n", "婴儿配方食品", 2021),
        ("WST 423-2022 7岁以下儿童生长标准.txt", "2023年1月1日印刷\n", "WST 423-2022 7岁以下儿童生长标准", 2022),
        ("纲要.txt", "中国儿童发展规划方案（2021—2030年）\n", "中国儿童发展规划方案（2021—2030年）", 2021),
        ("c.txt", "本规范由各省参照国家标准，制定办法\n", "c", None),
    ],
)
def test_titles_and_years_of_plain_texts(tmp_path: Path, name: str, text: str, title: str, year: int | None) -> None:
    body = "一、概述\n儿童肺炎是儿童时期的常见病。\n二、治疗\n首选阿莫西林口服治疗。\n"
    row = kept(read(GUIDELINE, written(tmp_path, name, text + body)))[0]
    assert (row["title"], row["year"]) == (title, year)


ARTICLES = {
    "母婴保健法(2017-11-04)": 39,
    "母婴保健法实施办法(2017-11-17)": 45,
    "母婴保健法实施办法(2023-07-20)": 45,
    "疫苗管理法(2019-06-29)": 100,
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs_real) for name in ARTICLES])
def test_real_statutes_have_every_article_once(name: str) -> None:
    rows = kept(read(GUIDELINE, Path(REAL or "") / "guidelines" / f"{name}.md"))
    assert len(rows) == len({row["number"] for row in rows}) == ARTICLES[name]
    assert all(row["section_path"][0].startswith("第") for row in rows)
    assert {row["year"] for row in rows} == {int(name[name.index("(") + 1 :][:4])}


@pytest.mark.parametrize("name", [pytest.param("重庆市实施《母婴保健法》办法(2018-07-26)", marks=needs_real)])
def test_the_real_stub_is_refused(name: str) -> None:
    assert refusal(GUIDELINE, Path(REAL or "") / "guidelines" / f"{name}.md").reason == "no_provisions"
