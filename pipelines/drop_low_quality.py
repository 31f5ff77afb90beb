"""Drops what nobody should learn from: empty, broken, touting, garbled, unsafe. Each drop has a reason and a detail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

import polars as pl

from pipelines import contraindications, defects, implausible_answers, topics
from pipelines.base import BatchStage
from pipelines.text_columns import joined_text
from schemas.records import COMPLETION, DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, TRIPLE

CONVERSATIONS: Final = (DIALOGUE, INSTRUCTION, PREFERENCE)
_LISTS: Final = {DIALOGUE: "turns", INSTRUCTION: "messages", PREFERENCE: "prompt"}
_ADULT_ANSWER: Final = (
    "前列腺|阳痿|早泄|性生活|同房|房事|性伴侣|月经不调|白带异常|宫颈|尖锐湿疣|更年期|妇科检查|老年痴呆"
    "|对于肿瘤|肿瘤患者|癌症患者|高血压患者|糖尿病患者|痔疮患者|不孕不育"
)
_WORD: Final = r"[\p{L}\p{N}]"
_MEASURE: Final = (
    r"^[\d.%～~至到\s-]+(?:个?月|天|周|年|岁|日|小时|元|％)?$"
    r"|^(?:药物治疗|手术治疗|支持性治疗|支持治疗)(?:[\s、，]|$)"
)
"""A head that is a duration, a rate or a treatment: the columns of the table had moved."""
_DRUG_RELATION: Final = r"(?i)药|drug|medic|治疗"
_CUT: Final = r"\.{2,}$|…$|[（(][^）)]*$"


@dataclass(frozen=True)
class DropLowQuality(BatchStage):
    """Drops rows that are broken, empty of content, or would teach harm.

    Reasons, in the order in which they are tried: `empty_turn`, `no_answer`, `too_short`, `too_long`, `mojibake`,
    `markup`, `no_chinese`, `shifted` and `cut_off` (triples), `other_identity`, `advert`, `boilerplate_only`,
    `garbled_paraphrase`, `repetitive`, `unfinished`, `no_preference`, `unsafe_for_children`, `answer_off_target`, and
    for the instructions of sources `pointless` and `implausible`.

    Attributes:
        min_question_chars: Shortest question, in characters.
        min_answer_chars: Shortest answer, in characters over all its turns.
        min_document_chars: Shortest section.
        max_chars: Longest row, in characters; longer ones are files that were not cut into sections.
        min_chinese_ratio: Least share of Chinese among the letters of a row that is not general.
        min_information_ratio: Least zlib ratio; below it a text repeats itself.
        min_content_han: Chinese characters that an answer must hold besides courtesies.
        open_end_chars: From this length on, an answer that ends without punctuation was cut.
        artefact_threshold: Weight of substitution artefacts from which a row is garbled (2 or 3 a telling phrase).
        max_triple_chars: Longest head or tail.
        adverts: Drop touting.
        implausible: Drop instructions that a machine filled from tables and that ask nothing, state nothing or cannot
            be true: a drug for what it is not for, a diagnosis without any of its signs.
        unsafe_drugs: Drop answers with drugs that are not for the child's age (`contraindications.tsv`).

    Cost: about 30 MB/s of text on one core.
    Does not cover: wrong facts; those are checked against evidence later.
    """

    kind: ClassVar[str] = "drop_low_quality"
    reads: ClassVar[tuple[str, ...]] = (DOCUMENT, TRIPLE, DIALOGUE, INSTRUCTION, PREFERENCE, COMPLETION)

    min_question_chars: int = field(default=4, metadata={"min": 1, "max": 1000})
    min_answer_chars: int = field(default=8, metadata={"min": 1, "max": 10_000})
    min_document_chars: int = field(default=10, metadata={"min": 1, "max": 100_000})
    max_chars: int = field(default=60_000, metadata={"min": 100, "max": 10_000_000})
    min_chinese_ratio: float = field(default=0.3, metadata={"min": 0.0, "max": 1.0})
    min_information_ratio: float = field(default=0.12, metadata={"min": 0.0, "max": 1.0})
    min_content_han: int = field(default=6, metadata={"min": 0, "max": 1000})
    open_end_chars: int = field(default=400, metadata={"min": 1, "max": 100_000})
    artefact_threshold: int = field(default=3, metadata={"min": 1, "max": 1000})
    max_triple_chars: int = field(default=80, metadata={"min": 1, "max": 10_000})
    adverts: bool = True
    implausible: bool = True
    unsafe_drugs: bool = True

    def apply(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The same rows; `drop_reason` and `drop_detail` set where something is wrong."""
        if frame.is_empty():
            return frame
        text = joined_text(kind, frame)
        findings = self._findings_of_text(kind, frame, text)
        if kind in CONVERSATIONS:
            findings |= self._findings_of_conversation(kind, frame, text)
        return _marked(frame, self.kind, findings)

    def _findings_of_text(self, kind: str, frame: pl.DataFrame, text: pl.Series) -> dict[str, pl.Series]:
        special = _special(frame)
        findings = {"mojibake": defects.mojibake(text), "markup": defects.markup_left(text, special)}
        spoken = text if kind != TRIPLE else frame.get_column("head").fill_null("")  # relations may be English keys
        findings["no_chinese"] = _where(special, defects.without_chinese(spoken, self.min_chinese_ratio))
        length = text.str.len_chars()
        findings["too_long"] = _where(length > self.max_chars, length.cast(pl.String))
        if kind == TRIPLE:
            return findings | self._findings_of_triple(frame)
        findings["repetitive"] = defects.repetitive(text, self.min_information_ratio)
        if kind in (DOCUMENT, COMPLETION):
            body = frame.get_column("text").fill_null("").str.strip_chars().str.len_chars()
            findings["too_short"] = _where(body < self.min_document_chars, body.cast(pl.String))
        return findings

    def _findings_of_triple(self, frame: pl.DataFrame) -> dict[str, pl.Series]:
        ends = pl.concat([frame.get_column("head"), frame.get_column("tail")]).fill_null("").str.strip_chars()
        size = frame.height
        head, tail = ends.slice(0, size), ends.slice(size)
        long = pl.select(pl.max_horizontal(pl.lit(head.str.len_chars()), pl.lit(tail.str.len_chars()))).to_series()
        cut = head.str.contains(_CUT) | tail.str.contains(_CUT)
        relation = frame.get_column("relation")
        warned_of = relation.str.contains("不宜|禁|慎|避免|不良|contraindic|avoid")
        drug = relation.str.contains(_DRUG_RELATION) & ~warned_of & tail.str.contains(contraindications.drug_pattern())
        child = (topics.names_a_child(head) | (frame.get_column("domain") == "paediatric")).fill_null(False)
        suspect = (drug & child).fill_null(False) & pl.Series([self.unsafe_drugs] * size, dtype=pl.Boolean)
        unsafe = pl.Series([None] * size, dtype=pl.String)
        found = contraindications.unsafe_drugs_of(head.filter(suspect), tail.filter(suspect))
        return {
            "unsafe_for_children": unsafe.scatter(suspect.arg_true(), found),
            "too_short": _where((head == "") | ~tail.str.contains(_WORD) | (head == tail), head),
            "shifted": _where(head.str.contains(_MEASURE), head),
            "too_long": _where(long > self.max_triple_chars, long.cast(pl.String)),
            "cut_off": _where(cut, tail),
        }

    def _findings_of_conversation(self, kind: str, frame: pl.DataFrame, text: pl.Series) -> dict[str, pl.Series]:
        question, answer = joined_text(kind, frame, topics.ASKING), joined_text(kind, frame, topics.ANSWERING)
        contents = frame.get_column(_LISTS[kind]).list.eval(pl.element().struct.field("content"))
        blank = contents.list.eval(pl.element().fill_null("").str.strip_chars() == "").list.any()
        findings = {"empty_turn": _where(blank.fill_null(True) | (contents.list.len() == 0), text.str.head(0))}
        if kind == PREFERENCE:
            chosen, rejected = (frame.get_column(c).fill_null("").str.strip_chars() for c in ("chosen", "rejected"))
            none = (chosen == rejected) | (chosen == "") | (rejected == "")
            findings["no_preference"] = _where(none, chosen.str.head(20))
            answer = chosen
        findings["no_answer"] = _where((question == "") | (answer == ""), text.str.head(20))
        asked, answered = question.str.len_chars(), answer.str.len_chars()
        special = _special(frame)
        short = special & ((asked < self.min_question_chars) | (answered < self.min_answer_chars))
        findings["too_short"] = _where(short, asked.cast(pl.String) + "/" + answered.cast(pl.String))
        findings["other_identity"] = defects.other_identities(answer)
        if special.any():
            for reason, found in self._findings_of_medicine(kind, frame, question, answer).items():
                findings[reason] = _where(special, found)
        return findings

    def _findings_of_medicine(
        self, kind: str, frame: pl.DataFrame, question: pl.Series, answer: pl.Series
    ) -> dict[str, pl.Series]:
        """What is judged only in rows that are admitted as medicine."""
        last = answer.str.split("\n").list.last() if kind == PREFERENCE else _last_answer(kind, frame)
        findings = {
            "boilerplate_only": defects.boilerplate_only(answer, self.min_content_han),
            "garbled_paraphrase": defects.paraphrase_artefacts(question + "\n" + answer, self.artefact_threshold),
            "unfinished": defects.unfinished(last, self.open_end_chars),
        }
        if self.implausible and kind == INSTRUCTION:
            findings |= _findings_of_source(frame, question, answer)
        if self.adverts:
            title = frame.get_column("title").fill_null("") if kind == DIALOGUE else pl.Series([""] * frame.height)
            findings["advert"] = defects.adverts(title + "\n" + question.str.split("\n").list.first(), answer)
        drug = contraindications.suspects(answer)
        adult = answer.str.contains(_ADULT_ANSWER) & ~question.str.contains(_ADULT_ANSWER)
        suspects = (drug & pl.Series([self.unsafe_drugs] * frame.height)) | adult
        if suspects.any():
            findings |= _findings_of_child(kind, frame, suspects, drug, adult, answer)
        return findings


def _findings_of_source(frame: pl.DataFrame, question: pl.Series, answer: pl.Series) -> dict[str, pl.Series]:
    """Of instructions that came as they are: what was filled from tables without sense."""
    found = (frame.get_column("generator").struct.field("method") == "source").fill_null(False)
    asked, answered, at = question.filter(found), answer.filter(found), found.arg_true()
    null = pl.Series([None] * frame.height, dtype=pl.String)
    return {
        "pointless": null.clone().scatter(at, implausible_answers.pointless(asked, answered)),
        "implausible": null.clone().scatter(at, implausible_answers.implausible(asked, answered)),
    }


def _findings_of_child(
    kind: str, frame: pl.DataFrame, suspects: pl.Series, drug: pl.Series, adult: pl.Series, answer: pl.Series
) -> dict[str, pl.Series]:
    """Of rows with a drug or with adult advice, those about a child: unsafe drugs, and advice that is no child's."""
    at = suspects.arg_true()
    parts = topics.conversation_parts(kind, frame.filter(suspects))
    child = topics.conversation_scores(parts) >= 2.0
    own = parts.get_column("question") + "\n" + parts.get_column("raw")
    unsafe = _where(child & drug.filter(suspects), contraindications.unsafe_answers(own, answer.filter(suspects)))
    off = _where(child & adult.filter(suspects), answer.filter(suspects).str.extract(f"({_ADULT_ANSWER})", 1))
    null = pl.Series([None] * frame.height, dtype=pl.String)
    return {"unsafe_for_children": null.clone().scatter(at, unsafe), "answer_off_target": null.clone().scatter(at, off)}


def _last_answer(kind: str, frame: pl.DataFrame) -> pl.Series:
    """The last turn of the doctor or the assistant."""
    said = pl.element().filter(pl.element().struct.field("role").is_in(list(topics.ANSWERING))).struct.field("content")
    return frame.get_column(_LISTS[kind]).list.eval(said).list.last().fill_null("")


def _special(frame: pl.DataFrame) -> pl.Series:
    """Rows that are admitted as medicine: of general ones less is asked."""
    return (frame.get_column("topic") != "general").fill_null(True)


def _where(condition: pl.Series, found: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(pl.lit(found).cast(pl.String))).to_series()


_ORDER: Final = (
    "empty_turn",
    "no_answer",
    "too_short",
    "too_long",
    "mojibake",
    "markup",
    "no_chinese",
    "shifted",
    "cut_off",
    "other_identity",
    "advert",
    "boilerplate_only",
    "garbled_paraphrase",
    "repetitive",
    "unfinished",
    "no_preference",
    "unsafe_for_children",
    "answer_off_target",
    "pointless",
    "implausible",
)


def _marked(frame: pl.DataFrame, stage: str, findings: dict[str, pl.Series]) -> pl.DataFrame:
    """`frame` with the first finding of each row as its `drop_reason`, and what was found as `drop_detail`."""
    reason, detail = pl.col("drop_reason"), pl.col("drop_detail")
    for name in reversed([name for name in _ORDER if name in findings]):
        found = pl.lit(findings[name])
        reason = pl.when(found.is_not_null()).then(pl.lit(f"{stage}:{name}")).otherwise(reason)
        detail = pl.when(found.is_not_null()).then(found).otherwise(detail)
    return frame.with_columns(reason.alias("drop_reason"), detail.alias("drop_detail"))
