"""Tokens per call of each prompt: what a run will cost, reckoned from real files, or read out of a ledger.

    python -m tests.benchmarks.llm_tokens --config CONFIG [--store DIR] [--tokenizer tokenizer.json]
    python -m tests.benchmarks.llm_tokens --ledger DIR
    python -m tests.benchmarks.llm_tokens --real DIR          our own tests' configuration over a folder of real files

The first and the last run a whole build, in which nobody is asked: every prompt is made and measured, and a reply of
the smallest value that holds to its schema stands in. Prompts that follow on a reply (`reconstruct_*` after the first,
`humanize`'s mends) are therefore counted a little too short, and replies are what the stage assumes. With `--ledger`
both are what endpoints counted. `--write docs/llm.md` puts the table between the marks in that page, and the reckoning
that follows from it (`llm_reckoning`) between the next ones.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from pipelines.llm.exchange import Ask, Reply
from pipelines.llm.run import Teacher
from pipelines.llm.tokens import TOKENS_PER_MESSAGE, TOKENS_PER_WIDE, prompt_tokens
from tests.benchmarks.llm_reckoning import written
from tests.llm_server.content import instance

BEGIN, END = "<!-- tokens: begin -->", "<!-- tokens: end -->"
Count = Callable[[str], float]


@dataclass
class Sizes:
    """Of the calls of one prompt."""

    inputs: list[float] = field(default_factory=list)
    outputs: list[float] = field(default_factory=list)
    n_chars: int = 0


class Measurer:
    """Stands in for the client: measures each question and answers with the smallest value of its schema."""

    def __init__(self, count: Count | None) -> None:
        self._count, self.prompts = count, defaultdict[str, Sizes](Sizes)

    async def ask(self, ask: Ask) -> Reply:
        sizes = self.prompts[ask.prompt]
        texts = [m["content"] for m in ask.messages]
        sizes.n_chars += sum(map(len, texts))
        n = sum(map(self._count, texts)) + TOKENS_PER_MESSAGE * len(texts) if self._count else None
        sizes.inputs.append(prompt_tokens(ask.messages) if n is None else n)
        value = instance(ask.schema) if ask.schema else "好的，请放心，多观察孩子的情况。"
        text = json.dumps(value, ensure_ascii=False) if ask.schema else value
        return Reply(ask.key("measured"), "ok", text, value if ask.schema else None, model="measured")

    def status(self) -> str:
        return f"{sum(len(s.inputs) for s in self.prompts.values())} prompts"

    def report(self) -> dict[str, Any]:
        return {}


def measured(config: Path, store: Path, count: Count | None) -> tuple[dict[str, Sizes], dict[str, Any]]:
    """Sizes by prompt, from a build; and the stages that ask, by prompt."""
    from corpus.build import build
    from corpus.config import load_config
    from corpus.outlook import asking_stages
    from corpus.plan import make_plan

    measurer = Measurer(count)

    @asynccontextmanager
    async def client() -> AsyncIterator[Measurer]:
        yield measurer

    plan = make_plan(load_config(config, store=str(store)))
    with mock.patch("corpus.build.new_teacher", return_value=Teacher(client)):
        build(plan)
    stages = {name: stage for stage in asking_stages(plan) for name in stage.prompt_names}
    return dict(measurer.prompts), stages


def of_real_files(folder: Path, at: Path) -> Path:
    """A configuration that asks about everything in the folder of real files that our tests use, and of our seeds."""
    for path in folder.iterdir():
        if path.is_dir():
            (at / path.name).symlink_to(path)
    config = yaml.safe_load((Path(__file__).parents[1] / "real" / "pedcorpus.yaml").read_text("utf-8"))
    config["sources"]["seeds"] = {"kind": "seeds"}
    config["llm"] = {"writer": {"model": "measured"}, "assistant": {"model": "measured, too"}}
    (at / "pedcorpus.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    return at / "pedcorpus.yaml"


def of_ledger(folder: Path) -> dict[str, Sizes]:
    """Sizes by prompt, as endpoints counted them; calls that they did not count are left out."""
    from pipelines.llm.ledger import Ledger

    prompts = defaultdict[str, Sizes](Sizes)
    with Ledger(folder, read_only=True, index=False) as ledger:
        for call in ledger.calls():
            if call["input_tokens"] > 0 and call["output_tokens"] >= 0:
                prompts[call["prompt"]].inputs.append(call["input_tokens"])
                prompts[call["prompt"]].outputs.append(call["output_tokens"])
    return dict(prompts)


def table(prompts: dict[str, Sizes], stages: dict[str, Any], how: str) -> str:
    """Markdown."""
    lines = [how, "", "| prompt | calls | prompt tokens, mean | of the longest tenth, at least | reply tokens |"]
    lines.append("|---|---|---|---|---|")
    for name, sizes in sorted(prompts.items()):
        mean, tenth = statistics.fmean(sizes.inputs), sorted(sizes.inputs)[len(sizes.inputs) * 9 // 10]
        if sizes.outputs:
            reply = f"{statistics.fmean(sizes.outputs):,.0f}"
        else:
            reply = f"{stages[name].output_tokens_per_call:,} (assumed)" if name in stages else "?"
        lines.append(f"| `{name}` | {len(sizes.inputs):,} | {mean:,.0f} | {tenth:,.0f} | {reply} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    for option in ("--config", "--ledger", "--real"):
        what.add_argument(option, type=Path)
    parser.add_argument("--store", type=Path, help="left out: a folder that is deleted afterwards")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json of the model; left out: our estimate")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    given = parser.parse_args(arguments)
    count: Count | None = None
    if given.tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(given.tokenizer))
        count = lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)  # noqa: E731
    with tempfile.TemporaryDirectory() as scratch:
        if given.ledger:
            shown = table(of_ledger(given.ledger), {}, "As endpoints counted:")
        else:
            config = given.config or of_real_files(given.real, Path(scratch))
            prompts, stages = measured(config, given.store or Path(scratch) / "store", count)
            by = f"our estimate of {TOKENS_PER_WIDE} to a Chinese character"
            if given.tokenizer:
                by = f"the tokenizer of {given.tokenizer.absolute().parent.name}"
            n_chars, n = (sum(f(s) for s in prompts.values()) for f in (lambda s: s.n_chars, lambda s: sum(s.inputs)))
            over = "real files" if given.real else config.name
            how = f"From prompts over {over}, by {by} ({n / max(1, n_chars):.2f} tokens to a character):"
            shown = table(prompts, stages, how)
    print(shown)
    if given.write:
        page = given.write.read_text("utf-8")
        before, _, rest = page.partition(BEGIN)
        page = f"{before}{BEGIN}\n{shown}\n{END}{rest.partition(END)[2]}"
        given.write.write_text(written(page), "utf-8")


if __name__ == "__main__":
    main()
