"""The middle band: an LLM says of each doubtful clause whether the evidence bears it out, and quotes where.

A quote counts only where the evidence holds it word for word. A clause is borne out where more than half of the votes
say so with such a quote; an answer is kept where every doubtful clause is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from pipelines.ask.quotes import find, folded
from pipelines.check.review import EvidenceSpan, Finding, Review, Span
from pipelines.check.signals import Case
from pipelines.llm.exchange import Ask, Reply, Sampling, conversation
from pipelines.prompts import PromptBook

PROMPT: Final = "verdict"
SUPPORTED, CONTRADICTED, ABSENT = "支持", "矛盾", "没有提到"
MAX_CHARS: Final = 16_000
"""Of evidence, question and answer together; nothing longer is asked about."""
_MAX_CLAUSES: Final = 5
_NEAR_WORST: Final = 0.5
_SHOWN_CHARS: Final = 60
_RULE: Final = "\n——————\n"

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["verdicts"],
    "properties": {
        "verdicts": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["clause", "verdict", "quote"],
                "properties": {
                    "clause": {"type": "integer"},
                    "verdict": {"type": "string", "enum": [SUPPORTED, CONTRADICTED, ABSENT]},
                    "quote": {"type": "string"},
                },
            },
        }
    },
}


class Quote(NamedTuple):
    """`evidence[source].raw[start:end]` of a case."""

    source: int
    start: int
    end: int


class Decision(NamedTuple):
    """What the votes came to.

    Attributes:
        state: `ok`, or of the first reply where not one could be used.
        reason: Why it is not `ok`; `too_long` where nothing was asked.
        verdict: `支持`, `矛盾` or `没有提到`, of the worst clause; empty where `state` is not `ok`.
        clause: Number of that clause in the answer.
        quote: What was quoted for it, and stands there; None where nothing was.
        n_votes: Usable replies.
        n_for: Of these, those of that verdict.
        call_key: Of the first usable reply, or of the first.
    """

    state: str
    reason: str
    verdict: str
    clause: int
    quote: Quote | None
    n_votes: int
    n_for: int
    call_key: str


def verdict_job(found: Review, prompts: PromptBook, votes: int) -> Generator[tuple[Ask, ...], list[Reply], Decision]:
    """Asks about the answer that decided a review; `votes` times at once.

    Args:
        found: What is in doubt.
        prompts: For `verdict.md`.
        votes: An odd number.
    """
    case, doubtful = found.worst.case, doubtful_clauses(found)
    n_chars = sum(len(r.raw) for r in (*case.known, case.answer))
    if n_chars > MAX_CHARS:
        return Decision("rejected", "too_long", "", doubtful[0], None, 0, 0, "")
    replies = yield tuple(_ask(case, doubtful, prompts, vote, votes) for vote in range(votes))
    usable = [reply for reply in replies if reply.ok]
    if not usable:
        first = replies[0]
        return Decision(first.state, first.reason, "", doubtful[0], None, 0, 0, first.key)
    ballots = [_ballot(case, doubtful, reply) for reply in usable]
    decided = [_counted(clause, [ballot[clause] for ballot in ballots]) for clause in doubtful]
    order = (SUPPORTED, ABSENT, CONTRADICTED)
    clause, verdict, quote, n_for = max(decided, key=lambda d: (order.index(d[1]), -doubtful.index(d[0])))
    return Decision("ok", "", verdict, clause, quote, len(usable), n_for, usable[0].key)


def doubtful_clauses(found: Review) -> list[int]:
    """Clauses to ask about: the one that decided, and those nearly as likely wrong, the likeliest first."""
    chances, worst = found.judgement.clauses, found.judgement.worst
    near = [i for i, p in enumerate(chances) if i != worst and p >= _NEAR_WORST * chances[worst] and p > 0]
    return [worst, *sorted(near, key=lambda i: (-chances[i], i))][:_MAX_CLAUSES]


def _ask(case: Case, doubtful: Sequence[int], prompts: PromptBook, vote: int, votes: int) -> Ask:
    prompt = prompts.get(PROMPT)
    clauses = [case.answer.clauses[i] for i in doubtful]
    said = [case.answer.raw[c.start : c.end] for c in clauses]
    values = {
        "question_text": "\n".join([*(r.raw for r in case.heard), case.question.raw]).strip() or "（无）",
        "answer_text": case.answer.raw,
        "clauses_text": "\n".join(f"{number}. {text}" for number, text in enumerate(said, 1)),
        "evidence_text": _RULE.join(r.raw for r in case.evidence),
    }
    messages = conversation(prompt.fill("system", {}), prompt.fill("user", values))
    sampling = Sampling(0.0 if votes == 1 else 0.6, max_tokens=400 + 200 * len(doubtful))
    return Ask("judge", PROMPT, prompt.version, messages, SCHEMA, sampling, sample=vote)


def _ballot(case: Case, doubtful: Sequence[int], reply: Reply) -> dict[int, tuple[str, Quote | None]]:
    """Clause → what one reply says of it; a clause that it leaves out, and one that it bears out with a quote that
    stands nowhere, count as not mentioned."""
    found: dict[int, tuple[str, Quote | None]] = dict.fromkeys(doubtful, (ABSENT, None))
    for item in reply.value["verdicts"][: 4 * _MAX_CLAUSES]:
        if not 1 <= item["clause"] <= len(doubtful):
            continue
        quote = _quoted(case, item["quote"])
        verdict = ABSENT if quote is None else item["verdict"]
        found[doubtful[item["clause"] - 1]] = (verdict, None if verdict == ABSENT else quote)
    return found


def _quoted(case: Case, quote: str) -> Quote | None:
    """Where the evidence holds a quote; a clause that only repeats the asker may be quoted from the question."""
    if not quote.strip():
        return None
    for source, reading in enumerate(case.evidence):
        if (span := find(quote, reading.raw, folded(reading.raw))) is not None:
            return Quote(source, *span)
    return None


def _counted(clause: int, ballots: Sequence[tuple[str, Quote | None]]) -> tuple[int, str, Quote | None, int]:
    """The verdict of more than half; without such a majority it is not mentioned."""
    counts = Counter(verdict for verdict, _ in ballots)
    verdict, n = counts.most_common(1)[0]
    if 2 * n <= len(ballots):
        verdict, n = ABSENT, counts[ABSENT]
    return clause, verdict, next((quote for v, quote in ballots if v == verdict), None), n


def decided(found: Review, decision: Decision) -> Review:
    """The review with the model's word in it, first: kept, or rejected; held back still where no reply was of use."""
    turn = found.worst
    clause = turn.case.answer.clauses[decision.clause]
    said = Span(clause.start, clause.end, turn.case.answer.raw[clause.start : clause.end])
    their_kind = found.findings[0].kind if found.findings else "unsupported"
    if decision.state != "ok":
        says = f"「{_short(said.text)}」未能由模型核对（{decision.reason}），需要人工复核。"
        unanswered = Finding("llm.unanswered", their_kind, "warning", turn.message, said, None, says)
        return replace(found, findings=(*found.findings, unanswered))
    kept, votes = decision.verdict == SUPPORTED, f"{decision.n_for}/{decision.n_votes}"
    evidence = None if decision.quote is None else _evidence_span(found, decision.quote)
    shown = "" if evidence is None else f"，原文「{_short(evidence.text)}」"
    says = f"模型核对（{votes} 票）：{decision.verdict}「{_short(said.text)}」{shown}。"
    contradicted = decision.verdict == CONTRADICTED
    kind = their_kind if kept or contradicted else "unsupported"
    severity = "note" if kept else "error"
    first = Finding(f"llm.{_RULES[decision.verdict]}", kind, severity, turn.message, said, evidence, says)
    others = tuple(f._replace(severity="note") for f in found.findings) if kept else found.findings
    return replace(found, verdict="keep" if kept else "reject", findings=(first, *others))


_RULES: Final = {SUPPORTED: "supported", CONTRADICTED: "contradicted", ABSENT: "absent"}


def _evidence_span(found: Review, quote: Quote) -> EvidenceSpan:
    piece, text = found.worst.pieces[quote.source], found.worst.case.evidence[quote.source].raw
    start, end = piece.offset + quote.start, piece.offset + quote.end
    return EvidenceSpan(piece.text, start, end, text[quote.start : quote.end])


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
