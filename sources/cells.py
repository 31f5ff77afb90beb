"""What stands in one cell of an entity table: its values, cut apart, each kept or with the reason why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Final

from sources.relations import Relation

_MORE: Final = re.compile(r"\s*[\[【](?:详细|更多|查看详情)[\]】]\s*")
_ARROWS: Final = re.compile(r"^[>＞»]+\s*")
_JUNK: Final = re.compile(
    r"(?:暂无|尚无|无)(?:相关)?(?:资料|数据|信息|内容)?|应该如何用药.*|用什么药.*|不详|未知|未提及|待补充|略|见(?:上|下)?文|[-—－~～/\\.。·]+|其它|无特殊"
)
_CUT: Final = re.compile(r"(?:\.{2,}|…+)$")
_AROUND: Final = " \t\r\n\u3000\xa0,，、;；|"
_DASHES: Final = re.compile(r"(?<=[\d天周月年%])\s*(?:-{2,}|—{1,}|–|－+|~{2,})\s*(?=\d)")
_COMMAS: Final = ",，;；、|"
_TOUCHED: Final = re.compile(r"\s*([,，;；、|])\s*")
_ENUMERATOR: Final = re.compile(r"[①-⑳]")
_CLAUSE: Final = re.compile(r"^(?:一般|无特殊|需要?|可以?|必要|应|并|以|治疗开始|尚无|目前|本病|由于|因)")
_LATIN: Final = re.compile(r"[A-Za-z0-9'’.\-]")
_BRACKETS: Final = {")": "(", "）": "（", "]": "[", "】": "【", "」": "「", "》": "《", "〉": "〈"}
_ILLNESSES: Final = frozenset(
    "病症征炎疮癣疹瘤癌血热咳喘痛肿疝瘫痪泻吐疳痘痢积冒惊风厥盲聋哑损伤痧疸毒育斑晕汗龋痉挛结石疸息肉缺闭锁形黄儒尿倦少多虚弱"
)
_ONE_CHAR_ILLNESSES: Final = frozenset("疝癣痔疟疮痘疳痧疹痢疥疖痈疽")
_LONG_CELL_CHARS: Final = 25
_MAX_VALUE_CHARS: Final = 200
_MAX_CELL_CHARS: Final = 100_000
_EXCERPT_CHARS: Final = 300


def values_of(cell: str, relation: Relation) -> Iterator[tuple[str, str | None]]:
    """`(value, reason)` for everything that stands in a cell; reason is None where the value is kept.

    Separators inside brackets and between digits are no separators, and a sentence is one value.
    """
    text = _ARROWS.sub("", _MORE.sub(" ", cell)).strip(_AROUND)
    if not text:
        return
    if len(text) > _MAX_CELL_CHARS:
        yield text[:_EXCERPT_CHARS], "value_too_long"
        return
    pieces = [text] if relation.style == "text" or _is_sentence(text) else split(text, relation)
    seen: set[str] = set()
    for i, piece in enumerate(pieces):
        value = _tidied(piece, relation)
        if not value:
            yield piece, "junk_value"
            continue
        is_last = i == len(pieces) - 1 and len(pieces) > 1
        reason = _defect(value, relation, text if is_last else "")
        if reason is None and value in seen:
            reason = "duplicate_value"
        seen.add(value)
        yield value, reason


def checked(value: str, relation: Relation) -> tuple[str, str | None]:
    """A value that stands alone, such as an element of a JSON list: tidied, with the reason why it is not kept."""
    text = _ARROWS.sub("", _MORE.sub(" ", value)).strip(_AROUND)
    tidied = _tidied(text, relation)
    return (tidied, _defect(tidied, relation, "")) if tidied else (value, "junk_value")


def split(text: str, relation: Relation) -> list[str]:
    """The values of a cell in which several stand."""
    text = _TOUCHED.sub(r"\1", _ENUMERATOR.sub("；", text))
    inside = _inside_brackets(text)
    by_blank = _cut_at(
        text, [i for i, c in enumerate(text) if c.isspace() and not inside[i] and _is_gap(text, i, relation)]
    )
    if len(by_blank) > 1 and relation.style == "phrases":
        return [piece for token in by_blank for piece in _split_token(token, ",;；|")]
    return [piece for token in by_blank for piece in _split_token(token, _COMMAS)]


def _split_token(token: str, separators: str) -> list[str]:
    """One token at its commas, and at `、` unless that joins parts of one term (耳、鼻、咽拭子)."""
    inside = _inside_brackets(token)
    at = [i for i, c in enumerate(token) if c in separators and not inside[i] and not _joins_latin(token, i)]
    pieces = _cut_at(token, [i for i in at if token[i] != "、"])
    result = []
    for piece in pieces:
        within = _inside_brackets(piece)
        marks = [i for i, c in enumerate(piece) if c == "、" and "、" in separators and not within[i]]
        parts = _cut_at(piece, marks)
        result += parts if all(len(part) > 1 for part in parts) else [piece]
    return result


def _cut_at(text: str, places: list[int]) -> list[str]:
    edges = [-1, *places, len(text)]
    pieces = (text[a + 1 : b].strip(_AROUND) for a, b in pairwise(edges))
    return [piece for piece in pieces if piece]


def _is_gap(text: str, i: int, relation: Relation) -> bool:
    """A blank separates values, except between Latin words, and in a name beside any (小儿Wedderburn 综合征)."""
    before, after = text[i - 1 : i], text[i + 1 : i + 2]
    if relation.name == "别名" and (_LATIN.match(before) or _LATIN.match(after)):
        return False
    return not (_LATIN.match(before) and after.isascii() and after.islower())


def _joins_latin(text: str, i: int) -> bool:
    """A half-width comma between digits or Latin letters belongs to a term (2,3-二磷酸甘油酸; cd55,cd59)."""
    return text[i] == "," and bool(_LATIN.match(text[i - 1 : i]) and re.match(r"[a-z0-9]", text[i + 1 : i + 2]))


def _inside_brackets(text: str) -> list[bool]:
    """For each character whether it stands between brackets that close."""
    change = [0] * (len(text) + 1)
    opened: list[tuple[str, int]] = []
    for i, char in enumerate(text):
        if char in "(（[【「《〈":
            opened.append((char, i))
        elif char in _BRACKETS:
            while opened and opened[-1][0] != _BRACKETS[char]:
                opened.pop()
            if opened:
                change[opened.pop()[1]] += 1
                change[i] -= 1
    return [depth > 0 for depth in accumulate(change)]


def _is_sentence(text: str) -> bool:
    """Prose where a list was to be expected: a full stop, or clauses of a length that no term has."""
    if "。" in text[:-1]:
        return True
    clauses = [c.strip() for c in re.split(r"[，,；;]", text)]
    if len(clauses) < 2 or any(re.search(r"\s", c) for c in clauses):
        return False
    return any(_CLAUSE.match(clause) for clause in clauses) and any(len(clause) > 7 for clause in clauses)


def _tidied(value: str, relation: Relation) -> str:
    value = _DASHES.sub("-", value.strip(_AROUND))
    if relation.strip:
        value = relation.strip.sub("", value)
    if value and value[-1] in "）)" and value.count("（") + value.count("(") < value.count("）") + value.count(")"):
        value = value[:-1]
    return "" if _JUNK.fullmatch(value) else value.strip(_AROUND)


def _defect(value: str, relation: Relation, cell: str) -> str | None:
    """Why a value is not kept. `cell` is the whole cell for its last value, which a fixed width may have cut."""
    if len(value) > _MAX_VALUE_CHARS:
        return None if relation.style == "text" else "value_too_long"
    if _CUT.search(value) or value.count("（") + value.count("(") > value.count("）") + value.count(")"):
        return "truncated_value"
    if (relation.fits and not relation.fits.search(value)) or (relation.unfit and relation.unfit.search(value)):
        return "implausible_value"
    if relation.name == "别名":
        if len(value) == 1 and value not in _ONE_CHAR_ILLNESSES:
            return "truncated_value"
        if len(cell) > _LONG_CELL_CHARS and value[-1] not in _ILLNESSES:
            return "truncated_value"
    return None
