"""What a run came to, as a page of Markdown."""

from __future__ import annotations

from corpus.check.summary import Tally


def report(tally: Tally) -> str:
    """Counts by verdict, kind and check, and the worst examples."""
    data = tally.data()
    lines = ["# Answers against their evidence", "", "| verdict | records |", "|---|---:|"]
    lines += [f"| {verdict} | {n} |" for verdict, n in data["verdicts"].items()]
    lines.append(f"| not checked | {data['refused']['n']} |")
    for title, key in (("kind", "by_kind"), ("check", "by_check")):
        lines += ["", f"| verdict | {title} | records |", "|---|---|---:|"]
        lines += [f"| {v} | {name} | {n} |" for v, counts in data[key].items() for name, n in counts.items()]
    lines += ["", "## The worst"]
    for line in data["worst"]:
        finding = line["findings"][0]
        evidence = finding["evidence_span"]["text"] if finding["evidence_span"] else ""
        lines += ["", f"- `{_flat(str(line['id']))}` {line['verdict']} {line['probability']:.2f} {finding['check']}"]
        lines += [f"  - answer: {_flat(finding['answer_span']['text'])}", f"  - evidence: {_flat(evidence)}"]
        lines.append(f"  - {_flat(finding['says'])}")
    return "\n".join(lines) + "\n"


def _flat(text: str) -> str:
    """One line, in which nothing is markup."""
    flat = " ".join(text.split())[:200]
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in flat)
