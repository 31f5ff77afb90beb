"""The classifier, its training, and the errors that it is trained on."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from pipelines.check import classifier
from pipelines.check.classifier import Row, fit
from pipelines.check.features import CONTEXT
from pipelines.check.planter import planted
from pipelines.check.signals import KINDS
from pipelines.check.training import chosen_thresholds, planted_examples, wrong_clauses

TEXT = (
    "布洛芬混悬液：6个月～1岁每次2.5 ml，1～3岁每次5 ml，必要时每6～8小时重复1次，24小时内不超过4次。"
    "重度肝功能不全、活动性消化道溃疡者禁用，哮喘患儿慎用，应当在医师指导下口服。\n"
    "发热持续3天以上或一般情况差者，应由家长带至急诊科就诊；脱水可引起肾损害，可用口服补液盐。"
)


def _toy(n: int = 80) -> tuple[list[list[Row]], list[list[float]]]:
    dice = random.Random(1)
    cases, labels = [], []
    for i in range(n):
        context = dict.fromkeys(CONTEXT, 0.3)
        rows: list[Row] = [{**context, "near": dice.random()} for _ in range(1 + i % 3)]
        for row in rows:
            row["noise"] = float(dice.random() < 0.3)
        wrong = i % 2
        rows[0]["good"] = float(dice.random() < (0.9 if wrong else 0.05))
        cases.append(rows)
        labels.append([float(wrong), *([0.0] * (len(rows) - 1))])
    return cases, labels


def test_a_signal_that_tells_gets_weight_and_none_speaks_for_an_answer() -> None:
    cases, labels = _toy()
    model = classifier.train(cases, labels, [1.0] * len(cases))
    weights = dict(zip(model.names, model.weights, strict=True))
    assert weights["good"] > 2 * weights["noise"]
    assert all(w >= 0 for name, w in weights.items() if not classifier.is_context(name))
    assert model.probability(cases[1]) > model.probability(cases[0])


def test_a_model_survives_its_file(tmp_path: Path) -> None:
    cases, labels = _toy()
    model = classifier.train(cases, labels, [1.0] * len(cases))
    classifier.save(model, tmp_path / "model.json")
    again = classifier.load(tmp_path / "model.json")
    assert [again.probability(rows) for rows in cases] == pytest.approx(
        [model.probability(rows) for rows in cases], abs=0.01
    )


def test_the_regression_finds_the_log_odds() -> None:
    table = np.repeat([[0.0], [1.0]], 1000, axis=0)
    truth = np.concatenate([np.arange(1000) < 200, np.arange(1000) < 800]).astype(float)
    slope, bias = fit(table, truth, np.ones(2000), penalty=1e-3, free=np.array([True]))
    assert bias == pytest.approx(np.log(0.25), abs=0.02)
    assert slope == pytest.approx(2 * np.log(4), abs=0.04)


def test_the_shipped_model_loads_and_names_its_data() -> None:
    model = classifier.load()
    assert len(model.names) == len(model.weights) > 50
    assert 0 < model.thresholds.quarantine <= model.thresholds.reject <= 1
    assert {"fingerprint", "cases"} <= set(model.about)


def test_thresholds_hold_the_bounds_in_each_world() -> None:
    dice = np.random.default_rng(2)
    wrong = dice.random(2000) < 0.5
    probability = np.clip(wrong * 0.3 + dice.random(2000) * 0.7, 0, 1)
    world = np.where(dice.random(2000) < 0.5, "near", "free")
    thresholds = chosen_thresholds(probability, wrong, world)
    assert thresholds.quarantine <= thresholds.reject
    assert (probability[~wrong & (world == "near")] >= thresholds.quarantine).mean() <= 0.03


def test_planted_errors_are_where_they_say_and_the_same_each_time() -> None:
    found = planted(TEXT, strangers=["疫苗接种后留观三十分钟，观察有无不良反应。"], n_answers=30)
    assert found == planted(TEXT, strangers=["疫苗接种后留观三十分钟，观察有无不良反应。"], n_answers=30)
    wrong = [p for p in found if p.error]
    assert len({p.error for p in wrong}) >= 8
    assert {p.error for p in wrong} <= set(KINDS)
    assert all(p.span and p.span in p.answer for p in wrong)
    assert all(not p.span for p in found if not p.error)


def test_a_text_without_sentences_gives_no_answers() -> None:
    assert planted("") == planted("短。") == []


def test_the_clause_with_the_error_is_the_wrong_one() -> None:
    examples = planted_examples(
        {"a": TEXT, "b": "接种疫苗后应当留观三十分钟，观察有无不良反应，有不适者及时报告。" * 3}
    )
    for example in examples:
        labels = wrong_clauses(example)
        assert len(labels) == len(example.case.answer.clauses)
        assert any(labels) == bool(example.error)
