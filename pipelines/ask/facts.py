"""The medical facts of a text, and what became of them in another wording: the check after every rewriting.

    kept(original, rewritten)    what was lost, what now belongs to something else, what was turned into its opposite
    added(original, rewritten)   what nobody said: amounts, drugs, diseases, examinations, symptoms

Numbers are exact: an amount that the other text does not have, in any unit that it converts to, is a finding. Names
count by meaning (拉肚子 is 腹泻). Courtesy, general care and the advice to see a doctor may be added; what such advice
supposes (如果抽搐) is no symptom, nor is, in a conversation, what the doctor says in sympathy (疼得难受); but a number
is a number wherever it stands.

Does not cover: facts that no list names, who of two children is meant, the order of events, degrees (轻, 重).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from pipelines.ask.mentions import Mention, mentions
from pipelines.ask.quantities import DOSES, Quantity, folded, quantities

LOST, CHANGED, FLIPPED, ADDED = "lost", "changed", "flipped", "added"
_GIVEN: Final = (*DOSES, "mg/kg", "ml/kg", "次/日", "小时/次")
_LASTS: Final = "分钟"
_NEAR_CHARS: Final = 60
_NAMED: Final = ("drug", "disease", "exam")


class Fact(NamedTuple):
    """One fact.

    Attributes:
        kind: quantity, drug, disease, symptom, exam or urgency.
        meaning: Amount and unit, or the name that all its synonyms share.
        polarity: `+`, `-` or `?`, as `mentions` says; `+` for amounts.
        about: What an amount belongs to: the drug that is given, the symptoms that last.
        per: Of an amount: 次, 日 … or empty.
        text: As written.
        speaker: Who says so, in a conversation; else empty.
    """

    kind: str
    meaning: str
    polarity: str
    about: frozenset[str]
    per: str
    text: str
    speaker: str = ""


class Finding(NamedTuple):
    """What a rewriting did to a fact: `reason` is lost, changed, flipped or added; `detail` is for people."""

    reason: str
    kind: str
    text: str
    detail: str


def facts_of(text: str, speaker: str = "") -> list[Fact]:
    """The facts of a text, in no special order."""
    named = mentions(text)
    whole = folded(text)
    amounts = [
        Fact("quantity", _amount(q.value, q.unit), "+", _about(q, named, whole), q.per, q.text, speaker)
        for q in quantities(text)
    ]
    return amounts + [Fact(m.kind, m.meaning, m.polarity, frozenset(), "", m.text, speaker) for m in named]


def kept(original: str, rewritten: str) -> list[Finding]:
    """What the rewriting lost, bound to something else or turned into its opposite; empty where all is there."""
    return compare_kept(facts_of(original), facts_of(rewritten))


def added(original: str, rewritten: str) -> list[Finding]:
    """What the rewriting states that the original does not."""
    return compare_added(facts_of(original), facts_of(rewritten))


def compare_kept(before: Sequence[Fact], after: Sequence[Fact]) -> list[Finding]:
    """`kept` for facts that are known already."""
    found = [finding for fact in _each(before, "quantity") if (finding := _of_amount(fact, before, after))]
    for kind in ("symptom", *_NAMED):
        found += _gone(kind, before, after)
    found += _gone("urgency", [fact for fact in before if fact.speaker != "patient"], after)
    return found + flipped(before, after)


def compare_added(before: Sequence[Fact], after: Sequence[Fact]) -> list[Finding]:
    """`added` for facts that are known already."""
    said = {fact.meaning for fact in before if fact.kind == "quantity"}
    bare = {meaning.split(" ")[0] for meaning in said if meaning.endswith(" ")}
    found = []
    for fact in _each(after, "quantity"):
        value, unit = fact.meaning.split(" ")
        fits_bare = value in bare and unit not in _GIVEN
        if fact.meaning not in said and not fits_bare and not (not unit and _has_value(value, said)):
            found.append(Finding(ADDED, "quantity", fact.text, f"{fact.text} is in no turn of the original"))
    known = {(fact.kind, fact.meaning) for fact in before}
    for fact in _each(after, *_NAMED, "symptom"):
        told = fact.kind in _NAMED or (fact.polarity != "?" and fact.speaker != "doctor")
        if told and (fact.kind, fact.meaning) not in known and not _is_kin(fact, known):
            found.append(Finding(ADDED, fact.kind, fact.text, f"{fact.text} ({fact.meaning}) is new"))
    return list(dict.fromkeys(found))


_KIN: Final = (
    {"发热", "体温正常"},
    {"带血", "黑便", "血尿"},
    {"咳嗽", "干咳", "夜间咳嗽"},
    {"呕吐", "喷射性呕吐", "吐奶", "恶心"},
    {"疼痛", "腹痛", "头痛", "咽痛", "关节痛", "腿痛", "胸痛", "耳痛", "尿痛"},
    {"红肿", "咽红", "皮疹"},
    {"喘息", "呼吸困难"},
    {"哭闹", "睡眠差"},
)


_CLASSES: Final = {
    "退热药": re.compile("布洛芬|对乙酰氨基酚"),
    "抗生素": re.compile("头孢|霉素|西林|沙星"),
    "激素": re.compile("松|奈德|泼尼"),
    "益生菌": re.compile("菌"),
    "疫苗": re.compile("疫苗|卡介苗"),
    "炎症": re.compile("炎$"),
    "过敏": re.compile("过敏|湿疹|荨麻疹|哮喘"),
}
"""What a thing may also be called: an answer about 头孢 may say 抗生素, never the other way round."""


def _is_kin(fact: Fact, known: set[tuple[str, str]]) -> bool:
    """Whether a near or more special word for the same was said: 疼 for 腹痛, 抗生素 for 头孢."""
    if fact.meaning in _CLASSES:
        return any(kind == fact.kind and _CLASSES[fact.meaning].search(meaning) for kind, meaning in known)
    if fact.meaning.startswith("维生素"):  # 维生素C和K
        return any(kind == "drug" and meaning.startswith("维生素") for kind, meaning in known)
    return any(fact.meaning in kin and any((fact.kind, other) in known for other in kin) for kin in _KIN)


def _each(facts: Iterable[Fact], *kinds: str) -> Iterable[Fact]:
    return (fact for fact in facts if fact.kind in kinds)


def _amount(value: Fraction, unit: str) -> str:
    return f"{value} {unit}"


def _has_value(value: str, meanings: set[str]) -> bool:
    """Whether an amount of that value was said with a unit that doses do not have."""
    return any(meaning.split(" ")[0] == value and meaning.split(" ")[1] not in _GIVEN for meaning in meanings)


def _of_amount(fact: Fact, before: Sequence[Fact], after: Sequence[Fact]) -> Finding | None:
    """What became of an amount: gone, or there for something else only."""
    value, unit = fact.meaning.split(" ")
    same = [
        other
        for other in _each(after, "quantity")
        if other.meaning == fact.meaning
        or (
            other.meaning.split(" ")[0] == value
            and "" in (unit, other.meaning.split(" ")[1])
            and not _is_dose(other, fact)
        )
    ]
    if not same:
        return Finding(LOST, "quantity", fact.text, f"{fact.text} is gone")
    here = [other for other in _each(before, "quantity") if other.meaning == fact.meaning]
    if _apart({f.per for f in here}, {f.per for f in same}):
        return Finding(CHANGED, "quantity", fact.text, f"{fact.text}: per {here[0].per} became per {same[0].per}")
    abouts = frozenset().union(*(f.about for f in here)), frozenset().union(*(f.about for f in same))
    if all(f.about for f in (*here, *same)) and not abouts[0] & abouts[1]:
        names = ["、".join(sorted(about)) for about in abouts]
        return Finding(CHANGED, "quantity", fact.text, f"{fact.text}: of {names[0]} became of {names[1]}")
    return None


def _is_dose(*facts: Fact) -> bool:
    return any(fact.meaning.split(" ")[1] in _GIVEN for fact in facts)


def _apart(left: set[str], right: set[str]) -> bool:
    return "" not in left | right and not left & right


def _gone(kind: str, before: Sequence[Fact], after: Sequence[Fact]) -> list[Finding]:
    """The things of one kind that are not named any more; advice to see a doctor also where it is weaker."""
    then, now = _polarities(kind, before), _polarities(kind, after)
    found = []
    for meaning, (polarities, text) in then.items():
        if kind == "urgency":
            if "+" in polarities and not _urges(meaning, now):
                found.append(Finding(LOST, kind, text, f"the advice {text} is gone or weaker"))
        elif meaning not in now and (kind in _NAMED or polarities - {"?"}) and not _told_otherwise(meaning, now):
            found.append(Finding(LOST, kind, text, f"{text} ({meaning}) is gone"))
    return found


def flipped(before: Sequence[Fact], after: Sequence[Fact]) -> list[Finding]:
    """What is stated in one of the two and only denied in the other."""
    found = []
    for kind in ("symptom", *_NAMED):
        then, now = _polarities(kind, before), _polarities(kind, after)
        for meaning in then.keys() & now.keys():
            (polarities, text), (others, _) = then[meaning], now[meaning]
            if _apart(polarities - {"?"} or {""}, others - {"?"} or {""}):
                detail = f"{text} ({meaning}) was {_said(polarities)}, is {_said(others)}"
                found.append(Finding(FLIPPED, kind, text, detail))
    return sorted(found)


def _urges(meaning: str, now: dict[str, tuple[set[str], str]]) -> bool:
    """Whether the new wording sends to a doctor as urgently, be it under a condition."""
    return "急诊" in now or (meaning == "就医" and "就医" in now)


def _told_otherwise(meaning: str, now: dict[str, tuple[set[str], str]]) -> bool:
    """Whether a close relative of the meaning is named: 腹痛 for 疼."""
    return any(meaning in kin and kin & set(now) for kin in _KIN)


def _polarities(kind: str, facts: Sequence[Fact]) -> dict[str, tuple[set[str], str]]:
    found: dict[str, tuple[set[str], str]] = {}
    for fact in _each(facts, kind):
        polarities, _ = found.setdefault(fact.meaning, (set(), fact.text))
        polarities.add(fact.polarity)
    return found


def _said(polarities: set[str]) -> str:
    return {"+": "stated", "-": "denied"}.get(next(iter(polarities - {"?"}), ""), "open")


def _about(amount: Quantity, named: Sequence[Mention], text: str) -> frozenset[str]:
    """What an amount belongs to; empty where that is not clear."""
    if amount.unit in _GIVEN:
        before = [
            m for m in named if m.kind == "drug" and m.end <= amount.start and amount.start - m.end <= _NEAR_CHARS
        ]
        here = [m for m in named if m.kind == "symptom" and _clause(text, m.start, amount.start)]
        if amount.unit in ("次/日", "小时/次") and here:
            return frozenset(m.meaning for m in here)
        after = [m for m in named if m.kind == "drug" and m.start >= amount.end and _clause(text, amount.end, m.start)]
        return frozenset(m.meaning for m in (before[-1:] or after[:1]))
    if amount.unit == _LASTS:
        return frozenset(
            m.meaning
            for m in named
            if m.kind == "symptom" and m.polarity != "-" and _clause(text, m.start, amount.start)
        )
    return frozenset()


def _clause(text: str, one: int, other: int) -> bool:
    """Whether two places are in one clause."""
    between = text[min(one, other) : max(one, other)]
    return not any(mark in between for mark in "，。；！？,;!?\n")
