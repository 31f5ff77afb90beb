"""Guidelines, standards and statutes: one document an article, a numbered recommendation or a leaf clause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, ClassVar, Final

from schemas.errors import PartRefused
from schemas.records import DOCUMENT
from sources.base import Batch, Part, ReadReport, Source, batches
from sources.documents import OpenDocument, file_title, named, open_document, without_damage, years_in, years_of_names
from sources.headings import ARTICLE, DecimalSequence, Heading, Outline, clause_number, decimal_key
from sources.register import AUTO, CLASSICAL, MODERN, register_of
from sources.sections import Block, Held, Section, as_text, join
from sources.textbook import document_row, title_and_blocks

_KIND_WORD: Final = re.compile(
    r"(?:指南|方案|共识|规范|标准|建议|办法|条例|规定|规程|细则|法|食品|要求|导则)(?:\s*[（(][^（）()]{1,20}[）)])?$"
)
_SERIES: Final = re.compile(r"(?:中华人民共和国|食品安全)?(?:国家|地方|团体|[\u4e00-\u9fff]{2}行业)?标准|.*[。；，].*")
_DECIMAL: Final = re.compile(r"(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,3}){0,7}")
_LABEL: Final = re.compile(r"^[^：:]{0,10}(?:来源|标题|题目|名称|依据|参考)[：:]\s*")
_ISSUERS: Final = (
    re.compile(
        r"(?P<place>[\u4e00-\u9fff]{2,8}?)?第[一二三四五六七八九十]{1,3}届(?P<name>[\u4e00-\u9fff]{2,20}?(?:委员会|代表大会))(?=第|$)"
    ),
    re.compile(r"(?P<name>(?:中华人民共和国)?[\u4e00-\u9fff]{2,16}?)令\s*(?:第|〔)"),
    re.compile(r"^(?P<name>[\u4e00-\u9fff、 ]{4,60}?)\s*(?:联合)?(?:发\s*布|印\s*发|颁\s*布)$"),
    re.compile(r"(?:发布|颁布|制定|归口)(?:单位|机构|部门)[：:]\s*(?P<name>[\u4e00-\u9fff、]{4,60})"),
    re.compile(
        r"(?P<name>(?:中华医学会|中国医师协会|中国[\u4e00-\u9fff]{2,10}学会)[\u4e00-\u9fff]{0,30}(?:分会|学组|委员会))"
    ),
)
_BRACKET: Final = re.compile(r"[（(【\[]([^（）()【】\[\]]{1,60})[）)】\]]")
_GRADE_CODE: Final = re.compile(
    r"(?:GRADE\s*)?(?:[1-5]|[ⅠⅡⅢⅣⅤ]|I{1,3}|IV|V)\s*[-，,、/]?\s*[A-Ea-e][1-5+-]?\s*(?:级|类)?|[A-E]级|GRADE\s*[1-4A-D+-]{1,3}"
)
_GRADE_WORDS: Final = re.compile(
    r"(?:强|弱|条件性?|有条件|[A-EⅠ-Ⅴ1-5][级类]?)推荐|推荐(?:强度|级别|等级|类别)|证据(?:等级|质量|级别|水平|强度)|(?:高|中等?|低|极低)质量|[A-EⅠ-Ⅴ1-5][级类]证据|共识[度率水]"
)
_GRADE_RUN: Final = re.compile(
    r"(?:推荐(?:强度|级别|等级|类别)|证据(?:等级|质量|级别|水平)|GRADE(?:分级)?)\s*[：:为]\s*[^，。；\n（）()]{1,12}"
)


@dataclass(frozen=True)
class Guideline(Source):
    """A guideline, a standard or a statute, one file each.

    Attributes:
        title: As the file gives it where this is not set.
        issuer: Likewise: who issued it.
        year: Likewise: of the version.
        register: `modern`, `classical`, or `auto`.
    """

    kind: ClassVar[str] = "guideline"

    title: str | None = None
    issuer: str | None = None
    year: int | None = None
    register: str = field(default=AUTO, metadata={"choices": (AUTO, MODERN, CLASSICAL)})

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        """One document a provision. Its `number` stands in a column of its own, not in the text.

        Raises:
            PartRefused: as `open_document` does; `no_provisions` where there is a title and nothing under it.
        """
        return named(self, part, self._batches(part, report))

    def _batches(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        document = open_document(part, self.encoding, report)
        title, blocks = title_and_blocks(document, part)
        head = [line for block in document.head() for line in _lines_of(block)]
        lines = [] if document.title or document.candidates or _KIND_WORD.search(title) else titles_among(head)
        title = self.title or best_title([title, *document.candidates, *lines], part)
        years = years_of_names([title, PurePosixPath(part.path).stem]) or years_in(head[:12])
        columns = {"issuer": self.issuer or issuer_of(head), "year": self.year or max(years, default=None)}
        yield from batches(DOCUMENT, self._rows(part, document, title, columns, blocks))

    def _rows(
        self, part: Part, document: OpenDocument, title: str, columns: dict[str, Any], blocks: Iterator[Block]
    ) -> Iterator[dict[str, Any]]:
        held: list[dict[str, Any]] = []  # until the first row that is kept, in case there is none
        found = False
        for n, section in enumerate(map(without_damage, provisions(blocks, title)), 1):
            register = self.register if self.register != AUTO else register_of(section.text, document.register)
            row = document_row(self, part, section, n, title, register, grade=grade_of(section.text), **columns)
            found = found or section.drop is None
            held.append(row)
            if found:
                yield from held
                held.clear()
        if not found:
            raise PartRefused(
                "no_provisions",
                f"no article, recommendation or clause in it ({len(held)} sections of heading matter). "
                "Get the full text, or list it under 'skip:'.",
            )


def provisions(blocks: Iterable[Block], title: str) -> Iterator[Section]:
    """The provisions of a guideline in order; what stands before the first heading is its front matter."""
    walk = _Walk(title)
    for block in blocks:
        yield from walk.take(block)
    yield from walk.finish()


class _Walk:
    """Where the reading of a guideline is: the open headings, and the provision that is being collected."""

    def __init__(self, title: str) -> None:
        self._title = "".join(title.split())
        self._outline = Outline()
        self._sequence = DecimalSequence()
        self._held = Held()
        self._heading_number = ""
        self._bare: Block | None = None  # a heading without anything under it yet
        self._begun = False

    def take(self, block: Block) -> Iterator[Section]:
        """Takes the next block; yields what it completes."""
        if block.heading is not None and self._is_item(block.heading):
            block = block._replace(text=block.heading.title, heading=None)
        if block.heading is not None:
            yield from self.finish(entering=block.heading)
            self._enter(block)
            return
        found = self._number_of(block)
        if found is not None:
            number, text = found
            yield from self.finish(entering=Heading("decimal", 99, number, ""))
            self._begun = True
            self._close_for(number)
            self._held.number = number
            block = block._replace(text=text or block.text)
        elif not self._begun:
            block = self._front(block)
        if block.drop is None:
            self._bare = None
            self._held.number = self._held.number or self._heading_number
        yield from self._held.add(self._outline.path(), block)

    def finish(self, entering: Heading | None = None) -> Iterator[Section]:
        """Yields the provision that is complete, and a heading that nothing stands under."""
        yield from self._held.flush()
        if self._bare is not None and not self._opens(entering):
            path, block = as_text(self._bare, tuple(self._outline.open))
            yield join(path, [block._replace(drop="empty_section")])
        self._bare = None

    def _enter(self, block: Block) -> None:
        assert block.heading is not None
        self._begun = True
        self._outline.enter(block.heading)
        found = clause_number(block.heading.title)
        self._heading_number = found[0] if found else ""
        if block.heading.family == "decimal" or _DECIMAL.fullmatch(block.heading.number):  # `## 3.2 婴儿` as `3.2 婴儿`
            self._heading_number = block.heading.number
            self._sequence.last = decimal_key(block.heading.number)
        self._bare = block

    def _close_for(self, number: str) -> None:
        """Closes the decimal headings that a clause of this number does not belong under."""
        self._heading_number = ""
        self._outline.open[:] = [
            heading
            for heading in self._outline.open
            if heading.family != "decimal" or f"{number}.".startswith(f"{heading.number}.") or not number[-1].isdigit()
        ]

    def _opens(self, entering: Heading | None) -> bool:
        """Whether `entering` goes inside the heading that is still bare."""
        if entering is None:
            return False
        probe = Outline(list(self._outline.open))
        probe.enter(entering)
        return len(probe.open) > len(self._outline.open)

    def _is_item(self, heading: Heading) -> bool:
        """Inside an article （一） and 1. number its items, not sections of the law."""
        return bool(ARTICLE.match(self._held.number)) and heading.family in ("一、", "（一）", "1.", "（1）", "decimal")

    def _front(self, block: Block) -> Block:
        """What stands before the first heading is front matter, unless it is whole sentences."""
        if "".join(block.text.split()) == self._title or "。" not in block.text:
            return block._replace(drop=block.drop or "front_matter")
        return block

    def _number_of(self, block: Block) -> tuple[str, str] | None:
        """The number that a paragraph begins with, unless it is a figure (`5.3 月龄以下`)."""
        found = clause_number(block.text) if block.drop is None else None
        if found is None or not found[0][-1].isdigit() or not found[0][0].isascii():
            return found
        return found if self._sequence.accept(found[0]) else None


def _lines_of(block: Block) -> list[str]:
    return [block.heading.title] if block.heading else block.text.split("\n")


def grade_of(text: str) -> str | None:
    """Grades of recommendation and of evidence, as written in the text, `；` between several."""
    found: dict[str, None] = {}
    for bracket in _BRACKET.finditer(text):
        inner = bracket[1].strip()
        if _GRADE_CODE.fullmatch(inner) or _GRADE_WORDS.search(inner):
            found[inner] = None
    if not found:
        found = {run.group().strip(): None for run in _GRADE_RUN.finditer(text)}
    return "；".join(found) or None


def issuer_of(head: list[str]) -> str | None:
    """Who issued it, from the first lines: a parliament, a ministry, a society."""
    for pattern in _ISSUERS:
        for text in head[:40]:
            if len(text) < 200 and (found := pattern.search(text)):
                place = found.groupdict().get("place") or ""
                return place + " ".join(found["name"].split())
    return None


def titles_among(head: list[str]) -> list[str]:
    """The first lines of a plain text that end as titles do, less the name of the series that it belongs to."""
    first = [" ".join(line.split()) for line in head[:8]]
    return [t for t in first if len(t) <= 60 and _KIND_WORD.search(t) and not _SERIES.fullmatch("".join(t.split()))]


def best_title(candidates: list[str], part: Part) -> str:
    """The first candidate that ends as titles of guidelines do; else the first, else the file's name."""
    for candidate in candidates:
        wording = _LABEL.sub("", candidate)
        if _KIND_WORD.search(wording):
            return wording
    return next(filter(None, candidates), "") or file_title(part)
