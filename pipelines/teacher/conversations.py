"""Instructions from real consultations: cleaned, cut where the doctor has said what counts, evidence shown.

A conversation in which the doctor asks back and comes to a likely diagnosis becomes EviDiag, one that ends in
advice becomes TreRecom. Everything before the turn that answers stays, so that the answer makes sense. Adults'
conversations become general medical instructions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from typing import Any, Final, NamedTuple

from pipelines.teacher.conversation_cleaning import Said, cleaned, closed, evidence, is_advert, is_machine_made
from pipelines.teacher.diseases import disease_class
from pipelines.teacher.hallmarks import has_hallmark
from pipelines.teacher.phrasing import pick
from pipelines.teacher.rows import Message, Row, assistant, instruction, user

MIN_ANSWER_CHARS: Final = 36
MAX_ANSWER_CHARS: Final = 900
MAX_ROUNDS: Final = 8
MAX_CHARS: Final = 20_000
"""Longer conversations are transcripts of something else."""

_ASKS: Final = re.compile(
    r"[？?]|吗|呢[，。]?$|怎么|什么|如何|能不能|可不可以|是不是|会不会|多少|多久|为啥|咋|哪些|行不|办$|请问|需要.{0,8}不"
)
_DOCTOR_ASKS: Final = re.compile(r"[？?]|吗[。]?$|有没有|存不存在|是否|多大|多久了?[。]?$|请问|多长时间")
_ADVICE: Final = re.compile(
    r"建议|可以|应该|应当|需要|注意|避免|服用|口服|喂|涂|使用|治疗|就医|医院|检查|观察|不要|多喝|饮食|护理|保持|预防"
)
# Tells what to do; 注意力 and 可能 do not.
_ACTS: Final = re.compile(
    r"建议|可以|应该|应当|应及时|应避免|不要|不宜|不能|避免|尽量|治疗|注意(?!力)|就医|最好|需要|使用"
)
_TREATMENT_ASKED: Final = re.compile(
    r"怎么办|咋办|治|吃什么|用药|什么药|护理|注意|怎么做|处理|缓解|改善|方法|可以.{0,14}吗|能.{0,14}吗|需要|办|喂|调理|预防|补"
)
_NAMED: Final = re.compile(
    r"(?:考虑|可能(?:是|为|患有?|得了?|属于|存在|由|与)|有可能(?:患上|得|是)了?|应该是|诊断为|提示|符合|属于|怀疑(?:是|为)?|排查|像是|可能患有|患上了)"
    r"[^。？！?!，,]{0,16}?(?:炎|病|症|感染|感冒|腹泻|便秘|过敏|湿疹|贫血|缺乏|消化不良|肠绞痛|肠胀气|哮喘|鼻炎|热|疹|囊肿|积食|生理性|疝|痱|疮|痘|挫伤|隐睾|发育不良|早熟|狭窄|障碍|脱位|异物|肥大|中毒|肠套叠|黄疸|惊厥|癫痫|胀气|攒肚|缺钙|不足)"
)
_DIAGNOSED: Final = re.compile(
    r"(?:可能患有|有可能患上了?|有可能得了?|可能得了?|考虑(?:是)?)([\u4e00-\u9fff]{2,12}?)[,，。]"
)
_SYMPTOM: Final = re.compile(
    r"发烧|发热|烧|咳|痰|抠|厌食|磨牙|气喘|鼻涕|流涕|鼻塞|喷嚏|喘|呕吐|吐奶|恶心|拉肚|腹泻|稀便|大便|便秘|肚子|腹痛|腹胀|胀|疹|疱|痒|红|肿|痛|疼|哭|精神|食欲|"
    r"胃口|睡|黄|血|抽|汗|尿|乏力|消瘦|打嗝|口臭|过敏|流口水|嗓|喉|眼屎|\d+(?:\.\d+)?\s*(?:度|℃)"
)
_DENIED: Final = re.compile(r"没有|没|不存在|不是|无|未|不(?=发烧|咳|吐|拉|痛|疼|痒)")
_UNSAFE: Final = re.compile(
    r"甘草片|阿司匹林|尼美舒利|安乃近|庆大霉素|四环素|去痛片|酒精擦|擦酒精|捂汗|偏方|祖传|根治|包治|吗啡|可待因|匹多莫德|利巴韦林|"
    r"不要使用含氟|竹罐|放血|挑四缝|香灰|输液(?:好得快|快)|激素药膏随便|氨酚黄那敏|纳而平|复方氨酚|咬住|掐人中|撬开|不要使用凉水|冷却时间不宜过长|猪脑|沐浴露|保温垫|热水袋|葡萄糖水|暂停母乳|趴着睡|乳清蛋白饮料|免疫增强剂|米粉.{0,16}奶瓶|随意给宝宝使用退烧药|抗过敏药物的药膏|高盐|蜂蜜水?(?=.{0,8}(?:婴|月))|四磨汤|清火宝"
)
# What a machine doctor says with confidence and no paediatrician would: a wrong name, a wrong disease, no urgency.
_WRONG: Final = re.compile(
    r"亨特综合|艾尔综合|先观察一段时间。有些小的异物|感染在婴儿中是比较常见|母亲产后溶血|宝宝肾功能异常|电子病历|体格检查发现|您提到孩子曾经|关节炎性肠病|改善生活习惯、进行物理治疗|41度(?:确实)?比较高|胃容量约为70|血液循环不良|荨麻疹患病率很高"
)
_ANNOUNCES: Final = re.compile(
    r"我?还需要(?:进一步)?了解|(?:接下来|以下|下面|如下|一些|几个).{0,16}(?:建议|方法|措施|办法|步骤|几点|可能原因).{0,24}[。：:]?$|可以吗？?。?$|可以给您一些建议|接下来的对话|提供更多信息|详细询问|才能给出.{0,10}。$|您可以试试。$"
)
_CHILD: Final = re.compile(
    r"宝宝|宝贝|孩子|小孩|儿童|小儿|婴|新生儿|幼儿|娃|儿科|胎|早产|(?<!\d)(?:[1-9]|1[0-7])\s*岁|\d+\s*个?月(?:大|零|的)|[一二三四五六七八九十两]+(?:岁|个月)|[男女]孩|小朋友|儿子|女儿|周岁"
)
_ELDER: Final = re.compile(
    r"女儿.{0,6}带我|儿子.{0,6}带我|我(?:今年)?[2-9]\d岁|父亲|母亲|爷爷|老公|老婆|婆婆(?!说|要|让|老|非|总)|丈夫|高血压|脑梗|更年期|备孕|怀孕|自己有了|我觉得我|我好像|眼袋"
)
_BAD: Final = re.compile(
    r"(?<![A-Za-z])[a-z]{1,3} [a-z](?![A-Za-z])|"
    r"\[(?:图片|语音|视频|表情)\]|无法描述|…{2,}|\ufffd|nan\b|<[A-Za-z/!]|\[姓名\]|\[电话\]"
)
_SIMULATED: Final = re.compile(
    r"(?:有没有发现|存不存在|目前有没有|(?<!没)有过|最近|是否|目前|现在)([\u4e00-\u9fff]{2,6}?)(?:的症状)?(?:吗)?[？?]"
)
_LEANS: Final = re.compile(
    r"这种|这个|这样|这些|那|还|除了|上述|不适症状|它|此|另外|具体|其他|按照|您说|你说|建议的|刚才|明白|好的|知道了|会注意"
)
_LEANS_BACK: Final = re.compile(r"上述|前面|刚才|除了以上|我之前|如前|除了.{0,10}[，,]|以上")
_OPENINGS: Final = (
    "结合您说的{q}，",
    "根据您提到的{q}，",
    "从您描述的{q}来看，",
    "您说到{q}，",
    "考虑到{q}这些情况，",
)


_ADVISED_AGAINST: Final = re.compile(r"不|别|勿|禁|避免|停止|拒绝|防止|小心")
_UNDER_A_DOCTOR: Final = re.compile(
    r"^[^，。；！？]{0,3}(?:要|须|必须|应)?由医生|^[^，。；！？]{0,6}(?:不能|没有|无效|没用)"
)
# The doctor speaks of findings that nobody in the talk has mentioned, or of a case that is only supposed.
_OF_VACCINES: Final = re.compile(r"疫苗[^。！？?]{0,12}(?:吗|注意|怎么|呢)|(?:能|可以)[^。！？?]{0,8}疫苗")
_FROM_ELSEWHERE: Final = re.compile(r"病历|^(?:如果|假如|若)(?:您|你)?的?孩子曾经")


def is_wrong(text: str) -> bool:
    """Whether it states what no paediatrician would."""
    return bool(_WRONG.search(text))


def is_unsafe(text: str) -> bool:
    """Whether it names a remedy that harms children, other than to warn of it."""
    for match in _UNSAFE.finditer(text):
        clause_start = max(text.rfind(mark, 0, match.start()) for mark in "。；！？!?;\n") + 1
        before = text[max(clause_start, match.start() - 24) : match.start()]
        warned = _ADVISED_AGAINST.search(before) or _UNDER_A_DOCTOR.match(text[match.end() : match.end() + 16])
        if "不" in match[0] or not warned:
            return True
    return False


class Round(NamedTuple):
    """What the patient said and what the doctor answered."""

    patient: Said
    doctor: Said


def conversation_rows(row: Row, at_most: int) -> list[dict[str, Any]]:
    """Up to `at_most` instructions from one conversation; none where no turn answers anything."""
    if sum(len(turn["content"] or "") for turn in row["turns"] or []) > MAX_CHARS:
        return []
    rounds = list(takewhile(lambda pair: not is_unsafe(pair.doctor.text), rounds_of(cleaned(row["turns"] or []))))
    if not rounds:
        return []
    everything = "".join(turn["content"] or "" for turn in row["turns"])
    if is_wrong(everything):
        return []
    if is_machine_made(everything, 1 if len(rounds) == 1 else 2) or _BAD.search(
        "".join(r.patient.text + r.doctor.text for r in rounds)
    ):
        return []
    if row["domain"] != "medical" and not is_about_a_child(row, rounds):
        return []
    made = list(_general(row, rounds) if row["domain"] == "medical" else _paediatric(row, rounds))
    return made[:at_most]


def is_about_a_child(row: Row, rounds: Sequence[Round]) -> bool:
    """Whether the first question says enough, and about a child: an answer to nothing helps nobody."""
    first = _question(row, rounds[0])
    said = first + (row["department"] or "")
    return len(first) >= 10 and bool(_CHILD.search(said)) and not _ELDER.search(first)


def rounds_of(said: Sequence[Said]) -> list[Round]:
    """Pairs of a patient's and a doctor's turn, up to the first gap: after it nothing can be trusted to fit."""
    rounds: list[Round] = []
    patient: Said | None = None
    for turn in said:
        if turn.role == "patient":
            patient = turn if patient is None or not patient.text else patient
        elif patient is not None and patient.text and turn.text:
            rounds.append(Round(patient, turn))
            patient = None
        elif patient is not None and not turn.text and not patient.text:
            patient = None
        else:
            break
    return rounds


def _paediatric(row: Row, rounds: Sequence[Round]) -> Iterator[dict[str, Any]]:
    named = naming_round(rounds)
    if named is not None:
        yield _row(
            row, rounds[: named + 1], "evidiag", "diagnosis", "dialogue/diagnosis", with_grounds(row, rounds, named)
        )
    for last in range(len(rounds) - 1, -1, -1):
        if named is not None and last <= named:
            return
        if last < MAX_ROUNDS and _answers(rounds[last]):
            asked = rounds[last].patient.text + (rounds[0].patient.text if last == 0 else "")
            advises = _ADVICE.search(rounds[last].doctor.text) and wants_advice(asked)
            if advises and not _ACTS.search(rounds[last].doctor.text):
                continue
            task = "trerecom" if advises else "medkqa"
            yield _row(row, rounds[: last + 1], task, "advice" if advises else "knowledge", "dialogue/advice", None)
            yield from _singles(row, rounds[:last])
            return


def _singles(row: Row, rounds: Sequence[Round]) -> Iterator[dict[str, Any]]:
    """Earlier rounds whose question needs nothing before it, each as a question of its own."""
    for pair in rounds:
        asked = pair.patient.text
        alone = 10 <= len(asked) <= 120 and _CHILD.search(asked) and not _LEANS.search(asked)
        if alone and _answers(pair) and not _LEANS_BACK.search(pair.doctor.text):
            advises = wants_advice(asked)
            if advises and not _ACTS.search(pair.doctor.text):
                continue
            task, aspect = ("trerecom", "advice") if advises else ("medkqa", "knowledge")
            yield _row(row, [pair], task, aspect, "dialogue/single", None)


def _general(row: Row, rounds: Sequence[Round]) -> Iterator[dict[str, Any]]:
    for last in range(len(rounds) - 1, -1, -1):
        if last < MAX_ROUNDS and _answers(rounds[last]) and not is_machine_made(rounds[last].doctor.text, 1):
            yield _row(row, rounds[: last + 1], "general", "advice", "dialogue/general", None)
            return


def _answers(pair: Round) -> bool:
    """Whether the doctor's turn tells something complete and harmless that the patient wanted to know."""
    text = pair.doctor.text
    return (
        MIN_ANSWER_CHARS <= len(text) <= MAX_ANSWER_CHARS
        and bool(_ASKS.search(pair.patient.text))
        and bool(_ADVICE.search(text))
        and not text.rstrip().endswith(("？", "?"))
        and not is_advert(text)
        and not is_unsafe(text)
        and not _ANNOUNCES.search(text)
        and not ("首先" in text and not re.search(r"其次|另外|此外|最后|然后|同时|其他", text))
        and not (re.search(r"1[.、．]", text) and not re.search(r"2[.、．]", text))
    )


def naming_round(rounds: Sequence[Round]) -> int | None:
    """The round in which the doctor, having asked back, names what it probably is; None where none does."""
    asked = False
    for number, pair in enumerate(rounds[:MAX_ROUNDS]):
        text = pair.doctor.text
        if _OF_VACCINES.search(pair.patient.text):
            return None
        if asked and _NAMED.search(text) and not text.rstrip().endswith(("？", "?")) and len(text) >= 18:
            clean = not is_unsafe(text) and not is_advert(text) and not _FROM_ELSEWHERE.search(text)
            return number if clean and _fits(rounds[: number + 1], text) else None
        asked = asked or bool(_DOCTOR_ASKS.search(text))
    return None


def _fits(rounds: Sequence[Round], conclusion: str) -> bool:
    """Whether what the patient confirmed on being asked goes with the named disease (simulated answers may not)."""
    named = _DIAGNOSED.search(conclusion)
    kind = disease_class(named[1]) if named else None
    if kind is None:
        return True
    said = "".join(pair.patient.text for pair in rounds).replace("拉", "泻").replace("热", "发热")
    if named is not None and not has_hallmark(named[1], [said]):
        return False
    for before, after in pairwise(rounds):
        asked = _SIMULATED.search(before.doctor.text)
        if asked is None or len(before.doctor.text) > 30 or _DENIED.search(after.patient.text):
            continue
        if not any(stem in asked[1] or asked[1] in stem for stem in kind.symptoms.split()):
            return False
    return True


def with_grounds(row: Row, rounds: Sequence[Round], named: int) -> str:
    """The doctor's conclusion, opened with the patient's own words that speak for it."""
    clauses: list[str] = []
    for pair in rounds[: named + 1]:
        for raw in re.split(r"[，。！？!?；;,、～~\s]", pair.patient.text):
            clause = _LEADING.sub("", raw)
            if _speaks_for(clause) and not any(clause in other or other in clause for other in clauses):
                clauses.append(clause)
    text = closed(rounds[named].doctor.text)
    if not clauses or text.startswith(("根据", "结合", "从您", "从你")):
        return text
    quoted = "、".join(f"“{clause}”" for clause in clauses[:3])
    return pick(_OPENINGS, row["record_id"], "grounds").format(q=quoted) + text


def wants_advice(asked: str) -> bool:
    """Whether the question is what to do, not what it is or why."""
    explains = re.search(r"原因|为什么|怎么引起|有哪些症状|是什么|正常吗", asked)
    return bool(_TREATMENT_ASKED.search(asked)) and not (
        explains and not re.search(r"怎么办|治|处理|护理|吃什么", asked)
    )


_LEADING: Final = re.compile(
    r"^(?:而且|而|但是|但|后来|现在|然后|其中|还有时候|有时候|主要是?|并且|同时|还|就是|我的宝宝|我家宝宝|我家孩子|我的孩子)"
)
_NO_FINDING: Final = re.compile(
    r"问题|医生|医院|检查|抽血|吃了|服用|用药|退烧药|请问|原因|咨询|打疫苗|尿不湿|退烧|退热|九点|过了几分钟"
)


def _speaks_for(clause: str) -> bool:
    """Whether a patient's clause states a finding, and neither denies nor asks."""
    stated = 3 <= len(clause) <= 16 and _SYMPTOM.search(clause) and not _NO_FINDING.search(clause)
    return bool(stated) and not _DENIED.search(clause) and not _ASKS.search(clause)


def _row(row: Row, rounds: Sequence[Round], task: str, aspect: str, template: str, last: str | None) -> dict[str, Any]:
    messages: list[Message] = []
    for number, pair in enumerate(rounds):
        messages.append(user(_question(row, pair) if number == 0 else closed_question(pair.patient.text)))
        messages.append(assistant(closed(pair.doctor.text)))
    if last is not None:
        messages[-1] = assistant(last)
    spoken = [said for pair in rounds for said in pair]
    return instruction(
        row,
        task=task,
        aspect=aspect,
        template=f"{template}_{len(rounds)}",
        messages=messages,
        evidence=evidence(row, spoken),
        department=row["department"],
    )


def _question(row: Row, pair: Round) -> str:
    """The first thing said; the title asks where the patient only tells."""
    text, title = closed_question(pair.patient.text), (row["title"] or "").strip()
    if title and not _ASKS.search(text) and _ASKS.search(title) and title not in text:
        return f"{text}{closed_question(title)}"
    return text


def closed_question(text: str) -> str:
    """A patient's words with an end."""
    text = text.strip().rstrip("，,、")
    if not text or text[-1] in "。！？!?":
        return text
    return text + ("？" if re.search(r"吗$|呢$|怎么办$|什么$|怎么回事$|如何$|怎么样$|咋办$", text) else "。")
