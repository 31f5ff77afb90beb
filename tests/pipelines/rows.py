"""Rows of every record kind for the tests of stages: made by hand, or by hypothesis out of awkward pieces."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import strategies as st

from schemas.records import (
    COMPLETION,
    DIALOGUE,
    DOCUMENT,
    INSTRUCTION,
    PREFERENCE,
    SCHEMAS,
    TASKS,
    TOPICS,
    TRIPLE,
    frame_of,
    make_record_id,
)

KINDS = (DOCUMENT, TRIPLE, DIALOGUE, INSTRUCTION, PREFERENCE, COMPLETION)

PIECES = (
    "宝宝六个月便秘（女，26岁）",
    "孩子今年19岁",
    "小三阳能要宝宝吗",
    "高血压怎么办",
    "体温<38℃，",
    "P<0.05",
    "每次0.3g/kg",
    "10<sup>9</sup>/L",
    "＜ｂｒ／＞",
    "&lt;p&gt;",
    "&amp;amp;nbsp;",
    "&#60;b&#62;",
    "<br/>",
    "<div class='x'>",
    "</s>",
    "<|endoftext|>",
    "[详细]",
    "nan",
    "１０²",
    "㎎",
    "⾧",
    "豈",
    "\u200b",
    "\ufeff",
    "\u00ad",
    "\x00",
    "\r\n",
    "\n",
    "\n\n",
    "　　",
    "  ",
    "\t",
    "。。。",
    "！！",
    "……",
    "你好,可能是",
    "皮炎.尿布",
    "儿 科 学",
    "（一）",
    "1. ",
    "- ",
    "隋医生，",
    "张主任您好",
    "患者姓名：王小明",
    "我叫李红，",
    "北京儿童医院",
    "县第一人民医院",
    "三甲医院",
    "13800138000",
    "身份证号：110101199003077213",
    "微信：abc12345",
    "QQ123456",
    "a@b.example.com",
    "https://example.com/x",
    "住院号：20230001",
    "2019年3月5日出生",
    "地址：幸福小区5号楼",
    "[医生]",
    "[医院]",
    "[电话]",
    "左氧氟沙星片口服",
    "哪家医院好？",
    "感谢您的咨询",
    "麻醉乙肝疫苗",
    "再次出现",
    "我是ChatGPT，",
    "\ufffd",
    "```python\nprint('<br>')\n```",
    "\\_x\\*",
    "嬰兒發熱",
    "□",
    "第十条",
    "12……34",
    "😀",
    "𠮷",
    "é",
    "abc ",
    "，",
    "：",
    "咳嗽三天",
    "建议就诊",
    "1岁",
    "{assistant_name}",
)

texts = (
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=7)
    .map("".join)
    .map(lambda text: text.encode("utf-8", "ignore").decode("utf-8"))
)
maybe_texts = st.one_of(st.none(), texts)


def messages(*roles: str) -> st.SearchStrategy[list[dict[str, str]] | None]:
    """Turns of those roles, sometimes none at all."""
    turn = st.fixed_dictionaries({"role": st.sampled_from(roles), "content": texts})
    return st.one_of(st.none(), st.lists(turn, max_size=4))


_COLUMNS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    DOCUMENT: {
        "title": maybe_texts,
        "section_path": st.one_of(st.none(), st.lists(texts, max_size=3)),
        "text": texts,
        "number": maybe_texts,
        "register": st.sampled_from(["modern", "classical", None]),
    },
    TRIPLE: {"head": texts, "relation": texts, "tail": texts},
    DIALOGUE: {
        "turns": messages("patient", "doctor"),
        "title": maybe_texts,
        "age": maybe_texts,
        "department": maybe_texts,
    },
    INSTRUCTION: {"messages": messages("system", "user", "assistant"), "task": st.sampled_from(TASKS)},
    PREFERENCE: {
        "prompt": messages("system", "user"),
        "chosen": texts,
        "rejected": texts,
        "task": st.sampled_from(TASKS),
    },
    COMPLETION: {"text": texts},
}


def rows_of(kind: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of rows of `kind`, with ids that no two of them share."""
    row = st.fixed_dictionaries({**_COLUMNS[kind], "topic": st.sampled_from(TOPICS)})
    return st.lists(row, max_size=5)


def framed(kind: str, rows: list[dict[str, Any]], first: int = 0) -> pl.DataFrame:
    """Rows with the common columns filled in, as a frame of the kind's schema."""
    return frame_of(kind, [{**_common(kind, first + i), **row} for i, row in enumerate(rows)])


def _common(kind: str, number: int) -> dict[str, Any]:
    record_id = make_record_id(kind, str(number))
    common = {"source_id": "s", "part": "p", "locator": f"row {number}", "license": "CC0-1.0", "topic": "paediatric"}
    return {
        "record_id": record_id,
        "group_id": record_id,
        **common,
        **{k: [] for k in ("evidence",) if k in SCHEMAS[kind]},
    }


def conversation(*turns: str, **columns: Any) -> pl.DataFrame:
    """One dialogue: patient and doctor in turn."""
    roles = ("patient", "doctor")
    said = [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)]
    return framed(DIALOGUE, [{"turns": said, **columns}])


def document(text: str, **columns: Any) -> pl.DataFrame:
    """One section."""
    return framed(DOCUMENT, [{"text": text, **columns}])


def instruction(*turns: str, **columns: Any) -> pl.DataFrame:
    """One instruction: user and assistant in turn."""
    roles = ("user", "assistant")
    said = [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)]
    return framed(INSTRUCTION, [{"messages": said, "task": "general", **columns}])


def triple(head: str, relation: str, tail: str, **columns: Any) -> pl.DataFrame:
    """One triple."""
    return framed(TRIPLE, [{"head": head, "relation": relation, "tail": tail, **columns}])
