"""The words that the guard knows, as arrays that compiled loops can walk.

Two layers are read side by side, each leftmost-longest: names (drugs, diseases), and words (ages, negations,
comparators, opposites, and `plain` words that only keep a shorter word from being read inside them: 非常, 特别).
Units are a third layer; they count after a number only.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.lexicons import rows, words

RULES: Final = ("number", "unit", "age", "negation", "comparator", "drug", "disease", "opposite")
NAMES, WORDS, UNITS = 0, 1, 2
RULE, AXIS, MEANING, BROADER, CORE, CAUTIOUS = 0, 1, 2, 3, 4, 5
WHOLE: Final = -1  # `core` of a word that is missed when nothing of it is left


class Lexicon(NamedTuple):
    """A trie and, by number of a word, what the word is.

    Attributes:
        begins: Layer and code unit → 0: no word begins so; 1: longer words do; 2: it is a word.
        pairs: Layer and `pair_hash` of two code units → whether a word may begin with them.
        first: Layer and code unit → node, 0 for none.
        nodes: Node → its first edge, the end of its edges, the number of the word that ends there (-1 for none).
        edges: Code unit and node that an edge leads to; those of a node are sorted by code unit.
        about: Word → what it is, in columns:
            `RULE`: the number in `RULES` that it forbids a merge by, -1 for a plain word;
            `AXIS`: words of one axis with different meanings forbid a merge where one stands in place of another;
            `MEANING`: 毫克 and mg have one;
            `BROADER`: the meaning that it is a kind of (芍药 of 赤芍), -1 for none; neither denies the other;
            `CORE`: bits of the characters whose loss takes the meaning along; 0: may be missing;
            `CAUTIOUS`: whether it counts only after certain characters (没, 别).
        opening: Code unit → whether a cautious word counts after it.
    """

    begins: npt.NDArray[np.uint8]
    pairs: npt.NDArray[np.bool_]
    first: npt.NDArray[np.int32]
    nodes: npt.NDArray[np.int32]
    edges: npt.NDArray[np.int32]
    about: npt.NDArray[np.int32]
    opening: npt.NDArray[np.bool_]


class Entry(NamedTuple):
    """One word of the guard; fields as in `Lexicon`, axis and meaning still as text."""

    layer: int
    text: str
    rule: str
    axis: str
    meaning: str
    core: int = 0
    cautious: bool = False
    broader: str = ""


@functools.cache
def lexicon() -> Lexicon:
    """The lexicon of the package, built once."""
    return build([*_names(), *_words()], "".join(words("guard_openings")))


def build(entries: Iterable[Entry], openings: str = "") -> Lexicon:
    """A lexicon of the entries; where two have one text in one layer, the first stays."""
    chosen: dict[tuple[int, str], Entry] = {}
    for entry in entries:
        chosen.setdefault((entry.layer, entry.text), entry)
    kept = list(chosen.values())
    tree: list[dict[int, int]] = [{}]
    ends = {}
    for number, entry in enumerate(kept):
        node = 0
        for unit in (65536 + entry.layer, *_units(entry.text)):
            if unit not in tree[node]:
                tree[node][unit] = len(tree)
                tree.append({})
            node = tree[node][unit]
        ends[node] = number
    axes, meanings = _numbered(e.axis for e in kept), _numbered(f"{e.axis} {e.meaning}" for e in kept)
    opening: Any = np.zeros(65536, np.bool_)
    opening[list(_units(openings))] = True
    return Lexicon(
        **_trie(tree, ends),
        about=np.array([_about(e, axes, meanings) for e in kept], np.int32),
        opening=opening,
    )


def _about(entry: Entry, axes: Mapping[str, int], meanings: Mapping[str, int]) -> tuple[int, ...]:
    return (
        RULES.index(entry.rule) if entry.rule in RULES else -1,
        axes[entry.axis],
        meanings[f"{entry.axis} {entry.meaning}"],
        meanings.get(f"{entry.axis} {entry.broader}", -1),
        (1 << len(_units(entry.text))) - 1 if entry.core == WHOLE else entry.core,
        entry.cautious,
    )


def _trie(tree: list[dict[int, int]], ends: dict[int, int]) -> dict[str, Any]:
    begins: Any = np.zeros((3, 65536), np.uint8)
    pairs: Any = np.zeros((3, 65536), np.bool_)
    first: Any = np.zeros((3, 65536), np.int32)
    for layer in (NAMES, WORDS, UNITS):
        for unit, node in tree[tree[0].get(65536 + layer, 0)].items():
            if unit < 65536:
                first[layer, unit] = node
                begins[layer, unit] = 2 if node in ends else 1
                pairs[layer, pair_hash(unit, np.fromiter(tree[node], np.int64))] = True
    edges = [sorted(node.items()) if number else [] for number, node in enumerate(tree)]
    bounds = np.cumsum([0, *map(len, edges)])
    word = np.full(len(tree), -1)
    word[list(ends)] = list(ends.values())
    return {
        "begins": begins,
        "pairs": pairs,
        "first": first,
        "nodes": np.stack([bounds[:-1], bounds[1:], word], 1).astype(np.int32),
        "edges": np.array([edge for node in edges for edge in node], np.int32).reshape(-1, 2),
    }


def pair_hash(first: Any, second: Any) -> Any:
    """A number below 65536 for two code units, as `guard.words_of` computes it too."""
    return (first * 40503 ^ second) & 0xFFFF


def _names() -> Iterator[Entry]:
    kin = rows("guard_kin")
    same = {other: row["name"] for row in kin for other in row["same"].split()}
    broader = {other: row["name"] for row in kin for other in row["kinds"].split()}
    names: dict[str, str] = {}
    for rule, listed in (("drug", ("drug_names",)), ("disease", ("disease_names", "paediatric_diseases"))):
        for name in (word.lower() for part in listed for word in words(part)):
            if len(name) >= 2:
                names.setdefault(name, rule)
    for name in (*same, *broader):
        if len(name) >= 2:
            names.setdefault(name, names.get(same.get(name, broader.get(name, "")), "disease"))
    for name, rule in names.items():
        shorter = name[:-1] if name[-1] in "病症" and name[:-1] in names else name
        meaning, base = same.get(shorter, shorter), _without_form(name, names)
        yield Entry(NAMES, name, rule, "name", meaning, broader=broader.get(meaning, same.get(base, base)))


def _without_form(name: str, names: Mapping[str, str]) -> str:
    """The drug of which a name says the form too: a letter less is a slip of the pen, not another prescription."""
    for form in ("口服液", "混悬液", "注射液", "滴眼液", "颗粒", "胶囊", "软膏", "乳膏", *"汤散丸饮片丹膏栓水钠钾"):
        base = name.removesuffix(form)
        if base != name and names.get(base) == names[name] == "drug":
            return base
    return ""


def _words() -> Iterator[Entry]:
    for row in rows("guard_words"):
        for text in row["words"].split():
            bare = text.strip("^").replace("[", "").replace("]", "")
            core = 0
            if row["missing"] == "whole":
                core = WHOLE
            elif row["missing"] == "core":
                core = _core(text.strip("^"))
            layer = UNITS if row["axis"] == "after_number" else WORDS
            yield Entry(layer, bare, row["rule"], row["axis"], row["meaning"], core, text.startswith("^"))


def _core(text: str) -> int:
    """The bits of the characters in square brackets; all of them where there are none."""
    if "[" not in text:
        return WHOLE
    bits, at, inside = 0, 0, False
    for character in text:
        if character in "[]":
            inside = character == "["
        else:
            bits |= inside << at
            at += 1
    return bits


def _numbered(keys: Iterable[str]) -> dict[str, int]:
    return {key: number for number, key in enumerate(dict.fromkeys(keys))}


def _units(text: str) -> tuple[int, ...]:
    data = text.encode("utf-16-le", "surrogatepass")
    return tuple(int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2))
