"""Answers against a knowledge graph: what its triples forbid, deny, or say the other way round.

The graph may be wrong too. Where the evidence itself says what the answer says, the finding is a conflict between
sources (`graph.sources`) and speaks against nobody's answer.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from pipelines.check.reading import Clause, fold
from pipelines.check.signals import Case, Signal
from pipelines.teacher.relations import aspect_of

SOURCES: Final = "graph.sources"
MOVES: Final = ("graph.forbidden", "graph.denied", "graph.reversed")
"""Findings for which an answer is held back; of departments a graph rarely knows all."""
_FORBIDS: Final = re.compile(r"禁|忌|不宜|慎|避免|avoid|contraindic|not_eat", re.IGNORECASE)
_ASPECTS: Final = ("treatment", "drug", "complication", "department")
_NEGATION: Final = re.compile(r"不|禁|忌|勿|别|避免|慎|停|无需|没必要|非|除外|过敏")
_DENIAL: Final = re.compile(r"禁用|禁止|禁忌|忌用|不能用|不宜|不可用|不得|不要用|避免使用|不应使用|严禁")
_LEADS_TO: Final = re.compile(r"(不会|不易|不可能|很少)?(?:并发|引起|导致|引发|继发|发展[为成]|合并)")
_DEPARTMENT: Final = re.compile(r"[\u4e00-\u9fff]{1,8}?科(?!学|普|室|目|技)")
_VISIT: Final = re.compile(r"挂|看|去|到|就诊|转")
_ANY_DEPARTMENT: Final = re.compile(r"儿|急诊|全科")
_CHILD: Final = re.compile(r"^(?:小儿|儿童|新生儿|婴幼儿|婴儿)")
_SAME: Final = 0.6
_MIN_NAME: Final = 2
_MAX_NAME: Final = 30


class Triple(NamedTuple):
    """As the graph has it."""

    head: str
    relation: str
    tail: str

    def __str__(self) -> str:
        return f"{self.head}｜{self.relation}｜{self.tail}"


class Graph:
    """Triples by what their head is called."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self._of: dict[str, list[tuple[str, Triple]]] = {}
        aliases: list[Triple] = []
        for triple in triples:
            if aspect_of(triple.relation) == "alias":
                aliases.append(triple)
            elif aspect := _aspect(triple.relation):
                for name in _names(triple.head):
                    self._of.setdefault(name, []).append((aspect, triple))
        for alias in aliases:
            if alias.head in self._of:
                for name in _names(alias.tail):
                    self._of.setdefault(name, self._of[fold(alias.head)])
        self._lengths: dict[str, list[int]] = {}
        for name in self._of:
            self._lengths.setdefault(name[:_MIN_NAME], []).append(len(name))

    def named_in(self, text: str) -> list[str]:
        """Heads that a folded text names, the longest at each place."""
        found, at = [], 0
        while at < len(text) - 1:
            lengths = self._lengths.get(text[at : at + _MIN_NAME], ())
            best = max((n for n in lengths if text[at : at + n] in self._of), default=0)
            if best:
                found.append(text[at : at + best])
            at += best or 1
        return list(dict.fromkeys(found))

    def of(self, name: str) -> list[tuple[str, Triple]]:
        """Aspect and triple of everything that is said of a head."""
        return self._of[name]


def graph_signals(case: Case, graph: Graph) -> list[Signal]:
    """What an answer says against the graph, one finding a clause and triple."""
    asked = [name for r in (case.question, *case.heard) for name in graph.named_in(r.folded)]
    said: dict[int, list[str]] = {}
    for clause in case.answer.clauses:
        said.setdefault(clause.sentence, []).extend(graph.named_in(clause.text))
    signals: list[Signal] = []
    for clause in case.answer.clauses:
        names = list(dict.fromkeys(said[clause.sentence] or asked))
        for rule, kind, triple in _conflicts(clause, names, graph):
            signals.append(_signal(case, clause, rule, kind, triple))
    return signals


def _conflicts(clause: Clause, names: list[str], graph: Graph) -> Iterator[tuple[str, str, Triple]]:
    text = clause.text
    departments = [m[0] for m in _DEPARTMENT.finditer(text)] if _VISIT.search(text) else []
    for name in names:
        known = []
        for aspect, triple in graph.of(name):
            tail = fold(triple.tail)
            if aspect == "department":
                known.append(triple)
            elif tail not in text:
                continue
            elif aspect == "forbidden" and not _NEGATION.search(text):
                yield "graph.forbidden", "polarity", triple
            elif aspect in ("treatment", "drug") and _DENIAL.search(text):
                yield "graph.denied", "polarity", triple
            elif aspect == "complication" and (rule := _turned(text, name, tail)):
                yield rule, "relation", triple
        if known and departments and not any(_agrees(d, known) for d in departments):
            yield "graph.department", "entity", known[0]


def _turned(text: str, name: str, tail: str) -> str:
    """Whether a clause denies that `name` leads to `tail`, or says that `tail` leads to `name`."""
    verb = _LEADS_TO.search(text)
    if verb is None:
        return ""
    if verb[1] and text.find(tail) >= verb.end():
        return "graph.denied"
    at = text.find(name)
    return "graph.reversed" if not verb[1] and text.find(tail) < verb.start() and at >= verb.end() else ""


def _agrees(department: str, known: list[Triple]) -> bool:
    if _ANY_DEPARTMENT.search(department):
        return True
    return any(department.endswith(fold(t.tail)) or fold(t.tail).endswith(department) for t in known)


def _signal(case: Case, clause: Clause, rule: str, kind: str, triple: Triple) -> Signal:
    """The finding; a conflict between sources where the evidence says what the answer says."""
    match = next(iter(case.alignment[clause.number]), None)
    said = case.answer.raw[clause.start : clause.end][:60]
    if match is None:
        says = f"「{said}」与知识图谱不符：{triple}。"
        return Signal(rule, kind, clause.start, clause.end, -1, 0, 0, 0.9, says)
    theirs = case.evidence[match.source].clauses[match.clause]
    span = (match.source, theirs.start, theirs.end)
    if match.score >= _SAME and bool(_NEGATION.search(theirs.text)) == bool(_NEGATION.search(clause.text)):
        says = f"来源之间不一致：原文「{theirs.text[:60]}」，知识图谱「{triple}」；不是回答的错误。"
        return Signal(SOURCES, kind, clause.start, clause.end, *span, 0.1, says)
    says = f"「{said}」与知识图谱不符：{triple}；原文相近处为「{theirs.text[:60]}」。"
    return Signal(rule, kind, clause.start, clause.end, *span, 0.9, says)


def _aspect(relation: str) -> str:
    if _FORBIDS.search(relation):
        return "forbidden"
    found = aspect_of(relation)
    if found in _ASPECTS:
        return found or ""
    return "drug" if "药" in relation else ""


def _names(head: str) -> list[str]:
    """What a disease is called: with and without the child in its name."""
    whole = fold(head)
    bare = _CHILD.sub("", whole)
    return [n for n in dict.fromkeys((whole, bare)) if _MIN_NAME <= len(n) <= _MAX_NAME]


@functools.lru_cache(maxsize=2)
def read_graph(paths: tuple[str, ...]) -> Graph:
    """The graph of Parquet files with `head`, `relation` and `tail`, read once in a process."""
    frames = [pl.read_parquet(Path(p), columns=["head", "relation", "tail"], glob=False) for p in paths]
    rows = pl.concat(frames).drop_nulls().unique().sort("head", "relation", "tail").iter_rows() if frames else ()
    return Graph(Triple(*row) for row in rows)
