"""Writes the sample textbook PDF anew from the Markdown beside this script.

    python tests/make_sample_pdf.py [FONT.ttc] [OUT.pdf]

The font is WenQuanYi Micro Hei (Debian: fonts-wqy-microhei; Apache-2.0 or GPL-3 with font exception); only the
glyphs that occur are embedded. The same Markdown, font and reportlab give the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from markdown_it import MarkdownIt
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

SOURCE: Final = Path(__file__).with_name("sample_chapter.md")
TARGET: Final = Path(__file__).parents[1] / "corpus" / "samples" / "textbook" / "23-食物过敏与严重过敏反应.pdf"
FONT: Final = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"

_BODY: Final = ParagraphStyle("body", fontName="cjk", fontSize=10.5, leading=17, wordWrap="CJK", firstLineIndent=21)
_STYLES: Final = {
    "h1": ParagraphStyle("h1", fontName="cjk", fontSize=18, leading=30, wordWrap="CJK", alignment=1, spaceAfter=8),
    "h2": ParagraphStyle(
        "h2", fontName="cjk", fontSize=13.5, leading=22, wordWrap="CJK", spaceBefore=9, keepWithNext=1
    ),
    "p": _BODY,
    "li": ParagraphStyle("li", parent=_BODY, fontSize=9, leading=14, firstLineIndent=0),
    "cell": ParagraphStyle("cell", fontName="cjk", fontSize=9, leading=13, wordWrap="CJK"),
}


def blocks(markdown: str) -> list[tuple[str, Any]]:
    """The Markdown as `(tag, text)`; a table is `("table", rows of cells)`."""
    found: list[tuple[str, Any]] = []
    rows: list[list[str]] = []
    context = ""
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type in ("heading_open", "list_item_open"):
            context = token.tag
        elif token.type in ("heading_close", "list_item_close"):
            context = ""
        elif token.type == "table_open":
            context, rows = "table", []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "table_close":
            found.append(("table", rows))
            context = ""
        elif token.type == "inline":
            if context == "table":
                rows[-1].append(token.content)
            else:
                found.append((context or "p", token.content))
    return found


def flowables(markdown: str, width: float) -> list[Flowable]:
    """What reportlab lays out, in the order of the Markdown."""
    laid: list[Flowable] = []
    for tag, content in blocks(markdown):
        if tag != "table":
            laid.append(Paragraph(content, _STYLES[tag]))
            continue
        cells = [[Paragraph(cell, _STYLES["cell"]) for cell in row] for row in content]
        style = TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), "cjk"),
                ("GRID", (0, 0), (-1, -1), 0.5, HexColor("#888888")),
                ("BACKGROUND", (0, 0), (-1, 0), HexColor("#eeeeee")),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ]
        )
        laid.append(Table(cells, colWidths=[0.2 * width, 0.48 * width, 0.32 * width], repeatRows=1, style=style))
    return laid


def page_number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    """The running page number at the foot, as books print it: what a reader of PDFs has to leave out."""
    canvas.setFont("cjk", 9)
    canvas.drawCentredString(A5[0] / 2, 10 * mm, f"- {document.page} -")


def write_pdf(font: str = FONT, target: Path = TARGET) -> None:
    """Lays `SOURCE` out on A5 pages into `target`."""
    rl_config.invariant = 1
    pdfmetrics.registerFont(TTFont("cjk", font, subfontIndex=0))
    document = SimpleDocTemplate(
        str(target),
        pagesize=A5,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title="儿童食物过敏与严重过敏反应",
        author="PedCorpus",
        subject="示例文本，CC-BY-4.0，不构成医疗建议",
        invariant=1,
        initialFontName="cjk",  # else every page names Helvetica, which is not embedded
    )
    document.build(
        flowables(SOURCE.read_text(encoding="utf-8"), document.width), onFirstPage=page_number, onLaterPages=page_number
    )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    write_pdf(arguments[0] if arguments else FONT, Path(arguments[1]) if len(arguments) > 1 else TARGET)
