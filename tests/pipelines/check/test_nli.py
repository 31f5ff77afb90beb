"""A local NLI model beside the checks, tried with a tiny one that these tests make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.check.judging import Judging, moved
from pipelines.check.nli import CONTRADICTS, ENTAILS, NliModel, NliUnavailable, nli_signals
from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from pipelines.check.verdict import Judgement

EVIDENCE = "对乙酰氨基酚每次10～15 mg/kg。不要用酒精擦浴。"


def tiny_model(
    folder: Path, favoured: int, labels: tuple[str, ...] = ("contradiction", "entailment", "neutral")
) -> str:
    """A model whose head always gives one label, whatever it reads."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(EVIDENCE))]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    names = dict(enumerate(labels))
    config = BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        num_labels=len(labels), id2label=names, label2id={v: k for k, v in names.items()},
    )  # fmt: skip
    torch.manual_seed(0)
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([9.0 if i == favoured else 0.0 for i in range(len(labels))]))
    model.save_pretrained(folder)
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)


def case(answer: str) -> Case:
    return Case(Reading("怎么退烧？"), Reading(answer), (Reading(EVIDENCE),))


def test_labels_are_known_by_their_names_whatever_their_order(tmp_path: Path) -> None:
    first = NliModel(tiny_model(tmp_path / "a", 0))
    second = NliModel(tiny_model(tmp_path / "b", 2, ("中立", "蕴含", "矛盾")))
    third = NliModel(tiny_model(tmp_path / "c", 0, ("ENTAILMENT", "NEUTRAL", "CONTRADICTION")))
    pair = [("对乙酰氨基酚", "每次")]
    assert first.infer(pair)[0].contradicts > 0.99
    assert second.infer(pair)[0].contradicts > 0.99
    assert third.infer(pair)[0].entails > 0.99


def test_a_pair_is_judged_alike_in_any_company(tmp_path: Path) -> None:
    model = NliModel(tiny_model(tmp_path / "a", 1))
    pairs = [("酒精擦浴" * n, "不要用") for n in range(1, 300, 60)]
    assert model.infer(pairs) == [model.infer([pair])[0] for pair in pairs]


def test_signals_name_clause_and_evidence(tmp_path: Path) -> None:
    path = tiny_model(tmp_path / "a", 0)
    found = nli_signals(case("可以用酒精擦浴。"), path)
    assert [s.check for s in found] == [CONTRADICTS]
    assert EVIDENCE[found[0].evidence_start : found[0].evidence_end] == "不要用酒精擦浴"


def test_it_moves_a_verdict_by_one_step() -> None:
    against = Signal(CONTRADICTS, "unsupported", 0, 4, 0, 0, 4, 0.95, "矛盾")
    entailed = against._replace(check=ENTAILS)
    answer = case("不要用酒精擦浴。")
    for verdict, signal, expected in (
        ("keep", against, "quarantine"),
        ("keep", entailed, "keep"),
        ("quarantine", entailed, "keep"),
        ("quarantine", against, "quarantine"),
        ("reject", entailed, "reject"),
    ):
        before = Judgement(verdict, 0.5, (), 0, (0.5,))  # type: ignore[arg-type]
        assert moved(before, answer, [signal]).verdict == expected


def test_in_the_whole_judge_it_is_loaded_once_and_travels_by_its_path(tmp_path: Path) -> None:
    judge = Judging(uses_classifier=False, nli_model=tiny_model(tmp_path / "a", 0))
    assert judge(case("不要用酒精擦浴。")).verdict != "keep"


def test_what_is_no_model_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NliUnavailable, match=r"no config\.json"):
        NliModel(str(tmp_path))
    with pytest.raises(NliUnavailable, match="no single label means entailment"):
        NliModel(tiny_model(tmp_path / "a", 0, ("LABEL_0", "LABEL_1", "LABEL_2")))
    with pytest.raises(NliUnavailable, match="no single label means entailment"):
        NliModel(tiny_model(tmp_path / "b", 0, ("not_entailment", "contradiction")))
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "config.json").write_text(json.dumps({"model_type": "nothing"}), "utf-8")
    with pytest.raises(NliUnavailable, match="no sequence classifier"):
        NliModel(str(tmp_path / "c"))
