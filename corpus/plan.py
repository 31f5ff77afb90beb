"""What a build would do, as a tree of steps with fingerprints; making it runs nothing but hashes.

step        stages                                          reads
read        the source adapters                             parts
clean       normalize deidentify drop_low_quality           what sources made
supersede   drop_superseded                                 documents
admit       drop_off_topic fill_assistant                   what sources made
dedup       drop_exact_duplicates drop_near_duplicates      what sources made
reconstruct reconstruct (where an LLM is configured)        instructions
make        make_instructions                               documents, triples, dialogues
filter      deidentify (after an LLM) drop_low_quality      instructions and preferences
support     drop_unsupported                                instructions and preferences
judge       judge_unsupported (where named, with an LLM)    instructions and preferences
dedup       drop_exact_duplicates drop_near_duplicates      instructions and preferences
mix         drop_surplus (where shares are given)           instructions
prefer      make_preferences (where an LLM is configured)   instructions
filter      deidentify drop_low_quality, support, dedup     preferences
complete    make_completions                                documents, triples, instructions
hold_out    drop_held_out (where a source is for evaluation)  instructions, preferences, completions
split       assign_splits                                   instructions, preferences, completions
decontaminate  drop_contaminated                            instructions, preferences, completions
publish     the views                                       instructions, preferences, completions
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus import __version__
from corpus.benchmarks import with_benchmarks
from corpus.config import Config
from corpus.reading import ReadTask
from pipelines.base import MakeStage, Stage
from pipelines.drop_surplus import DropSurplus
from pipelines.llm.stage import AskStage
from pipelines.tasks import stage_fingerprint
from pipelines.workspace import finished
from schemas.errors import ConfigError
from schemas.fingerprints import code_fingerprint, fingerprint
from schemas.records import COMPLETION, DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, TRIPLE
from sources.base import Part, Source
from sources.hub import hub_parts
from sources.parts import Refusal, list_parts
from sources.seeds import Seeds, shipped_parts
from sources.table_source import TableSource

FROM_SOURCES = (DOCUMENT, TRIPLE, DIALOGUE, INSTRUCTION, PREFERENCE)
MADE = (INSTRUCTION, PREFERENCE)
PUBLISHED = (INSTRUCTION, PREFERENCE, COMPLETION)
MAKE = "make"
"""The step that makes instructions: what comes after it depends on the replies of an LLM, where one is asked."""
WRITERS = tuple(
    f"corpus.{module}"
    for module in (
        "plan",
        "publish",
        "tables",
        "card",
        "card_text",
        "superseded",
        "unsupported",
        "croissant",
        "benchmarks",
    )
)
"""Modules of this package that decide a version's bytes."""


@dataclass(frozen=True)
class Step:
    """Some stages run one after another over the records of some kinds."""

    name: str
    stages: tuple[Stage, ...]
    reads: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """The identity of what the step does."""
        return fingerprint([self.name, [stage_fingerprint(s) for s in self.stages], self.reads])


@dataclass(frozen=True)
class Plan:
    """Everything that a build does and everything that decides its outcome."""

    config: Config
    parts: tuple[tuple[Source, Part], ...]
    refusals: tuple[Refusal, ...]
    steps: tuple[Step, ...]

    @property
    def content_hash(self) -> str:
        """The version's identity: equal for equal configuration, files and stages, on any machine."""
        return self.content_hash_without(())

    def content_hash_without(self, lost: Iterable[Sequence[str]], replies: str = "") -> str:
        """The identity of a version that some parts are missing from, for reasons that are not in their bytes.

        Args:
            lost: Of each such part its source, path and reason (`reading.LOST_REASONS`).
            replies: A hash of what an LLM's replies came to; empty where none was asked.
        """
        left_out = sorted(map(list, lost))
        return fingerprint(
            {
                **({"lost": left_out} if left_out else {}),
                **({"replies": replies} if replies else {}),
                "config": self.config.resolved(),
                "parts": [[source.source_id, part.path, part.sha256] for source, part in self.parts],
                "refused": [[r.source_id, r.path, r.reason] for r in self.refusals],
                "steps": [[s.name, s.fingerprint] for s in self.steps],
                "code": code_fingerprint("schemas", "sources", "pipelines", *WRITERS),
                "format": __version__,
            }
        )

    @property
    def asks(self) -> bool:
        """Whether an LLM is asked anything."""
        return any(isinstance(s, AskStage) and s.has_teacher for step in self.steps for s in step.stages)

    @property
    def workspace(self) -> Path:
        """Where the work in progress lies."""
        return self.config.store / "work"

    def read_tasks(self) -> list[ReadTask]:
        """One task a part, in the plan's order."""
        return [ReadTask(str(self.workspace), s, p, self.config.header.limits) for s, p in self.parts]

    def n_to_read(self) -> int:
        """Parts that no earlier build has read."""
        return sum(not finished(t.root, t.key) for t in self.read_tasks())


def make_plan(config: Config) -> Plan:
    """The plan of a configuration.

    Raises:
        ConfigError: a source's pattern matches nothing, or a benchmark cannot be compared with anything.
    """
    parts: list[tuple[Source, Part]] = []
    refusals: list[Refusal] = []
    problems: list[str] = []
    for source in config.sources:
        try:
            found, refused = _parts(source, config)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        parts.extend((source, part) for part in found)
        refusals.extend(refused)
    try:
        config = with_benchmarks(config)
    except ConfigError as error:
        problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return Plan(config, tuple(parts), tuple(refusals), _steps(config))


def _parts(source: Source, config: Config) -> tuple[list[Part], list[Refusal]]:
    if isinstance(source, TableSource) and source.hub:
        return hub_parts(source), []
    if isinstance(source, Seeds) and not source.path:
        return shipped_parts(source), []
    if not source.path:
        raise ConfigError([f"sources.{source.source_id}: `path:` is missing; name files, folders or patterns."])
    ours = (config.store_root, *([config.file] if config.file else []))
    return list_parts(source, config.base, ours)


def _steps(config: Config) -> tuple[Step, ...]:
    by_kind = {s.kind: s for s in config.stages if _has_work(s)}
    asks = any(isinstance(s, AskStage) and s.has_teacher for s in by_kind.values())
    scrub = ("deidentify",) if asks else ()

    def step(name: str, reads: tuple[str, ...], *kinds: str) -> list[Step]:
        stages = tuple(by_kind[k] for k in kinds if k in by_kind)
        return [Step(name, stages, reads)] if stages else []

    return (
        *step("clean", FROM_SOURCES, "normalize", "deidentify", "drop_low_quality"),
        # Before anything is judged by topic, so that every provision of the older version meets the newer one's.
        *step("supersede", (DOCUMENT,), "drop_superseded"),
        *step("admit", FROM_SOURCES, "drop_off_topic", "fill_assistant"),
        *step("dedup", FROM_SOURCES, "drop_exact_duplicates", "drop_near_duplicates"),
        *step("reconstruct", (INSTRUCTION,), "reconstruct"),
        *step(MAKE, (DOCUMENT, TRIPLE, DIALOGUE), "make_instructions"),
        *step("filter", MADE, *scrub, "drop_low_quality"),
        *step("support", MADE, "drop_unsupported"),
        *step("judge", MADE, "judge_unsupported"),
        *step("dedup_made", MADE, "drop_exact_duplicates", "drop_near_duplicates"),
        *step("mix", (INSTRUCTION,), "drop_surplus"),
        *_preference_steps(by_kind, step),
        *step("complete", (DOCUMENT, TRIPLE, INSTRUCTION), "make_completions"),
        *step("hold_out", PUBLISHED, "drop_held_out"),
        *step("split", PUBLISHED, "assign_splits"),
        *step("decontaminate", PUBLISHED, "drop_contaminated"),
    )


def _preference_steps(by_kind: Mapping[str, Stage], step: Callable[..., list[Step]]) -> list[Step]:
    """Preferences come of instructions that passed everything; what the LLM wrote has to pass it too."""
    if "make_preferences" not in by_kind:
        return []
    return [
        *step("prefer", (INSTRUCTION,), "make_preferences"),
        *step("filter_preferences", (PREFERENCE,), "deidentify", "drop_low_quality"),
        *step("support_preferences", (PREFERENCE,), "drop_unsupported"),
        *step("judge_preferences", (PREFERENCE,), "judge_unsupported"),
        *step("dedup_preferences", (PREFERENCE,), "drop_exact_duplicates", "drop_near_duplicates"),
    ]


def _has_work(stage: Stage) -> bool:
    """False for a stage that the configuration gives nothing to do: nobody to ask, no share to keep to."""
    if isinstance(stage, AskStage) and not isinstance(stage, MakeStage):
        return stage.has_teacher
    return not (isinstance(stage, DropSurplus) and not stage.shares)
