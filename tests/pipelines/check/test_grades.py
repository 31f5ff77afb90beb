"""A value falls into the class whose bounds hold it."""

import pytest

from pipelines.check.grades import grade
from pipelines.check.reading import Reading
from pipelines.check.signals import Case

ANAEMIA = "按血红蛋白分度：轻度90～110 g/L，中度60～90 g/L，重度30～60 g/L，低于30 g/L为极重度。"


def classes(question: str, answer: str) -> list[str]:
    return [answer[s.start : s.end] for s in grade(Case(Reading(question), Reading(answer), (Reading(ANAEMIA),)))]


@pytest.mark.parametrize(
    ("question", "answer"),
    [("", "75克每升属于重度贫血。"), ("血红蛋白75 g/L算什么程度？", "算轻度。"), ("", "25 g/L是重度。")],
)
def test_a_class_that_does_not_hold_the_value_is_found(question: str, answer: str) -> None:
    assert classes(question, answer)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("", "75克每升属于中度贫血。"),
        ("血红蛋白45 g/L算什么程度？", "算重度。"),
        ("", "90 g/L是轻度。"),
        ("", "重度要住院。"),
    ],
)
def test_a_class_that_holds_it_or_no_value_is_not(question: str, answer: str) -> None:
    assert classes(question, answer) == []
