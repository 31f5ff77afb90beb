"""Does an answer call upon authorities, go to extremes or say things of which the evidence has nothing?"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from operator import add
from typing import Final

from pipelines.check.additions import additions
from pipelines.check.alignment import Match
from pipelines.check.content import grams, learned, overlap, weights
from pipelines.check.marks import Mark, by_clause
from pipelines.check.reading import Clause, Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.stances import asked
from pipelines.lexicons import rows

_TITLE: Final = re.compile(r"《([^《》\n]{2,40})》")
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?=年|版)")
_LEVEL: Final = re.compile(r"[abc1-4][级类a-c]?(?:推荐|证据)|(?:强|弱|有条件)推荐|证据级别")
_WORD: Final = re.compile(r"[\u4e00-\u9fff]{2,}")
MAX_DUTY: Final = 0.35
_DEMAND: Final = re.compile(r"每(?:[天日周月年次]|[一二两三四五六七八九十半几\d]+个?[天日周月年小])")
_EVEN: Final = re.compile("仍|也|即使|不论|无论|不管|不必等|均不|一律")
_STRENGTH: Final = {"all": 0.7, "certain": 0.7, "even": 0.6, "each": 0.3, "only": 0.3}


def claims(case: Case) -> list[Signal]:
    """Invented authority, statements beyond what the evidence allows, and statements without any."""
    return [*_authority(case), *_extremes(case), *_reassurance(case), *additions(case), *_duties(case)]


def _authority(case: Case) -> Iterator[Signal]:
    """《…》, years, bodies and studies that no text names."""
    known = "\n".join(reading.folded for reading in case.known)
    folded = case.answer.folded
    for clause in case.answer.clauses:
        found = []
        for match in _TITLE.finditer(folded, clause.start, clause.end):
            if _missing(match[1], known) > 0.3:
                found.append((match.start(), match.end(), 1.0))
        for match in _YEAR.finditer(folded, clause.start, clause.end):
            if match[0] not in known:
                found.append((match.start(), match.end(), 0.8))
        for match in _LEVEL.finditer(folded, clause.start, clause.end):
            if match[0] not in known:
                found.append((match.start(), match.end(), 0.7))
        found.extend(_voices(clause, known))
        found.extend(_bodies(clause, known))
        if found:
            strength = 1.0
            for *_, each in found:
                strength *= 1 - each
            start, end = min(f[0] for f in found), max(f[1] for f in found)
            yield _of(
                "claim.authority", "fabricated_authority", start, end, 1 - strength,
                f"依据没有提到“{case.answer.raw[start:end]}”",
            )  # fmt: skip


def _missing(name: str, known: str) -> float:
    """Share of the neighbours in a name that no text has."""
    pairs = [name[i : i + 2] for i in range(len(name) - 1)]
    return sum(p not in known for p in pairs) / max(1, len(pairs))


def _voices(clause: Clause, known: str) -> Iterator[tuple[int, int, float]]:
    for match in _words()["voice"].finditer(clause.text):
        if match[0] not in known:
            yield clause.start + match.start(), clause.start + match.end(), 0.7


def _bodies(clause: Clause, known: str) -> Iterator[tuple[int, int, float]]:
    """国家药监局的监测显示: a name that ends as bodies do, which no text has, before something that bodies do."""
    says = [m.start() for m in _words()["says"].finditer(clause.text)]
    for match in _words()["body"].finditer(clause.text):
        begin = max(0, match.start() - 4)
        name = _WORD.search(clause.text, begin, match.end())
        if name is None or match.end() - name.start() < 3 or match[0] in _PLAIN_BODIES:
            continue
        missing = _missing(name[0], known)
        if match[0].lower() in known and missing < 0.5:
            continue
        spoken = any(s >= match.end() for s in says)
        yield clause.start + name.start(), clause.start + match.end(), min(0.9, missing * (0.8 if spoken else 0.3))


_PLAIN_BODIES: Final = frozenset(("局", "部", "署", "中心", "医院", "大学"))


def _extremes(case: Case) -> Iterator[Signal]:
    """所有, 一律, 肯定, 无论 and 只 that the evidence on the same lacks; more so where it says 一般 or 可能."""
    for clause, matches in zip(case.answer.clauses, case.alignment, strict=True):
        mine = [
            m for m in by_clause(case.answer)[clause.number] if m.type in ("universal", "only") and m.value in _STRENGTH
        ]
        if not mine or asked(case.answer, clause):
            continue
        near = [m for m in matches if m.score >= max(0.1, 0.4 * matches[0].score)]
        theirs = [mark for m in near for mark in _around(case.evidence[m.source], m.clause)]
        mark = max(mine, key=lambda m: (_STRENGTH[m.value], -m.start))
        if any(t.type in ("universal", "only") and t.value != "except" for t in theirs):
            continue
        hedged = next((t for t in theirs if t.type == "hedge" or (t.value == "except" and mark.value != "only")), None)
        if mark.value in ("each", "only") and hedged is None:
            continue
        far = len(grams(clause.text)) < 2 or any(
            t.type == "universal" and t.value != "each"
            for m in matches
            for t in by_clause(case.evidence[m.source])[m.clause]
        )
        same = mark.value == "even" and any(_EVEN.search(_clause(case, m).text) for m in near)
        source = near[0].source if near else -1
        yield Signal(
            "claim.universal", "overgeneralisation", clause.start, clause.end, source,
            hedged.start if hedged else 0, hedged.end if hedged else 0,
            min(1.0, _STRENGTH[mark.value] + (0.2 if hedged else 0.0)) * (0.5 if far or same else 1.0),
            f"答案为“{mark.text}”，依据" + (f"为“{hedged.text}”" if hedged else "没有这样说"),
        )  # fmt: skip


def _clause(case: Case, match: Match) -> Clause:
    return case.evidence[match.source].clauses[match.clause]


def _reassurance(case: Case) -> Iterator[Signal]:
    """没事, 放心, 无副作用 where nobody said so."""
    if any(m.type == "reassurance" for reading in case.evidence for m in reading.marks):
        return
    for clause, marks in zip(case.answer.clauses, by_clause(case.answer), strict=True):
        for mark in marks:
            if mark.type == "reassurance" and not asked(case.answer, clause):
                says = f"依据没有说“{mark.text}”"
                yield _of("claim.reassurance", "overgeneralisation", mark.start, mark.end, 0.5, says)
                break


def _duties(case: Case) -> Iterator[Signal]:
    """须每月复查: a demand of which no clause of the evidence says the greater part."""
    weight = weights(case.evidence)
    pairs, _ = _known(case.known)
    for clause, matches in zip(case.answer.clauses, case.alignment, strict=True):
        said = grams(clause.text)
        demands = _DEMAND.search(clause.text) or any(
            m.type == "modality" and m.value in ("3", "4") for m in by_clause(case.answer)[clause.number]
        )
        if not demands or len(said) < 3 or asked(case.answer, clause):
            continue
        if not any(run[i : i + 2] not in pairs for _, run in learned(clause.text) for i in range(len(run) - 1)):
            continue
        best = max((overlap(said, grams(_clause(case, m).text), weight) for m in matches), default=0.0)
        if best < MAX_DUTY:
            yield _of(
                "claim.duty", "unsupported", clause.start, clause.end, 0.6 * (0.9 - best),
                f"依据没有这样要求：“{case.answer.raw[clause.start : clause.end]}”",
            )  # fmt: skip


@functools.lru_cache(maxsize=32)
def _known(readings: tuple[Reading, ...]) -> tuple[frozenset[str], frozenset[str]]:
    pairs = frozenset(pair for r in readings for pair in map(add, r.folded, r.folded[1:]))
    return pairs, frozenset(c for r in readings for c in r.folded)


def _of(check: str, kind: str, start: int, end: int, strength: float, says: str) -> Signal:
    return Signal(check, kind, start, end, -1, 0, 0, min(1.0, strength), says)


def _around(reading: Reading, number: int) -> Iterator[Mark]:
    """The marks of a clause and of the rest of its sentence."""
    sentence = reading.clauses[number].sentence
    for clause in reading.clauses[max(0, number - 3) : number + 4]:
        if clause.sentence == sentence:
            yield from by_clause(reading)[clause.number]


@functools.cache
def _words() -> dict[str, re.Pattern[str]]:
    return {
        row["kind"]: re.compile(
            "|".join(sorted(map(re.escape, row["words"].lower().split()), key=lambda w: (-len(w), w)))
        )
        for row in rows("check_authorities")
    }
