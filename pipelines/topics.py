"""What a row is about: a child as the patient, medicine at all, or neither.

The *patient* is judged, not the one who asks: `宝宝六个月便秘（女，26岁）` is about a child though the tag is the
mother's; `小三阳能要宝宝吗` and `我儿子今年20岁` are not. For conversations the features of `topics.tsv` add up to a
score; documents are judged with their title and headings, triples by their own head and tail.
"""

from __future__ import annotations

import functools
from typing import Final

import polars as pl

from pipelines.lexicons import rows, words
from pipelines.text_columns import joined_text
from schemas.records import DIALOGUE, PREFERENCE

ASKING: Final = ("patient", "user")
ANSWERING: Final = ("doctor", "assistant")

_TAG: Final = r"[（(](?:男|女)[，,、 ]{0,2}(\d{1,3})(岁|个?月|天|周)?[\d零个多月半天]{0,6}[）)]"
_CHILD_WORDS: Final = "(?:宝宝|孩子|小孩子?|儿子|女儿|小宝宝?|宝贝|孙子|孙女)"
_NOT_THE_PATIENT: Final = "|".join(
    (
        rf"(?:要|生|怀|有|添)(?:一?个|二胎|过|了|完|到|得起|下|出|不了|的)?(?:健康的?|正常的?)?{_CHILD_WORDS}(?:的?(?:事|话|吗|么|时候|以后|之后|后|前|呢|了|[，。？！?!,]|$))",
        rf"(?:想|能|可以|能不能|准备|打算|不敢|能否|计划|没有?|还没|考虑|才能|可不可以|以后|适合)(?:再)?(?:要|生|怀|有)(?:一?个|二胎|的)?(?:健康的?|正常的?)?{_CHILD_WORDS}",
        rf"(?:传染|遗传|感染|影响|伤害|危害|传)(?:给|到)?(?:我的?|自己的?|下一代|肚子里的?|以后的?)?(?:{_CHILD_WORDS}|婴儿|新生儿|胎儿|后代)",
        rf"(?:带|照顾|接送|陪|辅导|抱){_CHILD_WORDS}(?:的时候|时|太累|很累|上学|累|辛苦|睡觉时)",
        r"(?:儿子|女儿|孩子|孙子|孙女|外孙女?|女婿|侄子|外甥)们?(?:要|想|帮|给|替|又|都|在外|回来|特意|孝敬|昨天|今天|说要|打算){0,3}(?:帮|给|替|为)(?:我|俺|爸|妈|爷爷|奶奶|姥爷|父亲|母亲)?(?:买|带|送|寄|做|找|拿|推荐)",
        r"(?:儿子|女儿|孙子|孙女)[^。！？\n]{0,20}(?:买|寄|送)[^。！？\n]{0,20}我(?:有|得|患|是)|(?:儿子|女儿)[^，。！？\n]{0,8}(?:给|帮|说|劝|叫|让|催)我",
        rf"(?:跟|和|与)(?:我的?)?{_CHILD_WORDS}(?:一起|同|分开|们)|孩子(?:他|她|的)(?:爸|妈|爹|娘|奶奶|爷爷)",
        r"儿童医院|儿童时期|儿童节|做外孙女|一个人带孩子|独生子女|孩子还没有?结婚|老婆孩子|老婆和孩子|从小|小时候|小的时候|小三阳|大三阳|女孩子|男孩子|子女",
        r"我的小孩会有|(?:孩子|宝宝|小孩)不?能要|我们还?没有孩子|我们的孩子会|小孩子能健康|对(?:宝宝|孩子|小孩|胎儿)(?:身体)?(?:有|会有)?(?:没有|多大|什么|哪些|有没有)?(?:影响|干扰|危害|伤害)",
    )
)
"""Words of begetting, giving and remembering in which a child is named who is not the patient."""

_STATUTE_TITLE: Final = r"(?:法|条例|办法|规定|细则|决定)(?:[（(].*[）)])?$"
_ARTICLE: Final = r"^第[一二三四五六七八九十百零〇\d]+条"
_STATUTE_CHILD: Final = (
    r"儿童|婴儿|婴幼儿|新生儿|幼儿|出生缺陷|早产|学龄前|托幼|入托|母乳|未成年"
    r"|接种[^。]{0,40}监护人|监护人[^。]{0,40}接种"
)
_ADMINISTRATIVE: Final = (
    r"本(?:文件|标准|规范)按照GB|起草单位|主要起草人|规范性引用文件|归口|本(?:文件|标准|法|办法|条例).{0,20}(?:施行|实施)"
    r"|发布机构|目\s{0,3}次\s|版权所有|ISBN|定价|责任编辑"
)
_CHILD_TEXT: Final = r"小儿|儿童|婴儿|婴幼儿|新生儿|患儿|幼儿|早产儿|孩子|宝宝|青少年|学龄"
_CHILD_HEAD: Final = r"小儿|儿童|婴儿|婴幼儿|新生儿|幼儿|早产儿|围生期|先天性|幼年|胎儿|少年|遗传性代谢|宝宝"


@functools.cache
def disease_pattern() -> str:
    """A pattern of the diseases that are children's own."""
    return "|".join(words("paediatric_diseases"))


def conversation_parts(kind: str, frame: pl.DataFrame) -> pl.DataFrame:
    """What the score looks at: `raw`, `question`, `label`, `answer`, `department`, `tag` (child, adult or empty).

    `opening` is the first half of the question.
    """
    asked, answer = joined_text(kind, frame, ASKING), joined_text(kind, frame, ANSWERING)
    if kind == PREFERENCE:
        answer = answer + "\n" + frame.get_column("chosen").fill_null("")
    label = _column(frame, "title") + "\n" + _column(frame, "diagnosis")
    raw = label + "\n" + asked
    tag = (
        "（男，" + _column(frame, "age").str.replace("^[男女][，,、 ]*", "").str.strip_chars() + "）"
        if kind == DIALOGUE
        else pl.Series([""] * frame.height)
    )
    question = raw.str.replace_all(_TAG, "").str.replace_all(_NOT_THE_PATIENT, "")
    parts = pl.DataFrame(
        {"raw": raw, "question": question, "label": label, "answer": answer, "department": _column(frame, "department")}
    )
    opening = pl.col("question").str.head(pl.col("question").str.len_chars() // 2).alias("opening")
    return parts.with_columns(pl.select(_tag_kind(raw + tag).alias("tag")).to_series(), opening)


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    if name not in frame.columns:
        return pl.Series(name, [""] * frame.height, dtype=pl.String)
    return frame.get_column(name).fill_null("")


def _tag_kind(text: pl.Series) -> pl.Expr:
    """Whose age the tag `（男，5个月）` gives: a child's, an adult's (perhaps the asker's), or none."""
    number = pl.lit(text.str.extract(_TAG, 1).cast(pl.Int64))
    unit = pl.lit(text.str.extract(_TAG, 2).fill_null("岁"))
    child = (unit != "岁") | (number < 18)
    return pl.when(number.is_null()).then(pl.lit("")).when(child).then(pl.lit("child")).otherwise(pl.lit("adult"))


def conversation_scores(parts: pl.DataFrame) -> pl.Series:
    """How much each conversation speaks of a child as the patient: the sum of the weights of its features."""
    score = pl.lit(0.0)
    for feature in rows("topics"):
        score = score + pl.when(_holds(feature["where"], feature["pattern"])).then(float(feature["weight"])).otherwise(
            0.0
        )
    return parts.select(score.alias("score")).get_column("score")


def _holds(where: str, pattern: str) -> pl.Expr:
    if pattern.startswith("@"):
        pattern = "|".join(words(pattern[1:]))
    if where == "tag":
        return pl.col("tag") == pattern
    if where == "late":
        return (pl.col("tag") == "adult") & ~pl.col("opening").str.contains(pattern)
    if where == "answer_count":
        return pl.col("answer").str.count_matches(pattern) >= 3
    return pl.col(where).str.contains(pattern)


def is_medical(text: pl.Series) -> pl.Series:
    """Whether a text speaks of health at all."""
    return text.str.contains("|".join(words("medical_words")))


def paediatric_documents(frame: pl.DataFrame, min_mentions: int) -> pl.Series:
    """Whether each document is about children, by its title, its headings and its text.

    A book or guideline with a paediatric title is, but for its administrative parts (foreword, drafting units). Of a
    statute each article is judged by itself: 婚前检查 in the 母婴保健法 is no paediatrics.
    """
    text, title, number = (_column(frame, name) for name in ("text", "title", "number"))
    mentions = text.str.count_matches(_CHILD_TEXT) + text.str.count_matches(disease_pattern())
    headings = (
        title
        + "\n"
        + (frame.get_column("section_path").list.join("\n").fill_null("") if "section_path" in frame.columns else "")
    )
    statute = title.str.contains(_STATUTE_TITLE) | number.str.contains(_ARTICLE)
    administrative = text.str.contains(_ADMINISTRATIVE) & (mentions <= 2)
    titled = headings.str.contains("|".join(words("paediatric_titles")))
    article = text.str.contains(_STATUTE_CHILD) & ~text.str.contains(_ADMINISTRATIVE)
    return (statute & article) | (~statute & ~administrative & (titled | (mentions >= min_mentions)))


def names_a_child(head: pl.Series) -> pl.Series:
    """Whether the name of a disease says that it is a child's, whatever the table says of age: 小儿猫叫综合征."""
    return head.fill_null("").str.contains(r"小儿|新生儿|婴儿|婴幼儿|儿童|幼儿|早产儿|胎儿|患儿|足月")


def paediatric_triples(frame: pl.DataFrame) -> pl.Series:
    """Whether each triple names a child's disease or a child's age, in its own head or tail."""
    head, relation, tail = (_column(frame, name) for name in ("head", "relation", "tail"))
    own = head.str.contains(_CHILD_HEAD) | head.str.contains(disease_pattern())
    aged = relation.str.contains(r"(?i)age|年龄|人群|多发|易感") & tail.str.contains(
        r"婴|幼儿|儿童|新生|小儿|青少年|小宝宝|孩"
    )
    broad = tail.str.contains(r"所有|成人|成年|中年|老年")
    return own | (aged & ~broad) | (head.str.contains("^(?:儿|婴|幼)") & ~head.str.contains("儿茶"))
