"""Public instruction sets become messages that end with a reply, and pairs of a better and a worse one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import PartRefused
from sources.distilled import Distilled
from sources.distilled_task import task_of
from tests.sources.table_readers import Rows, read, reasons

SOURCE = Distilled(source_id="s", license="Apache-2.0", topic="general")
ASKED = [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]


def rows_of(path: Path, rows: list[dict[str, Any]], source: Distilled = SOURCE) -> Rows:
    return read(source, path / "a.jsonl", "\n".join(json.dumps(row) for row in rows))[0]


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "问", "input": "", "output": "答"},
        {"instruction": "问", "input": "问", "output": "答"},
        {"instruct": " 问", "output": " 答 "},
        {"prompt": "问", "completion": "答"},
        {"question": "问", "answer": "答"},
        {"问题": "问，无", "回答": "答"},
        {"conversations": [{"from": "human", "value": "问"}, {"from": "gpt", "value": "答"}]},
        {"messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]},
        {"messages": [*ASKED, {"role": "user", "content": "没人答"}]},
        {"messages": [{"role": "assistant", "content": "您好"}, *ASKED, {"role": "user", "content": "nan"}]},
        {"question": "问", "raw_anwser": "答"},
    ],
)
def test_every_layout_gives_the_same_messages(tmp_path: Path, row: dict[str, Any]) -> None:
    found = rows_of(tmp_path, [row, row])["instruction"]
    assert found[0]["messages"] == ASKED
    assert found[0]["generator"]["method"] == "source"
    assert found[0]["task"] == "general"


def test_input_history_and_system_have_their_places(tmp_path: Path) -> None:
    row = {"instruction": "译", "input": "咳", "output": "cough", "history": [["一", "二"]], "system": "你是译者"}
    messages = rows_of(tmp_path, [row, row])["instruction"][0]["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant"]
    assert [m["content"] for m in messages] == ["你是译者", "一", "二", "译\n咳", "cough"]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "问", "chosen": "好", "rejected": "坏"},
        {
            "prompt": "问",
            "chosen": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "好"}],
            "rejected": "坏",
        },
        {
            "conversations": [{"from": "human", "value": "问"}],
            "chosen": {"from": "gpt", "value": "好"},
            "rejected": {"from": "gpt", "value": "坏"},
        },
    ],
)
def test_preferences(tmp_path: Path, row: dict[str, Any]) -> None:
    found = rows_of(tmp_path, [row, row])["preference"][0]
    assert found["prompt"] == ASKED[:1]
    assert (found["chosen"], found["rejected"]) == ("好", "坏")


def test_what_cannot_be_used_is_dropped_by_reason(tmp_path: Path) -> None:
    rows = [
        {"question": "问", "answer": "答"},
        {"question": "nan", "answer": "答"},
        {"question": "问", "answer": None},
        {"question": "问", "answer": {"x": "答"}},
        {"prompt": "问", "chosen": "好", "rejected": "好"},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "user", "content": "问"}]},
        {"messages": "x"},
        {"strange": 1},
    ]
    found = rows_of(tmp_path, rows)
    assert reasons(found["instruction"]) == {
        None: 1,
        "no_question": 1,
        "no_answer": 3,
        "chosen_is_rejected": 1,
        "unknown_role": 1,
        "no_messages": 1,
        "unknown_layout": 1,
    }
    assert sum(map(len, found.values())) == len(rows)


def test_the_configuration_names_columns_tasks_and_rows(tmp_path: Path) -> None:
    rows = [
        {"Question": "问", "Best Answer1": "好", "Wrong_Answer1": "坏", "label": "keep"},
        {"Question": "问", "Best Answer1": "好", "Wrong_Answer1": "坏", "label": "reject"},
    ]
    columns = {"question": "Question", "chosen": "Best Answer1", "rejected": "Wrong_Answer1"}
    source = Distilled(source_id="s", columns=columns, where={"label": ["keep"]}, task="safety")
    found = rows_of(tmp_path, rows, source)
    assert [(r["chosen"], r["rejected"], r["task"]) for r in found["preference"]] == [("好", "坏", "safety")]
    assert reasons(found["instruction"]) == {"filtered_by_where": 1}


def test_an_unknown_layout_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(
        PartRefused, match=r"sources\.s: a\.jsonl: the columns are a, b, .*columns: \{question: a"
    ) as caught:
        rows_of(tmp_path, [{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    assert caught.value.reason == "unknown_layout"


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PartRefused) as caught:
        read(SOURCE, tmp_path / "a.json", "[]")
    assert caught.value.reason == "empty"


def test_the_same_question_is_one_group(tmp_path: Path) -> None:
    rows = [{"question": q, "answer": str(i)} for i, q in enumerate(("孩子发烧？", "孩子发烧", "孩子咳嗽"))]
    groups = [row["group_id"] for row in rows_of(tmp_path, rows)["instruction"]]
    assert groups[0] == groups[1] != groups[2]


def test_eval_rows_are_test_rows(tmp_path: Path) -> None:
    source = Distilled(source_id="s", role="eval")
    assert rows_of(tmp_path, [{"question": "问", "answer": "答"}] * 2, source)["instruction"][0]["split"] == "test"


@pytest.mark.parametrize(
    ("question", "answer", "task"),
    [
        ("手足口病的病原体是什么？", "肠道病毒。", "medkqa"),
        ("川崎病有哪些临床表现？", "发热、皮疹。", "medkqa"),
        ("登革热和胆管癌的治疗方法有什么区别？", "前者补液。", "medkqa"),
        ("孩子肺炎应该做哪些检查？", "胸片。", "medkqa"),
        ("孩子发烧39度怎么办？", "多喝水。", "trerecom"),
        ("小儿肺炎如何治疗？", "抗生素。", "trerecom"),
        ("湿疹宝宝能吃鸡蛋吗？", "可以。", "trerecom"),
        ("六个月宝宝的辅食怎么添加", "从米粉开始。", "trerecom"),
        ("我家宝宝三岁，咳嗽一周，夜里加重，请问这是什么病？", "考虑支气管炎。", "evidiag"),
        ("一名8岁男孩出现腰痛和发热，可能患有什么疾病？", "可能是骨髓炎。", "evidiag"),
        ("宝宝发烧三天了，身上起红疹是怎么回事？应该吃什么药？", "可能是幼儿急疹。", "trerecom"),
        ("你是谁？", "我是助手。", "self_cognition"),
    ],
)
def test_the_wording_decides_the_task(question: str, answer: str, task: str) -> None:
    assert task_of(question, answer, "medical") == task


def test_general_sources_have_general_tasks() -> None:
    assert task_of("孩子发烧怎么办？", "多喝水。", "general") == "general"
