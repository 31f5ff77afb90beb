"""What is wrong with rows that a machine filled from tables: no question, no answer, or one that cannot be true.

Only what is published as an instruction is judged here; a consultation is what was said, whatever it is worth. The
rules are rows of lexicons that name their sources; each asks for so little that a sound answer passes without effort.
"""

from __future__ import annotations

import functools
import re
from typing import Final

import polars as pl

from pipelines.lexicons import rows

_RESIDUE: Final = r"begain|\}\s*end|知识点|两个知识|[{｛][^{}｛｝\n]{1,30}[}｝]"
_THIRD_PERSON: Final = (
    r"^(?:[0-9]{1,2}[.．、 ]+)?(?:某(?:\d|男|女|早|新|婴|患|病|儿)|[一1](?:[名位个]|例)|患者|病人|该(?:患|病)"
    r"|\p{Han}{1,2}(?:女士|先生|小姐|阿姨|大爷)|小\p{Han}(?:[，,患最在发经被]|是一))"
    r"|^(?:新生儿|早产儿|[男女][婴童孩])[^？?]*[，,][^？?]*。\s*$"
)
_ASKING: Final = (
    r"[？?]|吗|呢|什么|怎|如何|哪|多少|几[岁个次天种点]|是否|能否|可否|为何|咋|请|告诉|介绍|解释|说明|描述|列出|列举|分析|简述|总结"
    r"|想知道|想了解|希望了解|了解|求助|能不能|可不可以|要不要|会不会|是不是|有没有|需不需要|该不该"
)
_NO_REFERENT: Final = (
    r"^(?:这|以上|上述|两)(?:两)?(?:个|种|者)?(?:疾病|病|症状|知识|情况)?[^，。？！\n]{0,4}(?:的|有|是|之间|在)"
    r"[^，\n]{0,30}(?:不同|相同|区别|异同|差异|相似|共同)|^治疗方法上"
)
_BARE_LIST: Final = r"^\s*(?:[^；;。，,！!？?\n]{1,30}[；;、]\s*)+[^；;。，,！!？?\n]{1,30}等?\s*$"
_VAGUE: Final = (
    r"^(?:可以|建议|可能|可|应该|应|需要?|考虑|进行|采用|采取|通过|包括|主要|一般|治疗方案|治疗方法|治疗措施|方案|方法|措施|的|有|是|和|及|与|或|、|；|;|，|,|。|等|根据病情|"
    r"(?:对症|药物|手术|病因|支持|保守|综合|保肝|一般|西医|中医|西药|中药|物理|基础|积极|及时)(?:支持)?性?(?:治疗|疗法|处理))+\s*$"
)
_ODD_ITEM: Final = r"(?:症状|体征|出现|表现|包括)[^。；\n]{0,40}?(?:年龄[、，]|、年龄(?:、|等|。|$)|多器官、)"
_COMPARED: Final = (
    r"^(?:[0-9]{1,2}[.．、 ]+)?(?:请问|治疗)?([^，。？！\n]{2,24}?)(?:和|与|跟|、)(?:治疗)?([^，。？！\n]{2,24}?)"
    r"(?:的|在|之间|有|是|都|两)[^。！\n]{0,24}?(?:不同|区别|相同|相似|类似|差异|差别|异同|一样|共同)"
)
_CASE: Final = r"可能|考虑|怀疑|诊断|患有|患上|符合|推测|表现"
_TREATMENT: Final = r"治|怎么办|措施|处理|方案"


def pointless(question: pl.Series, answer: pl.Series) -> pl.Series:
    """Template residue, a case that asks nothing, a question about what is not there, an answer without a statement."""
    residue = (question + "\n" + answer).str.extract(f"({_RESIDUE})", 1)
    is_case = question.str.contains(_THIRD_PERSON) & ~question.str.contains(_ASKING)
    silent = _where(is_case, question.str.head(24))
    lost = _where(question.str.len_chars() < 60, question.str.extract(f"({_NO_REFERENT})", 1))
    listed = answer.str.extract(f"({_BARE_LIST}|{_VAGUE})", 1).str.strip_chars().str.head(40)
    odd = answer.str.extract(f"({_ODD_ITEM})", 1)
    return _first(residue, silent, lost, listed, odd, _chance_comparisons(question))


def implausible(question: pl.Series, answer: pl.Series) -> pl.Series:
    """A drug for what it is not for, a diagnosis without any of its signs, a treatment without what it turns on."""
    return _first(
        _foreign_drugs(question, answer), _unfounded_diagnoses(question, answer), _missing_measures(question, answer)
    )


def _chance_comparisons(question: pl.Series) -> pl.Series:
    """Both names of comparisons between diseases of different systems."""
    pairs = [question.str.extract(_COMPARED, group) for group in (1, 2)]
    found: list[str | None] = [None] * len(question)
    for at in (pairs[0].is_not_null() & pairs[1].is_not_null()).arg_true().to_list():
        systems = [_systems(str(pair[at])) for pair in pairs]
        if all(systems) and not systems[0] & systems[1]:
            found[at] = f"{pairs[0][at]} / {pairs[1][at]}"
    return pl.Series(found, dtype=pl.String)


@functools.cache
def _system_words() -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((row["system"], tuple(row["words"].split())) for row in rows("body_systems"))


def _systems(disease: str) -> frozenset[str]:
    return frozenset(system for system, words in _system_words() if any(word in disease for word in words))


def _foreign_drugs(question: pl.Series, answer: pl.Series) -> pl.Series:
    found: list[str | None] = [None] * len(question)
    suspects = answer.str.contains("|".join(row["drug"] for row in rows("drug_uses")))
    for at in suspects.arg_true().to_list():
        found[at] = _foreign_drug(str(question[at]), str(answer[at]))
    return pl.Series(found, dtype=pl.String)


def _foreign_drug(question: str, answer: str) -> str | None:
    for drug, uses in _compiled("drug_uses", "drug", "uses"):
        match = drug.search(answer)
        if match and not uses.search(question) and not uses.search(drug.sub("", answer)):
            return match[0]
    return None


def _unfounded_diagnoses(question: pl.Series, answer: pl.Series) -> pl.Series:
    found: list[str | None] = [None] * len(question)
    named = "|".join(row["diagnosis"] for row in rows("diagnosis_signs"))
    suspects = (
        answer.str.contains(named) & answer.str.contains(_CASE) & question.str.contains(r"出现|岁|月|天|患者|症状")
    )
    for at in suspects.arg_true().to_list():
        found[at] = _unfounded(str(question[at]), str(answer[at]))
    return pl.Series(found, dtype=pl.String)


def _unfounded(question: str, answer: str) -> str | None:
    """The one disease that the first sentence names, where the question has no sign of it and does not name it."""
    first = re.split(r"[。；\n]", answer, maxsplit=1)[0]
    for diagnosis, signs in _compiled("diagnosis_signs", "diagnosis", "signs"):
        match = diagnosis.search(first)
        if match and not diagnosis.search(question) and not signs.search(question):
            return match[0]
    return None


def _missing_measures(question: pl.Series, answer: pl.Series) -> pl.Series:
    found: list[str | None] = [None] * len(question)
    suspects = question.str.contains("|".join(row["asked"] for row in rows("key_measures")))
    suspects &= question.str.contains(_TREATMENT)
    for at in suspects.arg_true().to_list():
        for asked, measure in _compiled("key_measures", "asked", "measure"):
            match = asked.search(str(question[at]))
            if match and not measure.search(str(answer[at])):
                found[at] = f"{match[0]}: {measure.pattern}"
                break
    return pl.Series(found, dtype=pl.String)


@functools.cache
def _compiled(name: str, key: str, value: str) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple((re.compile(row[key]), re.compile(row[value])) for row in rows(name))


def _where(condition: pl.Series, found: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(pl.lit(found))).to_series()


def _first(*found: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce([pl.lit(series) for series in found])).to_series()
