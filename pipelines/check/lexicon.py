"""The names that `mentions` looks for: the lists that come with the package, and a list of the user's.

A row of a user's list has a type (drug, disease, test …), a key (the name that stands for all) and the words for it,
between tabs; a fourth cell may name the key of what it is a kind of.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pipelines.check.reading import fold, reading_of
from pipelines.lexicons import rows, words

TYPES: Final = (
    "drug", "form", "disease", "symptom", "test", "procedure", "vaccine", "food", "organ", "device", "document",
    "moment", "penalty", "route", "population", "relative", "actor", "authority", "place", "plain",
)  # fmt: skip
LISTS: Final = ("mention_rare", "mention_aliases", "mention_medicine", "mention_world", "mention_words")
"""A word that is in several has the meaning of the last one."""
_ROLES: Final = ((("医生", "医师"), "医生"), (("护士",), "护士"), (("老师", "教师"), "教师"), (("医院",), "医疗机构"))
"""Who acts, by the end of the name, and what that is a kind of."""
BANDS: Final = {
    "新生儿": "0-1", "足月新生儿": "0-1", "婴儿": "0-12", "小婴儿": "0-6", "幼儿": "12-36", "婴幼儿": "0-36",
    "学龄前儿童": "36-84", "学龄前": "36-84", "学龄儿童": "72-144", "青少年": "120-216",
    "成人": "216-", "成年人": "216-",
}  # fmt: skip
"""What a word says of an age, in months."""
MAX_ROWS: Final = 200_000
MAX_KINDS: Final = 8
_GENERAL: Final = re.compile(r"^(?:急性|慢性|小儿|儿童|婴幼儿|婴儿|幼儿|新生儿|重症|轻度|重度|严重)(?=.{2})")
_OFFICE: Final = re.compile(r"(.{2,12}?)(?:行政|主管|行政主管)?部门")
_ENDINGS: Final = (
    ("青霉素类", "西林"), ("头孢菌素类", "头孢"), ("碳青霉烯类", "培南"), ("喹诺酮类", "沙星"), ("四环素类", "环素"),
    ("抗真菌药", "康唑 芬净 萘芬"), ("质子泵抑制剂", "拉唑"), ("硝基咪唑类", "硝唑"), ("抗病毒药", "韦 洛韦 夫定"),
    ("β受体阻滞剂", "洛尔"), ("血管紧张素转换酶抑制剂", "普利"), ("血管紧张素受体拮抗剂", "沙坦"),
    ("钙通道阻滞剂", "地平"), ("他汀类", "他汀"), ("h2受体拮抗剂", "替丁"), ("苯二氮䓬类", "西泮 唑仑"),
    ("糖皮质激素", "米松 奈德 泼尼龙"), ("止吐药", "司琼"), ("β受体激动剂", "特罗"), ("支气管舒张剂", "溴铵"),
    ("单克隆抗体", "单抗"), ("白三烯受体拮抗剂", "司特"), ("胰岛素", "胰岛素"), ("双膦酸盐", "膦酸钠"),
    ("免疫球蛋白", "免疫球蛋白"), ("抗菌药", "霉素 磺胺"), ("巴比妥类", "巴比妥"), ("疫苗", "疫苗"),
    ("铁剂", "亚铁 酸铁 蔗糖铁 铁复合物"), ("钙剂", "酸钙"), ("锌", "酸锌"), ("减充血剂", "唑啉"), ("白蛋白", "白蛋白"),
)  # fmt: skip
"""Drugs by their endings, and what they are kinds of."""


class Word(NamedTuple):
    """One way to say one thing; `parent` is empty where none is known."""

    text: str
    type: str
    key: str
    parent: str


@dataclass(frozen=True)
class Lexicon:
    """Names, found by how they begin.

    Attributes:
        by_two: First two characters → words that begin so, the longest first.
        by_length: The same → the lengths of these words, the longest first, and each word by its text.
        single: The words of one character.
        parents: Key → the key of what it is a kind of.
        aliases: Key → all words for it.
    """

    by_two: dict[str, tuple[Word, ...]]
    by_length: dict[str, tuple[tuple[int, ...], dict[str, Word]]]
    single: dict[str, Word]
    parents: dict[str, str]
    aliases: dict[str, tuple[str, ...]]


def use_once(path: str | None) -> None:
    """Sees to it that the user's list, or none, is in use in this process; costs nothing when it is."""
    global _used
    if path != _used:
        use_lexicon(path)
        _used = path


def check_lexicon(path: str | Path) -> None:
    """Reads a user's list to its end and forgets it.

    Raises:
        ValueError: the file cannot be read, or a row is wrong; one sentence with file and line.
    """
    for _ in _user_words(Path(path)):
        pass


def use_lexicon(path: str | Path | None) -> None:
    """Names of the user's list count from now on in this process, above those of the package; None: no list.

    Readings made before keep what was found in them.

    Raises:
        ValueError: the file cannot be read, or a row is wrong; one sentence with file and line.
    """
    global _own, _used
    _own = tuple(_user_words(Path(path))) if path is not None else ()
    for cached in (_made, kinds_of, reading_of):
        cached.cache_clear()


def lexicon() -> Lexicon:
    """The names that count in this process."""
    return _made()


@functools.lru_cache(maxsize=65536)
def kinds_of(key: str) -> tuple[str, ...]:
    """The key and all that it is a kind of."""
    parents = lexicon().parents
    found = [key]
    while (above := parents.get(found[-1])) and above not in found and len(found) < MAX_KINDS:
        found.append(above)
    return tuple(found)


_own: tuple[Word, ...] = ()
_used: str | None = None


@functools.cache
def _made() -> Lexicon:
    known: dict[str, Word] = {}
    parents: dict[str, str] = {}
    aliases: dict[str, list[str]] = {}
    listed = [*_listed(), *_own]
    named = {word.text for word in listed}
    for word in (*_names(named), *listed):
        before = known.get(word.text)
        if before and not word.parent and before.key == word.key:
            word = word._replace(parent=before.parent)
        known[word.text] = word
        aliases.setdefault(word.key, []).append(word.text)
        if word.parent and word.parent != word.key:
            parents[word.key] = word.parent
    for name, interval in BANDS.items():
        known[name] = Word(name, "population", f"age:{interval}", known[name].key if name in known else "")
    by_two: dict[str, dict[str, Word]] = {}
    for word in known.values():
        if len(word.text) > 1:
            by_two.setdefault(word.text[:2], {})[word.text] = word
    return Lexicon(
        {two: tuple(sorted(each.values(), key=lambda word: -len(word.text))) for two, each in by_two.items()},
        {two: (tuple(sorted(set(map(len, each)), reverse=True)), each) for two, each in by_two.items()},
        {name: word for name, word in known.items() if len(name) == 1},
        parents,
        {key: tuple(dict.fromkeys(names)) for key, names in aliases.items()},
    )


def _names(named: set[str]) -> Iterator[Word]:
    """Names of the plain lists of diseases and drugs that no row has."""
    passed = set(words("not_diseases")) | named
    for type_, lists in (("disease", ("disease_names", "paediatric_diseases")), ("drug", ("drug_names",))):
        for name in (fold(word) for each in lists for word in words(each)):
            if len(name) < 2 or name in passed:
                continue
            is_vaccine = name.endswith("疫苗")
            key = _GENERAL.sub("", name)
            yield Word(name, "vaccine" if is_vaccine else type_, key, _parent(key) if type_ == "drug" else "")


def _above(type_: str, name: str) -> str:
    if type_ == "drug":
        return _parent(name)
    if type_ == "actor":
        return next((role for endings, role in _ROLES if name.endswith(endings) and name != role), "")
    return ""


def _parent(name: str) -> str:
    for parent, endings in _ENDINGS:
        for ending in endings.split():
            if name != ending and (name.endswith(ending) or (ending == "头孢" and name.startswith(ending))):
                return parent
    return ""


def _listed() -> Iterator[Word]:
    for each in LISTS:
        for row in rows(each):
            yield from _of_row(row["type"], row["key"], row["parent"], row["words"].split())


def _of_row(type_: str, key: str, parent: str, names: Iterable[str]) -> Iterator[Word]:
    """The words of a row; key `=` is the first word, key `*` is each word for itself."""
    above = "" if parent == "-" else parent
    folded = [fold(name) for name in names]
    if type_ == "actor":
        folded += dict.fromkeys(office for name in folded for office in _offices(name) if office not in folded)
    for name in folded:
        own = name if key == "*" else folded[0] if key == "=" else key
        yield Word(name, type_, own, above or _above(type_, own))


def _offices(name: str) -> Iterator[str]:
    """教育部门 is as well called 教育行政部门, 教育主管部门."""
    if match := _OFFICE.fullmatch(name):
        for role in ("", "行政", "主管", "行政主管"):
            yield f"{match[1]}{role}部门"


def _user_words(path: Path) -> Iterator[Word]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: the lexicon cannot be read ({error}); give a TSV file in UTF-8.") from error
    if len(lines) > MAX_ROWS:
        raise ValueError(f"{path}: the lexicon has {len(lines)} lines; at most {MAX_ROWS} are read, so split it.")
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#") or (number == 1 and line.startswith("type\t")):
            continue
        yield from _user_row(f"{path}, line {number}", [cell.strip() for cell in line.split("\t")])


def _user_row(place: str, cells: list[str]) -> Iterator[Word]:
    if len(cells) not in (3, 4):
        raise ValueError(f"{place}: {len(cells)} cells; write type, key and words, and a parent if any, between tabs.")
    type_, key, names = cells[0], cells[1], cells[2].split()
    if type_ not in TYPES:
        raise ValueError(f"{place}: there is no type {type_!r}; take one of {', '.join(TYPES)}.")
    if not key or not names:
        raise ValueError(f"{place}: the {'words are' if key else 'key is'} missing.")
    yield from _of_row(type_, key, (cells[3] if len(cells) == 4 else "") or "-", [key, *names])
