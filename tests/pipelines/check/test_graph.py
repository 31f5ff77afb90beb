"""What a knowledge graph says against an answer, and that a graph is no judge of the evidence."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.check.graph import MOVES, SOURCES, Graph, Triple, graph_signals, read_graph
from pipelines.check.judging import Judging
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

TRIPLES = [
    Triple("小儿水痘", "不宜使用的药物", "阿司匹林"),
    Triple("小儿水痘", "治疗药物", "阿昔洛韦"),
    Triple("小儿水痘", "并发症", "脑炎"),
    Triple("小儿水痘", "就诊科室", "皮肤科"),
    Triple("小儿水痘", "就诊科室", "感染科"),
    Triple("小儿水痘", "别名", "水花"),
    Triple("小儿水痘", "好发人群", "学龄前儿童"),
]
GRAPH = Graph(TRIPLES)


def case(answer: str, evidence: str = "患儿应当隔离至全部结痂。", question: str = "水痘怎么办？") -> Case:
    return Case(Reading(question), Reading(answer), (Reading(evidence),))


def rules(answer: str, **more: str) -> list[str]:
    return [s.check for s in graph_signals(case(answer, **more), GRAPH)]


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("发热时可以吃阿司匹林。", "graph.forbidden"),
        ("阿昔洛韦禁用。", "graph.denied"),
        ("水痘不会引起脑炎。", "graph.denied"),
        ("脑炎可以引起水痘。", "graph.reversed"),
        ("要挂骨科。", "graph.department"),
    ],
)
def test_what_contradicts_a_triple_is_flagged_with_it(answer: str, rule: str) -> None:
    (signal,) = graph_signals(case(answer), GRAPH)
    assert signal.check == rule
    assert any(str(t) in signal.says for t in TRIPLES)
    assert case(answer).answer.raw[signal.start : signal.end]


@pytest.mark.parametrize(
    "answer",
    [
        "发热时不要吃阿司匹林。",
        "可以用阿昔洛韦。",
        "水痘可以引起脑炎。",
        "挂皮肤科或者儿科都行。",
        "多喝水。",
        "可以外用炉甘石。",  # the graph does not know it, which is no contradiction
    ],
)
def test_what_agrees_or_is_unknown_is_not(answer: str) -> None:
    assert rules(answer) == []


def test_the_disease_may_be_in_the_question_or_called_otherwise() -> None:
    assert rules("可以吃阿司匹林。", question="孩子出水花了？") == ["graph.forbidden"]
    assert rules("可以吃阿司匹林。", question="孩子发烧了？") == []
    assert rules("小儿水痘可以吃阿司匹林。", question="孩子发烧了？") == ["graph.forbidden"]


def test_a_conflict_between_graph_and_passage_is_none_of_the_answer() -> None:
    says = "水痘发热时可以使用阿司匹林。"
    (signal,) = graph_signals(case(says, says), GRAPH)
    assert signal.check == SOURCES
    assert signal.check not in MOVES
    assert "来源之间不一致" in signal.says
    (other,) = graph_signals(case(says, "水痘发热时不可以使用阿司匹林。"), GRAPH)
    assert other.check == "graph.forbidden"


def test_the_graph_holds_back_and_never_rejects(tmp_path: Path) -> None:
    path = tmp_path / "triples.parquet"
    pl.DataFrame(TRIPLES, schema=["head", "relation", "tail"], orient="row").write_parquet(path)
    says = "患儿应当隔离至全部结痂，可以吃阿司匹林。"
    plain, with_graph = (
        Judging(uses_classifier=False, reject=1.0, quarantine=1.0),
        Judging(uses_classifier=False, reject=1.0, quarantine=1.0, graph=(str(path),)),
    )
    assert plain(case("患儿应当隔离至全部结痂。")).verdict == with_graph(case("患儿应当隔离至全部结痂。")).verdict
    found = with_graph(case(says))
    assert found.verdict == "quarantine" or plain(case(says)).verdict == "reject"
    assert any(s.check == "graph.forbidden" for s in found.findings)
    assert read_graph((str(path),)) is read_graph((str(path),))


@settings(max_examples=80, deadline=None)
@given(
    st.text("水痘小儿阿司匹林昔洛韦不会引起脑炎禁用挂骨科，。 ", max_size=60),
    st.text("水痘可用阿司匹林，。", max_size=40),
)
def test_spans_lie_within_whatever_is_said(answer: str, evidence: str) -> None:
    made = case(answer, evidence)
    for signal in graph_signals(made, GRAPH):
        assert 0 <= signal.start < signal.end <= len(answer)
        assert 0 <= signal.evidence_start <= signal.evidence_end <= len(evidence)
