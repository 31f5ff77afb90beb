"""The dataset card: what people, the Hub and `datasets` read first about a version.

It is made from the manifest and from what `read_facts` finds in the rows, and from nothing else: no clock, no
name of a machine, no repository. The same version has the same card wherever it is pushed, so the card's bytes
are covered by the manifest like those of every other file.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml

from corpus import card_text as wording
from corpus.superseded import Superseded, superseded
from corpus.unsupported import GROUPS, STAGES, group_of
from schemas.arrow import read_rows, scan_rows
from schemas.contamination import read_contamination
from schemas.records import DOCUMENT, SPLITS, TASKS, VIEWS

_HUB_LICENSES: Final = """\
afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc
cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0
cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1
openrail osl-3.0 pddl postgresql unlicense wtfpl zlib"""
HUB_LICENSES: Final = frozenset(_HUB_LICENSES.split())
"""Identifiers that the Hub knows. Source: https://huggingface.co/docs/hub/repositories-licenses"""

_UNKNOWN_LICENSES: Final = frozenset({"", "unknown", "none", "null", "nan", "n/a", "noassertion", "unlicensed"})
_SIZES: Final = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
)
_EXAMPLE_ROWS = 2_000
"""Rows of the first file in which the example is looked for, so that the cost does not grow with the corpus."""
_EXAMPLE_CHARS = 160
"""Longest string that the example shows; longer ones end in `…`."""


@dataclass(frozen=True)
class CardFacts:
    """What the card says that the manifest does not know.

    Attributes:
        methods: Rows of the instruction and preference views by `generator.method`.
        example: One row, whole, or None where no row carries evidence.
        superseded: Older versions of documents that were left out for newer ones.
        contamination: What was kept out of training, as in `contamination.json`.
    """

    methods: Mapping[str, int] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
    superseded: Sequence[Superseded] = ()
    contamination: Sequence[Mapping[str, Any]] = ()


def as_mapping(manifest: Any) -> dict[str, Any]:
    """The manifest as plain data, whether it came as a dataclass or straight from `manifest.json`."""
    if dataclasses.is_dataclass(manifest) and not isinstance(manifest, type):
        return dataclasses.asdict(manifest)
    return dict(manifest)


def is_unknown_license(license_name: Any) -> bool:
    """Whether this states no licence at all: null, empty, `unknown` and the like."""
    return not isinstance(license_name, str) or license_name.strip().lower() in _UNKNOWN_LICENSES


def view_splits(manifest: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Rows by view and split, in the project's order, without splits that hold no row."""
    views = manifest.get("views") or {}
    counts = {
        view: {split: int(views[view][split]["n_rows"]) for split in SPLITS if split in views[view]}
        for view in VIEWS
        if view in views
    }
    return {view: {s: n for s, n in splits.items() if n} for view, splits in counts.items() if any(splits.values())}


def read_facts(version_dir: Path, manifest: Any) -> CardFacts:
    """Counts the generators over the version's rows, and picks the example.

    Cost: one column of every view, read streaming, and the head of one file.
    """
    data = as_mapping(manifest)
    methods: dict[str, int] = {}
    for view, splits in view_splits(data).items():
        frame = scan_rows([version_dir / name for split in splits for name in data["views"][view][split]["files"]])
        if "generator" not in frame.collect_schema():
            continue
        made_by = frame.select(method=pl.col("generator").struct.field("method")).drop_nulls()
        counts = made_by.group_by("method").len().collect(engine="streaming")
        for method, n_rows in counts.iter_rows():
            methods[method] = methods.get(method, 0) + n_rows
    made = dict(sorted(methods.items()))
    return CardFacts(made, _example(version_dir, data), superseded(version_dir), read_contamination(version_dir))


def _example(version_dir: Path, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row with evidence, rather from prose, short and with one span; `psft` first, whose tasks are the paediatric."""
    for view in ("psft", "sft"):
        files = (manifest.get("views") or {}).get(view, {}).get("train", {}).get("files", [])
        if not files:
            continue
        frame = read_rows(version_dir / sorted(files)[0], n_rows=_EXAMPLE_ROWS)
        if not {"evidence", "messages", "record_id"} <= set(frame.columns):
            continue
        said = pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars()).list.sum()
        spans = pl.col("evidence").list
        in_prose = spans.eval(pl.element().struct.field("record_id").str.starts_with(DOCUMENT[0])).list.all()
        rows = frame.filter(spans.len() > 0).sort(
            ~in_prose, said > 2 * _EXAMPLE_CHARS, spans.len(), "record_id", maintain_order=True
        )
        if rows.height:
            return rows.row(0, named=True)
    return None


def dataset_card(manifest: Any, facts: CardFacts | None = None) -> str:
    """The version's README.md: front matter that the Hub and `datasets` read, and a page for people."""
    facts = facts or CardFacts()
    data = as_mapping(manifest)
    front_matter = yaml.safe_dump(card_metadata(data), allow_unicode=True, sort_keys=False, width=1_000)
    counts = view_splits(data)
    first_view = "sft" if "sft" in counts else next(iter(counts), "sft")
    sections = (
        wording.opening(data, _n_rows(counts)),
        _section("What is in it", wording.VIEWS_LEAD, _views_table(counts), _tasks_table(data)),
        _section("Load it", wording.loading(data, first_view, next(iter(counts.get(first_view, {"train": 0}))))),
        _section("Every row answers “says who?”", wording.EVIDENCE, _example_block(facts.example)),
        _section(
            "How it was made",
            wording.making(facts.methods, [stage["stage"] for stage in data.get("stages") or ()]),
            _stages_table(data),
        ),
        _section("Sources and licences", wording.SOURCES_LEAD, _sources_table(data), _licenses_table(data)),
        *_superseded_section(facts.superseded),
        *_tested_section(facts.contamination),
        *_checked_section(data),
        _section("Limits", wording.limits(facts.methods)),
        _section("Verify it", wording.verifying(data)),
    )
    return f"---\n{front_matter}---\n\n" + "\n\n".join(sections) + "\n"


def card_metadata(manifest: Any) -> dict[str, Any]:
    """The front matter: what the Hub indexes, and `configs`, by which `load_dataset(repo, view)` finds its files."""
    data = as_mapping(manifest)
    counts = view_splits(data)
    licenses = sorted(name for name, n_rows in (data.get("licenses") or {}).items() if n_rows)
    return {
        "pretty_name": f"{data['name']} {data['version']} (PedCorpus)",
        "language": data.get("language") or "zh",
        **_license_metadata(licenses),
        "task_categories": ["question-answering", "text-generation"],
        "size_categories": [next((name for limit, name in _SIZES if _n_rows(counts) < limit), "1B<n<10B")],
        "tags": ["medical", "pediatrics", "chinese", "instruction-tuning", "preference", "provenance", "pedcorpus"],
        "configs": [
            {
                "config_name": view,
                **({"default": True} if view == "sft" else {}),
                "data_files": [{"split": split, "path": f"data/{view}/{split}-*.parquet"} for split in splits],
            }
            for view, splits in counts.items()
        ],
    }


def _license_metadata(licenses: Sequence[str]) -> dict[str, Any]:
    """One licence that the Hub knows by its identifier, anything else as `other` with a name and the details."""
    if len(licenses) == 1 and licenses[0].lower() in HUB_LICENSES:
        return {"license": licenses[0].lower()}
    name = re.sub(r"[^a-z0-9.]+", "-", licenses[0].lower()).strip("-.") if len(licenses) == 1 else "several"
    details = "Each row names its own licence in the column `license`; see LICENSES.md"
    return {
        "license": "other",
        "license_name": name or "named-in-licenses-md",
        "license_details": f"{details}: {', '.join(licenses)}." if licenses else f"{details}.",
    }


def _n_rows(counts: Mapping[str, Mapping[str, int]]) -> int:
    return sum(sum(splits.values()) for splits in counts.values())


def _section(title: str, *blocks: str) -> str:
    return "\n\n".join((f"## {title}", *(block for block in blocks if block)))


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table: numbers to the right with thousands separated, cells that cannot break it."""
    body = [[f"{cell:,}" if isinstance(cell, int) else _cell(cell) for cell in row] for row in rows]
    if not body:
        return ""
    numbers = [
        all(cell == "–" or cell.replace(",", "").isdigit() for cell in column) for column in zip(*body, strict=True)
    ]
    ruler = ["---:" if number else "---" for number in numbers]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ruler, *body))


def _cell(text: Any) -> str:
    plain = " ".join(str("" if text is None else text).split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\").replace("|", "\\|")


def _views_table(counts: Mapping[str, Mapping[str, int]]) -> str:
    rows = ((f"`{v}`", wording.VIEWS[v], *(s.get(name, "–") for name in SPLITS)) for v, s in counts.items())
    return _table(("view", "what its rows are", *SPLITS), rows)


def _tasks_table(manifest: Mapping[str, Any]) -> str:
    tasks = manifest.get("tasks") or {}
    views = [view for view in VIEWS if tasks.get(view)]
    named = {task for view in views for task in tasks[view]}
    rows = [
        (f"`{task}`", wording.TASKS.get(task, ""), *(tasks[view].get(task, "–") for view in views))
        for task in (*TASKS, *sorted(named - set(TASKS)))
        if task in named
    ]
    return _table(("task", "shape", *(f"in `{view}`" for view in views)), rows)


def _stages_table(manifest: Mapping[str, Any]) -> str:
    """The stages that made or dropped something; the others are in the list above the table."""
    rows = []
    for stage in manifest.get("stages") or ():
        for counts in stage["counts"]:
            n_in, n_out, dropped = counts["n_in"], counts["n_out"], sorted(counts["dropped"].items())
            if n_in == n_out and not dropped:
                continue
            reasons = ", ".join(f"{reason.removeprefix(stage['stage'] + ':')} {n:,}" for reason, n in dropped)
            rows.append((f"`{stage['stage']}`", counts["kind"], n_in, n_out, reasons or "–"))
    return _table(("stage", "records", "in", "out", "dropped, by reason"), rows)


def _sources_table(manifest: Mapping[str, Any]) -> str:
    rows = (
        (f"`{s['source_id']}`", s["kind"], s["license"], s["n_parts"], s["n_refused"], sum(s["n_records"].values()))
        for s in manifest.get("sources") or ()
    )
    return _table(("source", "kind", "licence", "files", "refused", "records"), rows)


def _licenses_table(manifest: Mapping[str, Any]) -> str:
    licenses = sorted((manifest.get("licenses") or {}).items())
    return _table(("licence of rows", "rows"), licenses)


def _superseded_section(found: Sequence[Superseded]) -> list[str]:
    header = ("older version", "newer version, kept", "unchanged", "changed", "removed", "new")
    return [_section("Superseded documents", wording.SUPERSEDED_LEAD, _table(header, found))] if found else []


def _tested_section(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is tested on by others: benchmark files and evaluation sources; the splits are in the report."""
    columns = ("source", "n_rows", "n_searched", "n_whole_only", "n_unchecked", "n_found", "n_matched")
    rows = [[s[name] for name in columns] for s in found if s["role"] in ("benchmark", "evaluation")]
    header = ("set", "rows", "searched for", "as a whole only", "not checked", "found", "dropped")
    return [_section("Kept out of training", wording.TESTED_LEAD, _table(header, rows))] if rows else []


def _checked_section(data: Mapping[str, Any]) -> list[str]:
    """What went because its evidence does not bear it out, by kind."""
    found: dict[str, Counter[str]] = {}
    stages = [stage for stage in data.get("stages") or () if stage["stage"] in STAGES]
    for reason, n in (item for s in stages for c in s["counts"] for item in c["dropped"].items()):
        if reason.partition(":")[0] in STAGES and reason.count(":") == 1:
            group, kind = group_of(reason)
            found.setdefault(kind, Counter())[group] += n
    rows = [[kind, *(found[kind][group] for group in GROUPS)] for kind in sorted(found)]
    if not stages:
        return []
    return [
        _section(
            "Answers against their evidence", wording.CHECKED_LEAD, _table(("kind", *GROUPS), rows) if rows else ""
        )
    ]


def _example_block(example: Mapping[str, Any] | None) -> str:
    if example is None:
        return ""
    text = json.dumps(_shortened(example), ensure_ascii=False, indent=2)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"One row of this version (long strings cut at `…`, null columns left out):\n\n{fence}json\n{text}\n{fence}"


def _shortened(value: Any) -> Any:
    """Rows nest three deep by schema, so the recursion is bounded."""
    if isinstance(value, str):
        return value if len(value) <= _EXAMPLE_CHARS else value[: _EXAMPLE_CHARS - 1] + "…"
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items() if item is not None and item != []}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value
