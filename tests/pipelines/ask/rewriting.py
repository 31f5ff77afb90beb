"""A kind model: rewrites what it is given with a kind word, finds one thing missing, and prefers the longer answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.pipelines.ask.scripted import obliging

_FENCED = re.compile(r"<材料 (\w+)>\n(.*?)\n</材料 \1>", re.DOTALL)
_TURN = re.compile(r"^(患者|医生)：", re.MULTILINE)
_CARE = "平时注意休息，情况变化时请及时就医。"


def kind_model(body: Mapping[str, Any]) -> str:
    """What the model says to a request; told apart by the words of its system message."""
    system, last = body["messages"][0]["content"], body["messages"][-1]["content"]
    texts = [match[1] for match in _FENCED.findall(last)]
    if "示范对话" in system:
        return _dumped({"usable": True, "turns": _polished(texts[0])})
    if "审稿" in system:
        missing = {"kind": "missing", "quote": "", "problem": "没有说何时就医。", "correction": _CARE}
        return _dumped({"findings": [missing]})
    if "补上缺漏" in system:
        return _dumped({"answer": texts[1] + _CARE})
    if "比较同一问题的两个回答" in system:
        return _dumped({"errors_a": [], "errors_b": [], "better": "A" if len(texts[1]) > len(texts[2]) else "B"})
    if "当面说的话" in system:
        return _dumped({"answer": f"您好，您的担心我很理解，请别着急，我们一件一件来说清楚。{texts[1]}"})
    if "医疗助手" in system:
        return "这种情况一般过几天就好，多喝水，多休息，不舒服再去看看，不要太在意。"
    return obliging(body)


def _polished(text: str) -> list[dict[str, str]]:
    parts = _TURN.split(text)[1:]
    said = zip(parts[::2], parts[1::2], strict=True)
    kind = {"患者": ("patient", "医生您好，麻烦您看一看。"), "医生": ("doctor", "您好，先别着急，慢慢来。")}
    return [{"role": kind[who][0], "content": kind[who][1] + content.strip()} for who, content in said]


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
