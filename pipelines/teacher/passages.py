"""Sentences of a passage with their places, and which of them make sense alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from pipelines.teacher.rows import Row
from schemas.records import DOCUMENT, span

_SENTENCE: Final = re.compile(r"[^。！？!?\n]+[。！？!?]?[”」』）)]?")
# What points at something outside the sentence: a table, a figure, another clause, an annex, the text before.
_POINTS_AWAY: Final = re.compile(
    r"见(?:上|下|图|表|附)|[上下左右][图表](?!现|情|达)|[图表]\s*[A-Z]?\.?\s*\d|附录|附件|附图|附表|上述|下述|前述|如上|如下(?!：|:)|上文|下文|前文|前款|本款|本条|前条|"
    r"(?:本|该)(?:标准|文件|指南|规范|章|节)|参[见考照](?:第|附|表|图|GB|本)|详见|按[照式]?[（(]\d|式[（(]\d|规范性引用|GB\s*/?T?\s*\d|^注\s*\d*[：:]"
)
_OPENS_MIDWAY: Final = re.compile(
    r"^(?:但|而|且|并|其|此|这|它|他|她|另外|此外|同时|因此|所以|故|于是|然而|后者|前者|以上|否则|其中|该|反之|两者|二者)"
)
_JUNK: Final = re.compile(r"[\ufffd□■◆●★]|\.{4,}|…{2,}|_{3,}|[|｜]")


MAX_CHARS: Final = 20_000
"""Sections are cut far below this; a longer text is no section, and is left alone."""


class Sentence(NamedTuple):
    """`text[start:end]` of a passage."""

    start: int
    end: int
    text: str


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text in order, without the blanks around them."""
    found = []
    for match in _SENTENCE.finditer(text):
        raw = match[0]
        stripped = raw.strip()
        if stripped:
            start = match.start() + raw.index(stripped)
            found.append(Sentence(start, start + len(stripped), stripped))
    return found


def stands_alone(sentence: str) -> bool:
    """Whether a reader understands it without the page: no pointer away, no broken characters, an ending."""
    return not _POINTS_AWAY.search(sentence) and not _JUNK.search(sentence)


def opens_midway(sentence: str) -> bool:
    """Whether it leans on the sentence before (但…, 其中…)."""
    return bool(_OPENS_MIDWAY.match(sentence))


def excerpt(found: Sequence[Sentence], at_most: int) -> list[Sentence]:
    """The sentences that make sense, up to `at_most` characters; one that leans goes with the one it leans on."""
    kept: list[Sentence] = []
    length = 0
    dropped_before = False
    for sentence in found:
        if not stands_alone(sentence.text) or (opens_midway(sentence.text) and (dropped_before or not kept)):
            dropped_before = True
            continue
        if length + len(sentence.text) > at_most:
            break
        kept.append(sentence)
        length += len(sentence.text)
        dropped_before = False
    return kept


def told(kept: Sequence[Sentence]) -> str:
    """The excerpt as one answer, closed with a full stop."""
    text = "".join(s.text if s.text[-1] in "。！？!?；;：:，," else s.text + "。" for s in kept)
    return re.sub(r"[，,；;：:]$", "。", text)


def evidence(row: Row, kept: Sequence[Sentence]) -> list[dict[str, Any]]:
    """One span for each run of neighbouring sentences."""
    runs: list[tuple[int, int]] = []
    for sentence in kept:
        if runs and not row["text"][runs[-1][1] : sentence.start].strip():
            runs[-1] = (runs[-1][0], sentence.end)
        else:
            runs.append((sentence.start, sentence.end))
    return [span(DOCUMENT, dict(row), start, end) for start, end in runs]
