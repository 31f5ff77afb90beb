"""Takes people and places of treatment out of text and leaves typed placeholders: `[姓名]`, `[医生]`, `[医院]` …

A doctor who is greeted or thanked keeps the bare title: `王医生您好` becomes `医生您好`.

Rules first, no model: each finder looks for one kind of identity, the hits are laid over each other, the earlier and
longer wins. A placeholder holds nothing that a finder would take, so a second run changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

import polars as pl

from pipelines import hospitals, identifiers, people
from pipelines.base import BatchStage
from pipelines.identifiers import Hit
from pipelines.text_columns import changed_where, each_text, map_texts, python_change
from schemas.records import COMPLETION, DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, TRIPLE

PLACEHOLDERS: Final = (
    "[姓名]", "[医生]", "[医院]", "[电话]", "[身份证号]", "[证件号]", "[微信]", "[QQ]", "[邮箱]", "[病历号]",
    "[出生日期]", "[地址]", "[网址]",
)  # fmt: skip
"""Everything that `deidentify` may put in place of an identity."""

_COLUMNS: Final = {
    DOCUMENT: ("title", "section_path", "text", "original_text"),
    TRIPLE: ("head", "tail"),
    DIALOGUE: ("title", "turns"),
    INSTRUCTION: ("messages",),
    PREFERENCE: ("prompt", "chosen", "rejected"),
    COMPLETION: ("text",),
}
_NUMBERS: Final = r"\d[\d ()（）*×xX—-]{3,}\d|[一幺][三四五六七八九][零〇一二三四五六七八九幺]{9}"
_ACCOUNTS: Final = (
    r"(?i)@|https?:|ftp:|www\.|[a-z0-9]\.(?:com|cn|org)"
    r"|微 ?信|薇信|徽信|威信|weixin|wechat|v信|vx|wx|[加+＋]v"
    r"|qq|扣扣|企鹅|q群|号码|号 ?[:：是为№#A-Za-z0-9]|ID ?[:：是为#A-Za-z0-9]|\d ?床"
)
_DATES: Final = r"(?i)出生|生日|生于|DOB|诞生|[日号\d]生"
_ADDRESSES: Final = r"住址|地址|住地?[:：]|所在地|[路街道巷弄同区园寓村] ?\d"
_PEOPLE: Final = (
    r"姓 ?名|名字? ?(?:是|叫|为|[:：])|叫|小名|乳名|昵称|签名|签字|签署人|联系人|监护人|经办人"
    r"|(?:患者|患儿|病人|病员|产妇|患婴|新生儿|宝宝|孩子)[:：]?\s?\p{Han}{2,4}[，,、\s]{1,2}(?:男|女|性别)"
    r"|(?:我是|本人)\p{Han}{2,3}的?(?:[，,。妈爸家奶爷姥外母父])|(?:^|[^\p{Han}])\p{Han}{3}(?:小朋友|同学|的?(?:妈妈|爸爸|家长))"
)
_DOCTORS: Final = r"医生|医师|大夫|主[任仼]|教授|院长|护士|院士|博士|Dr|主刀|术者|[核告查]者"
_HOSPITALS: Final = (
    r"[医生健养治一二三四五六七八九]院|妇幼|妇保|医疗中心|妇女儿童中心|妇儿中心|服务中心|门诊部|诊所|儿研所|儿科研究所"
)
_AUTHORS: Final = r"起草|执笔|撰|审[校定阅]|主编|编[委者写辑]|作者|[成人]员|专家|组长|秘书|整理"


@dataclass(frozen=True)
class Deidentify(BatchStage):
    """No text names a patient, a doctor, a hospital or a way to reach them.

    Old books keep their authors (register `classical`); general rows keep the names, dates and addresses of their
    stories, but lose phones, numbers, doctors and hospitals like all others.

    Attributes:
        hospitals: Replace hospital names.
        doctors: Replace doctors' names and the names of those who drafted a document.
        links: Replace web addresses.

    Cost: about 45 MB/s of dialogue on one core.
    Does not cover: a name without a title or a cue (`小明昨天发烧`), places smaller than a street number.
    """

    kind: ClassVar[str] = "deidentify"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT, TRIPLE, DIALOGUE, INSTRUCTION, PREFERENCE, COMPLETION)

    hospitals: bool = True
    doctors: bool = True
    links: bool = True

    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The same rows with placeholders for identities."""
        story = (frame.get_column("topic") == "general").fill_null(False)
        classical = (
            (frame.get_column("register") == "classical").fill_null(False) if kind == DOCUMENT else story & False
        )
        parts = [
            self._replaced(kind, frame.filter(~story & ~classical), self._finders(kind, True, True)),
            self._replaced(kind, frame.filter(story & ~classical), self._finders(kind, False, True)),
            self._replaced(kind, frame.filter(classical), self._finders(kind, False, False)),
        ]
        order = pl.concat([(~story & ~classical).arg_true(), (story & ~classical).arg_true(), classical.arg_true()])
        return pl.concat(parts)[order.arg_sort()]

    def _finders(self, kind: str, personal: bool, modern: bool) -> dict[str, Finder]:
        """Trigger → finder, the more certain first."""
        typed = kind in (DIALOGUE, INSTRUCTION, PREFERENCE)
        found: dict[str, Finder] = {
            _NUMBERS: lambda text: (*identifiers.identity_numbers(text), *identifiers.phones(text, typed)),
            _ACCOUNTS: lambda text: [h for h in identifiers.accounts(text) if self.links or h.placeholder != "[网址]"],
        }
        if personal:
            found[_DATES] = identifiers.birth_dates
            found[_ADDRESSES] = identifiers.addresses
        if modern and self.hospitals:
            found[_HOSPITALS] = hospitals.hospitals
        if modern and self.doctors:
            found[_DOCTORS] = people.doctors
            found[_AUTHORS] = people.authors
        if personal:
            found[_PEOPLE] = people.names
            found[people.child_trigger()] = people.children
        return found

    def _replaced(self, kind: str, frame: pl.DataFrame, finders: dict[str, Finder]) -> pl.DataFrame:
        if frame.is_empty():
            return frame
        return map_texts(kind, frame, lambda texts: _redacted(texts, finders), _COLUMNS[kind])


Finder = Callable[[str], Iterable[Hit]]


def _redacted(texts: pl.Series, finders: dict[str, Finder]) -> pl.Series:
    for trigger, finder in finders.items():
        texts = changed_where(texts, trigger, python_change(lambda text, find=finder: redacted(text, find(text))))  # type: ignore[misc]
    return texts


def redacted(text: str, hits: Iterable[Hit]) -> str:
    """`text` with each hit's placeholder in its place; of two that overlap, the earlier, then the longer stays."""
    parts, at = [], 0
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        if hit.start >= at:
            parts += [text[at : hit.start], hit.placeholder]
            at = hit.end
    return "".join([*parts, text[at:]]) if parts else text


def placeholder_counts(kind: str, frame: pl.DataFrame) -> dict[str, int]:
    """How many placeholders of each type the texts of `frame` hold."""
    texts = each_text(kind, frame, _COLUMNS[kind]).get_column("text")
    return {name: int(texts.str.count_matches(name, literal=True).sum()) for name in PLACEHOLDERS}
