"""A text as the checks read it: folded character by character, cut into clauses, under its headings."""

from __future__ import annotations

import functools
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pipelines.check.marks import Mark
    from pipelines.check.mentions import Mention
    from pipelines.check.quantities import Quantity

MAX_CHARS: Final = 8_000
"""Of one text. A longer one is refused, not cut: what is not looked at is not supported."""

_CHOSEN: Final = {c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)} | str.maketrans(
    {
        "　": " ", "\u00a0": " ", "～": "~", "〜": "~", "∼": "~", "—": "-", "–": "-", "‐": "-", "−": "-", "﹣": "-",
        "，": ",", "。": "。", "；": ";", "：": ":", "？": "?", "！": "!", "（": "(", "）": ")", "【": "[", "】": "]",
        "〔": "[", "〕": "]", "［": "[", "］": "]", "“": '"', "”": '"', "‘": "'", "’": "'", "「": '"', "」": '"',
        "『": '"', "』": '"', "·": "·", "µ": "μ", "Ω": "Ω", "×": "×",
        "≧": "≥", "⩾": "≥", "≦": "≤", "⩽": "≤", "﹥": ">", "﹤": "<", "˃": ">", "˂": "<",
        "∶": ":", "‑": "-", "―": "-", "\u200b": " ", "\ufeff": " ",
    }
)  # fmt: skip


class _Folded(dict[int, int | str]):
    """What each character is folded to; of those not chosen by hand one that Unicode calls compatible.

    Marks, blanks and radicals that a PDF has for letters, not superscripts: 10⁹ is not 109.
    """

    def __missing__(self, code: int) -> int:
        char = chr(code)
        plain = unicodedata.normalize("NFKC", char)
        kind = unicodedata.category(char)
        alike = len(plain) == 1 and (kind[0] in "LPSZ" or kind == "Nd") and kind != "Zl"
        found = self[code] = ord(plain) if alike else code
        return found


_FOLDED: Final = _Folded(_CHOSEN)
_WRAPPED: Final = re.compile(
    r"(?<=[^\s。;:!?)\]])[ \t]*\n[ \t]*(?=[^\s\[(•●*#|第-])(?!\d{1,2}[、.)]|[a-z][.)]|[一二三四五六七八九十]{1,3}[、.])"
)
"""A line's end that may stand within a sentence: no mark before it, no number of a list behind it."""
_CUT_AMOUNT: Final = re.compile(r"[\d~≥≤<>±-][ \t]*\n[ \t]*(?:[\d~]|[a-zμ%℃°]{1,6}(?![a-z]))|~[ \t]*\n")
MIN_WRAPPED: Final = 18
"""Characters of a line that may be a part of a paragraph; the lines of a cell are shorter and have a comma."""
_ENDS: Final = "。!?;\n"
_PAUSES: Final = ","
_HEADING: Final = re.compile(
    r"\[([^\[\]\n]{2,14})\]|(?:^|\n)\s{0,40}(?:\d{1,6}(?:\.\d{1,6}){0,6}[、.\s]\s{0,40})?([\u4e00-\u9fff]{2,8})(?=:|\n)"
)


class Clause(NamedTuple):
    """`folded[start:end]` of a text, between two commas or stops, without the marks and blanks around it.

    Attributes:
        start, end: In the text, folded or raw: both have the same length.
        text: Folded.
        number: Its place among the text's clauses.
        sentence: The number of its sentence.
        heading: The nearest heading before it, folded (禁忌, 用法用量, 注意事项), empty where there is none.
    """

    start: int
    end: int
    text: str
    number: int
    sentence: int
    heading: str


@dataclass(frozen=True)
class Reading:
    """One text, and what it says, found once and then looked at by every check."""

    raw: str

    @functools.cached_property
    def folded(self) -> str:
        """The text in one width and with one kind of each mark; character for character."""
        return fold(self.raw)

    @functools.cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Its clauses in order."""
        return cut(self.folded)

    @functools.cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """Its amounts in order."""
        from pipelines.check.quantities import quantities

        return quantities(self)

    @functools.cached_property
    def mentions(self) -> tuple[Mention, ...]:
        """Its words with a meaning of their own, in order; nested ones are within the longest."""
        from pipelines.check.mentions import mentions

        return mentions(self)

    @functools.cached_property
    def marks(self) -> tuple[Mark, ...]:
        """Its words that turn a statement, in order."""
        from pipelines.check.marks import marks

        return marks(self)

    def clause_at(self, place: int) -> Clause:
        """The clause that holds a place, or the last one before it."""
        return self.clauses[max(0, bisect_right(self._starts, place) - 1)]

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [clause.start for clause in self.clauses]


@functools.lru_cache(maxsize=64)
def reading_of(text: str) -> Reading:
    """The reading of a text: the same one again for the last texts, since many answers share a passage."""
    return Reading(text)


def fold(text: str) -> str:
    """`text` in one width, lower case for Latin letters, one mark for each kind; as long as before."""
    plain = text.translate(_FOLDED)
    lowered = plain.lower()
    folded = lowered if len(lowered) == len(plain) else plain
    return _unwrapped(folded) if "\n" in folded else folded


def _unwrapped(folded: str) -> str:
    """The text with a blank for each line's end that only a page's width made."""

    def joined(match: re.Match[str]) -> str:
        line = folded[folded.rfind("\n", 0, match.start()) + 1 : match.start()]
        is_part = len(line) >= MIN_WRAPPED or (len(line) >= MIN_WRAPPED // 3 and ("," in line or "、" in line))
        is_cut = _CUT_AMOUNT.match(folded, match.start() - 1)
        return " " * len(match[0]) if is_part or is_cut else match[0]

    return _WRAPPED.sub(joined, folded)


def cut(folded: str) -> tuple[Clause, ...]:
    """The clauses of a folded text; a comma between two digits and what stands in brackets does not cut."""
    found: list[Clause] = []
    heading, headings = "", {m.start(): (m[1] or m[2], m.end()) for m in _HEADING.finditer(folded)}
    start, depth, sentence = 0, 0, 0
    for at, c in enumerate(folded + "。"):
        if at in headings:
            heading = headings[at][0]
        if c == "(":
            depth = min(depth + 1, 3)
        elif c == ")":
            depth = max(depth - 1, 0)
        ends = c in _ENDS
        if ends or (c in _PAUSES and not depth and not _in_number(folded, at)):
            piece = folded[start:at]
            if stripped := piece.strip(" []\t"):
                begin = start + piece.index(stripped)
                found.append(Clause(begin, begin + len(stripped), stripped, len(found), sentence, heading))
            start = at + 1
            if ends:
                depth, sentence = 0, sentence + 1
    return tuple(found) or (Clause(0, 0, "", 0, 0, ""),)


def _in_number(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isdigit() and text[at + 1 : at + 4].isdigit()
