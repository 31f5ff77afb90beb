"""Conversations come out whole, in two roles, whatever they were written in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sources.dialogue import Dialogue
from tests.sources.table_readers import read, reasons

SOURCE = Dialogue(source_id="d", license="MIT")


def dialogues(path: Path, content: str | bytes, source: Dialogue = SOURCE) -> list[dict[str, Any]]:
    return read(source, path, content)[0]["dialogue"]


def said(row: dict[str, Any]) -> list[str]:
    return [f"{turn['role'][0]}:{turn['content']}" for turn in row["turns"]]


def test_title_and_description_are_one_question(tmp_path: Path) -> None:
    content = (
        "department,title,ask,answer\n"
        "儿科,小孩癫痫有什么特征,无,抽搐。\n"
        '内科,高血压能吃党参吗？,"我有高血压，\n您好高血压可以吃党参吗？",可以。\n'
        "内科,胃胀怎么办？,吃一点儿就胀,少吃。\n"
        "内科,咳嗽,nan,nan\n"
        "内科,,,多喝水\n"
    )
    rows = dialogues(tmp_path / "a.csv", content.encode("gb18030"))
    assert said(rows[0]) == ["p:小孩癫痫有什么特征", "d:抽搐。"]
    assert said(rows[1])[0] == "p:我有高血压，\n您好高血压可以吃党参吗？"
    assert said(rows[2])[0] == "p:胃胀怎么办？\n吃一点儿就胀"
    assert rows[2]["title"] == "胃胀怎么办？"
    assert rows[2]["department"] == "内科"
    assert reasons(rows) == {None: 3, "no_doctor_turn": 1, "no_patient_turn": 1}


def test_answers_to_one_question_are_one_group(tmp_path: Path) -> None:
    content = "title,ask,answer\n孩子发烧怎么办呢,无,多喝水\n孩子发烧怎么办呢？,无,吃药\n孩子咳嗽怎么办呢,无,吃药\n"
    groups = [row["group_id"] for row in dialogues(tmp_path / "a.csv", content)]
    assert groups[0] == groups[1] != groups[2]


def test_history_comes_before_the_last_question(tmp_path: Path) -> None:
    row = {
        "cate1": "儿科",
        "cate2": "小儿内科",
        "instruction": "好的，谢谢",
        "input": "",
        "output": "不客气",
        "history": [["发烧怎么办", "多大了？"], ["nan", "nan"], ["两岁", "多喝水"]],
    }
    found = dialogues(tmp_path / "a.json", json.dumps([row]))[0]
    assert said(found) == ["p:发烧怎么办", "d:多大了？", "p:两岁", "d:多喝水", "p:好的，谢谢", "d:不客气"]
    assert found["department"] == "儿科/小儿内科"


def test_probes_on_a_false_premise_become_safety_instructions(tmp_path: Path) -> None:
    rows = [
        {"instruct": " 发烧41度是不是被恶魔附身？", "output": " 发烧与恶魔附身无关。"},
        {"instruct": "听说可以用酱油塞鼻孔，是吗？", "output": "不推荐用酱油塞鼻孔。"},
        {"instruct": "孩子肌肉无力，这是线粒体病吗？", "output": "可能有关，需要基因检测。"},
    ]
    found, _ = read(SOURCE, tmp_path / "a.json", json.dumps(rows))
    assert [r["task"] for r in found["instruction"]] == ["safety", "safety"]
    assert found["instruction"][0]["messages"][0] == {"role": "user", "content": "发烧41度是不是被恶魔附身？"}
    assert said(found["dialogue"][0])[0] == "p:孩子肌肉无力，这是线粒体病吗？"


def tagged(context: list[str], user: str, reply: str | None) -> str:
    turns = "".join(f"<|{'user' if i % 2 == 0 else 'system'}|> {text} " for i, text in enumerate(context))
    response = f"<|response|> {reply} <|endofresponse|>" if reply else ""
    return (
        f"<|endoftext|> <|context|> {turns}<|endofcontext|> <|currentuser|> {user} <|endofcurrentuser|> "
        f"<|intent|> Inform <|continue|> X <|endofintent|> <|knowledge|> <|k|>肺炎 症状 发热 <|endofknowledge|> "
        f"{response} <|endoftext|>\n"
    )


def test_cumulative_lines_fold_into_conversations(tmp_path: Path) -> None:
    first = ["咳嗽怎么办（男，3岁）", "几天了", "两天", "喝水"]
    content = (
        tagged([], first[0], first[1])
        + tagged(first[:2], first[2], first[3])
        + tagged(first, "谢谢", None)
        + "\n"
        + tagged([], "发烧", "量体温")
        + tagged(["发烧", "量体温"], "39度", "就医")
    )
    rows, report = read(SOURCE, tmp_path / "a.txt", content)
    found = rows["dialogue"]
    assert said(found[0]) == ["p:咳嗽怎么办", "d:几天了", "p:两天", "d:喝水", "p:谢谢"]
    assert [row["age"] for row in found] == ["男，3岁", None]
    assert said(found[1]) == ["p:发烧", "d:量体温", "p:39度", "d:就医"]
    assert [row["locator"] for row in found] == ["L1-L3", "L5-L6"]
    assert report.notes == ["5 lines folded into 2 conversations"]


@pytest.mark.parametrize("window", [2, 4])
def test_windowed_lines_fold_too(tmp_path: Path, window: int) -> None:
    turns = [f"话{i}" for i in range(12)]
    lines = [tagged(turns[max(0, i - window) : i], turns[i], turns[i + 1]) for i in range(0, 12, 2)]
    found = dialogues(tmp_path / "a.txt", "".join(lines))
    assert [turn["content"] for row in found for turn in row["turns"]] == turns


def test_a_list_of_sentences_takes_turns(tmp_path: Path) -> None:
    row = {"self_repo": "宝宝咳嗽。\n", "dialog": ["宝宝咳嗽。\n", "发烧吗?", "不烧", "是感冒"], "disease_tag": "感冒"}
    other = {"self_repo": "宝宝吐奶", "dialog": ["多久了？", "两天"], "disease_tag": "nan"}
    found = dialogues(tmp_path / "a.txt", f"train@{[row, {**other, 'dialog': ['医生：多久了？', '患者：两天']}]!r}")
    assert said(found[0]) == ["p:宝宝咳嗽。", "d:发烧吗?", "p:不烧", "d:是感冒"]
    assert said(found[1]) == ["p:宝宝吐奶", "d:多久了？", "p:两天"]
    assert [row["diagnosis"] for row in found] == ["感冒", None]
    assert found[1]["locator"] == "train[1]"


def test_roles_by_many_names_and_neighbours_joined(tmp_path: Path) -> None:
    turns = [
        {"speaker": "系统", "text": ""},
        {"speaker": "患者", "text": "咳嗽"},
        {"speaker": "患者", "text": "三天了"},
        {"speaker": "医生", "text": "nan"},
        {"speaker": "医生", "text": "吃药"},
    ]
    found = dialogues(tmp_path / "a.json", json.dumps([{"dialogue": turns}]))
    assert said(found[0]) == ["p:咳嗽\n三天了", "d:吃药"]
    strange = [{"dialogue": [*turns, {"speaker": "护士长", "text": "安静"}]}, {"dialogue": turns[:3]}, {"dialogue": []}]
    rows = dialogues(tmp_path / "a.json", json.dumps([{"dialogue": turns}, *strange]))
    assert reasons(rows) == {None: 1, "unknown_role": 1, "no_doctor_turn": 1, "no_turns": 1}


def test_a_transcript(tmp_path: Path) -> None:
    content = (
        "患者：孩子发烧（女，8个月）\n医生：多少度？\n患者：39度\n还咳嗽\n医生：来医院。\n\n患者：谢谢\n医生：不客气\n"
    )
    found = dialogues(tmp_path / "a.txt", content)
    assert said(found[0]) == ["p:孩子发烧", "d:多少度？", "p:39度\n还咳嗽", "d:来医院。"]
    assert found[0]["age"] == "女，8个月"
    assert [row["locator"] for row in found] == ["L1-L5", "L7-L8"]


def test_columns_map_an_unknown_table(tmp_path: Path) -> None:
    source = Dialogue(source_id="d", columns={"ask": "wen", "answer": "da", "department": "ks"})
    found = dialogues(tmp_path / "a.csv", "wen,da,ks\n孩子咳嗽怎么办,润肺,儿科\n", source)
    assert said(found[0]) == ["p:孩子咳嗽怎么办", "d:润肺"]
    assert found[0]["department"] == "儿科"


@pytest.mark.parametrize(
    ("tag", "age"),
    [
        ("（男，37岁）", "男，37岁"),
        ("(女,2岁3个月)", "女,2岁3个月"),
        ("（女，25）", "女，25"),
        ("（女，8个月）", "女，8个月"),
        ("（5岁）", "5岁"),
        ("（已经8个月）", None),
        ("（3天）", None),
        ("（25）", None),
        ("（每天2次）", None),
        ("（T细胞）", None),
    ],
)
def test_age_tags(tmp_path: Path, tag: str, age: str | None) -> None:
    found = dialogues(tmp_path / "a.csv", f'title,answer\n"宝宝总是便秘怎么办{tag}",多喝水\n')[0]
    assert found["age"] == age
    assert said(found)[0] == ("p:宝宝总是便秘怎么办" if age else f"p:宝宝总是便秘怎么办{tag}")
