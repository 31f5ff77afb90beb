"""What the evidence, the question and the patient name, under any alias."""

from __future__ import annotations

import functools
import re
from itertools import pairwise
from typing import Final

from pipelines.check.lexicon import kinds_of, lexicon
from pipelines.check.mentions import Mention
from pipelines.check.places import clause_of, names
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

MIN_ALIGNED: Final = 0.25
MAX_NAMES: Final = 200
"""Of an answer; an honest one has a tenth of that, and the work stays bounded."""
_PANELS: Final = frozenset(("电解质", "血常规", "肝功能", "肾功能", "血脂", "甲状腺功能", "尿常规"))
"""Tests that are known by name when their parts are asked for."""
MAX_TRIES, MAX_LEFT_OUT = 50, 4
"""Places where a shortened word is looked for, and characters that are left out between two of its own."""
_BREAK: Final = re.compile(r"[^\u4e00-\u9fffa-z0-9-]")
_DENIES: Final = re.compile(
    r"(?:不(?:可|能|得|应|宜|要|许|建议|推荐|适合|适宜|用|做|打|需|必|主张|提倡)|勿|禁|忌|避免|无需|(?<![鉴区特分个级差])别|莫(?![米西匹拉达非雷地]))(?:改[成用为]|换成?)?[^但改而,;者时则即后]{0,9}$|不$"
)
_DENIES_AFTER: Final = re.compile(
    r"(?:、[^、,;:]{1,12}){0,8}[^,;:仅只于]{0,8}?(?:均|都|也|一律|全|就|则|是)?"
    r"(?:不(?:得|可|能|应|宜|行|准|许|予|用|要|建议|推荐|需|必)|禁|用不着|没必要|没用|别用|无效|慎)"
)
_IF_NOT: Final = re.compile(r"(?:者|时|的(?!药)|则|,?可)")
BY: Final = re.compile(
    r"(?:由|让|向|经|报|交|归|通知|告知|告诉|联系|要等|须有|属于?|会同)"
    r"(?:所在地?|当地|县级以上|地方|人民政府|的|县|市|省|本?区|等){0,3}$"
)
_DOES: Final = re.compile(
    r"^(?:自己|们|在家里?|单独|等|本人|或者?|和|及|、|一个人|就|也|都){0,2}"
    r"(?:应当?|负责|责令|处|报告|评估|来|执行|实施|可以|须|必须|要|管|写|审核|代|喂|通报|组织|指导|复评|告|做|看着|拍板|"
    r"维护|处理|牵头|随访|打|注射|没收|警告)"
)


class Known:
    """The names of some texts.

    Attributes:
        keys: Keys of the names, and of all that they are kinds of.
        text: The texts, folded, one a line.
    """

    def __init__(self, readings: tuple[Reading, ...]) -> None:
        self.keys = {above for r in readings for m in r.mentions for above in kinds_of(m.key)}
        self.text = "\n".join(r.folded for r in readings)
        self._characters = frozenset(self.text)
        self._found: dict[tuple[str, str], bool] = {}

    def has(self, mention: Mention) -> bool:
        """Whether a name, an alias or a kind of it, or a name that holds it, is among them."""
        asked = (mention.key, mention.text)
        if asked not in self._found:
            self._found[asked] = self._has(mention)
        return self._found[asked]

    def _has(self, mention: Mention) -> bool:
        if (
            mention.key in self.keys
            or any(kind in _PANELS and kind in self.keys for kind in kinds_of(mention.key))
            or (
                len(mention.text) > 1
                and (mention.text in self.text or (mention.type == "actor" and mention.key in self.text))
            )
        ):
            return True
        if len(mention.text) == 1:
            return mention.type == "food" and mention.text in self.text
        if self._is_shortened(mention.text) or self._is_put_together(mention):
            return True
        if mention.text[-1] in "高低快慢多少" and len(mention.text) > 2 and mention.text[:-1] in self.text:
            return True
        return any(name in self.text for name in lexicon().aliases.get(mention.key, ()) if len(name) > 1)

    def has_kind(self, mention: Mention) -> bool:
        """Whether at least what it is a kind of is among them."""
        return any(kind in self.keys for kind in kinds_of(mention.key)[1:])

    def _is_put_together(self, mention: Mention) -> bool:
        """Whether its parts are known: 血磷 of 磷, 水痘疫苗 of 水痘, 泌尿系超声 of 泌尿系 and 超声."""
        for affix in ("血", "疫苗", "药", "针", "剂"):
            if mention.text.startswith(affix) or mention.text.endswith(affix):
                rest = mention.text.removeprefix(affix).removesuffix(affix)
                if rest and rest in self.text and (len(rest) > 1 or affix == "血"):
                    return True
        return (self.has_kind(mention) or mention.type == "organ") and self.strange(mention.text, False) < 0.5

    def strange(self, noun: str, is_whole: bool) -> float:
        """Share of a noun's pairs of characters that the texts lack; 0 for a shortened one that they have in full."""
        if noun in self.text or self._is_shortened(noun):
            return 0.0
        if is_whole or len(noun) < 2:
            return 1.0
        pairs = ["".join(pair) for pair in pairwise(noun)]
        return sum(pair not in self.text for pair in pairs) / len(pairs)

    def _is_shortened(self, text: str) -> bool:
        """Whether its characters stand in one word there, in order: 急性肾炎 of 急性肾小球肾炎."""
        if not (2 <= len(text) <= 8) or text.isascii() or not set(text) <= self._characters:
            return False
        start = -1
        for _ in range(MAX_TRIES):
            start = self.text.find(text[0], start + 1)
            if start < 0:
                return False
            at = start
            for c in text[1:]:
                at = self.text.find(c, at + 1, at + 2 + MAX_LEFT_OUT)
                if at < 0:
                    break
            if at >= 0 and not _BREAK.search(self.text, start, at):
                return True
        return False

    def names(self, mention: Mention) -> bool:
        """Whether it is named itself, not only a kind of it."""
        spellings = (mention.text, *lexicon().aliases.get(mention.key, ()))
        return any(name in self.text for name in spellings if len(name) > 1)


@functools.lru_cache(maxsize=256)
def known(readings: tuple[Reading, ...]) -> Known:
    """`Known` of some texts, made once."""
    return Known(readings)


def own_names(case: Case, type_: str = "") -> list[Mention]:
    """The answer's first `MAX_NAMES` names, of one type where one is given."""
    return [m for m in case.answer.mentions[:MAX_NAMES] if not type_ or m.type == type_]


def beside(case: Case, mention: Mention, n: int = 2) -> list[tuple[int, Mention, float]]:
    """The names of the mention's type in the sentences that its clause is aligned with: source, name, alignment."""
    clause = clause_of(case.answer, mention.start)
    looked = [(match, 1.0) for match in case.alignment[clause.number][:n]]
    if clause.number and case.answer.clauses[clause.number - 1].sentence == clause.sentence:
        factor = 0.8 if len(clause.text) < 6 else 0.5
        looked += [(match, factor) for match in case.alignment[clause.number - 1][:1]]
    found = []
    for match, factor in looked:
        if match.score < MIN_ALIGNED:
            continue
        reading = case.evidence[match.source]
        theirs = reading.clauses[match.clause]
        there = names(reading)
        for number, share in ((match.clause, 1.0), (match.clause - 1, 0.6), (match.clause + 1, 0.6)):
            if 0 <= number < len(reading.clauses) and reading.clauses[number].sentence == theirs.sentence:
                score = match.score * factor * share
                found += [(match.source, each, score) for each in there.get(number, ()) if each.type == mention.type]
    return sorted(found, key=lambda item: -item[2])


def acts(reading: Reading, mention: Mention) -> float:
    """How clearly someone does or is told something there: 0.3 behind 由 or 向, 0.15 before a verb, else 0."""
    if BY.search(reading.folded[max(0, mention.start - 12) : mention.start]):
        return 0.3
    return 0.15 if _DOES.search(reading.folded[mention.end : mention.end + 12]) else 0.0


def kin(one: str, other: str) -> bool:
    """Whether one key is a kind of the other."""
    return one in kinds_of(other) or other in kinds_of(one)


def denied(reading: Reading, mention: Mention) -> bool:
    """Whether a word of denial stands before a name in its clause; 不能口服者 denies nothing."""
    clause = clause_of(reading, mention.start)
    if _IF_NOT.match(reading.folded, mention.end):
        return False
    return bool(_DENIES.search(reading.folded[max(clause.start, mention.start - 20) : mention.start]))


def denied_after(reading: Reading, mention: Mention) -> bool:
    """Whether the clause goes on, behind a name, to say that it is not to be."""
    end = clause_of(reading, mention.start).end
    return bool(_DENIES_AFTER.match(reading.folded, mention.end, end))
