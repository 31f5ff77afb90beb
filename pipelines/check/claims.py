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
from pipelines.check.extremes import extremes, reassurance
from pipelines.check.marks import by_clause
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


def claims(case: Case) -> list[Signal]:
    """Invented authority, statements beyond what the evidence allows, and statements without any."""
    return [*_authority(case), *extremes(case), *reassurance(case), *additions(case), *_duties(case)]


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


def _clause(case: Case, match: Match) -> Clause:
    return case.evidence[match.source].clauses[match.clause]


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


@functools.cache
def _words() -> dict[str, re.Pattern[str]]:
    return {
        row["kind"]: re.compile(
            "|".join(sorted(map(re.escape, row["words"].lower().split()), key=lambda w: (-len(w), w)))
        )
        for row in rows("check_authorities")
    }
