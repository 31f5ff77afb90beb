"""Knowledge questions (MedKQ&A) from the facts of one disease.

Each rule asks from another point of view (a parent who sees something, a student who reviews, a nurse who
prepares) and answers with names out of the triples, joined by set phrases. The set phrases say nothing medical that
the graph does not: they carry the list, and the advice to have a doctor look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pipelines.teacher import fact_wording as facts
from pipelines.teacher import linked_wording as linked
from pipelines.teacher.diseases import Disease
from pipelines.teacher.hallmarks import has_hallmark
from pipelines.teacher.lay_names import after_asking, exact_lay_name, in_short, lay_name
from pipelines.teacher.phrasing import pick, shuffled
from pipelines.teacher.rows import assistant, instruction, user


class Draft(NamedTuple):
    """A question and its answer before they become a row."""

    aspect: str
    template: str
    question: str
    answer: str
    used: tuple[str, ...]


# Their graphs hold only findings that fit a hundred diseases.
_NOT_BY_TALK: Final = re.compile(
    r"风湿热|肾上腺|维生素(?:A|B|C|E)|麻痹症|狂犬|肾功能|艾滋|惊厥$|呕吐$|发烧$|发热$|腹胀$|青紫$|肝脾肿大$|脾大$"
)
# Nobody asks whether these are catching.
_NEVER_CATCHING: Final = re.compile(
    r"损伤|外伤|畸形|骨|异物|疝|扭转|出血|血肿|中毒|脱位|尿道[上下]裂|隐睾|胎粪|窒息|产瘤|免疫缺陷|脑积水|早产|过期产|足月|呼吸暂停|低体温|言语|口吃|擦腿|闭锁|膨出|斜颈"
)
_SPECIFIC: Final = re.compile(
    r"新斯的明|腾喜龙|幽门螺|冷凝集|支原体|EB病毒|合胞病毒|流感病毒|结核菌素|PPD|结核杆菌|梅毒|弓形虫|苯丙氨酸|半乳糖|核型|促甲状腺|甲状腺|"
    r"生长激素|抗利尿|尿比重|C肽|尿葡萄糖|胆红素|渗透脆性|血红蛋白电泳|骨髓|血小板计数|巨核|血清锌|尿锌|维生素|血清钙|尿钙|髋臼|透光|眼底|屈光|"
    r"泪道|耳镜|多导睡眠|超声心动图|肌酸激酶|类风湿|肌电图|BMI|阴道|白带|粪细菌培养|轮状|寄生虫|尿液细菌|尿细菌|肌红蛋白|免疫球蛋白E|激发试验|"
    r"肺功能|乙肝|乙型肝炎|疱疹病毒|智力|铁蛋白|淀粉酶|脂肪酶|脑电图|黄体生成素|卵泡刺激素|EB|TORCH|食管|阴囊|睾丸"
)
# What nobody knows without a stethoscope, a hand or a laboratory.
_BY_EXAMINATION: Final = re.compile(
    r"音|征|反射|肝|脾|血症|蛋白|颅压|内压|张力|奔马|心动|心率|血小板|管型|叩|充血|脱离|混浊|病理|低氧|肿块|增生|骨|串珠|积液|"
    r"狭窄|残余|巨大|血尿|氮质|视网膜|白细胞|门脉|贫血|减弱"
)
_BLURRED: Final = ("全身", "其他", "心理", "血液血管", "免疫系统")
# A group at risk that is a clause by itself, one that wants 多见于 before it, one that follows the disease's name.
_AFTER_NAME: Final = re.compile(
    r"^(?:主要|最|仅|以|多在|多数|大多)?(?:多?见于|好发于|常见于|多?发生[在于]|发病|常累及|累及|以|多在)"
)
_CLAUSE: Final = re.compile(r"多见|多发|发病|居多|为主|少见|男.{0,3}(?:多|高|率)|高峰")


def knowledge(disease: Disease, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` MedKQ&A instructions on one disease."""
    rows = []
    for draft in list(_drafts(disease))[:at_most]:
        rows.append(
            instruction(
                dict(disease.facts[draft.used[0]][0].row),
                task="medkqa",
                aspect=draft.aspect,
                template=f"graph/{draft.template}",
                messages=[user(draft.question), assistant(draft.answer)],
                evidence=disease.evidence(*draft.used),
                department=next(iter(disease.texts("department")), None),
            )
        )
    return rows


def patient(disease: Disease, key: str) -> str:
    """Who has it, as the asker names him: a newborn, a baby, or some child."""
    if disease.is_newborn or "婴" in disease.name:
        return pick(facts.BABIES if not disease.is_newborn else facts.NEWBORNS, disease.name, key, "who")
    return pick(facts.CHILDREN, disease.name, key, "who")


def symptoms_said(disease: Disease, key: str, name: str | None = None, at_most: int = 99) -> str:
    """The symptoms as a clause: what a parent sees, then what the doctor finds; `name` stands for the disease."""
    texts = _varied(disease, "symptom", key)[:at_most]
    seen = [t for t in texts if lay_name(t)]
    found = [t for t in texts if not lay_name(t)]
    shows = pick(facts.SHOWS, disease.name, key, "shows")
    if len(seen) < 2 or len(found) < 2:
        return shows.format(d=name or disease.name, s="、".join(texts))
    also = pick(facts.FOUND, disease.name, key, "found").format(f="、".join(found))
    return shows.format(d=name or disease.name, s="、".join(seen)) + also


def exams_said(disease: Disease, key: str) -> str:
    """The examinations as a clause without a subject."""
    return pick(facts.EXAMS, disease.name, key, "exams").format(e="、".join(_varied(disease, "exam", key)))


def _varied(disease: Disease, aspect: str, key: str) -> list[str]:
    """The facts with the most telling one first and the others in an order of their own for each question."""
    texts = disease.texts(aspect)
    return texts[:1] + shuffled(texts[1:], disease.name, aspect, key)


def departments_said(disease: Disease) -> str:
    """Where to go, the children's department first."""
    texts = [t for t in disease.texts("department") if t != "内科"]
    return "或".join(texts[:2])


def people_said(disease: Disease) -> str:
    """The group at risk as a clause."""
    text = disease.texts("people")[0].removeprefix("其")
    if _AFTER_NAME.match(text):
        return f"{disease.name}{text}"
    if _CLAUSE.search(text):
        return f"从好发人群看，{disease.name}的特点是：{text}"
    return f"{disease.name}多见于{text}"


def is_asked_to_be_catching(disease: Disease) -> bool:
    """Whether the graph says if it is catching, and somebody may wonder."""
    return "infectious" in disease.facts and not _NEVER_CATCHING.search(disease.name)


def _drafts(disease: Disease) -> Iterator[Draft]:
    for rule in _RULES:
        yield from rule(disease)


def _ask(options: tuple[str, ...], disease: Disease, key: str, **words: str) -> str:
    asked = pick(options, disease.name, key, "asked").format(d=disease.name, **words)
    return patient(disease, key) + asked.removeprefix("孩子") if asked.startswith("孩子") else asked


def _tell(options: tuple[str, ...], disease: Disease, key: str, **words: str) -> str:
    """The answer; where to go is known to every phrase that wants it."""
    fitting = [o for o in options if "{w}" not in o or "department" in disease.facts]
    words = {"s": "、".join(_varied(disease, "symptom", key)[:3]), **words}
    where = departments_said(disease)
    return pick(fitting or [""], disease.name, key, "told").format(d=disease.name, w=where, **words)


def _used(disease: Disease, *aspects: str) -> tuple[str, ...]:
    return tuple(a for a in (*aspects, "department") if a in disease.facts)


def _symptom(disease: Disease) -> Iterator[Draft]:
    terms = disease.texts("symptom")
    if len(terms) < 2:
        return
    few = len(terms) == 2
    if few and "department" not in disease.facts:
        return
    end = _tell(facts.SYMPTOM_WHERE if few else facts.SYMPTOM_ENDS, disease, "symptom")
    answer = f"{symptoms_said(disease, 'symptom')}。{end}"
    used = _used(disease, "symptom") if few else ("symptom",)
    yield Draft("symptom", "symptom", _ask(facts.SYMPTOM_ASKED, disease, "symptom"), answer, used)


def _in_plain_words(disease: Disease) -> Iterator[Draft]:
    """What a parent can see, said as a parent says it, with the doctor's word for it."""
    seen = [t for t in disease.noticed() if in_short(t) != t]
    if disease.kind.asker == "nobody" or len(seen) < 2 or "department" not in disease.facts:
        return
    if not has_hallmark(disease.name, seen):
        return
    answer = _tell(facts.LAY_ANSWERS, disease, "lay", l="、".join(in_short(t) for t in seen), s="、".join(seen))
    yield Draft("symptom", "lay", _ask(facts.LAY_ASKED, disease, "lay"), answer, _used(disease, "symptom"))


def _term(disease: Disease) -> Iterator[Draft]:
    """What one of the doctor's words means."""
    terms = disease.texts("symptom")
    hard = [t for t in terms if exact_lay_name(t)]
    if len(terms) < 3 or not hard:
        return
    for term in shuffled(hard, disease.name, "term")[:2]:
        others = "、".join(t for t in terms if t != term)
        answer = _tell(facts.TERM_ANSWERS, disease, "term" + term, t=term, l=in_short(term), s=others)
        question = _ask(facts.TERM_ASKED, disease, "term" + term, t=term)
        yield Draft("symptom", "term", question, answer, _used(disease, "symptom"))


def _signs(disease: Disease) -> Iterator[Draft]:
    """What only an examination shows, beside what a parent sees."""
    terms = disease.texts("symptom")
    found = [t for t in terms if not lay_name(t) and _BY_EXAMINATION.search(t)]
    seen = [t for t in terms if lay_name(t)]
    if len(found) < 2 or not seen:
        return
    words = {"f": "、".join(found), "s": "、".join(seen)}
    answer = _tell(facts.SIGN_ANSWERS, disease, "signs", **words)
    yield Draft("symptom", "signs", _ask(facts.SIGN_ASKED, disease, "signs"), answer, _used(disease, "symptom"))


def _exam(disease: Disease) -> Iterator[Draft]:
    if len(disease.texts("exam")) >= 2:
        answer = _tell(facts.EXAM_ANSWERS, disease, "exam", x=exams_said(disease, "exam"))
        yield Draft("exam", "exam", _ask(facts.EXAM_ASKED, disease, "exam"), answer, ("exam",))


def _complication(disease: Disease) -> Iterator[Draft]:
    risks, terms = disease.texts("complication"), disease.texts("symptom")
    if not risks or (len(risks) < 2 and len(terms) < 2):
        return
    used: tuple[str, ...] = ("complication",)
    answer = _tell(facts.COMPLICATION_ANSWERS, disease, "risk", c="、".join(risks))
    if len(risks) < 2:
        answer += _tell(facts.COMPLICATION_ENDS, disease, "risk end", s="、".join(terms[:3]))
        used += ("symptom",)
    yield Draft("complication", "complication", _ask(facts.COMPLICATION_ASKED, disease, "risk"), answer, used)


def _alias(disease: Disease) -> Iterator[Draft]:
    names = disease.texts("alias", 4)
    if names:
        answer = _tell(facts.ALIAS_ANSWERS, disease, "alias", a="、".join(names))
        yield Draft("alias", "alias", _ask(facts.ALIAS_ASKED, disease, "alias"), answer, _used(disease, "alias"))


def _alias_reverse(disease: Disease) -> Iterator[Draft]:
    if len(disease.texts("symptom")) < 2:
        return
    for alias in shuffled(disease.texts("alias", 4), disease.name, "alias")[:2]:
        key = "reverse" + alias
        question = _ask(facts.REVERSE_ASKED, disease, key, a=alias)
        opening = "是一回事，" if "一回事" in question else ""
        clause = symptoms_said(disease, key, "这种病", 3)
        answer = opening + _tell(facts.REVERSE_ANSWERS, disease, key, a=alias, x=clause)
        yield Draft("definition", "alias_reverse", question, answer, _used(disease, "alias", "symptom"))


def _infectious(disease: Disease) -> Iterator[Draft]:
    if not is_asked_to_be_catching(disease):
        return
    catching = disease.texts("infectious")[0] == "有传染性"
    question = _ask(facts.CATCHING_ASKED if catching else facts.CATCHING_ASKED[:-1], disease, "infectious")
    yes, no = next(
        answers
        for word, answers in (
            ("有没有", ("有。", "没有。")),
            ("需不需要", ("需要。", "不需要。")),
            ("", ("会。", "不会。")),
        )
        if word in question
    )
    answer = (yes if catching else no) + _tell(
        facts.CATCHING if catching else facts.NOT_CATCHING, disease, "infectious"
    )
    used: tuple[str, ...] = ("infectious",)
    if len(disease.texts("symptom")) >= 2 and "department" in disease.facts:
        answer += _tell(facts.CATCHING_ENDS, disease, "catching")
        used = _used(disease, "infectious", "symptom")
    yield Draft("infectious", "infectious", question, answer, used)


def _texts(disease: Disease) -> Iterator[Draft]:
    """What a curated graph says of causes, prevention and spread."""
    for aspect, asked, told in (
        ("cause", facts.CAUSE_ASKED, facts.CAUSE_ANSWERS),
        ("prevention", facts.PREVENTION_ASKED, facts.PREVENTION_ANSWERS),
        ("transmission", facts.SPREAD_ASKED, facts.SPREAD_ANSWERS),
    ):
        if aspect in disease.facts:
            answer = _tell(told, disease, aspect, v="、".join(disease.texts(aspect)))
            yield Draft(aspect, aspect, _ask(asked, disease, aspect), answer, (aspect,))


def _people(disease: Disease) -> Iterator[Draft]:
    if "people" not in disease.facts:
        return
    answer = f"{people_said(disease)}。"
    used: tuple[str, ...] = ("people",)
    if len(disease.texts("symptom")) >= 2:
        answer += _tell(facts.PEOPLE_ENDS, disease, "people")
        used = _used(disease, "people", "symptom")
    yield Draft("people", "people", _ask(facts.PEOPLE_ASKED, disease, "people"), answer, used)


def _department(disease: Disease) -> Iterator[Draft]:
    if "department" in disease.facts and len(disease.texts("symptom")) >= 2:
        answer = _tell(facts.DEPARTMENT_ANSWERS, disease, "where", x=symptoms_said(disease, "where", at_most=3))
        question = _ask(facts.DEPARTMENT_ASKED, disease, "where")
        yield Draft("department", "department", question, answer, ("department", "symptom"))


def _diagnosis(disease: Disease) -> Iterator[Draft]:
    if len(disease.texts("symptom")) >= 2 and len(disease.texts("exam")) >= 2:
        words = {"x": symptoms_said(disease, "diagnosis"), "y": exams_said(disease, "diagnosis")}
        answer = _tell(linked.DIAGNOSIS_ANSWERS, disease, "diagnosis", **words)
        question = _ask(linked.DIAGNOSIS_ASKED, disease, "diagnosis")
        yield Draft("diagnosis", "diagnosis", question, answer, ("symptom", "exam"))


def _part(disease: Disease) -> Iterator[Draft]:
    parts = [t for t in disease.texts("part") if t not in _BLURRED]
    if parts and len(disease.texts("symptom")) >= 2:
        words = {"p": "、".join(parts), "x": symptoms_said(disease, "part", "这种病", 3)}
        answer = _tell(linked.PART_ANSWERS, disease, "part", **words)
        yield Draft("part", "part", _ask(linked.PART_ASKED, disease, "part"), answer, ("part", "symptom"))


def _suspect(disease: Disease) -> Iterator[Draft]:
    """Is it that? A parent has one finding and a name; the answer adds what else to look for."""
    seen = disease.noticed()
    others = [t for t in disease.texts("symptom") if not seen or t != seen[0]]
    if not seen or len(others) < 2 or "department" not in disease.facts or disease.kind.asker != "parent":
        return
    words = {"p": patient(disease, "suspect"), "s": after_asking(seen[0])}
    question = _ask(linked.SUSPECT_ASKED, disease, "suspect", **words)
    answer = _tell(linked.SUSPECT_ANSWERS, disease, "suspect", t=seen[0], s="、".join(others))
    yield Draft("symptom", "suspect", question, answer, ("symptom", "department"))


def _clue(disease: Disease) -> Iterator[Draft]:
    """What may it be: from symptoms to the disease, only where three of them point the same way."""
    seen, exams = disease.texts("symptom"), disease.texts("exam")
    if (
        not has_hallmark(disease.name, seen)
        or _NOT_BY_TALK.search(disease.name)
        or len(seen) < 3
        or not exams
        or "department" not in disease.facts
        or disease.kind.asker == "nobody"
    ):
        return
    shown = "、".join(shuffled(seen, disease.name, "clue")[:4])
    question = _ask(linked.CLUE_ASKED, disease, "clue", p=patient(disease, "clue"), s=shown)
    answer = _tell(linked.CLUE_ANSWERS, disease, "clue", s=shown, e="、".join(exams))
    yield Draft("diagnosis", "clue", question, answer, ("symptom", "exam", "department"))


def _purpose(disease: Disease) -> Iterator[Draft]:
    """What are these tests for? Only where one of them is done for few diseases."""
    exams = disease.texts("exam", 4)
    shown = shuffled(exams, disease.name, "purpose")[:3]
    if len(exams) < 2 or not any(_SPECIFIC.search(exam) for exam in shown) or len(disease.texts("symptom")) < 2:
        return
    named = "、".join(shown)
    question = _ask(linked.PURPOSE_ASKED, disease, "purpose", e=named)
    answer = _tell(linked.PURPOSE_ANSWERS, disease, "purpose", e=named, x=symptoms_said(disease, "purpose", at_most=3))
    yield Draft("exam", "purpose", question, answer, ("exam", "symptom"))


def _overview(disease: Disease) -> Iterator[Draft]:
    """What is known of it, in one of several orders; only where there is enough to tell."""
    if len(disease.texts("symptom")) < 2:
        return
    parts = [t for t in disease.texts("part") if t not in _BLURRED]
    known = {
        "alias": "、".join(disease.texts("alias", 3)),
        "people": people_said(disease) if "people" in disease.facts else "",
        "symptom": symptoms_said(disease, "overview"),
        "exam": exams_said(disease, "overview") if "exam" in disease.facts else "",
        "complication": "、".join(disease.texts("complication")),
        "department": departments_said(disease),
        "part": "、".join(parts),
    }
    styles = [[(a, s) for a, s in style if known[a]] for style in linked.OVERVIEWS]
    fullest = max(len(style) for style in styles)
    style = pick([style for style in styles if len(style) == fullest], disease.name, "overview")
    if fullest < 4 and len(disease.texts("symptom")) + len(disease.texts("exam")) < 5:
        return
    answer = "".join(sentence.format(d=disease.name, **known) for _, sentence in style)
    question = _ask(linked.OVERVIEW_ASKED, disease, "overview")
    yield Draft("definition", "overview", question, answer, tuple(aspect for aspect, _ in style))


_RULES: Final = (
    *(_symptom, _exam, _complication, _alias, _infectious, _texts, _people, _department, _alias_reverse, _diagnosis),
    *(_part, _suspect, _clue, _purpose, _overview, _in_plain_words, _term, _signs),
)
