"""Knowledge questions (MedKQ&A) from the facts of one disease.

Each rule asks from another point of view (a parent who sees something, a student who reviews, a nurse who
prepares) and answers with names out of the triples, joined by set phrases. The set phrases say nothing medical that
the graph does not: they carry the list, and the advice to have a doctor look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pipelines.teacher.diseases import Disease
from pipelines.teacher.hallmarks import has_hallmark
from pipelines.teacher.lay_names import after_asking, lay_name
from pipelines.teacher.phrasing import pick, shuffled
from pipelines.teacher.rows import assistant, instruction, user


class Draft(NamedTuple):
    """A question and its answer before they become a row."""

    aspect: str
    template: str
    question: str
    answer: str
    used: tuple[str, ...]


SYMPTOM: Final = (
    "{d}有哪些表现？",
    "孩子得了{d}，一般会有什么症状？",
    "怎么看出孩子可能得了{d}？",
    "请问{d}常见的症状有哪些？",
    "{d}的临床表现主要有哪些？",
    "作为家长，想早点发现{d}，平时该留意哪些表现？",
    "在儿科实习，想请教一下{d}会有哪些临床表现？",
    "{d}的孩子通常会出现哪些不舒服？",
)
EXAM: Final = (
    "怀疑孩子得了{d}，可能需要做哪些检查？",
    "{d}要做什么检查才能查出来？",
    "诊断{d}通常会用到哪些检查？",
    "医生说孩子可能是{d}，接下来会做什么检查？",
    "{d}的辅助检查有哪些？",
    "想排查{d}，可以做哪些检查？",
)
COMPLICATION: Final = (
    "{d}可能引起哪些并发症？",
    "孩子得了{d}，要警惕哪些并发症？",
    "{d}如果不重视，可能会并发什么问题？",
    "护理{d}的孩子，要防着哪些并发症？",
    "{d}有哪些并发症需要注意？",
)
ALIAS: Final = (
    "{d}还有别的名称吗？",
    "{d}又叫什么？",
    "病历上写的{d}，平时还有什么叫法？",
    "查资料时，{d}还可能写成什么名称？",
)
REVERSE_ALIAS: Final = (
    "{a}是什么病？",
    "听人说起“{a}”，这到底是什么病？",
    "检查单上写着{a}，这指的是什么病？",
    "请问{a}和{d}是一回事吗？",
)
INFECTIOUS: Final = (
    "{d}会传染吗？",
    "孩子得了{d}，会不会传给家里其他小朋友？",
    "{d}有没有传染性？",
    "班上有孩子得了{d}，会传染给别的孩子吗？",
)
PEOPLE: Final = ("{d}多见于哪些孩子？", "什么样的孩子容易得{d}？", "{d}的好发人群是什么？")
CAUSE: Final = ("{d}是什么原因引起的？", "孩子为什么会得{d}？", "{d}的病因是什么？", "{d}一般是怎么得的？")
PREVENTION: Final = ("怎样预防{d}？", "{d}能预防吗，家长可以做什么？", "平时怎么做能让孩子少得{d}？")
TRANSMISSION: Final = ("{d}是怎么传播的？", "{d}的传播途径有哪些？", "孩子会通过什么途径染上{d}？")
DEPARTMENT: Final = (
    "孩子得了{d}应该挂什么科？",
    "怀疑孩子是{d}，该去看哪个科？",
    "{d}到医院看哪个科室？",
    "带孩子看{d}，挂号挂哪个科合适？",
)
# Their graphs hold only findings that fit a hundred diseases.
_NOT_BY_TALK: Final = re.compile(
    r"风湿热|肾上腺|维生素(?:A|B|C|E)|麻痹症|狂犬|肾功能|艾滋|惊厥$|呕吐$|发烧$|发热$|腹胀$|青紫$|肝脾肿大$|脾大$"
)
# Nobody asks whether these are catching.
_NEVER_CATCHING: Final = re.compile(
    r"损伤|外伤|畸形|骨|异物|疝|扭转|出血|血肿|中毒|脱位|尿道[上下]裂|隐睾|胎粪|窒息|产瘤|免疫缺陷|脑积水|早产|过期产|足月|呼吸暂停|低体温|言语|口吃|擦腿|闭锁|膨出|斜颈"
)
OVERVIEW: Final = (
    "请简单介绍一下{d}。",
    "{d}是一种什么样的病？",
    "能用几句话讲讲{d}吗？",
    "想了解一下{d}，请概括说说。",
    "请给新来的护士概述一下{d}。",
)
PART: Final = (
    "{d}主要影响身体的哪个部位？",
    "{d}是哪里的毛病，会有什么表现？",
    "{d}累及哪些部位？",
    "学习笔记：{d}的病变部位和主要表现是什么？",
)
SUSPECT: Final = (
    "{p}{s}，会不会是{d}？",
    "{p}最近{s}，有可能是{d}吗？",
    "网上说{s}可能是{d}，是这样吗？",
    "{p}{s}，我怀疑是{d}，对不对？",
)
PURPOSE: Final = (
    "医生让孩子做{e}，这是在排查什么病？",
    "{e}这几项检查，一般是查什么病的？",
    "孩子要做{e}，医生可能在怀疑什么？",
)
_SPECIFIC: Final = re.compile(
    r"新斯的明|腾喜龙|幽门螺|冷凝集|支原体|EB病毒|合胞病毒|流感病毒|结核菌素|PPD|结核杆菌|梅毒|弓形虫|苯丙氨酸|半乳糖|核型|促甲状腺|甲状腺|"
    r"生长激素|抗利尿|尿比重|C肽|尿葡萄糖|胆红素|渗透脆性|血红蛋白电泳|骨髓|血小板计数|巨核|血清锌|尿锌|维生素|血清钙|尿钙|髋臼|透光|眼底|屈光|"
    r"泪道|耳镜|多导睡眠|超声心动图|肌酸激酶|类风湿|肌电图|BMI|阴道|白带|粪细菌培养|轮状|寄生虫|尿液细菌|尿细菌|肌红蛋白|免疫球蛋白E|激发试验|"
    r"肺功能|乙肝|乙型肝炎|疱疹病毒|智力|铁蛋白|淀粉酶|脂肪酶|脑电图|黄体生成素|卵泡刺激素|EB|TORCH|食管|阴囊|睾丸"
)
CLUE: Final = (
    "{p}出现{s}，可能是什么病？",
    "{p}有{s}这些情况，要考虑什么病？",
    "{p}最近出现{s}，会是哪种病？",
    "{p}有{s}，可能是怎么回事？",
)
DIAGNOSIS: Final = (
    "医生怎样判断孩子是不是{d}？",
    "诊断{d}要看哪些症状、做哪些检查？",
    "{d}的诊断线索有哪些？",
    "复习考试：{d}的主要表现和常用检查各有哪些？",
)


def knowledge(disease: Disease, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` MedKQ&A instructions on one disease."""
    rows = []
    for draft in list(_drafts(disease))[:at_most]:
        rows.append(
            instruction(
                _source_row(disease, draft.used),
                task="medkqa",
                aspect=draft.aspect,
                template=f"graph/{draft.template}",
                messages=[user(draft.question), assistant(draft.answer)],
                evidence=disease.evidence(*draft.used),
                department=_department(disease),
            )
        )
    return rows


def _source_row(disease: Disease, used: tuple[str, ...]) -> dict[str, Any]:
    return dict(disease.facts[used[0]][0].row)


def _department(disease: Disease) -> str | None:
    texts = disease.texts("department")
    return texts[0] if texts else None


def patient(disease: Disease) -> str:
    """Who has it: a newborn or a child."""
    return "新生儿" if disease.is_newborn else ("宝宝" if "婴" in disease.name else "孩子")


def symptoms_said(disease: Disease) -> str:
    """The symptoms as an answer states them: what a parent sees, then what the doctor finds."""
    texts = disease.texts("symptom")
    seen = [t for t in texts if lay_name(t)]
    found = [t for t in texts if not lay_name(t)]
    if len(seen) >= 2 and len(found) >= 2:
        return f"常见的表现有{'、'.join(seen)}等，检查时还可能发现{'、'.join(found)}"
    return f"常见的表现有{'、'.join(texts)}等"


def exams_said(disease: Disease) -> str:
    """The examinations as an answer states them."""
    return f"可能用到的检查有{'、'.join(disease.texts('exam'))}等"


def departments_said(disease: Disease) -> str:
    """Where to go, the children's department first."""
    texts = [t for t in disease.texts("department") if t != "内科"]
    return "或".join(texts[:2])


def _drafts(disease: Disease) -> Iterator[Draft]:
    key = disease.name
    n = {aspect: len(facts) for aspect, facts in disease.facts.items()}
    yield from _single(disease, key, n)
    yield from _combined(disease, key, n)


def _single(disease: Disease, key: str, n: dict[str, int]) -> Iterator[Draft]:
    d = disease.name
    if n.get("symptom", 0) >= 2:
        end = pick(
            ("如果孩子有这些情况，建议及时带孩子到医院就诊。", "出现这些情况时，应请医生面诊判断。", ""), key, "end"
        )
        yield Draft("symptom", "symptom", _ask(SYMPTOM, key, d=d), f"{d}{symptoms_said(disease)}。{end}", ("symptom",))
    if n.get("exam", 0) >= 2:
        answer = f"怀疑{d}时，{exams_said(disease)}。具体做哪几项，由医生根据孩子的情况决定。"
        yield Draft("exam", "exam", _ask(EXAM, key, d=d), answer, ("exam",))
    if n.get("complication", 0) >= 1:
        answer = (
            f"{d}可能并发{'、'.join(disease.texts('complication'))}等，治疗和护理时要注意观察，情况加重时及时就医。"
        )
        yield Draft("complication", "complication", _ask(COMPLICATION, key, d=d), answer, ("complication",))
    if n.get("alias", 0) >= 1:
        names = disease.texts("alias", 4)
        yield Draft("alias", "alias", _ask(ALIAS, key, d=d), f"{d}也叫{'、'.join(names)}。", ("alias",))
    if n.get("infectious", 0) and not _NEVER_CATCHING.search(d):
        catching = disease.texts("infectious")[0] == "有传染性"
        people = f"好发人群方面：{disease.texts('people')[0]}。" if n.get("people", 0) else ""
        used = ("infectious", "people") if people else ("infectious",)
        asked = _ask(INFECTIOUS if catching else INFECTIOUS[:3], key, d=d)
        yes, no = ("有。", "没有。") if "有没有" in asked else ("会。", "不会。")
        verdict = (
            f"{yes}{d}有传染性，要注意避免传给其他孩子。" if catching else f"{no}{d}无传染性，不用担心传给身边的人。"
        )
        yield Draft(
            "infectious",
            "infectious",
            asked,
            verdict + people,
            used,
        )
    for aspect, options, form in (
        ("cause", CAUSE, "引起{d}的原因有{v}等。"),
        ("prevention", PREVENTION, "预防{d}可以这样做：{v}等。"),
        ("transmission", TRANSMISSION, "{d}的传播途径有{v}等。"),
    ):
        if n.get(aspect, 0):
            answer = form.format(d=d, v="、".join(disease.texts(aspect)))
            yield Draft(aspect, aspect, _ask(options, key, d=d), answer, (aspect,))
    if n.get("people", 0):
        answer = f"{d}的好发人群：{disease.texts('people')[0]}。"
        yield Draft("people", "people", _ask(PEOPLE, key, d=d), answer, ("people",))


def _combined(disease: Disease, key: str, n: dict[str, int]) -> Iterator[Draft]:
    d, has = disease.name, n.get
    if has("department", 0) and has("symptom", 0) >= 2:
        answer = f"可以挂{departments_said(disease)}。就诊时把孩子的表现告诉医生，{d}{symptoms_said(disease)}。"
        yield Draft("department", "department", _ask(DEPARTMENT, key, d=d), answer, ("department", "symptom"))
    if has("alias", 0) and has("symptom", 0) >= 2:
        for alias in shuffled(disease.texts("alias", 4), key, "alias")[:2]:
            question = _ask(REVERSE_ALIAS, key + alias, d=d, a=alias)
            opening = "是一回事，" if "一回事" in question else ""
            answer = f"{opening}{alias}就是{d}，{symptoms_said(disease)}。"
            yield Draft("definition", "alias_reverse", question, answer, ("alias", "symptom"))
    if has("symptom", 0) >= 2 and has("exam", 0) >= 2:
        answer = (
            f"判断是不是{d}，要把症状和检查结合起来看。症状方面，{symptoms_said(disease)}；"
            f"检查方面，{exams_said(disease)}。最终由医生综合判断。"
        )
        yield Draft("diagnosis", "diagnosis", _ask(DIAGNOSIS, key, d=d), answer, ("symptom", "exam"))
    parts = [t for t in disease.texts("part") if t not in ("全身", "其他", "心理", "血液血管")]
    if parts and has("symptom", 0) >= 2:
        answer = f"{d}主要累及{'、'.join(parts)}，{symptoms_said(disease)}。"
        yield Draft("part", "part", _ask(PART, key, d=d), answer, ("part", "symptom"))
    suspect = _suspect(disease, key)
    if suspect:
        yield suspect
    for rule in (_clue, _purpose):
        draft = rule(disease, key)
        if draft:
            yield draft
    sentences, used = _overview(disease)
    if len(used) >= 3 and "symptom" in used:
        yield Draft("definition", "overview", _ask(OVERVIEW, key, d=d), "".join(sentences), used)


def _suspect(disease: Disease, key: str) -> Draft | None:
    """Is it that? A parent has one finding and a name; the answer adds what else to look for."""
    seen = disease.noticed()
    others = [t for t in disease.texts("symptom") if not seen or t != seen[0]]
    if not seen or len(others) < 2 or "department" not in disease.facts or disease.kind.asker != "parent":
        return None
    said = after_asking(seen[0])
    question = _ask(SUSPECT, key, p=patient(disease), s=said, d=disease.name)
    answer = (
        f"有这个可能，但不能只凭这一点判断。{seen[0]}是{disease.name}的表现之一，这种病常见的还有{'、'.join(others)}等。"
        f"如果孩子同时有这些表现，建议到{departments_said(disease)}就诊，请医生检查后再下结论。"
    )
    return Draft("symptom", "suspect", question, answer, ("symptom", "department"))


def _clue(disease: Disease, key: str) -> Draft | None:
    """What may it be: from symptoms to the disease, only where three of them point the same way."""
    seen = disease.texts("symptom")
    exams = disease.texts("exam")
    if (
        not has_hallmark(disease.name, seen)
        or _NOT_BY_TALK.search(disease.name)
        or len(seen) < 3
        or not exams
        or "department" not in disease.facts
        or disease.kind.asker == "nobody"
    ):
        return None
    shown = shuffled(seen, key, "clue")[:4]
    question = _ask(CLUE, key, p=patient(disease), s="、".join(shown))
    answer = (
        f"{'、'.join(shown)}等表现可见于{disease.name}。不过其他疾病也可能有类似表现，不能只凭症状下结论，"
        f"建议到{departments_said(disease)}就诊，由医生结合{'、'.join(exams)}等检查来判断。"
    )
    return Draft("diagnosis", "clue", question, answer, ("symptom", "exam", "department"))


def _purpose(disease: Disease, key: str) -> Draft | None:
    """What are these tests for? Only where one of them is done for few diseases."""
    exams = disease.texts("exam", 4)
    if len(exams) < 2 or not any(_SPECIFIC.search(exam) for exam in exams) or len(disease.texts("symptom")) < 2:
        return None
    shown = shuffled(exams, key, "purpose")[:3]
    if not any(_SPECIFIC.search(exam) for exam in shown):
        return None
    question = _ask(PURPOSE, key, e="、".join(shown))
    answer = (
        f"{'、'.join(shown)}等检查可以用来排查{disease.name}。{disease.name}{symptoms_said(disease)}，"
        "医生会把检查结果和孩子的表现结合起来判断。"
    )
    return Draft("exam", "purpose", question, answer, ("exam", "symptom"))


def _overview(disease: Disease) -> tuple[list[str], tuple[str, ...]]:
    d = disease.name
    told = {
        "alias": f"{d}又称{'、'.join(disease.texts('alias', 3))}。",
        "people": f"{d}的好发人群：{''.join(disease.texts('people', 1))}。",
        "symptom": f"{d}{symptoms_said(disease)}。",
        "exam": f"{exams_said(disease)}。",
        "complication": f"可能出现的并发症有{'、'.join(disease.texts('complication'))}等。",
        "department": f"看病可以挂{departments_said(disease)}。",
    }
    enough = {"symptom": 2}
    used = tuple(a for a in told if len(disease.facts.get(a, ())) >= enough.get(a, 1))
    return [told[aspect] for aspect in used], used


def _ask(options: tuple[str, ...], key: str, **words: str) -> str:
    return pick(options, key, options[0]).format(**words)
