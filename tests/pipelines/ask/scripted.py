"""An obliging model: reads the prompts of role-play and answers each item from the sentences of the passage.

    with LlmServer() as server:
        server.content = obliging

What it writes is stilted, but it is what was asked for, in the shape that was asked for: enough for a build to go
from sources to a version by way of a real server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.llm_server.content import default_content

_FENCED = re.compile(r"<材料 (\w+)>\n(.*?)\n</材料 \1>", re.DOTALL)
_SLOT = re.compile(r"^\d+\. (\w+)｜(\w+)｜", re.MULTILINE)
_SENTENCE = re.compile(r"[^。！？\n]{12,}[。！？]")
_ITEM = re.compile(r"[^：、\n]{2,}")


def obliging(body: Mapping[str, Any]) -> str:
    """What the model says to a request."""
    user = next((m["content"] for m in body["messages"] if m["role"] == "user"), "")
    passage = _FENCED.search(user)
    plan = _SLOT.findall(user)
    if passage is None or not plan:
        return default_content(body)
    text = passage[2].partition("\n\n")[2] or passage[2]
    sentences = _SENTENCE.findall(text) or _ITEM.findall(text)
    items = [
        _item(persona, task, sentences[i % len(sentences)].strip(), i)
        for i, (persona, task) in enumerate(plan)
        if sentences
    ]
    return json.dumps({"items": items}, ensure_ascii=False)


def _item(persona: str, task: str, sentence: str, number: int) -> dict[str, Any]:
    topic = re.sub(r"[\d。，；：、？！]", "", sentence)[:6]
    asked = "怎么处理" if task == "trerecom" else "要知道什么"
    place = "一二三四五六七八九十"[number % 10]
    turns = [
        {"role": "user", "content": f"想请教一下，{topic}这方面{asked}？第{place}问。"},
        {"role": "assistant", "content": sentence},
    ]
    if task == "evidiag":
        turns = [
            {"role": "user", "content": f"孩子不舒服，跟{topic}有关，会是什么病？"},
            {"role": "assistant", "content": "请问还有别的不舒服吗？精神怎么样？"},
            {"role": "user", "content": "精神还可以，别的没有。"},
            {"role": "assistant", "content": f"考虑与下面说的一致：{sentence}"},
        ]
    return {"persona": persona, "task": task, "turns": turns, "quotes": [sentence]}
