"""The facts of a conversation: who said them, one-word answers understood, and what a rewriting did to them.

没有 after 有没有发热 denies a fever, as the patient; 有的 after one question states what was asked. A fact belongs to
the speaker: what the parent told may be repeated by the doctor, but not told by the doctor alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pipelines.ask.facts import Fact, Finding, compare_added, compare_kept, facts_of, flipped

MOVED: Final = "moved"
"""The reason of a finding: another speaker states it now."""

_NO: Final = re.compile(
    r"^(?:暂时|目前|好像|应该|倒是?|都|也|还|嗯|那)?(?:没有?|无|不是?的?|否)(?![^，。！；,;\s]{3,})"
)
_YES: Final = re.compile(r"^(?:嗯+|恩+|对|是|有|会|好像有|也有|有点|有一点)(?:的|啊|呀|呢)?(?:[，。！,\s]|$)")
_OF_PATIENT: Final = ("symptom", "quantity")
_OF_DOCTOR: Final = ("drug", "disease", "exam", "quantity")

Turn = Mapping[str, str]


def facts_of_turns(turns: Sequence[Turn]) -> list[Fact]:
    """The facts of all turns, with their speakers; `turns` have `role` (patient | doctor) and `content`."""
    found: list[Fact] = []
    asked: list[Fact] = []
    for turn in turns:
        told = facts_of(turn["content"], turn["role"])
        if turn["role"] == "patient":
            found += told + _answered(turn["content"], asked, told)
            asked = []
        else:
            found += told
            asked = [fact for fact in told if fact.kind == "symptom" and fact.polarity == "?"]
    return found


def _answered(content: str, asked: Sequence[Fact], told: Sequence[Fact]) -> list[Fact]:
    """What a bare yes or no says of what the doctor asked for."""
    if not asked or {fact.meaning for fact in asked} & {fact.meaning for fact in told}:
        return []
    if _NO.match(content.strip()):
        return [fact._replace(polarity="-", speaker="patient") for fact in asked]
    if len({fact.meaning for fact in asked}) == 1 and _YES.match(content.strip()):
        return [asked[0]._replace(polarity="+", speaker="patient")]
    return []


def findings(original: Sequence[Turn], rewritten: Sequence[Turn]) -> list[Finding]:
    """What the rewriting of a conversation lost, changed, turned round, added, or let another speaker say."""
    before, after = facts_of_turns(original), facts_of_turns(rewritten)
    found = [*compare_kept(before, after), *compare_added(before, after)]
    found += flipped(*([fact for fact in facts if fact.speaker == "patient"] for facts in (before, after)))
    found = list(dict.fromkeys(found))
    return [
        *found,
        *_moved(before, after, "patient", "doctor", _OF_PATIENT),
        *_moved(before, after, "doctor", "patient", _OF_DOCTOR),
    ]


def _moved(
    before: Sequence[Fact], after: Sequence[Fact], speaker: str, other: str, kinds: Sequence[str]
) -> list[Finding]:
    """Facts that only `speaker` stated and that only `other` states now."""
    found = []
    said = {(f.kind, f.meaning): f for f in before if f.speaker == speaker and f.kind in kinds and f.polarity != "?"}
    said_by_other = {(f.kind, f.meaning) for f in before if f.speaker == other}
    now: dict[tuple[str, str], set[str]] = {}
    for fact in after:
        now.setdefault((fact.kind, fact.meaning), set()).add(fact.speaker)
    for key, fact in said.items():
        if key not in said_by_other and now.get(key) == {other}:
            found.append(
                Finding(MOVED, fact.kind, fact.text, f"{fact.text} was said by the {speaker}, now by the {other}")
            )
    return found
