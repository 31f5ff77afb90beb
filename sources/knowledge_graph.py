"""Knowledge graphs and vocabularies as triples: what a table says about an entity, one value at a time.

    entity table     one row per disease, columns are relations, cells hold several values
    triple list      head, relation, tail, perhaps with types; also nested as `spo_list`
    vocabulary       code and term, or term and frequency
    tree             value, label, children, as classifications are published
    RDF              Turtle and N-Triples

Each value in a cell is a kept triple or a dropped one with its reason, so that counts add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from schemas.errors import PartRefused
from schemas.records import TRIPLE
from sources.base import Batch, Part, ReadReport, group_key, location_of
from sources.cells import checked, values_of
from sources.formats import NTRIPLES, TURTLE, sniff_path
from sources.hub import is_remote
from sources.mapping import Binding, Layout, Mapper, plain_key, text_of
from sources.rdf import Found, read_rdf
from sources.relations import ADULT, BY_COLUMN, BY_NAME, CHILD, HEAD_TYPES, NAME, NAME_COLUMNS, RELATIONS, Relation
from sources.rows import Row, excerpt
from sources.table_source import TableSource

ICD_CODE: Final = re.compile(r"[A-Z]\d{2}(?:\.[0-9A-Zx]{1,4})?[*+†]?")
_ICD_RANGE: Final = re.compile(r"[A-Z]\d{2}-[A-Z]\d{2}")
_IMPLAUSIBLE_NAME: Final = re.compile(
    r"^(?:\d[\d\-~～—.、]*\s*(?:个?月|天|周|年|岁|%|％)|终身|.*\.\.\.$|[\d.\-~%％\s]+$|.{0,20}治疗(?:\s|$))"
)
_CHINESE_HEADER: Final = re.compile(r"[\u4e00-\u9fff]{2,8}")
_YOUNG: Final = re.compile(r"婴|幼|少年|学龄|早产|胎|(?:[0-9一二三四五六七八九十]\s*(?:周?岁|个?月))(?:以[下内]|前)")
_GROWN: Final = re.compile(r"成人|成年|中年|老年|[孕产]妇|妊娠|性生活|烟|[2-9]\d\s*岁")
_MAX_NAME_CHARS: Final = 100
_MAX_RELATION_CHARS: Final = 20


@dataclass(frozen=True)
class KnowledgeGraph(TableSource):
    """Triples with the head's disease as their group, so that a disease is never split.

    `columns:` takes `name`, a relation's name, or the fields of the other layouts as keys.
    """

    kind: ClassVar[str] = "knowledge_graph"
    LAYOUTS: ClassVar[tuple[Layout, ...]] = (
        Layout("triples", ("head", "relation", "tail"), ("head_type", "tail_type")),
        Layout("statements", ("spo_list",)),
        Layout("tree", ("label", "code", "children")),
        Layout("vocabulary", ("code", "term")),
        Layout("frequencies", ("term", "frequency")),
        Layout("triples without names", ("_0", "_1", "_2")),
        Layout("terms without names", ("_0", "_1")),
        Layout("entities", (NAME,), tuple(BY_NAME)),
    )
    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "head": ("head", "subject", "h", "s", "entity1", "start", "source", "头实体", "主体", "实体1", "主语"),
        "relation": ("relation", "predicate", "rel", "r", "p", "property", "关系", "谓词", "属性"),
        "tail": (
            "tail",
            "object",
            "t",
            "o",
            "entity2",
            "end",
            "target",
            "value",
            "尾实体",
            "客体",
            "实体2",
            "宾语",
            "属性值",
        ),
        "head_type": ("head_type", "subject_type", "entity1_type", "start_type", "头实体类型", "主体类型"),
        "tail_type": ("tail_type", "object_type", "entity2_type", "end_type", "尾实体类型", "客体类型"),
        "spo_list": ("spo_list", "triples", "triple_list"),
        "label": ("label",),
        "children": ("children",),
        "code": ("code", "value", "icd", "icd10", "icd_code", "icd-10", "编码", "疾病编码", "诊断编码", "主要编码"),
        "term": ("term", "word", "disease", "name", "label", "diagnosis", "名称", "疾病名称", "诊断名称", "术语", "词"),
        "frequency": ("frequency", "freq", "count", "df", "词频", "频次"),
        NAME: NAME_COLUMNS,
        "_0": ("_0",),
        "_1": ("_1",),
        "_2": ("_2",),
        **{relation.name: columns for relation, columns in RELATIONS},
    }

    def mapper(self) -> Mapper:
        """Layouts by columns; an entity table is one only if it has a column that is a relation."""
        return _GraphMapper(self.LAYOUTS, self.NAMES, self.columns)

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        """Triples in the order of the part."""
        yield from self.batches(part, ((TRIPLE, row) for row in self._triples(part, report)))

    def _triples(self, part: Part, report: ReadReport) -> Iterator[dict[str, Any]]:
        if not is_remote(part) and not location_of(part).is_dir():
            form = sniff_path(location_of(part))
            if form in (TURTLE, NTRIPLES):
                for locator, found in read_rdf(location_of(part), form, report, self.encoding):
                    yield self._triple(part, locator, *found)
                return
        n_read = 0
        for row, binding in self.bound_rows(part, report):
            if binding is not None and binding.layout.endswith("without names"):
                _check_unnamed(row, binding, n_read)
                n_read += 1
            if binding is None:
                yield self._triple(part, row.locator, "", "", "", "", row.raw, row.problem)
            else:
                yield from self._row_triples(part, row, binding)

    def _row_triples(self, part: Part, row: Row, binding: Binding) -> Iterator[dict[str, Any]]:
        layout, domain = binding.layout, None
        if layout == "entities":
            found, domain = self._entity(row, binding), _domain(row, binding)
        elif layout == "statements":
            found = _statements(binding.get(row.values, "spo_list"))
        elif layout == "tree":
            yield from self._tree_triples(part, row, binding)
            return
        elif layout == "terms without names":
            found = _term(text_of(row.values["_0"]), text_of(row.values["_1"]))
        elif layout == "vocabulary":
            found = _term(binding.text(row.values, "term"), binding.text(row.values, "code"))
        elif layout == "frequencies":
            found = _term(binding.text(row.values, "term"), binding.text(row.values, "frequency"))
        else:
            names = ("_0", "_1", "_2") if layout.startswith("triples w") else ("head", "relation", "tail")
            head, relation, tail = (_text(binding.get(row.values, name)) for name in names)
            types = (binding.text(row.values, "head_type"), binding.text(row.values, "tail_type"))
            found = _listed(head, relation, tail, *types)
        for made in self._distinct(part, row, found):
            yield {**made, "domain": domain}

    def _distinct(self, part: Part, row: Row, found: Iterator[Found]) -> Iterator[dict[str, Any]]:
        """One row's triples: what it says twice is dropped, and a row that says nothing is a dropped record."""
        kept: set[tuple[str, str, str]] = set()
        n = 0
        for n, (head, head_type, relation, tail_type, tail, given) in enumerate(found, 1):
            reason = given or ("duplicate_value" if (head, relation, tail) in kept else None)
            if reason is None:
                kept.add((head, relation, tail))
            yield self._triple(part, row.locator, head, head_type, relation, tail_type, tail, reason, n)
        if n == 0:
            yield self._triple(part, row.locator, "", "", "", "", excerpt(str(row.values)), "empty_row")

    def _tree_triples(self, part: Part, row: Row, binding: Binding) -> Iterator[dict[str, Any]]:
        """Each node's code and the class above it, in the order of the file, however deep."""
        label_key, code_key, children_key = (str(binding.paths[name][0]) for name in ("label", "code", "children"))
        stack: list[tuple[Any, str | None, str]] = [(row.values, None, row.locator)]
        while stack:
            node, parent, locator = stack.pop()
            if not isinstance(node, Mapping):
                yield self._triple(part, locator, parent or "", None, "属于", None, excerpt(str(node)), "bad_node")
                continue
            label, children = text_of(node.get(label_key)), node.get(children_key)
            found = list(_term(label, text_of(node.get(code_key))))
            if label and parent:
                found.append((label, "疾病", "属于", "疾病分类", parent, None))
            yield from (self._triple(part, locator, *values) for values in found)
            if isinstance(children, list):
                places = [(child, label, f"{locator}.{children_key}[{i}]") for i, child in enumerate(children)]
                stack += reversed(places)

    def _triple(
        self,
        part: Part,
        locator: str,
        head: str,
        head_type: str | None,
        relation: str,
        tail_type: str | None,
        tail: str,
        reason: str | None = None,
        ordinal: int = 0,
    ) -> dict[str, Any]:
        if reason is None and self.topic == "paediatric" and CHILD.search(head) and ADULT.search(tail):
            reason = "adult_value"
        return self.record(
            TRIPLE,
            part,
            locator,
            "\x1f".join((head, relation, tail, *([str(ordinal)] if reason else []))),
            group_id=group_key("disease", head),
            head=head,
            head_type=head_type or None,
            relation=relation,
            tail=tail,
            tail_type=tail_type or None,
            drop_reason=f"read:{reason}" if reason else None,
        )

    def _entity(self, row: Row, binding: Binding) -> Iterator[Found]:
        """The triples of one entity's row, cell by cell in the order of the columns."""
        head = (binding.text(row.values, NAME) or "").strip()
        named = {str(path[0]): target for target, path in binding.paths.items()}
        shifted = _shift(head, row.values)
        head_type = HEAD_TYPES.get(str(binding.paths[NAME][0]), "疾病")
        for column, cell in row.values.items():
            target = named.get(column)
            if cell is None or target == NAME:
                continue
            if shifted:
                yield head, None, target or column, None, excerpt(_text(cell) or str(cell)), shifted
            elif target is not None or _is_relation_header(column):
                yield from _cell(head, head_type, _relation(target or column), cell)


def _domain(row: Row, binding: Binding) -> str | None:
    """What an entity is about where its row says who falls ill and who treats it; None where it does not.

    A disease's single triples do not say it: `(脐膨出, 检查, 腹部平片)` names no child, its row's 儿科 does.
    """
    who, where = (binding.text(row.values, relation) or "" for relation in ("好发人群", "就诊科室"))
    if "儿" in who or _YOUNG.search(who):
        return "paediatric"
    if _GROWN.search(who):
        return "medical"
    if where:
        return "paediatric" if "儿" in where else "medical"
    return None


class _GraphMapper(Mapper):
    """Knows an entity table from a vocabulary by its relation columns."""

    def _new_binding(self, keys: tuple[str, ...]) -> Binding | None:
        relations = [key for key in keys if plain_key(key) in BY_COLUMN and plain_key(key) not in ("part", "age")]
        names = {plain_key(name) for name in NAME_COLUMNS}
        has_name = NAME in self.columns or any(plain_key(key) in names for key in keys)
        mapped = [target for target in self.columns if target in BY_NAME]
        entities = [layout for layout in self.layouts if layout.name == "entities"]
        is_entity = has_name and (mapped or relations)
        others = [layout for layout in self.layouts if layout.name != "entities"]
        layouts = self.layouts
        self.layouts = [*entities, *others] if is_entity else others
        try:
            return super()._new_binding(keys)
        finally:
            self.layouts = layouts


def _cell(head: str, head_type: str, relation: Relation, cell: Any) -> Iterator[Found]:
    """One cell's values, a list's elements one by one."""
    tail_type = relation.tail_type
    if isinstance(cell, list):
        for item in cell:
            if text := _text(item):
                value, reason = checked(text, relation)
                yield head, head_type, relation.name, tail_type, value, reason
        return
    text = _text(cell)
    if text:
        for value, reason in values_of(text, relation):
            yield head, head_type, relation.name, tail_type, value, reason


def _relation(name: str) -> Relation:
    return BY_NAME.get(name) or Relation(name)


def _is_relation_header(column: str) -> bool:
    """An unknown column is a relation if its header is a Chinese word; `id` and `url` are not."""
    return bool(_CHINESE_HEADER.fullmatch(column.strip()))


def _shift(head: str, values: Mapping[str, Any]) -> str | None:
    """`shifted_columns` where values stand in columns without a header or the name is none; `no_name` without one."""
    if any(value is not None and re.fullmatch(r"_\d+", column) for column, value in values.items()):
        return "shifted_columns"
    if not head:
        return "no_name"
    return "shifted_columns" if len(head) > _MAX_NAME_CHARS or _IMPLAUSIBLE_NAME.match(head) else None


def _check_unnamed(row: Row, binding: Binding, n_read: int) -> None:
    """Columns without names are terms with a code or number, or triples with a short relation, from the first on."""
    cells = [text_of(row.values[f"_{i}"]) or "" for i in range(len(binding.paths))]
    if n_read or any(ICD_CODE.fullmatch(cell) or _ICD_RANGE.fullmatch(cell) or cell.isdigit() for cell in cells[:2]):
        return
    if len(cells) < 3 or binding.unused or len(cells[1]) > _MAX_RELATION_CHARS:
        raise PartRefused(
            "unknown_layout",
            f"no header, and the first row ({excerpt('｜'.join(cells))[:80]}) is neither a triple nor a "
            "term with a code. Name the columns by position: 'columns: {head: _0, relation: _1, tail: _2}'.",
        )


def _listed(
    head: str | None,
    relation: str | None,
    tail: str | None,
    head_type: str | None = None,
    tail_type: str | None = None,
) -> Iterator[Found]:
    if not (head and relation and tail):
        yield head or "", head_type, relation or "", tail_type, tail or "", "incomplete_triple"
        return
    known = BY_COLUMN.get(plain_key(relation))
    name = known.name if known and relation.isascii() else relation
    tail_type = tail_type or (BY_NAME[name].tail_type if name in BY_NAME else None)
    yield head, head_type, name, tail_type, tail, None


def _statements(value: Any) -> Iterator[Found]:
    """`spo_list`: subject, predicate, object, where object may be `{"@value": …}`."""
    for item in value if isinstance(value, list) else []:
        if isinstance(item, list) and len(item) == 3:
            yield from _listed(_text(item[0]), _text(item[1]), _text(item[2]))
        elif isinstance(item, Mapping):
            fields = {plain_key(str(key)): _text(inner) for key, inner in item.items()}
            types = (fields.get("subjecttype"), fields.get("objecttype"))
            yield from _listed(fields.get("subject"), fields.get("predicate"), fields.get("object"), *types)
        else:
            yield from _listed(None, None, excerpt(str(item)))


def _term(term: str | None, code: str | None) -> Iterator[Found]:
    """A term with its code or its frequency, whichever of the two columns is which."""
    if term and code and not ICD_CODE.fullmatch(code) and (ICD_CODE.fullmatch(term) or _ICD_RANGE.fullmatch(term)):
        term, code = code, term
    if not term or not code:
        yield term or "", None, "编码", None, code or "", "incomplete_term"
    elif ICD_CODE.fullmatch(code):
        yield term, "疾病", "ICD-10编码", "编码", code, None
    elif _ICD_RANGE.fullmatch(code):
        yield term, "疾病分类", "ICD-10编码", "编码", code, None
    elif code.isdigit():
        yield term, "术语", "词频", None, code, None
    else:
        yield term, None, "编码", "编码", code, None


def _text(value: Any) -> str | None:
    """A scalar's text, also inside `{"@value": …}` or a one-element list."""
    if isinstance(value, Mapping):
        value = value.get("@value")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return text_of(value)
