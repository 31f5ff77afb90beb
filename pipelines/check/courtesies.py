"""Clauses that are no statement about the matter: a kind word, or the plain advice to ask or see somebody."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final

from pipelines.check.reading import Clause
from pipelines.check.signals import Case, Signal
from pipelines.lexicons import rows

MAX_ALIGNED: Final = 0.5
"""Of the best clause of the evidence; what is taken from there is a statement, however kind."""
MAX_LEFT: Final = 3
"""Characters that may be left when courtesy, grammar and what is known are taken away."""
_ASKING: Final = re.compile(
    "(?:请|记得|最好|麻烦|别忘了|可以?先?)[^,。]{0,12}?(?:告诉|告知|询问|咨询|问|联系|打电话|说明|说清|确认|核对|核实|商量|复诊|就诊|就医)"
    "|(?:听|遵|按|照)[^,。]{0,4}(?:医生|医师|医嘱|大夫|药师|说明书)[^,。]{0,4}|(?:由|让|请)(?:专业|主管|接诊)?(?:医生|医师|大夫)"
)
_KINDS: Final = frozenset(("function", "courtesy", "advice", "lay", "people"))
_TURNED: Final = frozenset(("negation", "universal", "reassurance"))
_STATED: Final = frozenset(("drug", "disease", "vaccine", "food", "route"))
_KEPT: Final = frozenset(("quantity", "unit", "frequency", "fabricated_authority"))


def without_courtesies(case: Case, found: Sequence[Signal]) -> list[Signal]:
    """The signals but those of clauses of courtesy; a wrong amount or an invented authority counts there too."""
    polite = courtesies(case)
    if not polite:
        return list(found)
    return [s for s in found if s.kind in _KEPT or case.answer.clause_at(s.start).number not in polite]


def courtesies(case: Case) -> frozenset[int]:
    """The numbers of the answer's clauses that only say something kind or whom to ask."""
    known = "\n".join(reading.folded for reading in case.known)
    return frozenset(
        clause.number
        for clause, matches in zip(case.answer.clauses, case.alignment, strict=True)
        if (not matches or matches[0].score < MAX_ALIGNED) and _is_courtesy(case, clause, known)
    )


def _is_courtesy(case: Case, clause: Clause, known: str) -> bool:
    if not (_ASKING.search(clause.text) or _polite().search(clause.text)):
        return False
    answer = case.answer
    if any(clause.start <= m.start < clause.end and m.type in _TURNED for m in answer.marks):
        return False
    if any(clause.start <= q.start < clause.end for q in answer.quantities):
        return False
    names = [m for m in answer.mentions if clause.start <= m.start < clause.end]
    if any(m.type in _STATED and m.text not in known for m in names):
        return False
    left = _common().sub(" ", _ASKING.sub(" ", clause.text))
    for name in names:
        left = left.replace(name.text, " ") if name.type == "actor" or name.text in known else left
    pieces = re.findall(r"[\u4e00-\u9fff]+", left)
    return sum(len(piece) for piece in pieces if piece not in known) <= MAX_LEFT


@functools.cache
def _polite() -> re.Pattern[str]:
    return _any({"courtesy", "advice"})


@functools.cache
def _common() -> re.Pattern[str]:
    return _any(_KINDS)


def _any(kinds: set[str] | frozenset[str]) -> re.Pattern[str]:
    words = {word for row in rows("check_common") if row["kind"] in kinds for word in row["words"].split()}
    return re.compile("|".join(map(re.escape, sorted(words, key=lambda w: (-len(w), w)))))
