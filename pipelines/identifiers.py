"""Numbers and strings that identify a person: phones, identity and record numbers, accounts, dates, addresses.

Every finder takes a text and yields `Hit`s. A number is judged by its own form (checksum, date, area code), by the cue
before it and by the unit after it, so that a dose, an approval number, an ISBN or a row of a table is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

_WIDE: Final = {0xFF10 + i: 0x30 + i for i in range(10)}
"""Full-width digits: text that no one normalised still has phones in it; the map keeps every offset."""


class Hit(NamedTuple):
    """Characters `start:end` are to be replaced by `placeholder`."""

    start: int
    end: int
    placeholder: str


_UNIT_AFTER: Final = (
    r"(?!\s?(?:kcal|千卡|mg|g|kg|ml|mL|L|IU|U/|μg|mmol|单位|毫升|毫克|国际|次|元|块|个|岁|例|人|%|％|℃|°|/L|倍|万|亿))"
)
_NOT_A_PHONE_BEFORE: Final = re.compile(
    r"(?:NCT|PMID[:：]?\s?|PMC|doi\S{0,40}|DOI\S{0,40}|ISBN\S{0,20}|ISSN\S{0,20}|批号[:：]?\s?|条形?码[:：]?\s?|国药准字[A-Za-z]?"
    r"|批准文号[:：]?\s?|注册证号?[:：]?\s?|备案号?[:：]?\s?|订单号?[:：]?\s?|GB/?T?\s?|CAS[号:：\s]{0,3}|[￥¥$])$",
    re.I,
)
_PHONE_CUE: Final = re.compile(
    r"(?:电话|手机|座机|热线|联系方式|联系我|号码|传真|拨打|致电|来电|咨询|Tel|Phone|Fax)[^\d\n]{0,8}$", re.I
)
_MOBILE: Final = re.compile(
    rf"(?<![\d.])(?:\+?86[-\s]?)?1[3-9]\d(?:[-—]?\d{{4}}[-—]?\d{{4}}|[-—]?\d{{3}}[-—]?\d{{5}})(?!\.?\d){_UNIT_AFTER}"
)
_SPACED_MOBILE: Final = re.compile(
    r"(?<![\d.])(?<!\d )(?:\+?86 )?(?:1[3-9]\d \d{4} \d{4}|1[3-9]\d \d{3} \d{5}|1 [3-9](?: \d){9})"
    rf"(?! ?\.?\d){_UNIT_AFTER}"
)
_MASKED_MOBILE: Final = re.compile(r"(?<!\d)1[3-9]\d[*xX×]{4,8}\d{0,4}(?!\d)")
_LANDLINE: Final = re.compile(
    rf"(?<![\d.\-])(?:\+?86[-\s]?)?(?:[(（]0(?:10|2\d|[3-9]\d{{2}})[)）]\s?-?|0(?:10|2\d|[3-9]\d{{2}})\s?[-—–]{{1,2}}\s?)"
    rf"[2-8]\d{{2,3}}[-\s]?\d{{4}}(?:(?:-|转|\s转)\s?\d{{1,5}})?(?![\d.]){_UNIT_AFTER}"
)
_BARE_LANDLINE: Final = re.compile(r"(?<!\d)0(?:10|2\d)[2-8]\d{7}(?!\d)|(?<!\d)0[3-9]\d{2}[2-8]\d{6,7}(?!\d)")
_SERVICE: Final = re.compile(
    rf"(?<![\d.\-])[48]00(?:[-—]\d{{3}}[-—]\d{{4}}|[-—]\d{{4}}[-—]\d{{3}}|[-—]\d{{7}})(?![\d-]){_UNIT_AFTER}"
)
_BARE_SERVICE: Final = re.compile(r"(?<!\d)[48]00[ ]?\d{3}[ ]?\d{4}(?!\d)|(?<!\d)[48]00[ ]?\d{4}[ ]?\d{3}(?!\d)")
_LOCAL: Final = re.compile(
    r"(?:电话|座机|热线|联系方式|Tel|传真|拨打|致电)(?:号码|号)?(?:咨询)?[:：是为\s]{0,3}([2-8]\d{2,3}[-\s]?\d{4}(?:[-转]\d{1,4})?)(?!\d)",
    re.I,
)
_SPOKEN_MOBILE: Final = re.compile(r"[一幺][三四五六七八九][零〇一二三四五六七八九幺]{9}(?![零〇一二三四五六七八九幺])")


def phones(text: str, typed: bool) -> Iterator[Hit]:
    """Mobile, landline, service and spoken numbers; short public ones (120, 12320) stay.

    Args:
        text: Any text.
        typed: People typed it, so that `138 0013 8000` is a phone and not three cells of a table.
    """
    text = text.translate(_WIDE)
    for pattern in (_MOBILE, _LANDLINE, _SERVICE, _MASKED_MOBILE, _SPOKEN_MOBILE):
        for match in pattern.finditer(text):
            if not _NOT_A_PHONE_BEFORE.search(text, max(0, match.start() - 50), match.start()):
                yield Hit(*match.span(), "[电话]")
    for pattern in (_SPACED_MOBILE, _BARE_LANDLINE, _BARE_SERVICE):
        for match in pattern.finditer(text):
            cued = _PHONE_CUE.search(text, max(0, match.start() - 16), match.start())
            if cued or (typed and pattern is _SPACED_MOBILE):
                yield Hit(*match.span(), "[电话]")
    for match in _LOCAL.finditer(text):
        yield Hit(*match.span(1), "[电话]")


_PROVINCES: Final = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()  # noqa: SIM905
)
_IDENTITY: Final = re.compile(
    r"(?<![\dA-Za-z.])[1-9]\d{5}[ -]?\d{8}[ -]?\d{3}[\dXx](?![\dA-Za-z])|(?<![\dA-Za-z.])[1-9]\d{14}(?![\dA-Za-z.])"
)
_DOCUMENT_CUE: Final = re.compile(r"(?:身份证|证件|身份号|ID)(?:号码|号|编号)?[^\d\n，。；]{0,6}$", re.I)
_CARD: Final = re.compile(
    r"(身份证|证件|护照|医保卡|医保|社保卡|社会保障卡|军官证|驾驶证|出生证|出生医学证明|银行卡)(?:号码|编号|卡号|号)?"
    r"[:：是为\s#]{0,4}([A-Za-z]{0,2}\d(?:[ -]?[\dXx]){5,20})(?![\dA-Za-z])"
)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_identity_number(digits: str) -> bool:
    """Whether 18 or 15 characters are a resident identity number: region, birth date and (18) checksum.

    Source: GB 11643-1999 (ISO 7064 MOD 11-2).
    """
    if digits[:2] not in _PROVINCES:
        return False
    if len(digits) == 15:
        return _is_date("19" + digits[6:12])
    if len(digits) != 18 or not _is_date(digits[6:14]):
        return False
    total = sum(int(d) * w for d, w in zip(digits[:17], _WEIGHTS, strict=True))
    return digits[17].upper() == "10X98765432"[total % 11]


def _is_date(digits: str) -> bool:
    try:
        return 1900 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).year <= 2050
    except ValueError:
        return False


def identity_numbers(text: str) -> Iterator[Hit]:
    """Resident identity numbers anywhere; other document and card numbers after a cue, as `[证件号]`."""
    text = text.translate(_WIDE)
    for match in _IDENTITY.finditer(text):
        if is_identity_number(re.sub(r"[ -]", "", match[0])):
            yield Hit(*match.span(), "[身份证号]")
        elif _DOCUMENT_CUE.search(text, max(0, match.start() - 20), match.start()):
            yield Hit(*match.span(), "[证件号]")
    for match in _CARD.finditer(text):
        valid = match[1] == "身份证" and is_identity_number(re.sub(r"[ -]", "", match[2]))
        yield Hit(*match.span(2), "[身份证号]" if valid else "[证件号]")


_RECORD: Final = re.compile(
    r"(?:病历|病案|住院|门诊|急诊|就诊|诊疗|登记|检查|影像|超声|B超|标本|条码|病理|放射|X线|X光|CT|MRI|MR|申请|报告|检验|化验|处方|医嘱|患者|病人|患儿"
    r"|床位?|病床|流水|挂号|预约|档案|建档|健康卡|体检)(?:编|卡|单)?(?:号码|号|ID)(?![内外])[:：是为№#\s]{0,4}([A-Za-z]{0,4}-?\d[A-Za-z\d-]{0,20})(?!\s?(?:mg|g|ml|岁|次|例|%))"
)
_BED: Final = re.compile(
    r"(?:\d{1,2}(?:病区|病房|病室)\s?)?(?<!\d)\d{1,3}\s?床(?=的?(?:患|病人|孩|宝|家属|家长|小)|[，。；：,:\s]|$)"
)
_WECHAT: Final = re.compile(
    r"(?:(?:加?我?)?(?:微\s?信|薇信|徽信|威信)|(?<![A-Za-z])(?:weixin|wechat|v信|vx|wx)|[加+＋][vV](?![A-Za-z]))(?:号码|号|群|账号|帐号)?(?:是|为|[:：])?\s{0,3}"
    r"((?=[A-Za-z_-]{0,19}[\d_-])[A-Za-z][A-Za-z0-9_-]{5,19}|(?<!\d)\d{5,12}(?!\d))",
    re.I,
)
_WECHAT_LABEL: Final = re.compile(
    r"(?:微\s?信|weixin|wechat)(?:号码|号|账号|帐号)[:：是为]\s{0,3}([A-Za-z][A-Za-z0-9_-]{5,19})", re.I
)
_QQ: Final = re.compile(
    r"(?:(?<![A-Za-z])QQ|扣扣|企鹅|(?<![A-Za-z])Q群)(?:交流)?(?:号码|群号|群|号)?(?:是|为|[:：])?\s{0,3}([1-9]\d{4,10})(?!\d)",
    re.I,
)
_MAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{2,24}){1,4}"
)
_LINK: Final = re.compile(
    r"(?:https?|ftp)://[^\s\u2e80-\u9fff\uff00-\uffef<>\"'“”‘’\]\[]+|(?<![A-Za-z0-9@./-])www\.[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}(?:/[^\s\u2e80-\u9fff\uff00-\uffef<>\"'“”\]\[]*)?"
    r"|(?<![A-Za-z0-9@._/-])[A-Za-z0-9-]{3,40}(?:\.[A-Za-z0-9-]{1,40}){0,3}\.(?:com|cn|org|com\.cn|org\.cn|gov\.cn|edu\.cn)(?![A-Za-z0-9.-]|\()(?:/[^\s\u2e80-\u9fff\uff00-\uffef<>\"'“”\]\[]*)?",
    re.I,
)


def accounts(text: str) -> Iterator[Hit]:
    """Record and bed numbers, WeChat and QQ after their cues; mail and web addresses anywhere."""
    text = text.translate(_WIDE)
    for pattern, placeholder in ((_RECORD, "[病历号]"), (_WECHAT, "[微信]"), (_WECHAT_LABEL, "[微信]"), (_QQ, "[QQ]")):
        for match in pattern.finditer(text):
            yield Hit(*match.span(1), placeholder)
    for match in _BED.finditer(text):
        yield Hit(*match.span(), "[病历号]")
    if "@" in text:
        for match in _MAIL.finditer(text):
            yield Hit(*match.span(), "[邮箱]")
    for match in _LINK.finditer(text):
        yield Hit(match.start(), match.start() + len(match[0].rstrip(".,;:!?)）*")), "[网址]")


_DAY: Final = (
    r"(?:(?:19|20)\d{2}\s?[-年./]\s?\d{1,2}\s?[-月./]\s?\d{1,2}(?:\s?[日号])?"
    r"|[一二][九零〇][零〇一二三四五六七八九]{2}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十]{1,3}[日号])"
)
_BIRTH_BEFORE: Final = re.compile(
    rf"(?:出生(?:日期|年月日?|时间)?|生日|生于|DOB|诞生)[:：是在为于\s]{{0,4}}(?:农历|阳历|阴历|公历)?({_DAY}|(?:19|20)\d{{6}}(?!\d))",
    re.I,
)
_BIRTH_AFTER: Final = re.compile(
    rf"({_DAY})(?:(?:凌晨|早上|上午|中午|下午|傍晚|晚上|剖腹?|顺产|早产|足月){{0,2}})?(?:出生|生的|生人|诞生|生(?=[，,。；\s]|$))"
)


def birth_dates(text: str) -> Iterator[Hit]:
    """Full dates of birth; a year and month alone stay, since the age is medicine."""
    for pattern in (_BIRTH_BEFORE, _BIRTH_AFTER):
        for match in pattern.finditer(text):
            yield Hit(*match.span(1), "[出生日期]")


_ADDRESS_LABEL: Final = re.compile(
    r"(?:住址|地址|现住地?|户籍所在地|户口所在地|常住地)[:：是为]\s{0,2}([^\n。；;，,\[]{4,60})"
)
_ADDRESS_PART: Final = re.compile(r"[省市区县镇乡村路街巷弄号室楼栋]")
_STREET: Final = re.compile(
    r"(?:路|街|大道|巷|弄|胡同|小区|花园|公寓|家园|新村|街道)\s?\d{1,5}\s?(?:号楼|号院|号|弄|栋|幢)(?:\s?\d{1,3}\s?(?:号楼|栋|幢|单元|号))*(?:\s?\d{1,2}楼)?(?:\s?\d{2,5}\s?室?)?"
)
_HOME: Final = re.compile(r"(?:家?住在|家住|住于|位于|寄到|来自|家在)([\u4e00-\u9fffA-Za-z0-9]{0,30})$")
_REGION: Final = re.compile(r"[\u4e00-\u9fff]{2,7}(?:省|自治区|市|区|县|自治州)(?:[\u4e00-\u9fffA-Za-z0-9]{0,24})$")


def addresses(text: str) -> Iterator[Hit]:
    """What follows an address label, and streets with a house number after a region or a word for living there."""
    for match in _ADDRESS_LABEL.finditer(text):
        if _ADDRESS_PART.search(match[1]):
            yield Hit(match.start(1), match.start(1) + len(match[1].rstrip()), "[地址]")
    for match in _STREET.finditer(text):
        low = max(0, match.start() - 34)
        before = text[low : match.start()]
        found = _HOME.search(before)
        start = found.start(1) if found else None
        if start is None and (region := _REGION.search(before)):
            start = region.start()
        if start is not None:
            yield Hit(low + start, match.end(), "[地址]")
