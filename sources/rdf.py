"""Triples of Turtle and N-Triples, with names for people in place of IRIs.

A first pass collects the labels of IRIs, Chinese before others; the second yields the statements. A statement
about labels or between blank nodes is dropped with its reason: it says nothing that a person could be asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyoxigraph as ox

from schemas.errors import PartRefused
from sources.base import ReadReport
from sources.formats import TURTLE
from sources.mapping import plain_key
from sources.relations import BY_COLUMN, BY_NAME
from sources.rows import excerpt, open_text, present

_RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_LABELS: Final = (f"{_RDFS}label", f"{_SKOS}prefLabel", "http://schema.org/name", "http://xmlns.com/foaf/0.1/name")
_KNOWN: Final = {
    f"{_RDF}type": "类型",
    f"{_SKOS}altLabel": "别名",
    f"{_RDFS}subClassOf": "属于",
    f"{_SKOS}broader": "属于",
}
_MAX_LABELS: Final = 5_000_000

Found = tuple[str, str | None, str, str | None, str, str | None]
"""Head, its type, relation, the tail's type, tail, and why it is dropped."""


def read_rdf(path: Path, form: str, report: ReadReport, encoding: str | None) -> Iterator[tuple[str, Found]]:
    """`(locator, what was found)` for each statement; the locator counts statements from 1.

    Raises:
        PartRefused: `bad_rdf` with the parser's line and column, where not even the first statement parses, or
            where labels alone would not fit in memory.
    """
    report.format = "turtle" if form == TURTLE else "ntriples"
    stream, report.encoding = open_text(path, encoding)
    stream.close()
    if report.encoding not in ("utf-8", "utf-8-sig"):
        raise PartRefused("bad_rdf", f"{report.encoding}; RDF is UTF-8 by definition. Convert it.")
    names = _Names()
    for statement in _statements(path, form):
        if isinstance(statement, ox.Quad):
            names.learn(statement)
    for number, statement in enumerate(_statements(path, form), 1):
        locator = f"statement {number}"
        if isinstance(statement, ox.Quad):
            yield locator, names.found(statement)
        else:
            report.notes.append(f"{locator}: {statement}; the file is not read beyond this place")
            yield locator, ("", None, "", None, excerpt(statement), "bad_rdf")


def _statements(path: Path, form: str) -> Iterator[Any]:
    """The statements; last, in place of one that does not parse, the parser's complaint."""
    rdf_format = ox.RdfFormat.TURTLE if form == TURTLE else ox.RdfFormat.N_TRIPLES
    try:
        yield from ox.parse(path=str(path), format=rdf_format, base_iri="urn:part:")
    except (SyntaxError, ValueError) as error:
        yield str(error).strip() or "syntax error"


class _Names:
    """What people call the things that IRIs stand for."""

    def __init__(self) -> None:
        self._labels: dict[str, tuple[int, str]] = {}
        self._types: dict[str, str] = {}

    def learn(self, statement: Any) -> None:
        subject, predicate, value = statement.subject, statement.predicate.value, statement.object
        if not isinstance(subject, ox.NamedNode):
            return
        if predicate in _LABELS and isinstance(value, ox.Literal) and present(value.value.strip()):
            rank = _rank(value) * 10 + _LABELS.index(predicate)
            if rank < self._labels.get(subject.value, (1_000, ""))[0]:
                self._labels[subject.value] = (rank, value.value.strip())
        elif predicate == f"{_RDF}type" and isinstance(value, ox.NamedNode):
            self._types.setdefault(subject.value, value.value)
        if len(self._labels) > _MAX_LABELS:
            raise PartRefused("too_large", f"more than {_MAX_LABELS} labels. Split the graph into several files.")

    def found(self, statement: Any) -> Found:
        predicate = statement.predicate.value
        head, tail = self._name(statement.subject), self._name(statement.object)
        relation = _KNOWN.get(predicate) or self._relation(predicate)
        reason = None
        if predicate in _LABELS:
            reason = "label_statement"
        elif isinstance(statement.subject, ox.BlankNode) or isinstance(statement.object, ox.BlankNode):
            reason = "blank_node"
        elif not (head and tail and present(tail)):
            reason = "empty_value"
        tail_type = self._type(statement.object) or (BY_NAME[relation].tail_type if relation in BY_NAME else None)
        return head, self._type(statement.subject), relation, tail_type or None, tail, reason

    def _relation(self, iri: str) -> str:
        name = self._labels[iri][1] if iri in self._labels else _short(iri)
        known = BY_COLUMN.get(plain_key(re.sub(r"^has(?=[A-Z_])", "", name)))
        return known.name if known else name

    def _name(self, term: Any) -> str:
        if isinstance(term, ox.NamedNode):
            return self._labels[term.value][1] if term.value in self._labels else _short(term.value)
        return str(term.value).strip()

    def _type(self, term: Any) -> str | None:
        """The label of its class, or the datatype of a literal that is no plain text."""
        if isinstance(term, ox.Literal):
            datatype = term.datatype.value
            is_text = datatype in (f"{_XSD}string", f"{_RDF}langString")
            return None if is_text else _short(datatype)
        if isinstance(term, ox.NamedNode) and term.value in self._types:
            return self._name(ox.NamedNode(self._types[term.value]))
        return None


def _rank(literal: Any) -> int:
    """Chinese first, then what has no language, then English, then the rest."""
    language = (literal.language or "").lower()
    if language.startswith("zh"):
        return 1 if "hant" in language or language in ("zh-tw", "zh-hk") else 0
    return {"": 2, "en": 3}.get(language, 4)


def _short(iri: str) -> str:
    """The last word of an IRI, readable."""
    return unquote(re.split(r"[#/:]", iri.rstrip("#/"))[-1]).replace("_", " ").strip() or iri
