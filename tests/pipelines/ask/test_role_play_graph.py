"""Role-play over a disease: only what is plausible is sent, and answers rest on triples."""

from __future__ import annotations

import pytest

from pipelines.ask.role_play import RolePlay
from pipelines.ask.role_play_graph import asks_of_triple, graph_job
from pipelines.prompts import PromptBook
from tests.pipelines.ask.scripts import MODELS, item, outcome, questions, reasons
from tests.pipelines.teacher_rows import disease, triples

KAWASAKI = [row for row in triples() if row["head"] == "川崎病"]
ASKED = "孩子发烧好几天，身上起疹子，医生说可能是川崎病，还会有什么表现？"
ANSWER = "川崎病可以有发烧、皮疹、结膜充血和颈部淋巴结肿大，要做心电图等检查，请听从面诊医生的安排。"


def job(rows: list[dict]) -> object:  # type: ignore[type-arg]
    return graph_job(rows, RolePlay(), MODELS, PromptBook())


def test_implausible_triples_are_not_sent() -> None:
    (ask,) = questions(job(KAWASAKI))  # type: ignore[arg-type]
    sent = ask.messages[1]["content"]
    assert "病名：川崎病" in sent
    assert "结膜充血" in sent
    assert not any(wrong in sent for wrong in ("宫颈", "尿道癌", "跌打丸", "牙疼", "90%"))


def test_evidence_is_what_is_quoted_and_what_is_said() -> None:
    made = outcome(job(KAWASAKI), {"items": [item([ASKED, ANSWER], ["症状：发烧、皮疹", "结膜充血"], task="medkqa")]})  # type: ignore[arg-type]
    ((_, row),) = made.made
    told = [e["text"] for e in row["evidence"]]
    assert "川崎病｜症状｜发烧" in told
    assert "川崎病｜检查｜心电图" in told
    assert all(e["record_id"] in {r["record_id"] for r in KAWASAKI} for e in row["evidence"])


@pytest.mark.parametrize(
    ("reason", "answer", "quotes"),
    [
        ("quote_not_found", ANSWER, ["症状：发烧、草莓舌"]),
        ("no_quote", ANSWER, []),
        ("no_quote", ANSWER, ["川崎病"]),
        ("not_in_passage", ANSWER + "可以吃阿司匹林。", ["发烧"]),
        ("not_in_passage", ANSWER + "一般要住院14天。", ["发烧"]),
        ("points_at_passage", "根据条目，" + ANSWER, ["发烧"]),
    ],
)
def test_what_the_graph_does_not_say_is_dropped(reason: str, answer: str, quotes: list[str]) -> None:
    made = outcome(job(KAWASAKI), {"items": [item([ASKED, answer], quotes, task="medkqa")]})  # type: ignore[arg-type]
    assert (reasons(made), made.made) == ([reason], [])


def test_too_little_or_unknown_is_not_asked_about() -> None:
    for rows in (disease("川崎病", 症状="发烧"), [r for r in triples() if r["head"] == "骨肽..."]):
        with pytest.raises(StopIteration):
            next(job(rows))  # type: ignore[call-overload]


def test_only_triples_that_can_be_told_are_looked_at() -> None:
    kept = {row["relation"] for row in KAWASAKI if asks_of_triple(row)}
    assert "症状" in kept
    assert not {"常用药物", "治愈率"} & kept
