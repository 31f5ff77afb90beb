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
MIN_COPIED: Final = 8
"""Characters of a sentence, for it to be a copy rather than a phrase."""
_OF_THE_QUESTION: Final = frozenset(("omitted_warning", "pairing", "population"))
_ASKING: Final = re.compile(
    "(?:请|记得|最好|麻烦|别忘了|可以?先?)[^,。]{0,12}?(?:告诉|告知|询问|咨询|问|联系|打电话|说明|说清|确认|核对|核实|商量|复诊|就诊|就医)"
    "|(?:听|遵|按|照)[^,。]{0,4}(?:医生|医师|医嘱|大夫|药师|说明书)[^,。]{0,4}|(?:由|让|请)(?:专业|主管|接诊)?(?:医生|医师|大夫)"
)
_KINDLY: Final = re.compile(
    "(?:请|您|你|家长|先|也|千万)*(?:别|不要|不必|不用|无需|莫)(?:太|过于|过度|过分|先|再|着|那么)*(?:急|慌张?|怕|担心|着急|紧张|害怕|焦虑|自责|难过|灰心|气馁|犹豫|客气)(?=[了啊呢哦吧]*$)"
    "|(?:您|你|大家|家长|爸妈|爸爸妈妈)?(?:的)?(?:这种|这份)?(?:心情|担心|顾虑|焦急|着急|疑问|问题)(?:我|我们)?(?:很|非常|完全|都)?(?:能|可以)?(?:理解|正常|常见|普遍)"
    "|(?:我|我们)?(?:很|非常|完全|特别)?(?:能|可以)?理解(?:您|你|家长|大家)?的?(?:心情|担心|顾虑|焦急|着急)?"
    "|(?:很多|许多|不少|大多数)(?:家长|爸妈|爸爸妈妈|妈妈)(?:都|也)*(?:会|曾|有)?(?:这样|这么)?(?:问到?|想|担心|遇到|有)"
    "|(?:您|你|一定|肯定|想必|难免)+(?:会|很|特别|非常|挺)*(?:担心|着急|揪心|心疼|心急|焦虑|紧张|害怕|辛苦|难受|不好受)"
    "|(?:请|您|麻烦)*(?:先)?(?:记住|记牢|留意|注意|看|分|做到|把握)(?:以下|下面|这|好)?(?:一|两|二|三|四|五|几)(?:种)?(?:点|条|件事?|样|方面|个方面|组情况|种情况|种信号|步)(?:来看|记牢|看|说)?"
    "|慢慢来|放宽心|保持好心情|(?:希望|祝愿?|(?<!意)愿)(?:孩子|宝宝|您|小朋友|娃)*(?:能|可以)?(?:早日|快快|顺利|尽快|健康|平安|慢慢)*(?:好起来|康复|恢复|成长|长大)?"
    "|(?:有)?(?:拿不准|不清楚|不明白|不放心|不懂|疑问)的?(?:地方|时候|话)?"
)
"""What is said to comfort and to lead in: a negation or a count in it states nothing."""
_ORDER: Final = re.compile("不用|不要|不必|无需|不需|别(?!忘|的)|勿|不能|不可|不得|不应|不宜")
"""Forbids or spares something: never mere courtesy."""
_URGENT: Final = re.compile("急|马上|立即|立刻|赶紧|尽快|多快")
"""别急 answers whoever asks whether there is haste."""
_TEACHING: Final = re.compile(
    "(?:可以|也可|不妨|记得|最好)?(?:请|找|让|跟|向|问)(?:责任|专科|主管|社区)?(?:护士|医生|医师|大夫|药师|老师|医护人员?|护理人员)[^,。]{0,4}"
    "(?:教|演示|示范|讲|解释|带着?做|指导|看)(?:您|你|一|几|两|再)*(?:遍|下|次|回)?"
)
"""An offer of help; when it is taken up (出院前) is no order of the evidence."""
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


def without_copies(case: Case, found: Sequence[Signal]) -> list[Signal]:
    """The signals but those of sentences that an evidence text has word for word.

    What such a sentence leaves out counts, and whether it speaks of the one who was asked about.
    """
    if not found:
        return []
    places = {case.answer.clause_at(s.start).sentence for s in found}
    texts = [_blank(reading.folded) for reading in case.evidence]
    bounds: dict[int, list[int]] = {}
    for clause in case.answer.clauses:
        if clause.sentence in places:
            bounds.setdefault(clause.sentence, [clause.start, clause.end])[1] = clause.end
    copied = set()
    for sentence, (start, end) in bounds.items():
        said = _blank(case.answer.folded[start:end])
        if len(said) >= MIN_COPIED and any(said in text for text in texts):
            copied.add(sentence)
    return [s for s in found if s.kind in _OF_THE_QUESTION or case.answer.clause_at(s.start).sentence not in copied]


def _blank(text: str) -> str:
    return "".join(text.split())


def courtesies(case: Case) -> frozenset[int]:
    """The numbers of the answer's clauses that only say something kind or whom to ask."""
    known = "\n".join(reading.folded for reading in case.known)
    return frozenset(
        clause.number
        for clause, matches in zip(case.answer.clauses, case.alignment, strict=True)
        if (not matches or matches[0].score < MAX_ALIGNED) and _is_courtesy(case, clause, known)
    )


def _is_courtesy(case: Case, clause: Clause, known: str) -> bool:
    kind = [(m.start(), m.end()) for pattern in (_KINDLY, _TEACHING) for m in pattern.finditer(clause.text) if m[0]]
    if not (kind or _ASKING.search(clause.text) or _polite().search(clause.text)):
        return False
    answer = case.answer
    states = [m.start for m in answer.marks if m.type in _TURNED] + [q.start for q in answer.quantities]
    if any(clause.start <= m.start < clause.end and m.type == "reassurance" for m in answer.marks):
        return False
    if _URGENT.search(case.question.folded) and any(c in clause.text for c in "急慌"):
        return False
    if _ORDER.search(_KINDLY.sub(" ", clause.text)):
        return False
    for place in states:
        at = place - clause.start
        if 0 <= at < len(clause.text) and not any(start <= at < end for start, end in kind):
            return False
    names = [m for m in answer.mentions if clause.start <= m.start < clause.end]
    if any(m.type in _STATED and m.text not in known for m in names):
        return False
    left = _common().sub(" ", _ASKING.sub(" ", _TEACHING.sub(" ", _KINDLY.sub(" ", clause.text))))
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
