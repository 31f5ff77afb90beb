"""Markup that has no place in text: HTML tags and entities, chat-template tokens, remnants of web pages.

`体温<38℃`, `<3个月` and `P<0.05` are no tags: a tag has a name that HTML knows, and attributes, if any, that look like
attributes. What is left when a page *about* HTML is cleaned makes no sense, so code is left as it is here and
`drop_low_quality` decides about it.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import Final

import polars as pl

from pipelines.characters import SUBSCRIPTS, SUPERSCRIPTS
from pipelines.text_columns import changed_where, python_change

_BLOCK: Final = "p|br|div|li|ul|ol|tr|table|tbody|thead|h[1-6]|hr|dl|dt|dd|blockquote|section|article|center|form|pre"
_INLINE: Final = (
    "a|b|i|u|s|q|em|strong|span|font|small|big|strike|del|ins|code|img|td|th|label|input|button|mark|abbr|cite|kbd|tt"
    "|nobr|wbr|figure|figcaption|caption|col|colgroup|html|body|head|header|footer|main|nav|aside|title|meta|link|base"
    "|script|style|noscript|iframe|object|embed|param|video|audio|source|svg|path|canvas|textarea|select|option"
    "|fieldset|legend|marquee|address|map|area|o:p|st1:[a-z]{1,20}"
)
_ATTRIBUTES: Final = (
    r"""(?:\s+(?:[A-Za-z_:@][A-Za-z0-9_:.-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+)"""
    r"""|nowrap|disabled|checked|hidden|async|defer|required|readonly|selected|controls|autoplay|multiple|alt))*\s*"""
)

TAG: Final = rf"(?i)</?(?:{_BLOCK}|{_INLINE}|su[bp])(?:{_ATTRIBUTES}|\s+)/?>"
"""Any HTML tag (a polars pattern: linear time)."""
COMMENT: Final = r"(?s)<!--.*?-->|(?i:<!doctype[^<>]*>)|<!\[CDATA\["
TOKEN: Final = (
    r"<\|[^<>|\s]{0,40}\|>|<｜[^<>｜\s]{0,40}｜>|(?i:</?(?:s|pad|unk|bos|eos|mask|cls|sep|end_of_turn|start_of_turn)>)"
    r"|\[/?INST\]|<</?SYS>>|\[(?:CLS|SEP|MASK|PAD|UNK)\]"
)
"""Tokens of chat templates and tokenizers."""
REMNANT: Final = r"[\[【（(]\s?(?:详细|详情|查看详细|查看详情|查看全文|点击查看|更多|展开全文|阅读全文)\s?[\]】）)]"
"""Links of web pages whose text was scraped with the content."""

_CODE: Final = r"```|(?i)<!doctype|<html|<script|<style|<\?php|<\?xml|</?(?:template|router-link)\b|#include\s*<"
_SCRIPT: Final = r"(?is)<(script|style)\b[^<>]*>"

_ENTITY: Final = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")
_BARE_ENTITY: Final = re.compile(
    r"&(nbsp|ensp|emsp|thinsp|ldquo|rdquo|lsquo|rsquo|mdash|hellip|middot|times|deg)(?![A-Za-z0-9;])"
)
_AMPERSAND: Final = re.compile(r"&(?:amp;|#38;|#[xX]26;)(?:amp;|#38;|#[xX]26;)*")
_ENTITY_TRIGGER: Final = r"&[#A-Za-z]"
MAX_ROUNDS: Final = 6
"""Times that text escaped over and over is unescaped; what is left then is dropped as `markup`."""

_BLOCK_TAG: Final = rf"(?i)</?(?:{_BLOCK})(?:{_ATTRIBUTES}|\s+)/?>"
_CELL_TAG: Final = rf"(?i)</?(?:td|th)(?:{_ATTRIBUTES}|\s+)/?>"
_SUP: Final = re.compile(r"(?i)<sup\b[^<>]{0,200}>([-+()0-9n]{1,12})</sup\s*>")
_SUB: Final = re.compile(r"(?i)<sub\b[^<>]{0,200}>([-+()0-9]{1,12})</sub\s*>")

ENTITY: Final = (
    r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|nbsp|lt|gt|amp|quot|apos|ldquo|rdquo|lsquo|rsquo|mdash|ndash|hellip|middot"
    r"|times|deg|ensp|emsp|thinsp|alpha|beta|gamma|mu|micro|plusmn|le|ge|copy|reg|trade|bull);"
)
"""Entities that a page leaves behind, for those who look for them."""


def without_entities(texts: pl.Series) -> pl.Series:
    """HTML entities decoded, also such as were escaped several times over; unknown names stay."""
    return changed_where(texts, _ENTITY_TRIGGER, python_change(_decoded))


def _decoded(text: str) -> str:
    for _ in range(MAX_ROUNDS):
        before = text
        text = _ENTITY.sub(_character, _BARE_ENTITY.sub(r"&\1;", _AMPERSAND.sub("&", text)))
        if text == before:
            break
    return text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name is not None:
        return html5.get(f"{name};", match.group())
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if code in (0, 0xFFFD) or code > 0x10FFFF or 0xD800 <= code < 0xE000:
        return ""
    return chr(code)


def without_tokens(texts: pl.Series) -> pl.Series:
    """Chat-template tokens and web-page remnants removed."""

    def change(some: pl.Series) -> pl.Series:
        for _ in range(MAX_ROUNDS):
            before, some = some, some.str.replace_all(TOKEN, "").str.replace_all(REMNANT, "")
            if before.equals(some):
                break
        return some

    return changed_where(texts, f"{TOKEN}|{REMNANT}", change)


def is_code(texts: pl.Series) -> pl.Series:
    """Which strings hold code or a whole page: their tags and spaces mean something."""
    return texts.str.contains(_CODE).fill_null(False)


def without_tags(texts: pl.Series) -> pl.Series:
    """HTML comments and tags removed: block tags end a line, `<sup>` and `<sub>` digits stay raised and lowered.

    10<sup>9</sup> becomes 10⁹: without the tag alone it would read 109.
    """
    return changed_where(texts, r"<[/!A-Za-z]", _untagged)


def _untagged(texts: pl.Series) -> pl.Series:
    for _ in range(MAX_ROUNDS):
        before = texts
        texts = changed_where(texts, r"(?i)<su[bp]\b", python_change(_raised))
        texts = texts.str.replace_all(COMMENT, "").str.replace_all(_BLOCK_TAG, "\n")
        texts = texts.str.replace_all(_CELL_TAG, " ").str.replace_all(TAG, "")
        if before.equals(texts):
            break
    return texts


def _raised(text: str) -> str:
    text = _SUP.sub(lambda m: m[1].translate(SUPERSCRIPTS), text)
    return _SUB.sub(lambda m: m[1].translate(SUBSCRIPTS), text)
