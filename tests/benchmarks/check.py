"""The hallucination filter on planted cases: what it catches, and what it drops without need.

    python -m tests.benchmarks.check                              both parts
    python -m tests.benchmarks.check --part dev --misses pairing  what it got wrong, of the part to develop on
    python -m tests.benchmarks.check --train                      trains pipelines/check/classifier.json on the dev part
    python -m tests.benchmarks.check --folder DIR                 near-verbatim cases planted into a folder's texts

Of the dev part every answer is judged by a model that saw nothing of its document (cross-validation); of the scored
part, and of the folder that PEDCORPUS_REAL_DATA names, by the model trained on the dev part, which is the one that
ships. `drop` is reject or quarantine.
Precision is reckoned for a corpus in which 5 % or 20 % of the rows are wrong. Intervals: 95 %, bootstrap by document.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

import corpus
from pipelines.check import classifier
from pipelines.check.classifier import Model
from pipelines.check.judge import CHECKS, default_model, judge, signals
from pipelines.check.reading import Reading, reading_of
from pipelines.check.signals import Case
from pipelines.check.training import (
    Example,
    Prepared,
    balanced_accuracy,
    fingerprint,
    planted_examples,
    prepare,
    train,
)
from pipelines.check.verdict import Thresholds
from sources.encoding import decode

PLANTED: Final = Path(__file__).with_name("planted")
SAMPLES: Final = Path(corpus.__file__).with_name("samples")
PARTS: Final = ("dev", "scored")


def planted(part: str) -> list[Example]:
    """The hand-written cases of a part."""
    docs = {d["doc"]: d for d in map(json.loads, _lines(PLANTED / f"{part}_passages.jsonl"))}
    return [
        Example(
            case["id"],
            case["doc"],
            _case(case["question"], case["answer"], [docs[case["doc"]]["passages"][i] for i in case["passages"]]),
            case["error"],
            case["span"],
            case["world"],
            docs[case["doc"]]["genre"],
        )
        for case in map(json.loads, _lines(PLANTED / f"{part}_cases.jsonl"))
    ]


def texts() -> dict[str, str]:
    """What near-verbatim examples are made from: the passages of the dev part, and the texts of the sample."""
    docs = map(json.loads, _lines(PLANTED / "dev_passages.jsonl"))
    found = {d["doc"]: "\n".join(d["passages"]) for d in docs}
    for path in sorted(SAMPLES.glob("*/*")):
        if path.suffix in (".md", ".txt"):
            found |= {f"{path.name}#{i}": part for i, part in enumerate(_parts(path.read_text(encoding="utf-8")))}
    return found


def _parts(text: str, n_chars: int = 700) -> list[str]:
    """Paragraphs in parts about as long as the evidence of a record."""
    found = [""]
    for line in text.splitlines():
        if len(found[-1]) > n_chars:
            found.append("")
        found[-1] += line + "\n"
    return [part for part in found if len(part) > 200]


def texts_of(folder: Path) -> dict[str, str]:
    """Parts of the texts in a folder, of at most 40 parts each."""
    found: dict[str, str] = {}
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".md", ".txt") and p.is_file()):
        parts = _parts(decode(path.read_bytes())[0])[:40]
        found |= {f"{path.relative_to(folder)}#{i}": part for i, part in enumerate(parts)}
    return found


def statutes(folder: Path) -> list[Example]:
    """The paraphrased statutes of the folder of real data."""
    return [
        Example(
            c["id"], c["evidence"][0], _case(c["question"], c["answer"], c["evidence"]), c["error"], c["span"], "free"
        )
        for c in map(json.loads, _lines(folder / "hallucination" / "paraphrased_statutes.jsonl"))
    ]


def report(title: str, examples: Sequence[Example], probability: np.ndarray, model: Model) -> None:
    """Prints what the model makes of a part."""
    wrong = np.array([bool(e.error) for e in examples])
    dropped = probability >= model.thresholds.quarantine
    rejected = probability >= model.thresholds.reject
    docs = np.array([e.doc for e in examples])
    print(f"\n== {title}: {len(examples)} cases, {wrong.sum()} wrong")
    print(f"{'':24}{'n':>5} {'balanced':>9} {'interval':>15} {'recall':>7} {'false drop':>11} | reject: recall, false")
    groups = {"all": np.ones(len(examples), dtype=bool)}
    groups |= {w: np.array([e.world == w for e in examples]) for w in ("near", "free")}
    groups |= {g: np.array([e.genre == g for e in examples]) for g in sorted({e.genre for e in examples})}
    for name, of in groups.items():
        if not (of & wrong).any() or not (of & ~wrong).any():
            continue
        low, high = _interval(dropped[of], wrong[of], docs[of])
        print(
            f"{name or '-':24}{of.sum():5} {balanced_accuracy(dropped[of], wrong[of]):9.3f} {low:7.3f}-{high:.3f} "
            f"{dropped[of & wrong].mean():8.3f} {dropped[of & ~wrong].mean():11.3f} | "
            f"{rejected[of & wrong].mean():.3f} {rejected[of & ~wrong].mean():.3f}"
        )
    for world in ("near", "free"):
        of = groups[world]
        if (of & wrong).any() and (of & ~wrong).any():
            _print_precision(world, dropped[of], wrong[of], docs[of])
    _print_kinds(examples, dropped)


def _print_precision(world: str, dropped: np.ndarray, wrong: np.ndarray, docs: np.ndarray) -> None:
    """What a drop is worth, with intervals over documents."""
    names, place = np.unique(docs, return_inverse=True)
    cells = np.zeros((len(names), 4))
    np.add.at(cells, (place, 2 * wrong.astype(int) + dropped), 1)
    draws = np.random.default_rng(5).multinomial(len(names), np.full(len(names), 1 / len(names)), 300) @ cells
    told = []
    for share in (0.05, 0.2):
        values = []
        for kept, false, missed, caught in (cells.sum(0), *draws):
            hit = share * caught / max(1, caught + missed)
            values.append(hit / max(1e-9, hit + (1 - share) * false / max(1, kept + false)))
        low, high = np.quantile(values[1:], (0.025, 0.975))
        told.append(f"{values[0]:.2f} ({low:.2f}-{high:.2f}) at {share:.0%} wrong")
    print(f"precision of a drop, {world}: " + ", ".join(told))


def _print_kinds(examples: Sequence[Example], dropped: np.ndarray) -> None:
    found: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for example, out in zip(examples, dropped, strict=True):
        if example.error:
            found[example.error][example.world].append(bool(out))
    for kind, worlds in sorted(found.items()):
        cells = [f"{w} {np.mean(worlds[w]):.2f} of {len(worlds[w])}" for w in ("near", "free") if worlds[w]]
        print(f"  {kind:22} " + "   ".join(cells))


def _interval(dropped: np.ndarray, wrong: np.ndarray, docs: np.ndarray, n_draws: int = 300) -> tuple[float, float]:
    names, place = np.unique(docs, return_inverse=True)
    cells = np.zeros((len(names), 4))
    np.add.at(cells, (place, 2 * wrong.astype(int) + dropped), 1)
    drawn = np.random.default_rng(5).multinomial(len(names), np.full(len(names), 1 / len(names)), n_draws) @ cells
    values = (drawn[:, 0] / np.maximum(1, drawn[:, :2].sum(1)) + drawn[:, 3] / np.maximum(1, drawn[:, 2:].sum(1))) / 2
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def print_misses(prepared: Sequence[Prepared], probability: np.ndarray, model: Model, kind: str) -> None:
    """What went wrong, of one kind of error, or `keep` for false drops; `all` for everything."""
    for item, p in zip(prepared, probability, strict=True):
        e = item.example
        dropped = p >= model.thresholds.quarantine
        if dropped == bool(e.error) or kind not in (
            "all",
            e.error or "keep",
            e.world,
            f"{e.world}-{e.error or 'keep'}",
        ):
            continue
        print(f"\n-- {e.id} {e.world} {e.error or 'keep'} p={p:.2f}\nQ {e.case.question.raw}\nA {e.case.answer.raw}")
        if e.error:
            print(f"   wrong: {e.span}")
        for s in item.signals:
            print(f"   {s.check} {s.strength:.2f} {e.case.answer.raw[s.start : s.end]!r} {s.says}")


def print_ablation(prepared: Sequence[Prepared], probability: np.ndarray, model: Model) -> None:
    """How much worse the dev part gets when a group of signals is blanked out."""
    wrong = np.array([bool(p.example.error) for p in prepared])
    near = np.array([p.example.world == "near" for p in prepared])
    groups = sorted({s.check.split(".")[0] for p in prepared for s in p.signals})

    def line(name: str, values: np.ndarray, thresholds: Thresholds) -> None:
        cut = values >= thresholds.quarantine
        print(f"  {name:24} near {balanced_accuracy(cut[near], wrong[near]):.3f}", end="")
        print(f"  free {balanced_accuracy(cut[~near], wrong[~near]):.3f}")

    print("\nablation (balanced accuracy, retrained without, thresholds chosen anew)")
    line("(all)", probability, model.thresholds)
    for group in groups:
        less, values = train([_without(p, group) for p in prepared], n_folds=5)
        line(f"without {group}", values, less.thresholds)


def _without(item: Prepared, group: str) -> Prepared:
    return prepare(item.example, [s for s in item.signals if s.check.split(".")[0] != group])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument(
        "--misses", metavar="KIND", help="print what went wrong, dev part only: a kind, keep, near, all"
    )
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--train", action="store_true", help="write pipelines/check/classifier.json")
    parser.add_argument(
        "--folder", type=Path, help="plant into its .md and .txt files, and judge by the model that ships"
    )
    options = parser.parse_args(arguments)
    if options.folder:
        if not any(options.folder.glob("**/*")):
            parser.error(f"--folder {options.folder}: no .md or .txt files in it. Name a folder of texts.")
        _held_out(str(options.folder), planted_examples(texts_of(options.folder)), default_model())
        return
    started = time.perf_counter()
    hand_written = planted("dev")
    prepared = [prepare(e, signals(e.case)) for e in hand_written]
    print(f"{1000 * (time.perf_counter() - started) / len(prepared):.2f} ms a record, signals and features")
    made = [prepare(e, signals(e.case)) for e in planted_examples(texts())]
    model, probability = train([*prepared, *made])
    probability = probability[: len(prepared)]
    if options.train:
        model.about.update(fingerprint=fingerprint(prepared), cases=len(prepared), checks=list(CHECKS))
        classifier.save(model)
    if options.part != "scored":
        report("dev, cross-validated", [p.example for p in prepared], probability, model)
    if options.misses:
        print_misses(prepared, probability, model, options.misses)
    if options.ablation:
        print_ablation(prepared, probability, model)
    if options.part != "dev" and not options.misses and (PLANTED / "scored_cases.jsonl").exists():
        _held_out("scored", planted("scored"), model)
    if "PEDCORPUS_REAL_DATA" in os.environ and not options.misses:
        _held_out("paraphrased statutes", statutes(Path(os.environ["PEDCORPUS_REAL_DATA"])), model)


def _held_out(title: str, examples: Sequence[Example], model: Model) -> None:
    started = time.perf_counter()
    probability = np.array([judge(e.case, model=model).probability for e in examples])
    report(title, examples, probability, model)
    print(f"{1000 * (time.perf_counter() - started) / len(examples):.2f} ms a record in all")


def _case(question: str, answer: str, evidence: Sequence[str]) -> Case:
    return Case(Reading(question), Reading(answer), tuple(map(reading_of, evidence)))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    main()
