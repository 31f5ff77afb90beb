"""A local model of natural language inference beside the checks: does the evidence entail a clause, or contradict it?

Any sequence classifier of Hugging Face's format whose labels are named (entailment, contradiction, neutral; 蕴含, 矛盾,
中立). It is loaded from a folder of this machine, without code of its own; nothing is downloaded.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipelines.check.reading import Reading
from pipelines.check.signals import Case, Signal
from schemas.errors import PedCorpusError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CONTRADICTS: Final = "nli.contradiction"
ENTAILS: Final = "nli.entailment"
SURE: Final = 0.9
"""Probability from which a label counts."""
MAX_CLAUSES: Final = 32
_MAX_TOKENS: Final = 512
_CONTEXT_CHARS: Final = 300
_ENTAIL: Final = re.compile(r"^(?!.*(?:not|non|no)[-_ ]?entail).*entail|蕴[含涵]|^支持", re.IGNORECASE)
_CONTRADICT: Final = re.compile(r"contradict|矛盾|^refute", re.IGNORECASE)


class NliUnavailable(PedCorpusError):
    """The model cannot be used: transformers is missing, or the folder holds something else."""


class Inference(NamedTuple):
    """Probabilities of a pair."""

    entails: float
    contradicts: float


class NliModel:
    """A loaded model.

    Raises:
        NliUnavailable: see there.
    """

    def __init__(self, path: str) -> None:
        self._tokenizer, self._model = _loaded(path)
        names = {int(i): str(name) for i, name in (self._model.config.id2label or {}).items()}
        self._entail = _place(names, _ENTAIL, path, "entailment")
        self._contradict = _place(names, _CONTRADICT, path, "contradiction")

    def infer(self, pairs: Sequence[tuple[str, str]]) -> list[Inference]:
        """(premise, hypothesis) → probabilities. One pair at a time, so that a pair's neighbours change nothing."""
        import torch

        found = []
        for premise, hypothesis in pairs:
            inputs = self._tokenizer(
                premise, hypothesis, truncation="only_first", max_length=_MAX_TOKENS, return_tensors="pt"
            )
            with torch.inference_mode():
                chances = torch.softmax(self._model(**inputs).logits[0].double(), dim=-1).tolist()
            found.append(Inference(chances[self._entail], chances[self._contradict]))
        return found


@functools.lru_cache(maxsize=1)
def nli_model(path: str) -> NliModel:
    """The model of a folder, loaded once in a process."""
    return NliModel(path)


def nli_signals(case: Case, path: str) -> list[Signal]:
    """For each clause of the answer with evidence that speaks of it: that it is contradicted, or entailed."""
    placed = [
        (clause, matches[0]) for clause, matches in zip(case.answer.clauses, case.alignment, strict=True) if matches
    ]
    placed = placed[:MAX_CLAUSES]
    pairs = [(_sentence(case.evidence[m.source], m.clause), _said(case.answer, c.number)) for c, m in placed]
    signals = []
    for (clause, match), inference in zip(placed, nli_model(path).infer(pairs), strict=True):
        theirs = case.evidence[match.source].clauses[match.clause]
        for rule, chance, word in (
            (CONTRADICTS, inference.contradicts, "相矛盾"),
            (ENTAILS, inference.entails, "相符"),
        ):
            if chance >= SURE:
                says = f"推理模型认为「{clause.text[:40]}」与原文「{theirs.text[:40]}」{word}（{chance:.2f}）。"
                span = (match.source, theirs.start, theirs.end)
                signals.append(Signal(rule, "unsupported", clause.start, clause.end, *span, chance, says))
    return signals


def _said(reading: Reading, number: int) -> str:
    """A clause with what precedes it in its sentence, which often holds its subject."""
    clause = reading.clauses[number]
    first = next(c for c in reading.clauses if c.sentence == clause.sentence)
    return reading.raw[max(first.start, clause.end - _CONTEXT_CHARS) : clause.end]


def _sentence(reading: Reading, number: int) -> str:
    clause = reading.clauses[number]
    mine = [c for c in reading.clauses if c.sentence == clause.sentence]
    start, end = mine[0].start, mine[-1].end
    if end - start > 2 * _CONTEXT_CHARS:
        start, end = max(start, clause.start - _CONTEXT_CHARS), min(end, clause.end + _CONTEXT_CHARS)
    heading = f"{clause.heading}：" if clause.heading else ""
    return heading + reading.raw[start:end]


def _loaded(path: str) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    if not (Path(path) / "config.json").is_file():
        raise NliUnavailable(f"{path}: no model, for there is no config.json. Name the folder of a downloaded model.")
    try:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
    except ImportError:
        raise NliUnavailable("--nli-model needs torch and transformers: pip install 'pedcorpus[train]'.") from None
    torch.set_num_threads(1)  # the workers share the cores, and sums do not depend on how they are split
    where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **where)
        model = AutoModelForSequenceClassification.from_pretrained(path, **where)
    except (OSError, ValueError, KeyError) as error:
        raise NliUnavailable(f"{path}: no sequence classifier that transformers can load ({error}).") from None
    return tokenizer, model.eval()


def _place(names: dict[int, str], pattern: re.Pattern[str], path: str, meaning: str) -> int:
    found = [i for i, name in names.items() if pattern.search(name)]
    if len(found) != 1:
        shown = ", ".join(names.values())
        raise NliUnavailable(f"{path}: no single label means {meaning} (there is: {shown}). Name them in `id2label`.")
    return found[0]
