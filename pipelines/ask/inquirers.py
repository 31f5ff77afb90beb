"""Who asks, for what and in how many turns: drawn from the passage's id and what it has to give, never at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.ask.content import Content
from pipelines.prompts import Prompt
from pipelines.teacher.phrasing import draw, shuffled

PERSONAS: Final = ("parent", "grandparent", "student", "resident", "nurse")
FAMILY: Final = ("parent", "grandparent")
CLINICIANS: Final = ("student", "resident", "nurse")
TASKS: Final = ("medkqa", "evidiag", "trerecom")
_TURNS: Final = {False: "1轮", True: "2～3轮"}
_EVIDIAG_TURNS: Final = "2～3轮"


@dataclass(frozen=True)
class Slot:
    """One item to be written: who asks, for which task, in one turn or several."""

    persona: str
    task: str
    multi_turn: bool

    def line(self, number: int) -> str:
        """How a prompt names it."""
        turns = _EVIDIAG_TURNS if self.task == "evidiag" else _TURNS[self.multi_turn]
        return f"{number}. {self.persona}｜{self.task}｜{turns}"


def slots(
    key: str, content: Content, n_items: int, personas: Sequence[str], multi_turn_ratio: float, medical: bool = False
) -> list[Slot]:
    """The items to be written about one piece of a passage.

    Args:
        key: What decides the draws, such as the passage's id and the piece's number.
        content: What the piece has to give.
        n_items: How many items.
        personas: Who may ask; the same persona asks again only after all that suit have asked.
        multi_turn_ratio: Share of items with several turns, besides evidence-based diagnoses, which always have.
        medical: The passage is about adults: colleagues ask, no family about a child.
    """
    tasks = _tasks(key, content, n_items)
    made: list[Slot] = []
    asked: dict[str, int] = {}
    for number, task in enumerate(tasks):
        ranked = _ranked(f"{key}/{number}", task, content, personas, medical)
        persona = min(ranked, key=lambda p: (asked.get(p, 0), ranked.index(p)))
        asked[persona] = asked.get(persona, 0) + 1
        several = task == "evidiag" or draw(1000, key, str(number), "turns") < multi_turn_ratio * 1000
        made.append(Slot(persona, task, several))
    return made


def _tasks(key: str, content: Content, n_items: int) -> list[str]:
    """Tasks by turns; what the passage is best for comes first."""
    fit = [task for task, fits in (("trerecom", content.of_treatment), ("evidiag", content.of_diagnosis)) if fits]
    order = [*shuffled(fit, key, "tasks"), "medkqa"] if fit else ["medkqa"]
    chosen = [order[i % len(order)] for i in range(n_items)]
    first_diagnosis = chosen.index("evidiag") if "evidiag" in chosen else -1
    # A second diagnosis from the same passage would be the same one.
    return [task if task != "evidiag" or i == first_diagnosis else "medkqa" for i, task in enumerate(chosen)]


def _ranked(key: str, task: str, content: Content, personas: Sequence[str], medical: bool) -> list[str]:
    """The personas that suit an item, the likeliest first; all of them where none does."""
    mixed = shuffled(personas, key, "persona")
    family, clinicians = ([p for p in mixed if p in group] for group in (FAMILY, CLINICIANS))
    if medical:
        return clinicians or mixed
    if task == "evidiag":
        return family or mixed
    if content.for_family and not content.of_science:
        return [*family, *clinicians]
    if content.of_science and not content.for_family:
        return [*clinicians, *family]
    return mixed


def described(prompt: Prompt, names: Sequence[str]) -> str:
    """The prompt's sections of these names, each once, in the order of the list."""
    return "\n".join(prompt.fill(name, {}) for name in dict.fromkeys(names))


def listing(chosen: Sequence[Slot]) -> str:
    """The slots as numbered lines."""
    return "\n".join(slot.line(number) for number, slot in enumerate(chosen, 1))
