"""What the `pedcorpus` command prints of one version: statistics, traces, rejects, pushes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from corpus.hub import PushResult
from corpus.show import console, views_table
from corpus.trace import Trace

_HEADERS = {
    "n_rows": "rows",
    "n_chars": "chars",
    "chars_median": "median",
    "answer_chars_median": "answer",
    "answer_chars_p95": "95 %",
    "question_chars_median": "question",
    "messages_mean": "messages",
    "distinct_question_ratio": "distinct questions",
    "question_distinct_1": "question 1",
    "question_distinct_2": "question 2",
    "answer_distinct_1": "answer 1",
    "answer_distinct_2": "answer 2",
    "source_id": "source",
    "n_parts": "files",
    "n_refused": "refused",
    "n_searched": "searched for",
    "n_whole_only": "as a whole only",
    "n_unchecked": "not checked",
    "n_weak": "weakly",
    "n_found": "found",
    "n_matched": "rows dropped",
}
_BAR = 30
"""Characters of the longest bar."""
_EXAMPLES = 5
"""Answers shown that their evidence does not bear out."""


def show_stats(data: dict[str, Any]) -> None:
    """Views and tasks, the funnel of every stage with its reasons, lengths, sources."""
    console.print(f"[bold]{data['name']} {data['version']}[/bold]  content {data['content_hash'][:12]}")
    console.print(views_table(data["views"], data["tasks"]))
    console.print("\n[bold]What each stage let through[/bold]")
    for stage in data["stages"]:
        for c in stage["counts"]:
            _show_count(stage["stage"], c)
    if data["contamination"]:
        console.print("\n[bold]Kept out of training[/bold] (rows of the set; rows of the corpus that held them)")
        console.print(_table(data["contamination"]))
    if data["unsupported"]:
        _show_unsupported(data["unsupported"])
    console.print("\n[bold]Instructions[/bold] (lengths in characters)")
    console.print(_table(data["instructions"]))
    console.print("\n[bold]Variety[/bold] (Distinct-n over words)")
    console.print(_table(data["distinct"]))
    console.print("\n[bold]Completions[/bold]")
    console.print(_table(data["completions"]))
    console.print("\n[bold]Sources[/bold]")
    keys = ("source_id", "kind", "license", "n_parts", "n_refused")
    console.print(_table([{k: s[k] for k in keys} | {"records": _counts(s["n_records"])} for s in data["sources"]]))


def _show_unsupported(found: dict[str, Any]) -> None:
    """Answers against their evidence: counts, and the worst examples."""
    console.print("\n[bold]Answers against their evidence[/bold]")
    console.print(f"  instructions kept {found['kept']}, without evidence {found['no_evidence']}")
    for group in ("rejected", "quarantined", "unchecked"):
        if found[group]:
            console.print(f"  {group} {sum(found[group].values())}: [dim]{_by_number(found[group])}[/dim]")
    if found["by_check"]:
        console.print(f"  by check: [dim]{_by_number(found['by_check'])}[/dim]")
    for e in found["worst"][:_EXAMPLES]:
        console.print(f"  {e['record_id']} {e['verdict']} {e['probability']:.2f} [dim]{escape(e['check'])}[/dim]")
        console.print(f"    answer   {escape(_flat(e['answer']))}\n    evidence {escape(_flat(e['evidence'])) or '–'}")


def _by_number(counts: dict[str, int]) -> str:
    return ", ".join(f"{escape(name)} {n}" for name, n in counts.items())


def _show_count(stage: str, c: dict[str, Any]) -> None:
    n_in = c["n_in"] or c["n_out"] + sum(c["dropped"].values())  # what a stage makes does not come in
    if c["n_in"] == 0 and not c["dropped"]:
        console.print(f"  {stage:<22} {c['kind']:<12} made {c['n_out']}")
        return
    kept = round(_BAR * c["n_out"] / n_in)
    bar = f"[green]{'█' * kept}[/green][red]{'░' * (_BAR - kept)}[/red]"
    console.print(f"  {stage:<22} {c['kind']:<12} {bar} {'' if c['n_in'] else 'made '}{c['n_out']} of {n_in}")
    reasons = sorted(c["dropped"].items(), key=lambda item: (-item[1], item[0]))
    if reasons:
        named = ", ".join(f"{reason.rpartition(':')[2]} {n}" for reason, n in reasons)
        console.print(f"  {'':<36}[dim]{named}[/dim]")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in counts.items())


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for name in rows[0] if rows else ():
        table.add_column(_HEADERS.get(name, name), overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(v)) for v in row.values()))
    return table


def trace_data(found: Trace) -> dict[str, Any]:
    """A trace for programs."""
    return asdict(found)


def show_trace(found: Trace) -> None:
    """The row, then each link of the chain down to the file."""
    row = found.row
    console.print(f"[bold]{row['record_id']}[/bold]  {found.view}/{found.split}  task {row.get('task') or '-'}")
    _show_text(row)
    if row.get("derived_from"):
        console.print(f"derived   from {row['origin']} {', '.join(row['derived_from'])}")
    if generator := row.get("generator"):
        console.print(f"made by   {_maker(generator)}")
    part = found.part
    console.print(
        f"source    {row['source_id']}: {escape(row['part'])} at {escape(row['locator'])}, "
        f"licence {escape(row['license'])}"
    )
    if part:
        console.print(
            f"file      sha256 {part['sha256']}, {part['n_bytes']} bytes, {part['format']} {part['encoding']}"
        )
    for number, link in enumerate(found.links, 1):
        agrees = "[green]agrees[/green]" if link.cut == link.text else "[red]DIFFERS[/red]"
        where = f"{link.record_id} {escape(link.record['part'])} {escape(link.record['locator'])}"
        console.print(f"evidence {number}: {where} characters {link.start}–{link.end}, {agrees}")
        before, after = escape(_flat(link.before)), escape(_flat(link.after))
        console.print(f"    …{before}[bold cyan]{escape(_flat(link.text))}[/bold cyan]{after}…")
        if link.raw:
            console.print(f"    in the file: {escape(_flat(link.raw)[:200])}")
        if link.file_note:
            console.print(f"    {escape(link.file_note)}")


def _maker(generator: dict[str, Any]) -> str:
    if not generator.get("call_key"):
        return f"{generator['method']} ({generator['name']}, template {generator['template']})"
    return escape(
        f"{generator['method']} ({generator['name']}, prompt {generator['template']} {generator['version']}); "
        f"the exchange: pedcorpus ledger {generator['call_key']}"
    )


def _show_text(row: dict[str, Any]) -> None:
    if "text" in row:
        console.print(f"  {escape(_flat(row['text'])[:400])}")
    for column in ("messages", "prompt", "chosen", "rejected"):
        for message in row.get(column) or []:
            label = column if column in ("chosen", "rejected") else message["role"]
            console.print(f"  [dim]{label:<9}[/dim] {escape(message['content'])}")


def _flat(text: str) -> str:
    return " ".join(text.split())


def show_rejects(data: dict[str, Any]) -> None:
    """Counts by stage and reason, then the records."""
    for stage, reasons in data["counts"].items():
        console.print(f"[bold]{stage}[/bold]  {', '.join(f'{why} {n}' for why, n in reasons.items())}")
    for r in data["records"]:
        where = f"{escape(r['part'])} {escape(r['locator'])}"
        console.print(f"\n{r['record_id']}  {r['drop_reason']}  [dim]{r['source_id']}: {where}[/dim]")
        if r["drop_detail"]:
            console.print(f"  because of: {escape(r['drop_detail'])}")
        console.print(f"  {escape(_record_text(r['record'])[:300])}")
        if kept := r.get("kept"):
            console.print(f"  kept: [dim]{kept['source_id']}: {escape(kept['part'])} {escape(kept['locator'])}[/dim]")
            console.print(f"  {escape(_record_text(kept['record'])[:300])}")


def _record_text(record: dict[str, Any]) -> str:
    if "head" in record:
        return "｜".join(str(record[k]) for k in ("head", "relation", "tail"))
    if turns := record.get("turns") or record.get("messages"):
        return _flat(" / ".join(m["content"] or "" for m in turns))
    return _flat(str(record.get("text") or record.get("chosen") or ""))


def push_data(result: PushResult) -> dict[str, Any]:
    """A push for programs."""
    return {**asdict(result), "n_bytes": sum(f.n_bytes for f in result.files)}


def show_push(result: PushResult) -> None:
    """What was, or would be, pushed."""
    console.print(
        f"[bold]{result.status}[/bold]  {len(result.files)} files, {sum(f.n_bytes for f in result.files)} bytes"
    )
    for file in result.files:
        console.print(f"  {file.n_bytes:>12}  {file.path}")
    for path in result.deleted:
        console.print(f"  {'delete':>12}  {path}")
    if result.status == "dry_run":
        console.print("\nREADME.md as it would be published:\n")
        console.print(escape(result.card))
    elif result.commit:
        console.print(f"commit {result.commit}")
