"""PDF, EPUB, DOCX and HTML: the text of the document, without what stands around it, and hostile files refused."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import docx
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from sources.archives import MAX_ENTRIES
from sources.base import ReadReport
from sources.guideline import Guideline
from sources.textbook import Textbook
from tests.sources.documents_fixture import REAL, kept, needs_real, read, refusal, written

BOOK, GUIDELINE = Textbook("book"), Guideline("guide")
SENTENCE = "小儿肺炎是婴幼儿时期的常见病，应根据病情选择药物，发热时多饮水，体温过高可服用退热药，并注意休息。"


def pdf(path: Path, pages: list[list[tuple[float, float, float, str]]], rules: list[tuple[float, ...]] = ()) -> Path:
    """A PDF of lines `(x, y, size, text)`; `rules` are lines on the first page."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    for n, lines in enumerate(pages):
        for x, y, size, text in lines:
            canvas.setFont("STSong-Light", size)
            canvas.drawString(x, y, text)
        for rule in rules if n == 0 else ():
            canvas.line(*rule)
        canvas.showPage()
    canvas.save()
    return path


def page(number: int, *texts: str) -> list[tuple[float, float, float, str]]:
    """A page with a running head, a page number, and text wrapped at 40 characters."""
    wrapped = [text[at : at + 40] for text in texts for at in range(0, len(text), 40)]
    body = [(70.0, 740 - 18.0 * n, 10.5, line) for n, line in enumerate(wrapped)]
    return [(70, 800, 9, "儿科学讲义"), (290, 40, 9, f"- {number} -"), *body]


def test_pdf_sentences_go_on_over_lines_and_pages(tmp_path: Path) -> None:
    long = SENTENCE * 8
    pages = [
        page(1, "第一章 肺炎", long[:200]),
        page(2, long[200:]),
        page(3, "第二章 腹泻", SENTENCE),
        page(4, SENTENCE),
    ]
    report = ReadReport()
    rows = read(BOOK, pdf(tmp_path / "儿科学.pdf", pages), report)
    assert [(row["section_path"], row["page"]) for row in kept(rows)] == [(["第一章 肺炎"], 1), (["第二章 腹泻"], 3)]
    assert kept(rows)[0]["text"] == long
    assert kept(rows)[1]["text"].replace("\n", "") == SENTENCE * 2
    assert "4 running heads and 4 page numbers left out" in report.notes


def test_pdf_raised_figures_stay_powers(tmp_path: Path) -> None:
    lines = page(1, "第一章 剂量", SENTENCE)[2:]
    lines += [(70, 500, 10.5, "活菌数应不少于10"), (157, 505, 6, "6"), (161, 500, 10.5, "CFU，体表面积按平方米计算。")]
    (row,) = kept(read(BOOK, pdf(tmp_path / "a.pdf", [lines])))
    assert re.search("10⁶ ?CFU", row["text"])


def test_pdf_headings_on_the_first_page_are_no_titles(tmp_path: Path) -> None:
    large = [(240.0, 760.0, 18.0, "小儿肺炎讲义"), (70.0, 720.0, 13.5, "疾病概述")]
    first = [(x, y - 40, size, text) for x, y, size, text in page(1, SENTENCE * 2)[2:]]
    second = [(70.0, 500.0, 13.5, "临床表现"), *((x, y - 280, size, t) for x, y, size, t in page(1, SENTENCE * 3)[2:])]
    third = [(70.0, 760.0, 13.5, "治疗"), *((x, y - 40, size, t) for x, y, size, t in page(2, SENTENCE)[2:])]
    rows = kept(read(BOOK, pdf(tmp_path / "a.pdf", [large + first + second, third])))
    assert [row["section_path"] for row in rows] == [["疾病概述"], ["临床表现"], ["治疗"]]
    assert {row["title"] for row in rows} == {"小儿肺炎讲义"}


def test_the_sample_pdf_has_every_section_of_its_markdown() -> None:
    root = Path(__file__).parents[2]
    chapters = (root / "tests/sample_chapter.md").read_text("utf-8").split("\n## ")
    written_as = {}
    for chapter in chapters[1:]:
        heading, _, text = chapter.partition("\n")
        prose = [line for line in text.split("\n") if not line.startswith("|")]
        written_as[heading] = "".join("".join(prose).split())
    (path,) = (root / "corpus/samples/textbook").glob("*.pdf")
    rows = [row for row in read(BOOK, path) if row["drop_reason"] in (None, "read:references")]
    found = {row["section_path"][-1]: "".join(row["text"].split()) for row in rows}
    assert {row["title"] for row in rows} == {"儿童食物过敏与严重过敏反应"} == {chapters[0].strip("# \n")}
    assert list(found) == list(written_as)
    del found["参考文献"], written_as["参考文献"]
    assert found == written_as


def test_pdf_contents_and_tables_are_apart(tmp_path: Path) -> None:
    rules = [(70.0, y, 400.0, y) for y in (620.0, 600.0, 580.0, 560.0)] + [
        (x, 560.0, x, 620.0) for x in (70.0, 200.0, 400.0)
    ]
    table = [(150.0, 630.0, 10.5, "表 1 食物含铁量")] + [
        (x, y, 9.0, text)
        for y, row in zip(
            (606.0, 586.0, 566.0), (("食物", "含量（mg）"), ("猪肝", "23.2"), ("黄豆", "8.2")), strict=True
        )
        for x, text in zip((90.0, 250.0), row, strict=True)
    ]
    lines = page(1, "第一章 肺炎........................3", "第一章 肺炎", SENTENCE)[2:] + table
    rows = read(BOOK, pdf(tmp_path / "a.pdf", [lines], rules))
    assert [row["drop_reason"] for row in rows] == ["read:table_of_contents", None]
    assert rows[1]["text"] == f"{SENTENCE}\n表 1 食物含铁量\n猪肝：含量（mg）为23.2\n黄豆：含量（mg）为8.2"


@pytest.mark.parametrize("text", ["", "!\"#$%&'()*+,-./:;<=>?@[]^_" * 3, "/G76 /G89 /G21 /G45"])
def test_a_pdf_without_usable_text_is_refused(tmp_path: Path, text: str) -> None:
    path = pdf(tmp_path / "a.pdf", [[(70, 700 - 20 * n, 10, text) for n in range(20)]] * 3)
    refused = refusal(GUIDELINE, path)
    assert refused.reason == "no_text_layer"
    assert "on 3 pages" in refused.detail


def raw_pdf(*objects: bytes) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for n, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
        len(out),
    )


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.4\njunk", "malformed_pdf"),
        (raw_pdf(CATALOG, b"<</Type/Pages/Count 5/Kids[2 0 R]>>"), "malformed_pdf"),
        (
            raw_pdf(CATALOG, b"<</Type/Pages/Count 90000/Kids[%s]>>" % (b"3 0 R " * 90000), b"<</Type/Page>>"),
            "too_large",
        ),
    ],
)
def test_hostile_pdfs_are_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    assert refusal(BOOK, written(tmp_path, "a.pdf", data)).reason == reason


def test_docx_headings_lists_and_tables(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("儿科学", 0)
    document.add_heading("第一章 肺炎", 1)
    document.add_paragraph(SENTENCE)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("药名", "剂量", "阿莫西林", "20 mg/kg"), strict=True):
        cell.text = text
    document.add_heading("治疗", 2)
    document.add_paragraph("多饮水。", style="List Bullet")
    document.save(str(tmp_path / "a.docx"))
    rows = read(BOOK, tmp_path / "a.docx")
    assert [(row["section_path"], row["text"]) for row in rows] == [
        (["第一章 肺炎"], f"{SENTENCE}\n阿莫西林：剂量为20 mg/kg"),
        (["第一章 肺炎", "治疗"], "多饮水。"),
    ]
    assert {row["title"] for row in rows} == {"儿科学"}


def archive(path: Path, **entries: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


CONTAINER = '<container><rootfiles><rootfile full-path="O/c.opf"/></rootfiles></container>'
ENTITIES = "<!DOCTYPE x [" + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)) + "]>"


def epub(path: Path, pages: dict[str, str], **more: str) -> Path:
    items = "".join(
        f'<item id="{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(pages)
    )
    spine = "".join(f'<itemref idref="{n}"/>' for n in range(len(pages)))
    package = f"<package><dc:title>儿科学</dc:title><manifest>{items}</manifest><spine>{spine}</spine></package>"
    content = {f"O/{name}": text for name, text in pages.items() if ".." not in name}
    fixed = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, "O/c.opf": package}
    return archive(path, **fixed, **content, **more)


def test_epub_in_the_order_of_its_spine(tmp_path: Path) -> None:
    pages = {
        name: f"<html><body><h1>第{name[0]}章</h1><p>{SENTENCE}</p></body></html>" for name in ("二.html", "一.html")
    }
    rows = read(BOOK, epub(tmp_path / "a.epub", pages))
    assert [(row["title"], row["section_path"], row["text"]) for row in rows] == [
        ("儿科学", ["第二章"], SENTENCE),
        ("儿科学", ["第一章"], SENTENCE),
    ]


def test_hostile_archives_are_refused(tmp_path: Path) -> None:
    body = f"<p>{SENTENCE}</p>"
    files = {
        "archive_bomb": epub(tmp_path / "bomb.epub", {"a.html": "肺" * 20_000_000}),
        "path_traversal": epub(tmp_path / "spine.epub", {"../../etc/passwd": ""}),
        "entity_expansion": epub(tmp_path / "entity.epub", {"a.html": ENTITIES + "<p>&a11;</p>"}),
        "malformed_epub": epub(tmp_path / "none.epub", {}),
        "malformed_archive": written(
            tmp_path, "cut.epub", epub(tmp_path / "x.epub", {"a.html": body}).read_bytes()[:300]
        ),
        "encrypted": epub(tmp_path / "drm.epub", {"a.html": body}, **{"META-INF/encryption.xml": "<EncryptedData/>"}),
        "malformed_docx": archive(tmp_path / "a.docx", **{"[Content_Types].xml": "<", "word/document.xml": "<"}),
    }
    assert {reason: refusal(BOOK, path).reason for reason, path in files.items()} == {
        reason: reason for reason in files
    }
    outside = epub(tmp_path / "entry.epub", {"a.html": body}, **{"../../x.html": body})
    assert refusal(BOOK, outside).reason == "path_traversal"
    crowd = archive(
        tmp_path / "crowd.epub", mimetype="application/epub+zip", **{f"{n}": "" for n in range(MAX_ENTRIES + 1)}
    )
    assert refusal(BOOK, crowd).reason == "archive_bomb"


def test_docx_with_entities_or_endless_nesting_is_refused(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph(SENTENCE)
    held = io.BytesIO()
    document.save(held)
    for name, change in {
        "entity_expansion": lambda xml: xml.replace("<w:document", ENTITIES + "<w:document", 1),
        "malformed_docx": lambda xml: xml.replace("<w:p>", "<w:sdt>" * 5_000, 1),
    }.items():
        path = tmp_path / f"{name}.docx"
        with zipfile.ZipFile(held) as old, zipfile.ZipFile(path, "w") as new:
            for entry in old.namelist():
                data = old.read(entry)
                new.writestr(entry, change(data.decode()) if entry == "word/document.xml" else data)
        assert refusal(BOOK, path).reason == name


def test_html_keeps_headings_rows_and_the_chinese(tmp_path: Path) -> None:
    html = (
        "<!DOCTYPE html><html><head><title>首页 - 网站</title><script>var a = '发热';</script></head><body>"
        "<nav><a href='/'>首页</a></nav><div class='site-header'>登录</div><h1>儿童肺炎诊疗规范</h1><h2>一、诊断</h2>"
        f"<p>{SENTENCE}</p><p>Children with fever should drink water and rest at home.</p>"
        "<ul><li>发热；</li><li>咳嗽。</li></ul>"
        "<table><tr><td>年龄</td><td>呼吸</td></tr></table>"
        "<!-- 注释 --><p>&lt;2月龄，RR≥60次/分</p><footer>版权所有</footer>"
    )
    rows = read(GUIDELINE, written(tmp_path, "a.html", html))
    (row,) = kept(rows)
    assert row["text"] == f"{SENTENCE}\n发热；\n咳嗽。\n年龄；呼吸\n<2月龄，RR≥60次/分"
    assert (row["title"], row["section_path"]) == ("儿童肺炎诊疗规范", ["一、诊断"])
    assert [row["drop_reason"] for row in rows if row["drop_reason"]] == ["read:foreign_language"]


@pytest.mark.parametrize("unit", ["<div>", "<b><p>", "<a", "<table><tr><td>"])
def test_html_that_nests_without_end_is_refused(tmp_path: Path, unit: str) -> None:
    path = written(tmp_path, "a.html", "<html><body>" + unit * 200_000 + "肺炎")
    assert refusal(BOOK, path).reason in ("nested_too_deep", "no_text")


@pytest.mark.parametrize("marker", [pytest.param("real", marks=needs_real)])
def test_real_pdfs(marker: str) -> None:
    folder = Path(REAL or "") / "guidelines"
    found = refusal(GUIDELINE, folder / "食品安全国家标准-婴儿配方食品2021.pdf")
    assert found.reason == "no_text_layer"
    for name, n_kept, title, issuer, year in (
        (
            "0 岁～6 岁儿童营养配餐指南-深圳市地方标准.pdf",
            164,
            "0 岁～6 岁儿童营养配餐指南",
            "深圳市市场监督管理局",
            2024,
        ),
        ("食品安全国家标准-婴儿配方食品2010.pdf", 56, "食品安全国家标准 婴儿配方食品", "中华人民共和国卫生部", 2010),
    ):
        rows = kept(read(GUIDELINE, folder / name))
        assert {(row["title"], row["issuer"], row["year"]) for row in rows} == {(title, issuer, year)}
        assert len(rows) >= n_kept
        numbers = [row["number"] for row in rows]
        assert all(numbers)
        assert not any(re.search(r"\.{4}|…{3}|\n\W*\d+\W*(?:\n|$)|DB4403|GB 10765—2010$", row["text"]) for row in rows)
        first_lines = [row["text"].split("\n")[0] for row in rows]
        assert not [line for line in first_lines if line.endswith("，") or re.search(r"[\u4e00-\u9fff]{12}$", line)]
