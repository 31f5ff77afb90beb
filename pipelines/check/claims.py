"""Does an answer call upon authorities, go to extremes or say things of which the evidence has nothing?"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

from pipelines.check.additions import additions
from pipelines.check.extremes import extremes, reassurance
from pipelines.check.reading import Clause
from pipelines.check.signals import Case, Signal
from pipelines.lexicons import rows

_TITLE: Final = re.compile(r"《([^《》\n]{2,40})》")
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?=年|版)")
_LEVEL: Final = re.compile(r"[abc1-4][级类a-c]?(?:推荐|证据)|(?:强|弱|有条件)推荐|证据级别")
_DIGITS: Final = "零一二三四五六七八九"
_SHARE: Final = re.compile(
    r"(?<!\d)(?P<digits>\d+(?:\.\d+)?)%|(?P<tenths>[一二三四五六七八九])成(?![人年长分为立熟本])"
)
_RATE: Final = re.compile(
    "率|概率|几率|机会|比例|[的有]?(?:孩子|患儿|患者|病例|宝宝|儿童|人)|约|大约|近|高达|达到|超过"
)
_LINK: Final = re.compile(".*(?:由|向|到|和|跟|给|被|在|要等|的|可以|去|里|据|按|经|与|及)")
_LOCAL: Final = re.compile("^(?:当地|本地|所在地|县级|市级|区级|省级|县|市|区|省|国家)")
_WORD: Final = re.compile(r"[\u4e00-\u9fff]{2,}")


def claims(case: Case) -> list[Signal]:
    """Invented authority, statements beyond what the evidence allows, and statements without any."""
    return [*_authority(case), *_statistics(case), *extremes(case), *reassurance(case), *additions(case)]


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


def _statistics(case: Case) -> Iterator[Signal]:
    """约65%的孩子: a share that no text has, in digits or in words."""
    shares = {_percent(m) for reading in case.known for m in _SHARE.finditer(reading.folded)}
    for clause in case.answer.clauses:
        rate: bool | None = None
        for match in _SHARE.finditer(case.answer.folded, clause.start, clause.end):
            if _percent(match) not in shares:
                rate = _RATE.search(clause.text) is not None if rate is None else rate
                yield _of(
                    "claim.statistic_rate" if rate else "claim.statistic", "fabricated_authority",
                    match.start(), match.end(), 0.7 if rate else 0.4, f"依据没有“{match[0]}”这样的比例",
                )  # fmt: skip


def _percent(match: re.Match[str]) -> str:
    """A share in digits: 八成 is 80."""
    if match["tenths"]:
        return f"{_DIGITS.index(match['tenths'])}0"
    return match["digits"].rstrip("0").rstrip(".") if "." in match["digits"] else match["digits"]


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
        bare = _LOCAL.sub("", _LINK.sub("", name[0])) or match[0]
        missing = _missing(bare, known)
        if match[0].lower() in known and missing < 0.5:
            continue
        spoken = any(s >= match.end() for s in says)
        yield clause.start + name.start(), clause.start + match.end(), min(0.9, missing * (0.8 if spoken else 0.3))


_PLAIN_BODIES: Final = frozenset(("局", "部", "署", "中心", "医院", "大学"))


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
