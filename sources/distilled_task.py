"""Which task a public instruction belongs to, by the wording of its question.

    medkqa      asks what something is, how it shows, why it comes
    trerecom    asks what to do: treatment, drugs, care, feeding, whether something is allowed
    evidiag     tells a case and asks what it is
    self_cognition, general     what is not asked about medicine

The rules look at the parts that ask, since people tell much else.
"""

from __future__ import annotations

import re
from typing import Final

_SELF: Final = re.compile(
    r"你(?:到底|究竟)?(?:是谁|是什么(?:模型|人|东西)?[？?吗呢]|叫什么|的名字|是人(?:类|吗)|是(?:不是)?(?:机器人|人工智能|AI|真人)|"
    r"是由?谁|由谁|来自哪|的?(?:开发者|创造者|制造商))|谁(?:开发|创造|研发|训练|制造)了?你|(?:介绍|说说)(?:一下)?你自己|自我介绍"
)
_TREAT: Final = re.compile(
    r"怎么?办|咋办|怎么整|治(?:疗|好|愈|法|得|不|没|吗|$)|[怎咋如]\S{0,3}治|医治|诊治|救治|根治|能治|手术|用药|吃(?:什么|啥|哪|点)|服(?:什么|用|药)|"
    r"什么药|[啥哪]\S{0,2}药|开药|药物|处理|处置|缓解|护理|照顾|照护|喂养|喂奶|辅食|断奶|食疗|饮食|忌口|忌食|宜吃|能吃|能喝|可以吃|可以喝|"
    r"能不能|可不可以|可以\S{1,14}[吗么？?]|应该?\S{0,6}(?:检查|注意|科)|注意(?:什么|些|事项)|什么\S{0,4}注意|需要(?:注意|做|去|进行)|要不要|"
    r"(?:怎么?样?|如何|怎)(?:才能)?(?:做|调|改善|预防|避免|消除|增强|提高|补|减|去除|控制|恢复|应对)|预防|康复|调理|调养|"
    r"挂(?:什么|哪)\S{0,2}科|哪个?科室?|接种|打\S{0,6}(?:针|疫苗)|怎么退|退烧|建议"
)
_CAUSE: Final = re.compile(
    r"怎么回事|咋回事|怎么了|什么(?:毛?病|疾病|原因|情况|问题|病症)|哪种(?:疾?病|情况|类型)|何种(?:疾?病|\S{1,6})|啥病|是不是|是否(?:是|为|患|得)|"
    r"(?:是|为|得了|患了|患有)\S{1,14}吗|正常吗|严重吗|要紧吗|(?:可能|考虑|怀疑|诊断|初步)\S{0,8}(?:什么|哪|何|是)|为什么|为何"
)
_KNOW: Final = re.compile(
    r"是什么(?:病|意思|疾病)?[？?。]?$|什么(?:是|叫)|(?:症状|表现|体征|征兆)|(?:病因|原因|机制|原理)(?:是|有|包括)|有(?:什么|哪些|啥)|定义|概念|区别|不同|"
    r"相同|并发症|遗传|传染|多少|几(?:个|岁|天|周|种)|发病率|患病|部位|检查(?:有|方法|项目)|鉴别|诊断(?:标准|依据|方法)|分类|分型|类型"
)
_CASE: Final = re.compile(
    r"我家|我的?(?:孩子|宝宝|儿子|女儿|小孩|孙)|宝宝|患者|患儿|病人|(?:男|女)(?:孩|婴|宝|性|[，,、 ]|\d)|"
    r"先生|女士|小朋友|\d+\s*(?:岁|个?月|天|周)|"
    r"[一二三四五六七八九十两半]+(?:岁|个月)|最近|近期|昨天|今天|这几天|这两天|突然|已经|一直|总是|老是|出现了?|伴有|发现"
)
_SYMPTOM: Final = re.compile(
    r"痛|疼|痒|烧|热|咳|吐|泻|拉|血|肿|胀|晕|乏力|无力|疹|红|黄|麻|惊厥|抽|喘|鼻|痰|哭|呕|便|尿|"
    r"消瘦|下降|发黑|发紫|发白|不舒服|症状|异常|困难|包块|硬块"
)
_DIAGNOSIS: Final = re.compile(
    r"可能(?:是|为|患|会是|得|与)|考虑|诊断|属于|应该是|大概是|怀疑|导致的|引起的?|所致|不太可能|患有|表现"
)
_TESTS: Final = re.compile(r"(?:什么|哪些|何种|哪种|啥)\S{0,6}检查|检查\S{0,4}(?:什么|哪些|项目)")
_COMPARES: Final = re.compile(r"区别|不同|相同|异同|差异|类似|有什么差")
_SENTENCE: Final = re.compile(r"[^。！!？?；;\n ]+[。！!？?；;\n ]*")
_ASKS: Final = re.compile(r"[？?]|请问|想问|想知道|想咨询|想了解|咨询|讨教|[吗呢么]\W*$")


def task_of(question: str, answer: str, topic: str, n_questions: int = 1) -> str:
    """The task of an instruction that its source does not name.

    Args:
        question: What was asked; the first question of a conversation.
        answer: Its answer; a diagnosis in it tells a case from a request.
        topic: The source's; only `paediatric` and `medical` rows have a medical task.
        n_questions: Turns of the asker; a case told in several is a consultation.
    """
    if len(question) <= 30 and _SELF.search(question):
        return "self_cognition"
    if topic == "general":
        return "general"
    asked = _asked(question[:3_000])
    is_case = bool(_CASE.search(question[:3_000])) and bool(_SYMPTOM.search(question[:3_000]))
    seeks_cause = bool(_CAUSE.search(asked))
    if _treats(asked):
        return "trerecom"
    if is_case and seeks_cause and (n_questions > 1 or _DIAGNOSIS.search(answer[:400])):
        return "evidiag"
    if is_case and not seeks_cause and not _KNOW.search(asked):
        return "trerecom"  # a case that ends without a question wants advice
    return "medkqa"


def _asked(question: str) -> str:
    """The parts of a question that ask: from 请问 on; else its first, which is often the title, and its questions."""
    if 0 < (at := question.rfind("请问")) < len(question) - 6:
        return question[at:]
    sentences = _SENTENCE.findall(question) or [question]
    asking = [s for s in sentences[1:] if _ASKS.search(s)]
    return "\n".join(s.strip() for s in [sentences[0], *(asking or sentences[-1:])])


def _treats(asked: str) -> bool:
    if not _TREAT.search(asked) or _COMPARES.search(asked):
        return False
    return not _TESTS.search(asked) or "治" in asked or "怎么办" in asked
