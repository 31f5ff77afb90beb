"""What a doctor or patient actually said, without greetings, adverts and platform phrases.

Everything kept is a sentence of the turn, with its place, so that it can be shown as evidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from pipelines.teacher.rows import Row
from schemas.records import DIALOGUE, span, turn_spans

_SENTENCE: Final = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*")
_EMPTY: Final = re.compile(
    r"感谢|谢谢|多谢|祝(?:您|你|愿|宝|孩|患|早|福|身)|不客气|不用谢|不谢|客气|(?:很)?高兴(?:能)?(?:为|帮|回)|为您(?:服务|解答|解惑)|"
    r"希望.{0,14}(?:帮助|康复|健康|痊愈|好起来|满意|顺利|成长|摆脱|恢复|快乐|开心|好转|改善)|期望.{0,14}(?:帮助|健康|康复)|"
    r"(?:随时|欢迎|及时).{0,4}告诉我|(?:随时|欢迎).{0,10}(?:咨询|提问|联系|追问|留言|告诉我|问我|跟我)|[向找问]我(?:咨询|提问|追问)?[。！!哦]|尽力(?:帮助|解答|提供)|我会(?:尽力|一直|全力)|"
    r"我是.{0,16}(?:医生|医师|助手|大夫|模型)|仅供参考|可以做为参考|五星|好评|关注我|点赞|话题给你|信号不好|打错了|抱歉|不好意思|"
    r"(?:发|传).{0,6}(?:图片|照片|单子|我看)|话费|在吗|忙吗|(?:好|重要|棒)的?问题[！!。]|^(?:我)?(?:了解|理解)到?(?:您|你)?的?(?:情况|问题|担忧|担心)[。！!.]?$|给(?:您|你)一些(?:建议|信息)[。.]?$|还有(?:什么)?(?:问题|疑问)|其他(?:任何)?(?:问题|疑问)|早日康复|放心吧$|下面是(?:一些)?[^，。]{0,12}[，。：:]?$"
)
# A patient's sentence is kept with its courtesy if it asks or tells; only what is nothing but courtesy goes.
_COURTESY: Final = re.compile(
    r"感谢|谢谢|多谢|再见|辛苦(?:您|你)?了|麻烦(?:您|你)?了|在吗|忙吗|祝(?:您|你|医生)|(?:我)?再(?:跟|向)(?:您|你)(?:咨询|请教)"
)
_ASKS: Final = re.compile(r"[？?]|吗|呢[，。]?$|怎么|什么|如何|能不能|可不可以|是不是|会不会|多少|多久|哪些|告诉我")
_THANKS: Final = re.compile(r"^(?:好的[，,])?(?:非常|十分)?(?:感谢|谢谢|多谢)[^，,。！!？?]{0,16}[，,。！!]+")
_PLACEHOLDER: Final = re.compile(r"\[(?:姓名|电话|微信|QQ|邮箱|证件|病历号|号码|医生|医院|网址|[A-Za-z]+)\]")
_CLAUSE: Final = re.compile(r"[^，,]+[，,]*")
_OPENER: Final = re.compile(
    r"^(?:(?:\[医生\])?(?:您|你)好[啊呀]?|亲|朋友|家长(?:您|你)好|好的|嗯+|哦+|奥|明白了|了解了|当然(?:可以)?|没错|是的|对的?|"
    r"(?:我)?(?:了解|理解)到?(?:您|你)?的?(?:情况|问题|担忧|担心)|"
    r"根据(?:您|你)(?:的)?(?:描述|叙述|所述|提供|说)[^，,]{0,12})[，,、！!。.～~ ]+"
)
_ADVERT: Final = re.compile(
    r"哪家医院|电话|热线|微信|qq|QQ|(?:在线|电话|网上)预约|预约(?:专家|挂号|电话|热线)|价格|多少钱|费用|优惠|加我|公众号|网址|http|www|\bTH\b"
)
_PICTURE: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]")
# Words that a synonym machine put in: 复发 → 病发, 是否 → 如何, 出现 → 再次出现. Two of them and nobody wrote the text.
_MACHINE: Final = re.compile(
    r"再次(?:出现|发生|出)|进行咨询|仔细检查|需要有|如何[有存为患]|隔代遗传|脉冲|备感|致使|引来|病发(?!病|作|生)|救药|助其|预防工作|动用|"
    r"羊羔|不定期|许多次|清洁剂|互相配|经营|濒死|购买的信|剧烈疼|复方性|实施(?:控制|治疗|检查|救)|决定(?:正规|合适|一些)|喝啤酒|"
    r"生长发育异|始终保持|改进(?:脑|颅|检)|心绞痛作|排便顺序|麻醉胰岛素|仔细检|检验确诊|财产性|绝不会再次|忧心|放柔|护理工作|依稀记得|详细理解|理解一下|稳定副作用|中成药或者是中医中草药|干扰不大|适得其反|对症救治|及时救治|来救治|降生|看重|"
    r"有留意|咨询者|病状|血常规仔细|恰当|增进|拥有无|尽可能要|复查看|检查看一|撒手人寰|饮食疗法需要|为基础，|严重患者|讨厌吃|备取"
)


class Said(NamedTuple):
    """What is left of one turn: its sentences as `(start, end)` in the turn, and their text in one piece."""

    number: int
    role: str
    spans: tuple[tuple[int, int], ...]
    text: str


def cleaned(turns: Sequence[dict[str, str]]) -> list[Said]:
    """Every turn with what it says; `text` is empty where it says nothing."""
    return [_said(index, turn["role"], turn["content"] or "") for index, turn in enumerate(turns)]


def _said(index: int, role: str, content: str) -> Said:
    spans: list[tuple[int, int]] = []
    for match in _SENTENCE.finditer(content, _after_title(content) if role == "patient" and index == 0 else 0):
        start, end = _trimmed(content, match.start(), match.end())
        piece = content[start:end]
        if end - start < 2 or _PICTURE.fullmatch(piece):
            continue
        if role == "patient":
            spans += _of_patient(content, start, end)
        elif not _EMPTY.search(piece):
            spans.append((start, end))
    text = _joined([content[a:b] for a, b in spans])
    return Said(index, role, tuple(spans), text)


def _after_title(content: str) -> int:
    """Where a question begins that repeats its title in the first line; 0 where the title is all that asks."""
    title, line_end, rest = content.partition("\n")
    repeats = line_end and len(title) <= 30 and not re.search(r"[。！!，,]", title)
    return len(title) + 1 if repeats and len(rest) >= 12 and _ASKS.search(rest) else 0


def _of_patient(content: str, start: int, end: int) -> list[tuple[int, int]]:
    """A patient's sentence without thanks in front, and without clauses that held a name or a number."""
    piece = content[start:end]
    thanks = _THANKS.match(piece)
    if thanks and _ASKS.search(piece):
        start += len(thanks[0])
    elif _COURTESY.search(piece) and not _ASKS.search(piece):
        return []
    if not _PLACEHOLDER.search(content, start, end):
        return [(start, end)] if end - start >= 2 else []
    kept = [m.span() for m in _CLAUSE.finditer(content, start, end) if not _PLACEHOLDER.search(m[0])]
    return [(a, b) for a, b in kept if b - a >= 2]


def _trimmed(content: str, start: int, end: int) -> tuple[int, int]:
    """The sentence without a greeting in front and without blanks and pictures at its ends."""
    for _ in range(3):
        while start < end and (
            content[start].isspace() or content[start] in "，,、。！!～~" or _PICTURE.match(content[start])
        ):
            start += 1
        opener = _OPENER.match(content, start, end) if start < end else None
        opener = _OPENER.match(content[start:end]) if opener is None else opener
        if opener is None or opener.end() == 0:
            break
        start += len(opener[0])
    while end > start and (content[end - 1].isspace() or _PICTURE.match(content[end - 1])):
        end -= 1
    return start, end


def _joined(pieces: Sequence[str]) -> str:
    text = ""
    for piece in pieces:
        asked = re.search(r"(?:吗|呢|怎么办|什么|怎么回事|如何|怎么样|咋办|行吗|好吗)$", text)
        text += piece if not text or text[-1] in "。！？!?；;，,：:" else ("？" if asked else "，") + piece
    text = _PICTURE.sub("", text)
    text = re.sub(r"\s*\n\s*", "", text)
    return re.sub(r"(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff])", "，", text)  # some type blanks for commas


def closed(text: str) -> str:
    """The text with a full stop where it has no end."""
    text = text.rstrip("，,、；; ")
    return text if not text or text[-1] in "。！？!?" else text + "。"


def is_advert(text: str) -> bool:
    """Whether it sells something or sends people elsewhere."""
    return bool(_ADVERT.search(text))


def is_machine_made(text: str, at_least: int = 2) -> bool:
    """Whether a synonym machine has been over the text."""
    return len(_MACHINE.findall(text)) >= at_least or (at_least == 1 and _is_run_together(text))


def _is_run_together(text: str) -> bool:
    """Commas lost together with the character before them: clauses far too long for speech."""
    pieces = re.split(r"[，。、；：！？,.;:!?（）()\s]", text)
    return max((len(piece) for piece in pieces), default=0) > 45


def evidence(row: Row, said: Sequence[Said]) -> list[dict[str, Any]]:
    """Spans of the conversation for what was kept of these turns, neighbouring sentences as one."""
    data = dict(row)
    places = turn_spans(data["turns"])
    found = []
    for turn in said:
        base = places[turn.number][0]
        runs: list[tuple[int, int]] = []
        content = data["turns"][turn.number]["content"]
        for start, end in turn.spans:
            if runs and not content[runs[-1][1] : start].strip():
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
        found += [span(DIALOGUE, data, base + start, base + end) for start, end in runs]
    return found
