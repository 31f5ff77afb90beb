"""Questions from the food tables of a nutrition guide: what is rich in iron, and how much of this stands for that?

Tables come as lines, one a row (`馒头：重量（g）为80`), under their caption. The caption says what the figure means; a
table whose caption does not say it is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pipelines.teacher.passages import MAX_CHARS
from pipelines.teacher.phrasing import pick
from pipelines.teacher.rows import Row, assistant, instruction, user
from schemas.records import DOCUMENT, span

_CAPTION: Final = re.compile(r"^表\s*[A-Z]?\.?\s*\d+\s*(?P<words>[^\n：]{4,60})$", re.M)
_LINE: Final = re.compile(
    r"^(?P<food>[^\n：]{1,20})：(?:含量|重量)（(?P<unit>[^\n（）]{1,20})）为(?P<value>\d+(?:\.\d+)?)$", re.M
)
_RICH: Final = re.compile(r"常见(?P<what>[^\s，]{1,8}?)\s*含量较高")
_EXCHANGE: Final = re.compile(
    r"(?P<by>能量含量|蛋白质含量|可食部)?相当于\s*(?P<amount>\d+\s*g)\s*(?P<food>[^\s的，]{1,8})的"
)
_RICH_ASKED: Final = (
    "哪些食物含{w}比较多，可以给孩子安排？",
    "想给孩子补{w}，可以选哪些食物？",
    "{w}含量比较高的常见食物有哪些？",
)
_VALUE_ASKED: Final = ("{f}里的{w}多吗？每100 g可食部有多少？", "每100 g可食部的{f}含多少{w}？", "{f}的{w}含量是多少？")
_EXCHANGE_ASKED: Final = (
    "给孩子配餐时，{a}{x}可以换成多少{f}？",
    "不想吃{x}，用{f}替换{a}{x}，要多少？",
    "食谱里的{a}{x}，换成{f}该用多少克？",
)


class _Entry(NamedTuple):
    food: str
    unit: str
    value: str
    start: int
    end: int


def table_rows(row: Row, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` instructions from the tables in one section."""
    if len(row["text"]) > MAX_CHARS or row["domain"] == "medical":
        return []
    made: list[dict[str, Any]] = []
    for task, template, question, answer, entries in _drafts(row):
        if len(made) >= at_most:
            break
        made.append(
            instruction(
                row,
                task=task,
                aspect="feeding",
                template=f"table/{template}",
                messages=[user(question), assistant(answer)],
                evidence=[span(DOCUMENT, dict(row), start, end) for start, end in entries],
            )
        )
    return made


def _drafts(row: Row) -> Iterator[tuple[str, str, str, str, list[tuple[int, int]]]]:
    captions = list(_CAPTION.finditer(row["text"]))
    for number, caption in enumerate(captions):
        end = captions[number + 1].start() if number + 1 < len(captions) else len(row["text"])
        entries = [
            _Entry(m["food"], m["unit"], m["value"], *m.span()) for m in _LINE.finditer(row["text"], caption.end(), end)
        ]
        words = caption["words"]
        rich, exchange = _RICH.search(words), _EXCHANGE.search(words)
        if rich and len(entries) >= 3:
            yield from _of_nutrient(row, rich["what"].removeprefix("优质"), entries, caption.span())
        elif exchange and entries:
            yield from _of_exchange(row, exchange, entries, caption.span())


def _of_nutrient(
    row: Row, what: str, entries: list[_Entry], caption: tuple[int, int]
) -> Iterator[tuple[str, str, str, str, list[tuple[int, int]]]]:
    key = (row["record_id"], what)
    foods = "、".join(entry.food for entry in entries)
    cited = [caption, *((entry.start, entry.end) for entry in entries)]
    question = pick(_RICH_ASKED, *key).format(w=what)
    yield "trerecom", "rich", question, f"{what}含量较高的常见食物有{foods}等。", cited
    for entry in sorted(entries, key=lambda e: -float(e.value))[:4]:
        mass, _, basis = entry.unit.partition("/")
        asked = pick(_VALUE_ASKED, *key, entry.food).format(f=entry.food, w=what)
        answer = f"每{basis.strip()}的{entry.food}含{what}{entry.value} {mass.strip()}，属于{what}含量较高的食物。"
        yield "medkqa", "value", asked, answer, [caption, (entry.start, entry.end)]


def _of_exchange(
    row: Row, exchange: re.Match[str], entries: list[_Entry], caption: tuple[int, int]
) -> Iterator[tuple[str, str, str, str, list[tuple[int, int]]]]:
    amount, food = exchange["amount"], exchange["food"]
    by = f"按{exchange['by']}算，" if exchange["by"] else ""
    for entry in entries:
        if entry.food.startswith(food) or entry.food in food:
            continue
        asked = pick(_EXCHANGE_ASKED, row["record_id"], entry.food).format(a=amount, x=food, f=entry.food)
        answer = f"{by}{amount} {food}相当于{entry.food} {entry.value} {entry.unit}，配餐时可以这样互换。"
        yield (
            "trerecom",
            "exchange",
            asked,
            answer.replace(f"{amount} {food}", f"{amount}{food}"),
            [
                caption,
                (entry.start, entry.end),
            ],
        )
