"""What the `pedcorpus` command prints for people: builds, plans, sources and versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from corpus.build import Built
from corpus.outlook import Outlook, total
from corpus.plan import Plan
from corpus.show_teacher import show_ahead, show_teacher
from corpus.store import Store
from schemas.manifest import read_manifest
from schemas.records import SPLITS, VIEWS, canonical_text

console = Console(soft_wrap=True, highlight=False)
_SHORT = 12
"""Digits of a hash that people are shown."""

BYTES_PER_RECORD = {
    "textbook": 1_200,
    "guideline": 500,
    "plain": 1_500,
    "knowledge_graph": 12,
    "dialogue": 700,
    "distilled": 900,
    "seeds": 400,
}
"""For estimates before a part was ever read: file bytes to a record, measured on mixed real files."""


def show_built(built: Built) -> None:
    """The version, its views, and what was refused."""
    m = built.manifest
    if not built.is_new:
        console.print(f"{m.name} {m.version} is there already with the same content; nothing to do.")
    console.print(f"[bold]{m.name} {m.version}[/bold]  content {m.content_hash[:_SHORT]}")
    console.print(views_table(m.views, m.tasks))
    refused = sum(s["n_refused"] for s in m.sources)
    dropped = sum(n for s in m.stages for c in s["counts"] for n in c["dropped"].values())
    console.print(f"{refused} files refused (SOURCES.jsonl), {dropped} records dropped with reasons (rejected/).")
    if built.teacher:
        show_teacher(built.teacher)
    here = Path.cwd()
    where = built.version_dir.relative_to(here) if built.version_dir.is_relative_to(here) else built.version_dir
    console.print(f"Version: {escape(str(where))}")


def views_table(views: dict[str, Any], tasks: dict[str, dict[str, int]]) -> Table:
    """Rows by view and split, and by task."""
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("view")
    for split in SPLITS:
        table.add_column(split, justify="right")
    table.add_column("by task")
    for view in VIEWS:
        splits = views.get(view, {})
        n = [splits.get(s, {}) for s in SPLITS]
        counts = [str(e["n_rows"] if isinstance(e, dict) and e else e or 0) for e in n]
        by_task = ", ".join(f"{task} {n}" for task, n in sorted(tasks.get(view, {}).items()))
        table.add_row(view, *counts, by_task)
    return table


def plan_data(plan: Plan, ahead: Sequence[Outlook] = ()) -> dict[str, Any]:
    """The plan for programs; `ahead` is what an LLM will be asked."""
    estimate = estimates(plan)
    return {
        "name": plan.config.header.name,
        "version": plan.config.header.version,
        "content_hash": plan.content_hash,
        "store": str(plan.config.store),
        "n_parts": len(plan.parts),
        "n_parts_to_read": plan.n_to_read(),
        "estimated_records": estimate,
        "llm": {
            "currency": plan.config.header.llm.currency,
            "budget": plan.config.header.llm.budget,
            "cost": total(ahead),
            "stages": [asdict(outlook) for outlook in ahead],
        },
        "sources": [
            {
                "source_id": s.source_id,
                "kind": s.kind,
                "license": s.license,
                "parts": [
                    {"path": p.path, "sha256": p.sha256, "n_bytes": p.n_bytes}
                    for owner, p in plan.parts
                    if owner.source_id == s.source_id
                ],
            }
            for s in plan.config.sources
        ],
        "refused": [{"source_id": r.source_id, "path": r.path, "reason": r.reason} for r in plan.refusals],
        "steps": [
            {
                "step": step.name,
                "fingerprint": step.fingerprint,
                "reads": list(step.reads),
                "stages": [{"stage": s.kind, "settings": s.settings()} for s in step.stages],
            }
            for step in plan.steps
        ],
    }


def estimates(plan: Plan) -> dict[str, int]:
    """Records that each source will about give, from the bytes of its files."""
    found: dict[str, int] = {}
    for source, part in plan.parts:
        guess = max(1, part.n_bytes // BYTES_PER_RECORD[source.kind])
        found[source.source_id] = found.get(source.source_id, 0) + guess
    return found


def show_plan(plan: Plan, ahead: Sequence[Outlook] = ()) -> None:
    """The plan as a tree: what is read, what is done to it, what an LLM is asked, what comes out."""
    header, guess = plan.config.header, estimates(plan)
    tree = Tree(
        f"[bold]{header.name} {header.version}[/bold]  content {plan.content_hash[:_SHORT]}"
        f"  → {escape(str(plan.config.store))}"
    )
    read = tree.add(f"read  {len(plan.parts)} files, {plan.n_to_read()} not read before")
    for source in plan.config.sources:
        mine = [p for s, p in plan.parts if s.source_id == source.source_id]
        size = sum(p.n_bytes for p in mine) / 1e6
        n = guess.get(source.source_id, 0)
        read.add(
            f"{source.source_id}  {source.kind}, {len(mine)} files, {size:.2f} MB, about {n} records, "
            f"{escape(source.license)}"
        )
    for r in plan.refusals:
        read.add(f"[yellow]refused[/yellow] {escape(r.detail)}")
    for step in plan.steps:
        branch = tree.add(f"{step.name}  {step.fingerprint[:_SHORT]}  over {', '.join(step.reads)}")
        for stage in step.stages:
            options = ", ".join(f"{k}={_brief(v)}" for k, v in stage.settings().items())
            branch.add(f"{stage.kind}  [dim]{escape(options)}[/dim]")
    views = header.views
    tree.add(f"publish  views cpt, sft ({', '.join(views.sft)}), dfpo, psft ({', '.join(views.psft)}), eval")
    console.print(tree)
    if ahead:
        show_ahead(ahead, plan.config.header.llm)


def _brief(value: Any) -> str:
    return str(value) if len(str(value)) < 60 else f"{str(value)[:57]}…"


def show_sources(seen: list[dict[str, Any]]) -> None:
    """A table of files a source, refusals in full, and sample records."""
    for source in seen:
        console.print(f"\n[bold]{source['source_id']}[/bold]  {source['kind']}, licence {escape(source['license'])}")
        table = Table(show_edge=False, pad_edge=False)
        for name in ("file", "format", "encoding", "records", "dropped"):
            table.add_column(name, overflow="fold")
        for part in source["parts"]:
            if part["refused"]:
                table.add_row(escape(part["path"]), "[red]refused[/red]", "", "", part["refused"]["reason"])
                continue
            records = ", ".join(f"{n} {kind}" for kind, n in part["n_records"].items())
            dropped = ", ".join(
                f"{w.removeprefix('read:')} {n}" for k in part["n_dropped"].values() for w, n in k.items()
            )
            table.add_row(escape(part["path"]), part["format"], part["encoding"], records, dropped)
        console.print(table)
        for part in source["parts"]:
            if part["refused"]:
                console.print(f"  [red]refused[/red] {escape(part['refused']['detail'])}")
            for note in part.get("notes", []):
                console.print(f"  note: {escape(part['path'])}: {escape(note)}")
        for sample in source["samples"]:
            console.print(f"  [dim]{sample['record_id']} {escape(sample['part'])} {escape(sample['locator'])}[/dim]")
            console.print(f"    {escape(_preview(sample))}")


def _preview(record: dict[str, Any], limit: int = 160) -> str:
    kind = record["kind"]
    if kind in ("document", "triple", "dialogue"):
        text = canonical_text(kind, record)
    elif kind == "instruction":
        text = " / ".join(m["content"] for m in record["messages"])
    else:
        text = record.get("chosen") or record.get("text") or ""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def versions_data(corpora: dict[str, Store]) -> list[dict[str, Any]]:
    """Every version of every corpus, for programs."""
    data = []
    for name, store in corpora.items():
        for version in store.versions():
            manifest = read_manifest(store.version_dir(version))
            rows = sum(e["n_rows"] for splits in manifest.views.values() for e in splits.values())
            data.append(
                {
                    "name": name,
                    "version": version,
                    "current": version == store.current(),
                    "content_hash": manifest.content_hash,
                    "n_rows": rows,
                    "version_dir": str(store.version_dir(version)),
                }
            )
    return data


def show_versions(data: list[dict[str, Any]], store: Path) -> None:
    """A line a version; the current one is marked."""
    if not data:
        console.print(f"No version in {escape(str(store))} yet. Make one with `pedcorpus build`.")
        return
    table = Table(show_edge=False, pad_edge=False)
    for name in ("", "corpus", "version", "content", "rows"):
        table.add_column(name)
    for v in data:
        table.add_row(
            "*" if v["current"] else "", v["name"], v["version"], v["content_hash"][:_SHORT], str(v["n_rows"])
        )
    console.print(table)
