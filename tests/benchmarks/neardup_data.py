"""A corpus for near-duplicates: Chinese medical records, copies with typos, and copies with another dose.

    python -m tests.benchmarks.neardup_data DIR [SIZE] [--seed N]

`docs.parquet` has `id` and `text`, and so has `docs.jsonl`, for tools that do not read Parquet. `truth.parquet` names
the planted pairs: `id`, `twin`, `kind` (`near`, or the fact that is another), `edit` (share of characters touched),
`at`, `old`, `new` (what makes a variant another text). The clauses are those of the sample corpus, put together anew,
with doses drawn for each record. No twin has two copies, so that whatever goes of a pair went because of the pair.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.config import sample_config
from pipelines.lexicons import words

LEAST_CHARS, MOST_CHARS = 60, 400
MOST_VARIANTS = 2_000
_CLAUSE = re.compile(r"[^，。？！；：|#\s]{4,40}[，。？！；]")
_FACT = re.compile(
    r"[0-9０-９a-zA-Z%％‰℃.．~～–\-/×*<>≤≥≦≧=±+]|[零〇一二三四五六七八九十百千万亿两半几壹贰叁肆伍陆柒捌玖拾双单]"
    r"|[毫微克升米厘分秒时日天周月年岁龄次度倍片粒袋滴支瓶包丸勺颗喷剂量级期第代成]"
    r"|[不无未没非否勿禁忌慎免避莫别停拒有可能宜应须]|[高低大小多少长短早晚快慢轻重升降增减加上下左右前后内外超过于满足达至到以约近]"
    r"|[婴幼童儿孩胎产新生学青]"
)
"""Characters that numbers, units, ages, negations and comparators are made of; edits stay away from them."""
_DRUGS = ("布洛芬", "对乙酰氨基酚", "阿莫西林", "头孢克洛", "西替利嗪", "氯雷他定", "奥司他韦", "蒙脱石散", "孟鲁司特")
_UNITS = ("mg", "毫克", "ml", "毫升", "片", "粒")
_OTHER_UNIT = {
    "mg": "g",
    "毫克": "克",
    "ml": "L",
    "毫升": "升",
    "小时": "分钟",
    "天": "周",
    "周": "天",
    "个月": "岁",
    "岁": "个月",
}
_OPPOSITE = {
    "不宜": "宜", "不能": "能", "不可": "可", "不应": "应", "不要": "要", "禁用": "可用", "避免": "可以", "无需": "需",
    "没有": "有", "超过": "低于", "高于": "低于", "低于": "高于", "大于": "小于", "小于": "大于", "≥": "≤", "≤": "≥",
    "以上": "以下", "以下": "以上",
}  # fmt: skip
_WAYS = (
    ("number", re.compile(r"(?<![\d.])\d+(?:\.\d+)?(?=\s?(?:mg|g|ml|毫克|克|毫升|片|粒|岁|个月|天|次|周|小时|℃|度))")),
    ("unit", re.compile(r"(?<=\d)(?:mg|毫克|ml|毫升|小时|天|周|个月|岁)(?![/a-z])")),
    ("negation", re.compile("不宜|不能|不可|不应|不要|禁用|避免|无需|没有")),
    ("comparator", re.compile("(?<!不)(?:超过|高于|低于|大于|小于)|≥|≤|(?<=[岁月度℃])以[上下]")),
)  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """A text that differs from another in one fact.

    Attributes:
        text: It.
        kind: `number`, `unit`, `negation` or `comparator`.
        at: Where in the other text.
        old: What stands there.
        new: What stands here instead.
    """

    text: str
    kind: str
    at: int
    old: str
    new: str


@dataclass(frozen=True)
class Pair:
    """A row of the truth."""

    id: str
    twin: str
    kind: str
    edit: float
    at: int = -1
    old: str = ""
    new: str = ""


def clauses() -> list[str]:
    """Every clause of the sample's chapters, guidelines and talks, in order, each once."""
    found: dict[str, None] = {}
    for path in sorted(sample_config().parent.glob("*/*")):
        if path.suffix in (".md", ".txt", ".json"):
            data = path.read_bytes()
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                text = data.decode("gb18030")
            text = re.sub(r"(?m)<!--.*?-->|^#.*$|[\"{}\[\]*>`]|\\n", "", text)
            found.update(dict.fromkeys(_CLAUSE.findall(text)))
    return list(found)


def records(n: int, chance: random.Random) -> Iterator[str]:
    """`n` different texts of 60 to 400 characters."""
    pool = clauses()
    seen: set[str] = set()
    mean = sum(map(len, pool)) / len(pool)
    while len(seen) < n:
        chosen = chance.choices(pool, k=max(3, round(chance.uniform(LEAST_CHARS, MOST_CHARS - 40) / mean)))
        if chance.random() < 0.6:
            chosen.insert(chance.randrange(len(chosen) + 1), _dose(chance))
        text = "".join(chosen)[:-1] + "。"
        if LEAST_CHARS <= len(text) <= MOST_CHARS and text not in seen:
            seen.add(text)
            yield text


def _dose(chance: random.Random) -> str:
    amount = chance.choice(("0.25", "0.5", "1.5", *map(str, range(2, 60))))
    how = f"{chance.choice(_DRUGS)}每次{amount}{chance.choice(_UNITS)}"
    often = chance.choice((f"每日{chance.randint(1, 4)}次", f"间隔{chance.randint(4, 12)}小时"))
    return f"{how}，{often}，连用{chance.randint(2, 14)}天，"


def typos(text: str, share: float, letters: str, chance: random.Random) -> str:
    """The text with that share of its characters replaced (half), taken out or added to (a quarter each).

    Only Chinese characters are touched that neither are nor stand beside what a fact is made of, and lie in no name of
    a drug or disease.
    """
    facts, named = [bool(_FACT.match(c)) for c in text], _named(text)
    places = [
        i for i, c in enumerate(text) if "一" <= c <= "鿿" and not named[i] and not any(facts[max(0, i - 1) : i + 2])
    ]
    chosen = set(chance.sample(places, min(len(places), max(1, round(len(text) * share)))))
    out = []
    for i, character in enumerate(text):
        if i not in chosen:
            out.append(character)
            continue
        way = chance.random()
        if way < 0.5:
            out.append(chance.choice(letters.replace(character, "")))
        elif way < 0.75:
            out += [character, chance.choice(letters)]
    return "".join(out)


def _named(text: str) -> list[bool]:
    """Which characters are in a name of a drug or disease."""
    inside, names = [False] * len(text), _names()
    for i in range(len(text) - 1):
        for name in names.get(text[i : i + 2], ()):
            if text.startswith(name, i):
                inside[i : i + len(name)] = [True] * len(name)
    return inside


@functools.cache
def _names() -> dict[str, list[str]]:
    """Names of drugs and diseases by their first two characters."""
    found: dict[str, list[str]] = {}
    for name in {*_DRUGS, *words("drug_names"), *words("disease_names"), *words("paediatric_diseases")}:
        found.setdefault(name[:2], []).append(name)
    return found


def variant(text: str, chance: random.Random) -> Variant | None:
    """The text with one number, unit, negation or comparator made another; None where it has none."""
    for kind, pattern in chance.sample(_WAYS, len(_WAYS)):
        found = [m for m in pattern.finditer(text) if kind == "number" or m[0] in {**_OTHER_UNIT, **_OPPOSITE}]
        if found:
            m = chance.choice(found)
            new = _other_number(m[0], chance) if kind == "number" else {**_OTHER_UNIT, **_OPPOSITE}[m[0]]
            return Variant(text[: m.start()] + new + text[m.end() :], kind, m.start(), m[0], new)
    return None


def _other_number(number: str, chance: random.Random) -> str:
    value = float(number)
    others = {f"{x:g}" for x in (value * 2, value * 3, value * 10, value / 2, value + 1)} - {f"{value:g}", "0"}
    return chance.choice(sorted(others))


def letters_of(texts: list[str]) -> str:
    """Chinese characters of the texts, as often as they occur, none that a fact is made of."""
    return "".join(c for text in texts for c in text if "一" <= c <= "鿿" and not _FACT.match(c))


def corpus(n: int, seed: int) -> tuple[list[tuple[str, str]], list[Pair]]:
    """`n` records, a tenth as many copies with typos in 1 to 8 % of the characters, and at most 2,000 variants."""
    chance = random.Random(seed)
    texts = list(records(n, chance))
    rows, pairs = [(f"b{i}", text) for i, text in enumerate(texts)], []
    letters = letters_of(clauses())
    order = chance.sample(range(n), n)
    for k, i in enumerate(order[: n // 10]):
        share = (1 + k % 8) / 100
        rows.append((f"n{k}", typos(texts[i], share, letters, chance)))
        pairs.append(Pair(f"n{k}", f"b{i}", "near", share))
    n_variants = 0
    for i in order[n // 10 :]:
        if n_variants == min(MOST_VARIANTS, n // 50):
            break
        if found := variant(texts[i], chance):
            rows.append((f"v{n_variants}", found.text))
            pairs.append(Pair(f"v{n_variants}", f"b{i}", found.kind, 0.0, found.at, found.old, found.new))
            n_variants += 1
    chance.shuffle(rows)
    return rows, pairs


def write(folder: Path, n: int, seed: int, jsonl: bool = True) -> None:
    """Writes the corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, pairs = corpus(n, seed)
    names = ("id", "text")
    pq.write_table(pa.table({name: [r[k] for r in rows] for k, name in enumerate(names)}), folder / "docs.parquet")
    pq.write_table(pa.Table.from_pylist([vars(pair) for pair in pairs]), folder / "truth.parquet")
    if jsonl:
        with (folder / "docs.jsonl").open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


def main() -> None:
    """Writes a corpus into a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("size", nargs="?", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--jsonl", action="store_true")
    arguments = parser.parse_args()
    write(arguments.folder, arguments.size, arguments.seed, arguments.jsonl)


if __name__ == "__main__":
    main()
