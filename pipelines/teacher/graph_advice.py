"""Treatment recommendations (TreRecom) from the facts of one disease: where to go, how it is treated, what to watch.

The graph's lists of drugs are adverts and never used; its ways of treatment are stated only together with the
department, and with what has to be checked, so that the answer helps somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pipelines.teacher import advice_wording as wording
from pipelines.teacher.diseases import Disease
from pipelines.teacher.graph_questions import departments_said, exams_said, patient
from pipelines.teacher.hallmarks import has_hallmark, tells_apart
from pipelines.teacher.lay_names import after_asking, in_short, lay_name
from pipelines.teacher.phrasing import pick, shuffled
from pipelines.teacher.rows import assistant, instruction, user

_BARE: Final = frozenset(
    [
        "药物治疗",
        "药物",
        "西药治疗",
        "西医药物治疗",
        "中医药物治疗",
        "中药治疗",
        "药物疗法",
        "对症治疗",
        "支持治疗",
        "支持性治疗",
        "病因治疗",
        "支持疗法",
    ]
)
_NO_ADVICE: Final = re.compile(r"狂犬|时期常见|CM1|综合征Ⅰ")
EMERGENCY: Final = re.compile(
    r"肠套叠|阑尾炎|胰腺炎|扭转|异物|肠梗阻|心力衰竭|休克|中毒|脑膜炎|脑炎|"
    r"脑水肿|出血症|败血|癫痫持续|破伤风|麻痹症"
)

_NO_TERM: Final = re.compile(r"肺炎|真菌|结核|脑|心|肾|肝|败血|骨髓|瘤|癌|白血|综合征|免疫|梅毒|缺乏")
"""Whose course no number of days tells: the graph says 7 days of a fungal pneumonia."""

_MILD: Final = re.compile(r"感冒|痤疮|龋|鼻炎|遗尿|尿床|便秘|厌食|消化不良|吞气|缺乏|腹胀|抽动|多动|口吃")
"""Nobody need hurry to a doctor with these, or ask for them after two findings."""

Draft = tuple[str, str, str, tuple[str, ...]]


def advice(disease: Disease, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` TreRecom instructions on one disease."""
    rows = []
    for aspect, question, answer, used in list(_drafts(disease))[:at_most]:
        rows.append(
            instruction(
                dict(disease.facts[used[0]][0].row),
                task="trerecom",
                aspect=aspect,
                template=f"graph/{aspect}",
                messages=[user(question), assistant(answer)],
                evidence=disease.evidence(*used),
                department=disease.texts("department")[0],
            )
        )
    return rows


def _drafts(disease: Disease) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    facts = disease.facts
    if "department" not in facts or _NO_ADVICE.search(disease.name):
        return
    for rule in (_treatment, _visit, _care, _triage, _how_long, _follow_up):
        draft = rule(disease)
        if draft:
            yield draft


def _say(options: tuple[str, ...], disease: Disease, key: str, **words: str) -> str:
    said = pick(options, disease.name, key).format(d=disease.name, w=departments_said(disease), **words)
    names_child = key.endswith("asked") and said.startswith("孩子")
    return patient(disease, key) + said.removeprefix("孩子") if names_child else said


def _visit(disease: Disease) -> Draft | None:
    seen = disease.noticed()
    found = [t for t in disease.texts("symptom") if t not in seen and lay_name(t) is None]
    if not seen or (len(seen) < 2 and len(found) < 2) or disease.kind.asker == "nobody" or _on_ward(disease):
        return None
    if not disease.texts("exam"):
        return None
    if len(seen) < 2:
        seen, found = disease.texts("symptom"), []
    question = _say(wording.VISIT_ASKED, disease, "visit asked")
    options = wording.VISIT if "吗" in question or "要不要" in question else wording.VISIT_ANYWAY
    answer = _say(
        options,
        disease,
        "visit",
        r="、".join(seen),
        h="、".join(in_short(t) for t in seen),
        k=_say(wording.CHECKS if found else wording.ON_ARRIVAL, disease, "arrival", f="、".join(found)),
        x=exams_said(disease, "visit"),
    )
    return "visit", question, answer, ("department", "symptom", "exam")


def _care(disease: Disease) -> Draft | None:
    """What to watch: not where nothing can get worse from day to day, as in a malformation."""
    risks = disease.texts("complication")
    if len(disease.texts("symptom")) < 2 or not risks or disease.kind.tempo == "congenital":
        return None
    nurse = _on_ward(disease) or disease.kind.asker != "parent" or bool(EMERGENCY.search(disease.name))
    seen = disease.texts("symptom") if nurse else disease.noticed()
    if len(seen) < 2:
        return None
    question = _say(wording.WARD_ASKED if nurse else wording.CARE_ASKED, disease, "care asked")
    told = wording.WARD if nurse else wording.CARE
    answer = _say(told, disease, "care", r="、".join(seen), c="、".join(risks))
    used = ("symptom", "complication") if nurse else ("symptom", "complication", "department")
    return "care", question, answer, used


def _triage(disease: Disease) -> Draft | None:
    """Whether to go now: only where the graph names what may follow."""
    seen, risks = disease.noticed(), disease.texts("complication")
    if len(seen) < 2 or not risks or disease.kind.asker != "parent" or disease.is_newborn:
        return None
    if (
        disease.kind.tempo != "acute"
        or not has_hallmark(disease.name, seen)
        or _MILD.search(disease.name)
        or not tells_apart(disease.name, seen)
    ):
        return None
    told = shuffled(seen, disease.name, "triage")[:3]
    question = _say(wording.TRIAGE_ASKED, disease, "triage asked", h="、".join(after_asking(t) for t in told))
    answer = _say(wording.TRIAGE, disease, "triage", r="、".join(told), c="、".join(risks))
    return "triage", question, answer, ("symptom", "complication", "department")


def _how_long(disease: Disease) -> Draft | None:
    """How long the treatment takes, and what to do when the child is not better by then."""
    seen = disease.noticed()
    if not _believed_term(disease) or not seen or _on_ward(disease):
        return None
    question = _say(wording.COURSE_ASKED, disease, "course asked")
    answer = _say(wording.COURSE, disease, "course", m=_believed_term(disease), r="、".join(seen))
    return "course", question, answer, ("period", "symptom", "department")


def _follow_up(disease: Disease) -> Draft | None:
    """What to look at afterwards: where there is a treatment to follow and a test to repeat."""
    seen = disease.noticed()
    if len(disease.texts("exam")) < 2 or len(seen) < 2 or not disease.texts("treatment") or _on_ward(disease):
        return None
    question = _say(wording.FOLLOW_UP_ASKED, disease, "follow-up asked")
    options = wording.FOLLOW_UP if "还用" in question else wording.FOLLOW_UP_ANYWAY
    answer = _say(options, disease, "follow-up", r="、".join(seen[:4]), x=exams_said(disease, "follow-up"))
    return "follow_up", question, answer, ("symptom", "exam", "department")


def _believed_term(disease: Disease) -> str:
    periods = disease.texts("period", 1)
    return periods[0] if periods and not _NO_TERM.search(disease.name) else ""


def _on_ward(disease: Disease) -> bool:
    return disease.is_newborn and disease.kind.asker == "clinician"


def _treatment(disease: Disease) -> Draft | None:
    """How it is treated: a bare 药物治疗 only together with three things that help."""
    ways = disease.texts("treatment")
    if not ways:
        return None
    used, sentences = ["treatment", "department"], [_say(wording.TREATMENT, disease, "treatment", v="、".join(ways))]
    risks, exams, term = disease.texts("complication"), disease.texts("exam"), _believed_term(disease)
    seen = disease.noticed() or disease.texts("symptom")
    for aspect, known, phrases, words in (
        ("exam", exams, wording.BEFORE, {"e": "、".join(exams)}),
        ("period", term, wording.TERM, {"m": term}),
        ("symptom", seen, wording.RECOVERY, {"r": "、".join(seen[:3])}),
        ("complication", risks, wording.GUARD, {"c": "、".join(risks)}),
    ):
        if known:
            used.append(aspect)
            sentences.append(_say(phrases, disease, f"treatment {aspect}", **words))
    n_helpful = len(risks) + len(exams) + len(seen[:3]) + bool(term)
    if n_helpful < (3 if all(way in _BARE for way in ways) else 2):
        return None
    end = wording.NO_DRUGS if any("药" in way for way in ways) else wording.NO_SELF
    sentences.append(_say(end, disease, "treatment end"))
    return "treatment", _say(wording.TREATMENT_ASKED, disease, "treatment asked"), "".join(sentences), tuple(used)
