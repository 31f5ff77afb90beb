"""Names of people: doctors by surname and title, others only after a cue that a name follows."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

from pipelines.identifiers import Hit
from pipelines.lexicons import words

_TITLE: Final = re.compile(
    r"(?:副?主任|主治|住院)?(?:医师|医生|大夫)|副?主任(?:药师|护师|技师)?|主仼|副?教授|副?院长(?!期|时|度|效|大|得|势|短|久|达|约)|护士长?|院士|博士(?!后)"
)
_NEVER_SURNAMES: Final = frozenset(
    "和经从由向时那应任因与但还当该全老名有个要多来且能后别管同通须次进干令红利党国商门战益边言仰习海初代候练展修爱封满步空公充信计且生水东年班相些都平"
    "原阳青单过解成居终暨查随然所又再被把之及并更最才刚已未只可会其各每某"
)
"""Surnames that before a title are nearly always another word (经医生诊断, 由医生, 查医生)."""
_REAL_SURNAMES: Final = frozenset("单平阳查解成原居党商战海")
"""Of these, those that with a full given name are surnames all the same."""
_WEAK_SURNAMES: Final = frozenset("于方常何安万关连易强祝谢温明荣富乐幸白黄高游程金花麻明水马田江山石古毛皮车幸利元")
"""Surnames that need an address (`于医生，您好`) to count."""
_ADDRESSING: Final = ("请教", "麻烦", "请问", "谢谢", "感谢", "挂", "你好", "您好", "我是")
_ADDRESSED: Final = re.compile(r"[,，。！!？?：:；;~～、\s）)]|[你您]|好|说|$")
_THANKS: Final = ("谢谢", "感谢", "麻烦", "请问")
_TURN_START: Final = re.compile(r"[\n。！!？?，,～~、 ]?$")
_GREETED: Final = re.compile(r"[，,：:]?(?:[您你]|好)|[，,！!～~]")

_NAME_END: Final = r"(?=[^\u4e00-\u9fff]|男|女|性别|年龄|今年|现年|$)"
_LABELS: Final = re.compile(
    r"(?:患者|患儿|病人|宝宝|孩子|儿童|小儿|家长|母亲|父亲|产妇|学生|受检者|申请人|联系人|监护人|本人|真实|孩子的|患儿的)?(?:姓\s?名|名字|名)\s?(?:是|叫|为|[:：])\s?(?:是|叫)?"
    r"|(?:联系人|监护人|经办人|家长签名|签名|签字|签署人)\s?[:：]\s?"
)
_DOCTOR_LABELS: Final = re.compile(
    r"(?:(?:主治|责任|管床|经治|接诊|报告|审核|检查|送检|手术|主刀|值班|住院|首诊|门诊)?(?:医师|医生|大夫)|主刀|术者|审核者|报告者|检查者)\s?(?:姓名)?\s?(?:[:：]|姓名是|名叫|叫做|叫)\s?"
)
_CALLED: Final = re.compile(
    r"(?:我|本人|孩子|宝宝|宝贝|女儿|儿子|患儿|小孩|大宝|二宝|小宝|闺女|男孩|女孩|他|她|名字|小名|大名|乳名|全名|[\u4e00-\u9fff]名)(?:的名字|名字|小名|大名|乳名|名)?(?:就)?(?:叫做|叫作|叫|名叫)\s?"
)
_NICKNAME: Final = re.compile(
    r"(?:小名|乳名|昵称)(?:就)?(?:叫做|叫作|叫|是|[:：])?\s?([\u4e00-\u9fff]{2,3})(?=[^\u4e00-\u9fff]|$)"
)
_WITH_SEX: Final = re.compile(
    r"(?:患者|患儿|病人|病员|产妇|患婴|新生儿|宝宝|孩子)[:：]?\s?([\u4e00-\u9fff]{2,4})[，,、\s]{1,2}(?:男|女|性别)"
)
_SELF: Final = re.compile(
    r"(?:我是|本人|我叫)([\u4e00-\u9fff]{2,3})(?:的?(?:妈妈|爸爸|家长|奶奶|爷爷|姥姥|外婆|母亲|父亲)|(?=[，,。]))"
)
_CHILD: Final = re.compile(
    r"(?<![\u4e00-\u9fff])([\u4e00-\u9fff]{3})(?=小朋友|同学|的(?:妈妈|爸爸|家长)|妈妈|爸爸|家长)"
)
_AUTHORS: Final = re.compile(
    r"(?:主要起草人|起草人员?|执笔人?|执笔者|执笔作者|撰写[人者]?|撰稿[人者]?|审校[人者]?|审定[人者]?|审阅[人者]?|主编|副主编|编委|编者|编写人员|通信作者|通讯作者|第一作者|责任编辑|作者"
    r"|[组成]员名单|专家组成?员?|专家名单|参与(?:制定|审定|讨论)的?专家|参加(?:讨论|审定|制定)的?专家|组长|副组长|秘书|整理[人者]?)(?:[（(][^()（）\n]{0,30}[)）])?\s?[:：]\s?([^\n。]{2,1500})"
)
_ENGLISH: Final = re.compile(r"\bDr\.?\s[A-Z][a-z]{1,15}(?:\s[A-Z][a-z]{1,15})?\b")


@functools.cache
def _surnames() -> frozenset[str]:
    return frozenset((*words("surnames"), *words("common_surnames")))


@functools.cache
def _common() -> frozenset[str]:
    return frozenset(words("common_surnames"))


@functools.cache
def _given() -> frozenset[str]:
    return frozenset(words("given_characters"))


@functools.cache
def _not_names() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(words("not_names"), key=lambda w: (-len(w), w)))))


@functools.cache
def _boundary() -> re.Pattern[str]:
    before = sorted(words("words_before_names"), key=lambda word: (-len(word), word))
    return re.compile(f"(?:^|[^\\u4e00-\\u9fff]|{'|'.join(before)})$")


def is_name(word: str, sure: bool) -> bool:
    """Whether `word` can be a full name: a surname and one or two characters.

    Args:
        word: Chinese characters.
        sure: A label says that a name follows, so any surname and any characters will do.
    """
    if not 2 <= len(word) <= 4 or word in words("unknown_names") or word.endswith(("某", "某某")):
        return False
    size = 2 if word[:2] in _surnames() and len(word) > 2 else 1
    given = word[size:]
    if not 1 <= len(given) <= 2 or word[:size] not in (_surnames() if sure else _common()):
        return False
    if sure:
        return word not in words("not_names")
    return not _not_names().match(word) and set(given) <= _given()


def doctors(text: str) -> Iterator[Hit]:
    """`隋医生`, `王小明主任医师`, `主治医师：李四`; 儿科医生, 值班医生 and 经医生 are no names.

    Who is spoken to keeps the title: `隋医生您好` → `医生您好`, as anyone would say it.
    """
    for match in _TITLE.finditer(text):
        start = _doctor_start(text, match.start(), match.end())
        if start is not None:
            yield Hit(start, match.end(), match[0] if _is_addressed(text, start, match.end()) else "[医生]")
    for match in _DOCTOR_LABELS.finditer(text):
        end = _name_end(text, match.end(), sure=match[0].rstrip()[-1] in ":：")
        if end is not None:
            yield Hit(match.end(), end, "[医生]")
    for match in _ENGLISH.finditer(text):
        yield Hit(*match.span(), "[医生]")


def _is_addressed(text: str, start: int, end: int) -> bool:
    """Whether the doctor at `text[start:end]` is greeted or thanked."""
    if text[max(0, start - 2) : start] in _THANKS:
        return True
    return _TURN_START.match(text[max(0, start - 1) : start]) is not None and _GREETED.match(text, end) is not None


def _doctor_start(text: str, at: int, end: int) -> int | None:
    """Where the name before the title `text[at:end]` begins, the longest first; None where there is none."""
    for size in (4, 3, 2):
        word = text[max(0, at - size) : at]
        if len(word) < size or not is_name(word, sure=False) or word[0] in _NEVER_SURNAMES - _REAL_SURNAMES:
            continue
        if size > 2 or _bounded(text, at - size):  # three characters that make a name need no boundary
            return at - size
    for size in (2, 1):
        word = text[max(0, at - size) : at]
        if len(word) == size and word in _surnames() and _alone(text, at - size, word, end):
            return at - size
    return None


def _alone(text: str, start: int, surname: str, end: int) -> bool:
    """Whether the surname at `start` stands by itself before the title that ends at `end`."""
    if surname in _NEVER_SURNAMES or text.startswith("医生组", end):
        return False
    if surname in "谢" and text[max(0, start - 1) : start] == "谢":
        return False
    addressed = _ADDRESSED.match(text, end) or text[max(0, start - 2) : start].endswith(_ADDRESSING)
    if surname in _WEAK_SURNAMES and not addressed:
        return False
    return _bounded(text, start)


def _bounded(text: str, start: int) -> bool:
    return _boundary().search(text[max(0, start - 4) : start]) is not None if start else True


def _name_end(text: str, start: int, sure: bool) -> int | None:
    """Where the name that begins at `start` ends: at a sex, an age or whatever is no character."""
    for size in (2, 3, 4):
        word = text[start : start + size]
        if len(word) == size and is_name(word, sure) and re.match(_NAME_END, text[start + size : start + size + 2]):
            return start + size
    return None


def names(text: str) -> Iterator[Hit]:
    """Names after `姓名：`, `我叫`, `患儿…，男` and the like."""
    for match in _LABELS.finditer(text):
        end = _name_end(text, match.end(), sure=True) or _foreign_end(text, match)
        if end is not None:
            yield Hit(match.end(), end, "[姓名]")
    for match in _CALLED.finditer(text):
        end = _name_end(text, match.end(), sure=False) or _doubled_end(text, match.end())
        if end is not None:
            yield Hit(match.end(), end, "[姓名]")
    for match in _NICKNAME.finditer(text):
        if match[1] not in words("unknown_names") and not _not_names().match(match[1]):
            yield Hit(*match.span(1), "[姓名]")
    for pattern in (_WITH_SEX, _SELF, _CHILD):
        for match in pattern.finditer(text):
            if is_name(match[1], sure=False) and (pattern is _WITH_SEX or len(match[1]) == 3):
                yield Hit(*match.span(1), "[姓名]")


@functools.cache
def child_trigger() -> str:
    """A regular expression that any text with a hit of `children` matches: a word for a child, then a surname."""
    first = "".join(sorted({name[0] for name in _surnames()}))
    return rf"(?:[子女儿孙甥侄宝贝孩者家名][是叫为做]{{0,2}}[:：\s]?)[{first}]\p{{Han}}"


def children(text: str) -> Iterator[Hit]:
    """`我儿子王浩然3岁`, `患儿王浩然，男`: a child's name between a word for it and its age or sex, or after 大名."""
    for match in _CHILD_CUE.finditer(text):
        for size in (3, 2, 4):
            word = text[match.end() : match.end() + size]
            end = match.end() + size
            told = match["label"] or _WHO.match(text, end)
            if len(word) < size or not (told or re.match(_NAME_END, text[end : end + 2])):
                continue
            if _likely_name(word) and (told or is_name(word, sure=False)):
                yield Hit(match.end(), match.end() + size, "[姓名]")
                break


def _likely_name(word: str) -> bool:
    """Whether `word` reads as a name where one is expected: no word of an illness, no particle."""
    if word in words("unknown_names") or word in words("not_names") or _not_names().match(word):
        return False
    size = 2 if len(word) > 3 else 1
    return word[:size] in _surnames() and not _NO_NAME.search(word) and (len(word) > 2 or set(word[1:]) <= _given())


_CHILD_CUE: Final = re.compile(
    r"(?:我们?家?的?|咱家|患儿|患者|病人|病员|家长|老师|同学)?(?:儿子|女儿|闺女|孙子|孙女|外孙女?|外甥女?|侄子|侄女|孩子|小孩|宝宝|宝贝|"
    r"男孩|女孩|男宝|女宝|患儿|患者|我们?家)(?P<label>(?:姓名|名字|大名|全名)(?:是|叫做?|为)?)?(?:叫做?)?[:：\s]?"
)
_WHO: Final = re.compile(
    r"[，,、\s(（]{0,2}(?:今年|现年|刚?满?|快|已经?|才)?(?:男|女|性别|\d{1,2}\s?(?:周?岁|个?半?月|天)|[一二两三四五六七八九十]{1,2}(?:周?岁|个半?月)|出生)"
)
_NO_NAME: Final = re.compile(
    r"[某能要会可想应该健康养生，,、。：:\s发烧咳嗽吐泻痛热疹便病症药医院的了有是在就不没去来吃喝拉打针查咽喉鼻肺胃肠皮肤脸手脚头眼耳嘴牙体重身上一二三四五六七八九十几多少个月岁天年男女今现又还总老经也都很太突最近反复近前后早晚夜睡哭闹]"
)
_FOREIGN: Final = re.compile(r"[\u4e00-\u9fff]{2,4}(?:·[\u4e00-\u9fff]{1,8})?(?=[，,。；;\s]|$)")


def _foreign_end(text: str, label: re.Match[str]) -> int | None:
    """A name without a Chinese surname: only after a label like `姓名：`, and before a break."""
    if not label[0].rstrip().endswith((":", "：")) or not label[0].startswith(tuple("患病宝孩儿姓")):
        return None
    match = _FOREIGN.match(text, label.end())
    if not match or match[0] in words("unknown_names") or "某" in match[0] or _not_names().match(match[0]):
        return None
    return match.end()


def _doubled_end(text: str, start: int) -> int | None:
    """`我家宝宝叫豆豆`: a doubled character is a pet name."""
    word = text[start : start + 2]
    doubled = len(word) == 2 and word[0] == word[1] and "\u4e00" <= word[0] <= "\u9fff"
    return (
        start + 2
        if doubled and re.match(_NAME_END, text[start + 2 : start + 4]) and word[0] not in "痛唤妈爸奶爷哥姐"
        else None
    )


def authors(text: str) -> Iterator[Hit]:
    """Each name in the list of those who drafted a guideline or wrote a book."""
    for match in _AUTHORS.finditer(text):
        for item in re.finditer(r"[^、，,;；\s（）()]+(?: [\u4e00-\u9fff](?![\u4e00-\u9fff]))?", match[1]):
            name = item[0].replace(" ", "")
            if 2 <= len(name) <= 4 and is_name(name, sure=True):
                yield Hit(match.start(1) + item.start(), match.start(1) + item.end(), "[姓名]")
