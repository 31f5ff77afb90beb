"""Which column means what: layouts are recognised by their column names, or named in the configuration.

A `Layout` lists the fields it needs and takes, and the names that the world gives them. `Mapper.bind` finds the
layout that a row's keys fit, mends a misspelt key (`raw_anwser`), and is asked once per distinct set of keys,
since one array may hold rows of several layouts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from rapidfuzz.distance import OSA

from schemas.errors import PartRefused
from sources.rows import NULLS, present

_MIN_REPAIR_CHARS: Final = 5
_MAX_REPAIR_EDITS: Final = 2
_MIN_REPAIR_SIMILARITY: Final = 0.8
_SHOWN: Final = 12
_PATH_STEP: Final = re.compile(r"[^.\[\]]+|\[\d+\]")


@dataclass(frozen=True)
class Layout:
    """One way to lay out a table: the `needs` must be there, the `takes` may."""

    name: str
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binding:
    """Where the fields of one layout lie in rows with one set of keys."""

    layout: str
    paths: Mapping[str, tuple[str | int, ...]]
    repaired: tuple[tuple[str, str], ...] = ()
    """`(key as found, name it was taken for)`."""
    unused: tuple[str, ...] = ()

    def get(self, values: Mapping[str, Any], name: str) -> Any:
        """The value of a field, or None where the layout or the row has none."""
        path = self.paths.get(name)
        if path is None:
            return None
        if len(path) == 1:
            return values.get(path[0])  # type: ignore[arg-type]  # the first step is a column name
        return follow(values, path)

    def text(self, values: Mapping[str, Any], name: str) -> str | None:
        """The field as text without blanks around it, or None."""
        return text_of(self.get(values, name))


@dataclass
class Mapper:
    """Binds rows of one source.

    Attributes:
        layouts: In order of preference: the first that fits is taken.
        names: Field → the names that it goes by; `plain_key` of them is compared.
        columns: Field → column name or key path, from the configuration; goes before `names`.
    """

    layouts: Sequence[Layout]
    names: Mapping[str, Sequence[str]]
    columns: Mapping[str, str] = field(default_factory=dict)
    _bindings: dict[tuple[str, ...], Binding | None] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._plain = {target: {plain_key(name): name for name in names} for target, names in self.names.items()}

    def bind(self, values: Mapping[str, Any]) -> Binding | None:
        """The binding for rows with these keys, or None where no layout fits."""
        keys = tuple(values)
        if keys not in self._bindings:
            if len(self._bindings) > 10_000:  # rows with keys of their own
                self._bindings.clear()
            self._bindings[keys] = self._new_binding(keys)
        return self._bindings[keys]

    def known(self) -> frozenset[str]:
        """Lower-case names that make a line a header."""
        return frozenset(
            [name.lower() for names in self.names.values() for name in names if len(name) > 1]
            + [column.strip().lower() for column in self.columns.values()]
        )

    def _new_binding(self, keys: tuple[str, ...]) -> Binding | None:
        paths: dict[str, tuple[str | int, ...]] = {}
        used: set[str] = set()
        for target, column in self.columns.items():
            path = path_of(column, keys)
            if path is None:
                continue
            paths[target] = path
            used.add(str(path[0]))
        plain = {plain_key(key): key for key in reversed(keys) if key not in used}
        for target, names in self._plain.items():
            if target not in self.columns and (name := next((n for n in names if n in plain), None)):
                paths[target] = (plain[name],)
        layout = self._layout(paths)
        repaired: list[tuple[str, str]] = []
        if layout is None:
            repaired = self._repair(paths, [k for k in keys if k not in used | {str(p[0]) for p in paths.values()}])
            layout = self._layout(paths)
        if layout is None:
            return None
        kept = {t: p for t, p in paths.items() if t in layout.needs or t in layout.takes}
        unused = [k for k in keys if k not in {str(p[0]) for p in kept.values()}]
        return Binding(layout.name, kept, tuple(repaired), tuple(unused))

    def _layout(self, paths: Mapping[str, Any]) -> Layout | None:
        return next((layout for layout in self.layouts if all(need in paths for need in layout.needs)), None)

    def _repair(self, paths: dict[str, tuple[str | int, ...]], keys: Sequence[str]) -> list[tuple[str, str]]:
        """Adds fields whose name is one or two edits from a key that means nothing as it is."""
        repaired = []
        for key in keys:
            plain = plain_key(key)
            if len(plain) < _MIN_REPAIR_CHARS or len(plain) > 40:
                continue
            candidates = [
                (OSA.distance(plain, name, score_cutoff=_MAX_REPAIR_EDITS), names[name], target)
                for target, names in self._plain.items()
                if target not in paths
                for name in names
                if OSA.normalized_similarity(plain, name) >= _MIN_REPAIR_SIMILARITY
            ]
            if candidates and min(candidates)[0] <= _MAX_REPAIR_EDITS:
                _, name, target = min(candidates)
                paths[target] = (key,)
                repaired.append((key, name))
        return repaired


def plain_key(key: str) -> str:
    """A column name without case, blanks and the marks between its words: `Raw Answer` → `rawanswer`."""
    return re.sub(r"[\s_\-－:：]+", "", key).casefold()


def path_of(column: str, keys: Iterable[str]) -> tuple[str | int, ...] | None:
    """The steps to a value: the column of that name, or a path such as `meta.turns[0]`; None if not there."""
    keys = set(keys)
    if column in keys:
        return (column,)
    steps = tuple(int(s[1:-1]) if s[0] == "[" else s for s in _PATH_STEP.findall(column))
    return steps if steps and steps[0] in keys and len(steps) > 1 else None


def follow(value: Any, path: Iterable[str | int]) -> Any:
    """The value at the end of a path, or None where a step is missing."""
    for step in path:
        if isinstance(step, str) and isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return present(value)


def text_of(value: Any) -> str | None:
    """A scalar as text without blanks around it; None for `nan`, blanks, lists and objects."""
    if value.__class__ is str:
        value = value.strip()
        return None if value in NULLS else value
    if value is None or isinstance(value, list | dict):
        return None
    if isinstance(value, float):
        value = present(value)
        return None if value is None else str(int(value) if value.is_integer() else value)
    return str(value)


def matches(values: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Whether a row passes a `where:` filter: every column has the value, or one of the values, named there."""
    for column, wanted in where.items():
        found = text_of(follow(values, path_of(column, values) or (column,)))
        allowed = wanted if isinstance(wanted, list | tuple) else [wanted]
        if found not in {text_of(item) for item in allowed}:
            return False
    return True


def unknown_layout(keys: Sequence[str], mapper: Mapper, kind: str) -> PartRefused:
    """The refusal of a table in which nothing is recognised, with what to put in the configuration."""
    found = ", ".join(keys[:_SHOWN]) + (" …" if len(keys) > _SHOWN else "")
    wrong = [f"{t}: {c}" for t, c in mapper.columns.items() if path_of(c, keys) is None]
    if wrong:
        hints = [get_close_matches(c, keys, n=1) for c in mapper.columns.values() if path_of(c, keys) is None]
        hint = next((f" Did you mean '{h[0]}'?" for h in hints if h), "")
        return PartRefused("unknown_column", f"the columns are {found}; 'columns:' names {', '.join(wrong)}.{hint}")
    layouts = "; ".join(f"{layout.name} ({', '.join(layout.needs)})" for layout in mapper.layouts)
    needs = mapper.layouts[0].needs
    example = ", ".join(f"{need}: {key}" for need, key in zip(needs, [*keys, *needs], strict=False))
    return PartRefused(
        "unknown_layout",
        f"the columns are {found}, which fit no layout of kind '{kind}': {layouts}. Name the columns, for "
        f"example 'columns: {{{example}}}'.",
    )
