"""Seeds: hazards and topics, each with the facts that an answer may use, from which an LLM writes safety instructions.

Our own lie beside this module in `seed_tables/`; their parts are called `pedcorpus:NAME` on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Final

from schemas.fingerprints import sha256_file
from schemas.records import DOCUMENT, SAFETY_BEHAVIOURS, SEED, TOPICS
from sources.base import Batch, Part, ReadReport, group_key
from sources.mapping import Layout
from sources.rows import Row
from sources.table_source import Record, TableSource, shown

TASKS: Final = ("safety", "self_cognition")
_TABLES: Final = "seed_tables"
OUR_LICENSE: Final = "CC-BY-4.0"


@dataclass(frozen=True)
class Seeds(TableSource):
    """Hazards and topics, a row each, for an LLM to write from; without one they yield nothing.

    A row has `topic` and `facts`, and may have `task` (safety, self_cognition), `behaviour` (of safety: refuse, warn,
    emergency, correct_premise) and `source`, the guideline or law that vouches for the facts.

    Attributes:
        path: Tables; left out: those that ship with the package, under CC-BY-4.0.
        topic: `general`: nothing is dropped as off topic, since a teenager's call for help names no child.
        task: Only seeds of this task; and the task of rows that name none.
    """

    kind: ClassVar[str] = "seeds"
    LAYOUTS: ClassVar[tuple[Layout, ...]] = (Layout("seeds", ("topic", "facts"), ("task", "behaviour", "source")),)
    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "topic": ("topic", "title", "hazard", "话题", "主题", "隐患", "标题"),
        "facts": ("facts", "text", "content", "要点", "事实", "内容"),
        "task": ("task", "任务"),
        "behaviour": ("behaviour", "behavior", "行为", "应有的行为"),
        "source": ("source", "reference", "来源", "依据", "出处"),
    }

    topic: str = field(default="general", metadata={"choices": TOPICS})
    task: str | None = field(default=None, metadata={"choices": TASKS})

    def __post_init__(self) -> None:
        if not self.path and not self.hub and self.license == "unknown":
            object.__setattr__(self, "license", OUR_LICENSE)

    def read(self, part: Part, report: ReadReport) -> Iterator[Batch]:
        """One document a row, in the order of the part.

        Raises:
            PartRefused: no table, or one without the columns.
        """
        yield from self.batches(part, self._records(part, report))

    def _records(self, part: Part, report: ReadReport) -> Iterator[Record]:
        for row, binding in self.bound_rows(part, report):
            if binding is None:
                yield DOCUMENT, self._dropped(part, row, row.problem or "unreadable", row.raw)
                continue
            found = {name: binding.text(row.values, name) for name in ("topic", "facts", "task", "behaviour", "source")}
            task, behaviour = found["task"] or self.task or "", found["behaviour"] or ""
            if problem := self._problem(found, task, behaviour):
                yield DOCUMENT, self._dropped(part, row, problem, shown(row))
                continue
            topic, facts = str(found["topic"]), str(found["facts"])
            yield DOCUMENT, self._seed(part, row, topic, facts, [task, behaviour or "answer"], found["source"])

    def _problem(self, found: Mapping[str, str | None], task: str, behaviour: str) -> str:
        """Why a row is no seed, empty where it is one."""
        if not found["topic"] or not found["facts"]:
            return "no_facts" if found["topic"] else "no_topic"
        if task not in TASKS:
            return "unknown_task" if task else "no_task"
        if self.task and task != self.task:
            return "other_task"
        if task == "safety" and behaviour not in SAFETY_BEHAVIOURS:
            return "unknown_behaviour" if behaviour else "no_behaviour"
        return ""

    def _seed(
        self, part: Part, row: Row, topic: str, facts: str, path: list[str], source: str | None, **columns: Any
    ) -> dict[str, Any]:
        return self.record(
            DOCUMENT,
            part,
            row.locator,
            "\x1f".join([topic, facts, *path]),
            **{"group_id": group_key("seed", topic), **columns},
            title=topic,
            section_path=path,
            text=facts,
            source_kind=SEED,
            register="modern",
            issuer=source,
        )

    def _dropped(self, part: Part, row: Row, reason: str, raw: str) -> dict[str, Any]:
        return self._seed(part, row, raw, raw or "—", ["", ""], None, drop_reason=f"read:{reason}")


def shipped_parts(source: Seeds) -> list[Part]:
    """The tables that ship with the package, those of the source's task."""
    folder = Path(str(resources.files("sources"))) / _TABLES
    names = [f"{task}.jsonl" for task in TASKS if source.task in (None, task)]
    return [_shipped(source, folder / name) for name in names]


def _shipped(source: Seeds, path: Path) -> Part:
    return Part(source.source_id, f"pedcorpus:{path.name}", str(path), sha256_file(path), path.stat().st_size)
