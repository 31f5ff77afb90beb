"""Which texts must not be met in training, and which texts of a row are looked through for them.

    role          what                                its texts
    benchmark     a row of a user's benchmark file    each column that is named, and all of them together
    evaluation    a row of a source of `role: eval`   question, answer, both together
    test          another row of the test split       question and answer together
    validation    a row of the validation split       question and answer together

Of a benchmark or an evaluation set the question alone is enough: who has seen the question with any answer is tested
on nothing new. Between the corpus's own splits it is not: its questions come from few templates, and what a group
shares lies in one split already. An answer alone must be longer than a question alone, since good advice is the same
in many places.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from schemas.records import COMPLETION, INSTRUCTION, PREFERENCE

BENCHMARK, EVALUATION, TEST, VALIDATION = ROLES = ("benchmark", "evaluation", "test", "validation")
"""In the order of rank: a row of validation is held against the first three, a row of the test split against none."""
OWN_RANK: Final = ROLES.index(TEST)
"""From here on what is held are rows of the corpus's own splits."""
QUESTION_LETTERS: Final = 16
"""A question of fewer letters stands in many texts (小儿肺炎怎么治疗), so it counts only where it is a whole field."""
ANSWER_LETTERS: Final = 30
WHOLE_LETTERS: Final = 4
"""A text of fewer letters says nothing, even as a whole field."""

ITEMS: Final[dict[str, Any]] = {
    "role": pl.String,
    "source": pl.String,  # the benchmark's file or the source's id
    "number": pl.Int64,  # of the row in a benchmark file
    "place": pl.String,  # its locator there, or a record id
    "part": pl.String,  # the column, `question`, `answer` or `all`
    "shortest": pl.Int64,  # with fewer letters it is not searched for
    "whole": pl.Boolean,  # then it may still be compared with whole fields
    "content": pl.String,
}
"""Columns of the texts that must not be met; every row that is held has at least one, be it empty."""

_NOT_SYSTEM: Final = pl.element().filter(pl.element().struct.field("role") != "system")
_USER: Final = pl.element().filter(pl.element().struct.field("role") == "user")


def _contents(column: str, which: Any) -> pl.Expr:
    return pl.col(column).list.eval(which.struct.field("content").fill_null(""))


def field_texts(kind: str, frame: pl.DataFrame) -> pl.Series:
    """Of each row the texts that are looked through, in the order in which they are read."""
    fields = {
        INSTRUCTION: _contents("messages", pl.element()),
        PREFERENCE: pl.concat_list(_contents("prompt", pl.element()), "chosen", "rejected"),
        COMPLETION: pl.concat_list("text"),
    }
    return frame.select(fields[kind].alias("fields"))["fields"]


def held_items(kind: str, frame: pl.DataFrame, eval_sources: tuple[str, ...]) -> pl.DataFrame:
    """The texts of the rows that are held out: those of evaluation sources and of the validation and test splits.

    A completion that was rewritten from an instruction has none: the instruction has.
    """
    held = frame.filter(pl.col("split").is_in([TEST, VALIDATION]))
    if kind == COMPLETION:
        held = held.filter(pl.col("origin") != INSTRUCTION)
    first, answer, everything = _spoken(kind)
    of_exam = pl.col("source_id").is_in(eval_sources)
    rows = held.select(
        role=pl.when(of_exam).then(pl.lit(EVALUATION)).otherwise("split"),
        source="source_id",
        number=pl.lit(0, pl.Int64),
        place="record_id",
        question=first,
        answer=answer,
        all=everything,
    )
    both = _part(rows, "all", QUESTION_LETTERS, whole=True)
    if kind == COMPLETION:
        return both
    exam = rows.filter(pl.col("role") == EVALUATION)
    question = _part(exam, "question", QUESTION_LETTERS, whole=True)
    return pl.concat([both, question, _part(exam, "answer", ANSWER_LETTERS, whole=False)])


def _spoken(kind: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """The question that opens a row, the answer that ends it, and all that is said in it."""
    if kind == INSTRUCTION:
        said = _contents("messages", _NOT_SYSTEM)
        return _contents("messages", _USER).list.first(), said.list.last(), said.list.join("\n")
    if kind == PREFERENCE:
        said = _contents("prompt", _NOT_SYSTEM).list.join("\n")
        return _contents("prompt", _USER).list.first(), pl.col("chosen"), pl.concat_str(said, "chosen", separator="\n")
    return pl.lit(""), pl.col("text"), pl.col("text")


def _part(rows: pl.DataFrame, part: str, shortest: int, whole: bool) -> pl.DataFrame:
    return rows.with_columns(
        part=pl.lit(part), shortest=pl.lit(shortest, pl.Int64), whole=pl.lit(whole), content=part
    ).select(pl.col(name).cast(dtype) for name, dtype in ITEMS.items())


def benchmark_items(source: str, columns: tuple[str, ...], rows: list[tuple[str, list[str]]]) -> pl.DataFrame:
    """The texts of a benchmark's rows: of each its locator and what its columns hold, the question first."""
    items = []
    for number, (place, values) in enumerate(rows):
        for at, (part, content) in enumerate(zip(columns, values, strict=True)):
            shortest = ANSWER_LETTERS if at else QUESTION_LETTERS
            items.append((BENCHMARK, source, number, place, part, shortest, not at, content))
        if len(columns) > 1:
            items.append((BENCHMARK, source, number, place, "all", QUESTION_LETTERS, True, "\n".join(values)))
    return pl.DataFrame(items, schema=ITEMS, orient="row")
