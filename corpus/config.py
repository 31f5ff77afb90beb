"""The configuration of a corpus: one YAML file, checked as a whole before anything runs."""

from __future__ import annotations

import codecs
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from pipelines.ask.polished_pool import our_pool, read_pool
from pipelines.base import Stage
from pipelines.check.lexicon import check_lexicon
from pipelines.drop_unsupported import DropUnsupported
from pipelines.engine import ENGINE_KINDS, n_cores
from pipelines.judge_unsupported import JudgeUnsupported
from pipelines.llm.exchange import ROLES
from pipelines.llm.settings import LlmSettings, voice
from pipelines.llm.stage import AskStage
from pipelines.make_instructions import LLM, MakeInstructions
from pipelines.prompts import PromptBook, prompt_book
from pipelines.stages import STAGE_KINDS
from schemas.errors import ConfigError
from schemas.records import TASKS
from schemas.settings import did_you_mean, expanded, load_yaml, parse
from sources.base import Source
from sources.isolation import Limits
from sources.kinds import SOURCE_KINDS
from sources.table_source import TableSource

_SEMVER = re.compile(r"(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})(-[0-9A-Za-z.-]{1,50})?")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_ADDRESS = re.compile(r"auto|(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")
MAX_LOCAL_WORKERS = 512
OFF_BY_DEFAULT = ("judge_unsupported",)
"""Stages that run only where a configuration names them, e.g. `stages: {judge_unsupported: true}`."""


@dataclass(frozen=True)
class Assistant:
    """Who the assistant says it is, in self-cognition instructions.

    Attributes:
        name: Takes the place of `{assistant_name}`.
        maker: Takes the place of `{assistant_maker}`.
    """

    name: str = "儿科小助手"
    maker: str = "PedCorpus 项目组"


@dataclass(frozen=True)
class EngineConfig:
    """Where the work is done.

    Attributes:
        kind: `local` is this machine; `ray` a Ray cluster (`pip install 'pedcorpus[ray]'`).
        workers: Tasks at a time; None: as many as there are cores, here or in the cluster.
        address: Of a running Ray cluster, `host:port`, or `auto` for the one that this machine is a node of; None
            starts one on this machine.
    """

    kind: str = field(default="local", metadata={"choices": ENGINE_KINDS})
    workers: int | None = field(default=None, metadata={"min": 1, "max": 10_000})
    address: str | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.kind == "local" and (self.workers or 0) > MAX_LOCAL_WORKERS:
            problems.append(f"workers: {self.workers} is more than {MAX_LOCAL_WORKERS}, for processes of one machine.")
        if self.address is not None and self.kind != "ray":
            problems.append("address: only a Ray cluster has one; write `kind: ray` beside it.")
        elif self.address is not None and not _ADDRESS.fullmatch(self.address):
            problems.append(f"address: `{self.address}` is neither `auto` nor host:port, such as `10.0.0.1:6379`.")
        if problems:
            raise ConfigError(problems)

    @property
    def n_local_workers(self) -> int:
        """Processes of this machine: as configured for it, else the cores that this process may use."""
        return self.workers if self.workers is not None and self.kind == "local" else n_cores()


@dataclass(frozen=True)
class Views:
    """Which tasks the two instruction views hold; `cpt` and `dfpo` hold all there is.

    Attributes:
        sft: Tasks of phase 2: everything, so that the model learns to follow before it specialises.
        psft: Tasks of phase 4: the paediatric ones; general *medical* rows join them (PAPER.md: "plus general
            medical data"), other general rows do not.
    """

    sft: tuple[str, ...] = field(default=TASKS, metadata={"choices": TASKS})
    psft: tuple[str, ...] = field(default=("medkqa", "evidiag", "trerecom", "general"), metadata={"choices": TASKS})


@dataclass(frozen=True)
class Header:
    """The top level of the file, less what is looked up in tables.

    Attributes:
        name: Of the corpus: lower-case letters, digits, `.`, `_` and `-`.
        version: Semantic version of what a build publishes; another content needs another one.
        language: Of the corpus.
        description: A sentence for the card.
        store: Folder of the versions, from the file's folder.
    """

    name: str
    version: str = "0.1.0"
    language: str = field(default="zh", metadata={"choices": ("zh",)})
    description: str = ""
    store: str = "store"
    llm: LlmSettings = field(default_factory=LlmSettings)
    assistant: Assistant = field(default_factory=Assistant)
    views: Views = field(default_factory=Views)
    engine: EngineConfig = field(default_factory=EngineConfig)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        problems = []
        if not _NAME.fullmatch(self.name):
            problems.append(f"name `{self.name}` should be lower-case letters, digits, `.`, `_` and `-`, at most 100.")
        if self.name in ("versions", "work"):
            problems.append(f"name `{self.name}` is what the store calls a folder of its own; take another.")
        if not _SEMVER.fullmatch(self.version):
            problems.append(f"version `{self.version}` is not a semantic version such as 0.1.0.")
        if problems:
            raise ConfigError(problems)


@dataclass(frozen=True)
class Config:
    """A whole configuration.

    Attributes:
        base: The folder that relative paths start from.
        file: Where it was read from; no source means it, even with `path: .`.
    """

    header: Header
    base: Path
    sources: tuple[Source, ...]
    stages: tuple[Stage, ...]
    file: Path | None = None

    @property
    def store(self) -> Path:
        """The folder that holds this corpus's versions."""
        return self.store_root / self.header.name

    @property
    def store_root(self) -> Path:
        """The folder of the store, which may hold other corpora too."""
        return self.base / expanded(self.header.store)

    @property
    def ledger(self) -> Path:
        """The folder of the LLM's ledger."""
        own = self.header.llm.ledger
        return self.base / expanded(own) if own else self.store / "ledger"

    def resolved(self) -> dict[str, Any]:
        """What decides the content, every default filled in: the same for the same corpus on every machine.

        Leaves out the version's name, the store, the engine and the limits: they decide where and when. Of `llm:`
        the stages have what decides content: models and prompts. A part that the limits cost, and the replies of an
        LLM, go into the content hash by themselves (`Plan.content_hash_without`).
        """
        return {
            "name": self.header.name,
            "language": self.header.language,
            "description": self.header.description,
            "views": dataclasses.asdict(self.header.views),
            "sources": [{"kind": s.kind, **source_settings(s)} for s in self.sources],
            "stages": [{"kind": s.kind, **s.settings()} for s in self.stages],
        }


def source_settings(source: Source) -> dict[str, Any]:
    """What decides how a part is read; which parts there are (`path`, `skip`) is told by the parts themselves."""
    return {k: v for k, v in dataclasses.asdict(source).items() if k not in ("path", "skip")}


def sample_config() -> Path:
    """The configuration of the sample corpus that ships with the package."""
    return Path(str(resources.files("corpus") / "samples" / "pedcorpus.yaml"))


def load_config(path: Path, **overrides: Any) -> Config:
    """The configuration in a file; `overrides` replace keys of its top level (None: not given).

    Of `engine`, they replace its keys one by one, unless they change its kind.

    Raises:
        ConfigError: with every problem found.
    """
    data = load_yaml(path)
    if (engine := overrides.get("engine")) is not None:
        overrides["engine"] = _engine_over(data.get("engine"), engine)
    data.update({key: value for key, value in overrides.items() if value is not None})
    problems: list[str] = []
    raw_sources, raw_stages = data.pop("sources", None), data.pop("stages", None)
    header = parse(Header, data, str(path.name), problems)
    sources = _sources(raw_sources, problems)
    header = None if header is None else dataclasses.replace(header, llm=placed(header.llm, path.parent.resolve()))
    stages = _stages(raw_stages, header or Header(name="x"), sources, path.parent.resolve(), problems)
    if problems or header is None:
        raise ConfigError(problems)
    return Config(header, path.parent.resolve(), sources, stages, path.resolve())


def _engine_over(given: Any, override: dict[str, Any]) -> dict[str, Any]:
    """The engine's settings, those of the file where they still mean something."""
    given = given if isinstance(given, Mapping) else {}
    if override.get("kind", given.get("kind", "local")) != given.get("kind", "local"):
        given = {"workers": given["workers"]} if "workers" in given else {}
    return {**given, **override}


def _sources(data: Any, problems: list[str]) -> tuple[Source, ...]:
    if not isinstance(data, Mapping) or not data:
        problems.append("sources: at least one source is needed, e.g. `books: {kind: textbook, path: books/*.txt}`.")
        return ()
    made = []
    for source_id, settings in data.items():
        where = f"sources.{source_id}"
        if not _NAME.fullmatch(str(source_id)):
            problems.append(f"{where}: a source's name should be lower-case letters, digits, `.`, `_` and `-`.")
        if not isinstance(settings, Mapping):
            problems.append(f"{where}: should be a mapping with `kind:` and `path:`.")
            continue
        kind = str(settings.get("kind"))
        if kind not in SOURCE_KINDS:
            problems.append(f"{where}.kind: `{kind}` is no kind of source.{did_you_mean(kind, SOURCE_KINDS)}")
            continue
        rest = {k: v for k, v in settings.items() if k != "kind"}
        source = parse(SOURCE_KINDS[kind], rest, where, problems, source_id=source_id)
        if source is not None:
            problems.extend(_source_problems(source, where))
            made.append(source)
    return tuple(made)


def _source_problems(source: Source, where: str) -> Iterator[str]:
    """What only shows when the values are looked at for what they mean."""
    if source.encoding is not None:
        try:
            codecs.lookup(source.encoding)
        except LookupError:
            yield f"{where}.encoding: `{source.encoding}` is no encoding, try `gb18030`, `utf-8` or `big5`."
    if isinstance(source, TableSource):
        for name in source.columns:
            if name not in source.targets():
                yield f"{where}.columns.{name}: no such field.{did_you_mean(name, source.targets())}"


def _source_order(sources: tuple[Source, ...]) -> tuple[str, ...]:
    """Whose copy of a text stays, the preferred first: an evaluation set is held back whole, then as configured."""
    return tuple(s.source_id for s in sorted(sources, key=lambda s: s.role != "eval"))


def placed(llm: LlmSettings, base: Path) -> LlmSettings:
    """The settings with their folders from the configuration's own."""
    placed: dict[str, Any] = {}
    for role in ROLES:
        endpoint = getattr(llm, role)
        if endpoint is not None and endpoint.checkpoint:
            endpoint = dataclasses.replace(endpoint, checkpoint=str(base / expanded(endpoint.checkpoint)))
        placed[role] = endpoint
    prompts = None if llm.prompts is None else str(base / expanded(llm.prompts))
    return dataclasses.replace(llm, prompts=prompts, **placed)


def prompts_of(llm: LlmSettings, problems: list[str]) -> PromptBook:
    """Our prompts, with the user's in place of some of them."""
    try:
        return prompt_book(Path(llm.prompts) if llm.prompts else None)
    except ConfigError as error:
        problems.extend(error.problems)
        return PromptBook()


def _models(llm: LlmSettings, roles: Sequence[str]) -> dict[str, str]:
    """Role → what decides its replies: the model, and what its endpoint's settings add to a request."""
    found = {}
    for role in roles:
        if (endpoint := llm.endpoint(role)) is not None:
            found[role] = voice(endpoint)
    return found


def _stages(
    data: Any, header: Header, sources: tuple[Source, ...], base: Path, problems: list[str]
) -> tuple[Stage, ...]:
    """Every stage in its fixed order, with the options given; `NAME: false` leaves one out."""
    data = {} if data is None else data
    if not isinstance(data, Mapping):
        problems.append("stages: should be a mapping of stage names to their options.")
        return ()
    for name in data:
        if name not in STAGE_KINDS:
            problems.append(f"stages.{name}: no such stage.{did_you_mean(str(name), STAGE_KINDS)}")
    held_out = tuple(s.source_id for s in sources if s.role == "eval")
    given: dict[str, dict[str, Any]] = {
        "drop_superseded": {"source_order": _source_order(sources)},
        "drop_exact_duplicates": {"source_order": _source_order(sources)},
        "drop_near_duplicates": {"source_order": _source_order(sources)},
        "drop_held_out": {"eval_sources": held_out},
        "drop_contaminated": {"eval_sources": held_out, "files": (), "items": ()},
        "fill_assistant": dataclasses.asdict(header.assistant),
        "make_instructions": {"assistant": dataclasses.asdict(header.assistant), "pool": our_pool()},
        "drop_unsupported": {"leaves_middle": False, "triples": ()},
        "judge_unsupported": {"drop": DropUnsupported()},
    }
    prompts = prompts_of(header.llm, problems)
    made: list[Stage] = []
    for kind, cls in STAGE_KINDS.items():
        options = data.get(kind)
        if issubclass(cls, AskStage):
            given[kind] = {**given.get(kind, {}), "models": _models(header.llm, cls.asks), "prompts": prompts}
        if options is False or (kind == "drop_held_out" and not held_out):
            continue
        if kind in OFF_BY_DEFAULT and options is None:
            continue
        stage = parse(cls, {} if options is True else options, f"stages.{kind}", problems, **given.get(kind, {}))
        if stage is not None:
            made.append(stage)
    return _with_judge(tuple(_with_pool(stage, base, problems) for stage in made), base, problems)


def _with_judge(stages: tuple[Stage, ...], base: Path, problems: list[str]) -> tuple[Stage, ...]:
    """The stages with `drop_unsupported` and `judge_unsupported` knowing of each other."""
    drop = next((s for s in stages if isinstance(s, DropUnsupported)), None)
    ask = next((s for s in stages if isinstance(s, JudgeUnsupported)), None)
    if drop is None:
        return tuple(s for s in stages if s is not ask)
    asks = ask is not None and ask.has_teacher
    files = {"model": drop.model, "lexicon": drop.lexicon}
    placed: dict[str, Any] = {name: str(base / expanded(file)) for name, file in files.items() if file is not None}
    found = [f"stages.drop_unsupported.{problem}" for problem in _file_problems(placed)]
    if found:
        problems.extend(found)
        return stages
    drop = dataclasses.replace(drop, leaves_middle=asks, **placed)
    paired = {DropUnsupported: drop, JudgeUnsupported: None if ask is None else dataclasses.replace(ask, drop=drop)}
    return tuple(paired.get(type(s)) or s for s in stages)


def _file_problems(placed: Mapping[str, str]) -> Iterator[str]:
    for name, path in placed.items():
        if not Path(path).is_file():
            made = " `pedcorpus check --train` makes one." if name == "model" else ""
            yield f"{name}: {path} is no file.{made}"
        elif name == "lexicon":
            try:
                check_lexicon(path)
            except ValueError as error:
                yield f"{name}: {error}"


def _with_pool(stage: Stage, base: Path, problems: list[str]) -> Stage:
    """The stage with the user's polished conversations in it, where it has a use for them."""
    if not isinstance(stage, MakeInstructions):
        return stage
    where = "stages.make_instructions"
    if LLM in stage.methods and not stage.models:
        problems.append(f"{where}.methods: `llm` needs somebody to ask; name one in `llm: {{writer: ...}}`.")
    if stage.regularization.pool is None:
        return stage
    try:
        return dataclasses.replace(stage, pool=read_pool(base / expanded(stage.regularization.pool)))
    except ConfigError as error:
        problems.extend(f"{where}.regularization.{problem}" for problem in error.problems)
        return stage
