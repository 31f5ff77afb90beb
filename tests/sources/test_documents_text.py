"""Text, tagged books and Markdown: the right sections, at the right places, with nothing lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.base import ReadReport
from sources.encoding import decode_with_gaps
from sources.guideline import Guideline
from sources.headings import DecimalSequence, Heading, Outline, clause_number, parse_heading
from sources.plain import Plain
from sources.register import register_of
from sources.sections import SECTION_CHARS, Block, sections
from sources.textbook import Textbook
from tests.sources.documents_fixture import REAL, kept, needs_real, read, refusal, written

BOOK = Textbook("book", license="CC0-1.0")
SENTENCE = "小儿肺炎是婴幼儿时期的常见病，应根据病情选择药物。"


def squeezed(text: str) -> str:
    """Without what readers take out: blanks, marks, pictures, and the sign for a lost character."""
    return re.sub(r"\\r[^\\\n]*\\[^\\\n]*\\r|[\s□\\xrzqj<>#*`|_-]|属性：|HT|KT|\d{1,3}[.)]", "", text)


def test_chapters_sections_and_their_places(tmp_path: Path) -> None:
    parts = ["儿科学\n\n第一章 肺 炎\n第一节 病因", "（一）细菌", "第二节 治疗", "第二章 腹泻\n一、概述"]
    text = "".join(f"{part}\n{SENTENCE}\n" for part in parts)
    rows = kept(read(BOOK, written(tmp_path, "儿科学.txt", text)))
    paths = [row["section_path"] for row in rows][1:]
    assert paths == [
        ["第一章 肺炎", "第一节 病因"],
        ["第一章 肺炎", "第一节 病因", "（一）细菌"],
        ["第一章 肺炎", "第二节 治疗"],
        ["第二章 腹泻", "一、概述"],
    ]
    assert all(text[row["char_start"] : row["char_end"]] == row["text"] == SENTENCE for row in rows[1:])
    assert len({row["group_id"] for row in rows[1:4]}) == 1 != len({row["group_id"] for row in rows[3:]})
    assert rows[1]["locator"].startswith("L5/")
    assert {row["title"] for row in rows} == {"儿科学"}


def test_hard_wraps_are_joined_and_paragraphs_kept(tmp_path: Path) -> None:
    long = SENTENCE * 12
    wrapped = "\n".join(long[at : at + 40] for at in range(0, len(long), 40))
    text = "\n\n".join(["第一章 肺炎", wrapped, wrapped, "短段。"])
    (row,) = kept(read(BOOK, written(tmp_path, "a.txt", text)))
    assert row["text"] == f"{long}\n{long}\n短段。"


def test_page_numbers_and_contents_are_no_text(tmp_path: Path) -> None:
    contents = "目录\n第一章 肺炎……………………1\n第二章 腹泻............12\n"
    text = f"{contents}第一章 肺炎\n{SENTENCE}\n- 5 -\n{SENTENCE}\n第 6 页 共 9 页\n第二章 腹泻\n{SENTENCE}\n"
    report = ReadReport()
    rows = read(BOOK, written(tmp_path, "a.txt", text), report)
    assert [row["text"] for row in kept(rows)] == [f"{SENTENCE}\n{SENTENCE}", SENTENCE]
    assert {row["drop_reason"] for row in rows} - {None} == {"read:table_of_contents"}
    assert "2 page numbers left out" in report.notes


def test_contents_without_dots_end_where_the_text_begins(tmp_path: Path) -> None:
    text = f"目 录\n第一章 肺炎\n第二章 腹泻\n第一章 肺炎\n{SENTENCE}\n第二章 腹泻\n{SENTENCE}\n"
    rows = read(BOOK, written(tmp_path, "a.txt", text))
    assert [row["section_path"] for row in kept(rows)] == [["第一章 肺炎"], ["第二章 腹泻"]]
    assert [row["drop_reason"] for row in rows if row["drop_reason"]] == ["read:table_of_contents"]


@pytest.mark.parametrize(
    ("heading", "reason"),
    [("前言", "front_matter"), ("参考文献", "references"), ("索引", "index"), ("主要起草人", "front_matter")],
)
def test_what_is_no_text_of_the_book_is_dropped_with_its_reason(tmp_path: Path, heading: str, reason: str) -> None:
    text = f"{heading}\n{SENTENCE}\n1 范围\n{SENTENCE}\n2 配餐程序\n{SENTENCE}\n"
    rows = read(BOOK, written(tmp_path, "a.txt", text))
    assert [row["drop_reason"] for row in rows] == [f"read:{reason}", None, None]


def test_a_list_of_numbered_words_stays_text(tmp_path: Path) -> None:
    text = f"第一章 肺炎\n临床表现有：\n1. 发热\n2. 咳嗽\n3. 气促\n第二章 腹泻\n{SENTENCE}\n"
    rows = kept(read(BOOK, written(tmp_path, "a.txt", text)))
    assert (
        rows[0]["text"] == "临床表现有：\n1. 发热\n2. 咳嗽\n3. 气促"
        or "".join(r["text"] for r in rows[:2]).count("咳嗽") == 1
    )
    assert sum(row["text"].count("气促") for row in rows) == 1


def test_long_sections_are_cut_at_paragraphs_and_long_paragraphs_at_sentences(tmp_path: Path) -> None:
    text = "第一章 肺炎\n" + (SENTENCE * 40 + "\n") * 20 + SENTENCE * 1000
    path = written(tmp_path, "a.txt", text)
    rows = kept(read(BOOK, path))
    assert max(len(row["text"]) for row in rows) <= SECTION_CHARS
    assert all(row["text"].endswith("。") for row in rows)
    assert "".join(row["text"].replace("\n", "") for row in rows) == text.split("\n", 1)[1].replace("\n", "")
    assert all(text[row["char_start"] : row["char_end"]] == row["text"] for row in rows)


@given(
    st.lists(st.sampled_from(["第一章 甲", "第二章 乙", "第一节 丙", "一、丁", "（一）戊", "1.1 己", SENTENCE, "短。"]))
)
def test_sections_lose_no_paragraph_and_no_heading(lines: list[str]) -> None:
    blocks = [Block("" if parse_heading(line) else line, parse_heading(line)) for line in lines]
    made = list(sections(blocks))
    found = "\n".join(section.text for section in made)
    n_kept = sum(found.split("\n").count(line) for line in {SENTENCE, "短。"})
    assert n_kept == sum(block.heading is None for block in blocks)
    named = {title for section in made for title in (*section.path, *section.text.split("\n"))}
    assert {block.heading.title for block in blocks if block.heading} <= named


TAGGED = "\n".join(
    [
        "<篇名>幼科试编",
        "书名：幼科试编",
        "作者：某人  ",
        "朝代：清  ",
        "",
        "",
        "<目录>",
        "",
        "<篇名>自序",
        "",
        "属性：余于医传自先生，凡所着述，皆言其所明也。 ",
        "",
        "",
        "<目录>卷一\\惊风门",
        "",
        "<篇名>急惊",
        "",
        "属性：凡小儿急惊，因内有实热，外挟风邪，心家受热而积惊，肝家生风而发搐，肝风 ",
        "心火，二脏交争，血乱气并，痰涎壅盛，昏睡而 之，乃发搐也。 ",
        "\\x人参散\\x 治惊热。 ",
        "人参（一钱） 黄 （炙） 甘草 ",
        "上为末，每服一钱，KT 耳者加之。 ",
        "\\r急惊图\\p03-a1.bmp\\r ",
    ]
)


def test_a_tagged_book(tmp_path: Path) -> None:
    report = ReadReport()
    rows = read(BOOK, written(tmp_path, "133-x.txt", TAGGED.encode("gb18030")), report)
    preface, text = rows
    assert preface["drop_reason"] == "read:front_matter"
    assert text["section_path"] == ["卷一", "惊风门", "急惊"]
    assert (text["title"], text["register"]) == ("幼科试编", "classical")
    lines = text["text"].split("\n")
    assert lines[0].startswith("凡小儿急惊，")
    assert "肝风心火" in lines[0]
    assert "昏睡而□之" in lines[0]
    assert lines[1:] == ["人参散 治惊热。", "人参（一钱） 黄□（炙） 甘草", "上为末，每服一钱，□耳者加之。"]
    assert squeezed(text["text"]) in squeezed(TAGGED[text["char_start"] : text["char_end"]])
    assert (report.format, report.encoding) == ("tagged_tcm", "gb18030")
    assert "1 pictures left out" in report.notes


def test_an_undecodable_byte_costs_its_section_and_no_other(tmp_path: Path) -> None:
    chapters = [f"第{n}章 肺炎\n{SENTENCE * 60}\n".encode("gb18030") for n in "一二三四五六七"]
    chapters[2] = chapters[2][:-41] + b"\xff" + chapters[2][-41:]
    report = ReadReport()
    rows = read(BOOK, written(tmp_path, "a.txt", b"".join(chapters)), report)
    assert [row["drop_reason"] for row in rows] == [None, None, "read:undecodable_byte", None, None, None, None]
    assert not any("\ufffd" in row["text"] for row in kept(rows))
    assert any(str(len(b"".join(chapters[:3])) - 42) in note for note in report.notes)


def test_markdown_sections_lists_tables_and_comments(tmp_path: Path) -> None:
    text = (
        "# 儿科学\n\n<!-- 编者注 -->\n\n## 肺炎\n\n**常见病**，见[表](a.html)。\n第二行。\n\n- 发热\n- 咳嗽\n\n"
        "## 用药\n\n| 药名 | 剂量 |\n|---|---|\n| 对乙酰氨基酚 | 10 mg/kg |\n"
    )
    rows = kept(read(BOOK, written(tmp_path, "x.md", text)))
    assert [(row["section_path"], row["text"]) for row in rows] == [
        (["肺炎"], "常见病，见表。第二行。\n发热\n咳嗽"),
        (["用药"], "对乙酰氨基酚：剂量为10 mg/kg"),
    ]
    assert {row["title"] for row in rows} == {"儿科学"}
    assert [text[row["char_start"] : row["char_end"]][:4] for row in rows] == ["**常见", "| 对乙"]


def test_markdown_that_nests_too_deep_is_refused_not_cut(tmp_path: Path) -> None:
    assert refusal(BOOK, written(tmp_path, "a.md", "# 肺炎\n\n" + "> " * 9000 + "治疗\n")).reason == "nested_too_deep"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\n\t", "empty"),
        ("a.md", b"<!-- nothing -->\n", "no_text"),
        ("a.txt", SENTENCE.encode() + b"\0" + SENTENCE.encode(), "nul_byte"),
        ("a.txt", SENTENCE[:9].encode() + b"\0", "nul_byte"),
        ("a.txt", SENTENCE.encode() + b"\xed\xa0\x80", "undecodable_byte"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "not_a_document"),
        ("a.txt", b'[{"a": 1}]', "not_a_document"),
        ("a.csv", "问,答\n发热,喝水\n".encode(), "not_a_document"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    for source in (BOOK, Plain("plain")):
        assert refusal(source, written(tmp_path, name, content)).reason == reason


def test_a_nul_costs_its_section_only(tmp_path: Path) -> None:
    chapters = [f"第{n}章 肺炎\n\n{SENTENCE * 60}\n\n" for n in "一二三"]
    content = (chapters[0] + chapters[1][:80] + "\0" + chapters[1][80:] + chapters[2]).encode()
    report = ReadReport()
    rows = read(BOOK, written(tmp_path, "a.txt", content), report)
    assert [(row["section_path"][-1][:3], row["drop_reason"]) for row in rows] == [
        ("第一章", None),
        ("第二章", "read:undecodable_byte"),
        ("第三章", None),
    ]
    assert any(str(content.find(0)) in note for note in report.notes)


REPETITIONS = {
    "one line": "肺炎" * 500_000,
    "brackets": "（" * 300_000,
    "dots": "." * 1_000_000,
    "chapters": "第一章 肺炎\n" * 20_000,
    "items": "一、\n" * 40_000,
    "numbers": "1.1.1\n" * 40_000,
    "tags": "<篇名>" * 100_000,
    "levels": "<目录>" + "a\\" * 100_000 + "\n<篇名>b\n属性：肺炎\n",
    "one paragraph": (SENTENCE[:23] + "\n") * 50_000,
}


@pytest.mark.parametrize("content", REPETITIONS)
def test_repetition_is_read_in_bounded_time_and_no_character_is_lost(tmp_path: Path, content: str) -> None:
    rows = read(Plain("plain"), written(tmp_path, "a.txt", REPETITIONS[content]))
    assert sum(len(row["text"]) for row in rows) > 0
    assert max(len(row["text"]) for row in rows) <= 2 * SECTION_CHARS


def test_the_register_is_told_by_function_words_and_can_be_set(tmp_path: Path) -> None:
    classical = (
        "夫小儿之病，其因有三。盖脾者，土也，其气虚则泻，乃不能制水故也。凡治者，须先辨其虚实，勿妄下之，遂致不救矣。"
        * 2
    )
    assert register_of(classical) == "classical"
    assert register_of(SENTENCE * 4 + "患儿出现发热的时候，可以进行物理降温，同时应当注意观察。" * 3) == "modern"
    path = written(tmp_path, "a.txt", classical)
    assert read(BOOK, path)[0]["register"] == "classical"
    assert read(Textbook("b", register="modern"), path)[0]["register"] == "modern"


@pytest.mark.parametrize(
    ("line", "family", "number", "title"),
    [
        ("第一章 总 则", "章", "第一章", "第一章 总则"),
        ("第十二章生长发育", "章", "第十二章", "第十二章生长发育"),
        ("附 录 A", "章", "附录A", "附录 A"),
        ("4.2.1 0 月龄～5 月龄婴儿喂养指南", "decimal", "4.2.1", "4.2.1 0 月龄～5 月龄婴儿喂养指南"),
        ("3.1", "decimal", "3.1", "3.1"),
        ("（二）治疗", "（一）", "（二）", "（二）治疗"),
    ],
)
def test_headings(line: str, family: str, number: str, title: str) -> None:
    found = parse_heading(line)
    assert found is not None
    assert (found.family, found.number, found.title) == (family, number, title)


@pytest.mark.parametrize(
    "line", ["（二）指定传染病；", "1.5 h～2.0 h", "2.5 mg", "25 种。", "附录的规定", "一、", SENTENCE]
)
def test_sentences_figures_and_items_are_no_headings(line: str) -> None:
    assert parse_heading(line) is None


def test_clause_numbers_come_in_order_and_figures_do_not() -> None:
    sequence = DecimalSequence()
    numbers = ["1", "2", "2.1", "2.1.1", "9.5", "2.1.2", "2.2", "3", "3.5", "3.1", "A.1", "A.1.1", "B.1"]
    assert [n for n in numbers if sequence.accept(n)] == [n for n in numbers if n not in ("9.5", "3.5")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("第十条 经婚前", ("第十条", "经婚前")),
        ("第一百零三条 医", ("第一百零三条", "医")),
        ("4.2.1.1 母亲宜", ("4.2.1.1", "母亲宜")),
        ("推荐意见3：建议", ("推荐意见3", "建议")),
        ("【推荐意见 12】建议", ("推荐意见12", "建议")),
        ("100 g", None),
        ("2.5mg", None),
        ("1.5～2.0 h", None),
    ],
)
def test_numbers_of_provisions(text: str, expected: tuple[str, str] | None) -> None:
    assert clause_number(text) == expected


def test_a_new_family_goes_inside_and_chapters_close_what_is_below() -> None:
    outline = Outline()
    for line in ("第一章 甲", "一、乙", "1.1 丙", "二、丁"):
        heading = parse_heading(line)
        assert heading is not None
        outline.enter(heading)
    assert outline.path() == ("第一章 甲", "二、丁")
    outline.enter(Heading("章", 0, "第二章", "第二章 戊"))
    assert outline.path() == ("第二章 戊",)


def real_files() -> list[Any]:
    root = Path(REAL) if REAL else None
    found = sorted([*root.glob("textbooks/*.txt"), *root.glob("guidelines/*.md")]) if root else []
    return [pytest.param(path, id=path.stem, marks=needs_real) for path in found if "重庆" not in path.name]


@pytest.mark.parametrize("path", real_files() or [pytest.param(None, marks=needs_real)])
def test_real_files_hold_their_text_where_they_say(path: Path) -> None:
    source = Guideline("g") if path.suffix == ".md" else BOOK
    report = ReadReport()
    rows = read(source, path, report)
    text = decode_with_gaps(path.read_bytes()).text
    for row in rows:
        place = text[row["char_start"] : row["char_end"]]
        assert row["drop_reason"] == "read:empty_section" or squeezed(row["text"]) in squeezed(place)
        assert row["title"] not in ("", path.stem)
    assert not any(re.search(r"\\x|<篇名>|\.bmp|属性：|\ufffd|<!--", row["text"]) for row in kept(rows))
    n_text = len(squeezed(re.sub(r"(?m)^<(?:目录|篇名)>.*$|\\r.*\\r|^.{2}：.*$|^#.*$|<!--.*-->|^第.{1,4}条", "", text)))
    assert sum(len(squeezed(row["text"])) for row in rows) > 0.97 * n_text
    assert {row["register"] for row in rows} == {"modern" if path.suffix == ".md" else "classical"}
