"""Causes, signs, orders."""

from __future__ import annotations

import pytest

from pipelines.check.reading import Reading
from pipelines.check.relations import edges, relations
from tests.pipelines.check.cases import found

EVIDENCE = "虫体死亡可引起颅内压增高。酮康唑可抑制布地奈德的代谢。停药后异常影可消失。低血糖可导致惊厥。"


@pytest.mark.parametrize(
    "answer",
    ["颅内压增高可引起虫体死亡。", "布地奈德可抑制酮康唑的代谢。", "惊厥可导致低血糖。", "停药前异常影可消失。"],
)
def test_what_is_turned_round_is_found(answer: str) -> None:
    assert found(relations, answer, EVIDENCE)


@pytest.mark.parametrize(
    "answer",
    ["颅内压增高由虫体死亡引起。", "因为虫体死亡，颅内压会增高。", "惊厥是低血糖导致的。", "停药后异常影消失。"],
)
def test_the_same_from_the_other_end_is_not(answer: str) -> None:
    assert not found(relations, answer, EVIDENCE)


def test_a_cause_that_nobody_named_is_made_up() -> None:
    assert "relation.other_cause" in found(relations, "布地奈德可引起颅内压增高。", EVIDENCE)
    assert "relation.invented_causes" in found(relations, "晚睡可引起鼻出血。", EVIDENCE)


def test_a_graph_states_relations_too() -> None:
    graph = "手足口病|病因|肠道病毒感染\n手足口病|并发症|脑炎"
    assert not found(relations, "肠道病毒感染可引起手足口病，手足口病可引起脑炎。", graph)
    assert "relation.reversed" in found(relations, "脑炎可引起手足口病。", graph)


def test_a_sign_follows_what_it_shows() -> None:
    evidence = "库欣三联征为脑疝的先兆。"
    assert not found(relations, "库欣三联征是脑疝的先兆。", evidence)
    assert "relation.reversed" in found(relations, "脑疝为库欣三联征的先兆。", evidence)


def test_another_cause_of_the_same() -> None:
    assert "relation.other_cause" in found(relations, "耳漏由鼓膜外伤引起。", "耳漏由急性感染引起。")


def test_a_first_and_a_then_that_change_places() -> None:
    evidence = "先吃钙剂两三日，再注射维生素。"
    assert "relation.sequence" in found(relations, "先注射维生素，再吃钙剂。", evidence)
    assert not found(relations, "先吃钙剂，然后注射维生素。", evidence)


def test_edges_run_from_cause_to_effect() -> None:
    for text in ("低血糖导致惊厥", "惊厥由低血糖引起", "因为低血糖，出现惊厥"):
        (edge,) = edges(Reading(text))
        assert "低血糖" in edge.one and "惊厥" in edge.other  # noqa: PT018
