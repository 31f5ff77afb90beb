"""What a title says, who is one issuer, which version follows which, and what became of a provision."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from pipelines.superseded.differences import difference, folded
from pipelines.superseded.findings import detail_of, newer_name, read_detail
from pipelines.superseded.issuers import bodies
from pipelines.superseded.provisions import Pair, Provision, added, are_versions, compared, stands_in
from pipelines.superseded.titles import code_in, read_title
from pipelines.superseded.versions import Document, successions
from schemas.errors import ConfigError


@pytest.mark.parametrize(
    ("title", "key", "year", "edition"),
    [
        ("儿童社区获得性肺炎诊疗规范（2019年版）", "儿童社区获得性肺炎诊疗规范", 2019, None),
        ("儿童社区获得性肺炎诊疗规范（2013修订版）", "儿童社区获得性肺炎诊疗规范", 2013, None),
        ("中国儿童哮喘诊断与防治指南(2008年修订)", "中国儿童哮喘诊断与防治指南", 2008, None),
        ("流感治疗专家共识（2017实用版）", "流感治疗专家共识", 2017, None),
        ("新型冠状病毒肺炎诊疗方案(试行第九版)", "新型冠状病毒肺炎诊疗方案", None, (9,)),
        ("手足口病诊疗指南 第二版", "手足口病诊疗指南", None, (2,)),
        ("手足口病诊疗指南（第十二版）", "手足口病诊疗指南", None, (12,)),
        ("儿童白血病诊疗指南 V2.1", "儿童白血病诊疗指南", None, (2, 1)),
        ("2021版儿童哮喘指南", "儿童哮喘指南", 2021, None),
        ("儿童哮喘指南2016", "儿童哮喘指南", 2016, None),
        ("儿童变应性鼻炎诊断和治疗指南（2010年，重庆）", "儿童变应性鼻炎诊断和治疗指南", 2010, None),
        ("支气管哮喘防治指南（成人版，2020年）", "支气管哮喘防治指南成人版", 2020, None),
        ("中国儿童发展纲要（2021—2030年）", "中国儿童发展纲要", 2021, None),
        ("母婴保健法(2017-11-04)", "母婴保健法", 2017, None),
        ("《中华人民共和国母婴保健法》", "母婴保健法", None, None),
        ("托育机构管理规范（试行）", "托育机构管理规范", None, None),
        ("托儿所卫生保健管理暂行办法", "托儿所卫生保健管理办法", None, None),
        ("关于印发儿童肺炎诊疗规范（2019年版）的通知", "儿童肺炎诊疗规范", 2019, None),
        ("附件1：儿童肺炎诊疗规范（2019年版）", "儿童肺炎诊疗规范", 2019, None),
        ("GB 10765—2010 食品安全国家标准 婴儿配方食品", "婴儿配方食品", 2010, None),
        ("2019新型冠状病毒感染防控指南", "2019新型冠状病毒感染防控指南", None, None),
        ("中国2型糖尿病防治指南（2020年版）", "中国2型糖尿病防治指南", 2020, None),
    ],
)
def test_a_title_is_a_name_and_a_version(
    title: str, key: str, year: int | None, edition: tuple[int, ...] | None
) -> None:
    read = read_title(title)
    assert (read.key, read.year, read.edition) == (key, year, edition)


@pytest.mark.parametrize(
    "titles",
    [
        ("儿童肺炎管理指南（2013修订）（上）", "儿童肺炎管理指南（2013修订）（下）"),
        ("儿童保健技术规范第一部分", "儿童保健技术规范第二部分", "儿童保健技术规范"),
        ("0～5岁儿童睡眠指南", "6～12岁儿童睡眠指南", "05岁儿童睡眠指南"),
        ("1-3岁儿童喂养指南", "13岁儿童喂养指南"),
        ("儿童肺炎诊疗规范", "儿童肺炎诊疗指南", "儿童肺炎诊疗指南解读"),
        ("哮喘防治指南（成人版）", "哮喘防治指南（儿童版）", "哮喘防治指南（家长版）"),
        ("母婴保健法", "母婴保健法实施办法", "重庆市实施《中华人民共和国母婴保健法》办法"),
        ("婴儿配方食品", "较大婴儿配方食品", "幼儿配方食品"),
        ("1型糖尿病指南", "2型糖尿病指南"),
    ],
)
def test_other_parts_ages_kinds_and_readers_are_other_documents(titles: tuple[str, ...]) -> None:
    assert len({read_title(title).key for title in titles}) == len(titles)


@pytest.mark.parametrize(
    "title", ["指南", "附件", "中华儿科杂志", "附件2", "指南与共识", "中华人民共和国国家标准", "", "（2016）"]
)
def test_a_title_that_names_nothing_has_no_key(title: str) -> None:
    assert read_title(title).key == ""


def test_numbers_of_standards_in_every_spelling() -> None:
    spellings = ("WS/T 423-2013 生长判定", "WS/T423—2013生长判定", "WST 423-2013 生长判定", "WS 423－2013 生长判定")
    assert {(read_title(t).code, read_title(t).year, read_title(t).key) for t in spellings} == {
        ("WS 423", 2013, "生长判定")
    }
    assert code_in("GB10765-2010.pdf") == ("GB 10765", 2010)
    assert code_in("DB4403T 489-2024.pdf") == ("DB4403 489", 2024)
    assert code_in("GB 5009.12-89.pdf") == ("GB 5009.12", 1989)
    assert code_in("13800-2010.pdf") is None
    assert read_title("GB 10765-2021《婴儿配方食品》问答").code is None


@pytest.mark.parametrize(
    "names",
    [
        (
            "中华人民共和国卫生部",
            "国家卫生健康委员会、国家市场监督管理总局",
            "国家卫生和计划生育委员会",
            "国家卫生健康委办公厅",
        ),
        ("中华医学会儿科学分会呼吸学组", "中华医学会", "中华医学会儿科学分会、《中华儿科杂志》编辑委员会"),
        ("广东省深圳市市场监督管理局", "深圳市卫生健康委员会"),
        ("重庆市人民代表大会常务委员会", "重庆市人大常委会"),
    ],
)
def test_one_issuer_written_in_several_ways(names: tuple[str, ...]) -> None:
    for a, b in itertools.pairwise(names):
        assert bodies(a) & bodies(b), (a, b)


def test_issuers_that_truly_differ() -> None:
    names = ("国务院", "重庆市人民代表大会常务委员会", "上海市卫生健康委员会", "中华医学会", "中国医师协会儿科医师分会")
    for a, b in itertools.combinations(names, 2):
        assert not bodies(a) & bodies(b), (a, b)
    assert bodies(None) == bodies("") == bodies(" 、") == frozenset()


def document(title: str, year: int = 0, issuer: str = "", source: str = "s", part: str = "") -> Document:
    return Document(source, part or f"{title}{year}{issuer}.md", title, issuer, year)


def pairs(*documents: Document, **replaces: str) -> set[tuple[str, int, str, int]]:
    """Title and year of each older version and of the one that takes its place, whatever the order they come in."""
    found = []
    for order in (documents, documents[::-1]):
        found.append(
            {
                (a.title, a.year, b.title, b.year)
                for older, newer, *_ in successions(order, replaces)
                for a in older.documents
                for b in newer.documents[:1]
            }
        )
    assert found[0] == found[1]
    return found[0]


ACT, NORM = "母婴保健法实施办法", "儿童肺炎诊疗规范"


def test_the_newest_version_takes_the_place_of_every_older_one() -> None:
    acts = [document(ACT, year) for year in (2001, 2017, 2023)]
    assert pairs(*acts) == {(ACT, 2001, ACT, 2023), (ACT, 2017, ACT, 2023)}


def test_the_year_of_the_title_counts_before_that_of_the_file() -> None:
    old, new = document(f"{NORM}（2013修订版）", 2024), document(f"{NORM}（2019年版）", 2020)
    assert pairs(old, new) == {(old.title, 2024, new.title, 2020)}


def test_editions_where_years_are_equal_or_missing() -> None:
    seventh, ninth = document("新冠肺炎诊疗方案（试行第七版）"), document("新冠肺炎诊疗方案（试行第九版）")
    assert pairs(seventh, ninth) == {(seventh.title, 0, ninth.title, 0)}
    assert pairs(document(seventh.title, 2020), document(ninth.title, 2020)) == {
        (seventh.title, 2020, ninth.title, 2020)
    }
    assert pairs(document(seventh.title, 2022), ninth) == {(seventh.title, 2022, ninth.title, 0)}


def test_what_cannot_be_compared_stays() -> None:
    assert not pairs(document(ACT), document(f"《{ACT}》"))
    assert not pairs(document(ACT), document(ACT, 2023))
    assert not pairs(document(ACT, 2023), document(ACT, 2023, part="copy.md"))
    assert not pairs(document(f"{NORM}第三版", 2015), document(f"{NORM}第二版", 2018))  # year and edition disagree
    assert not pairs(document("附件", 2010), document("附件", 2020))


def test_other_issuers_keep_their_own() -> None:
    nation, place = document(ACT, 2017, "国务院"), document(ACT, 2023, "重庆市人民政府")
    assert not pairs(nation, place)
    unsigned = document(ACT, 2024)
    assert not pairs(nation, place, unsigned), "whose newer version it is cannot be told"
    assert pairs(nation, unsigned) == {(ACT, 2017, ACT, 2024)}
    assert pairs(document(NORM, 2010, "卫生部"), document(NORM, 2021, "国家卫生健康委员会")) != set()


def test_a_number_of_a_standard_outlives_its_title() -> None:
    old, new = document("WS/T 423-2013 5岁以下儿童生长状况判定"), document("WS/T 423—2022 7岁以下儿童生长标准")
    assert pairs(old, new) == {(old.title, 0, new.title, 0)}
    named = document("7岁以下儿童生长标准", 2012)  # the same title without a number
    assert (named.title, 2012, new.title, 0) in pairs(old, new, named)
    of_file = document("7岁以下儿童生长标准", part="WST 423-2022 标准.pdf")
    assert pairs(old, of_file) == {(old.title, 0, of_file.title, 0)}
    assert not pairs(document("GB 10765-2010 配方食品"), document("GB 10767-2021 配方食品"))


def test_a_draft_takes_nobodys_place() -> None:
    law, draft = document(NORM, 2010), document(f"{NORM}（征求意见稿）", 2019)
    assert not pairs(law, draft)
    final = document(NORM, 2019)
    assert pairs(law, draft, final) == {(NORM, 2010, NORM, 2019), (draft.title, 2019, NORM, 2019)}


def test_the_user_says_what_was_renamed() -> None:
    old, new = document("儿童计划免疫条例", 2005), document("疫苗管理法", 2019)
    assert not pairs(old, new)
    assert pairs(old, new, 儿童计划免疫条例="疫苗管理法") == {(old.title, 2005, new.title, 2019)}
    newest, older = document("疫苗管理法", 2024), document("儿童计划免疫条例", 1990)
    every = pairs(old, new, newest, older, 儿童计划免疫条例="疫苗管理法")
    assert {pair[2:] for pair in every} == {("疫苗管理法", 2024)}
    assert {pair[:2] for pair in every} == {(d.title, d.year) for d in (old, new, older)}
    with pytest.raises(ConfigError, match=r"no guideline is titled `疫苗管理条例`\. Did you mean `疫苗管理法`"):
        pairs(old, new, 儿童计划免疫条例="疫苗管理条例")


def test_a_stated_order_wins_over_the_years_and_a_circle_drops_nothing() -> None:
    a, b = document("甲类儿童用药办法", 2020), document("乙类儿童用药办法", 2010)
    assert pairs(a, b, 甲类儿童用药办法="乙类儿童用药办法") == {(a.title, 2020, b.title, 2010)}
    c = document("丙类儿童用药办法", 2015)
    circle = {"甲类儿童用药办法": b.title, "乙类儿童用药办法": c.title, "丙类儿童用药办法": a.title}
    assert not pairs(a, b, c, **circle)


def provision(number: str, text: str, *path: str, record_id: str = "") -> Provision:
    return Provision(record_id or f"d{number}{text[:6]}", number, path or ("第一章 总则",), text)


def became(older: list[Provision], newer: list[Provision]) -> list[tuple[str, str | None, bool]]:
    return [(p.older.number, p.newer and p.newer.number, p.is_equal) for p in compared(older, newer)]


LAW = [
    provision("第一条", "为了保障母亲和婴儿健康，提高出生人口素质，制定本法。"),
    provision("第二条", "国家发展母婴保健事业，提供必要条件和物质帮助。"),
    provision("第三条", "医疗机构应当在二十日内完成新生儿疾病筛查并告知监护人。"),
    provision("第四条", "接生人员应当具备法定的执业资格，严格遵守操作规程。"),
]


def test_space_and_the_width_of_punctuation_are_no_change() -> None:
    spaced = [p._replace(text=p.text.replace("，", ",").replace("。", "。 \n")) for p in LAW]
    assert became(LAW, spaced) == [(p.number, p.number, True) for p in LAW]
    assert folded("第1 2周") != folded("第12周")


def test_renumbered_articles_are_found_by_their_text() -> None:
    newer = [
        provision("第一条", "本法所称婴儿，是指不满一周岁的儿童。"),
        *(p._replace(number=f"第{n}条") for n, p in zip("二三四五", LAW, strict=True)),
    ]
    newer[3] = newer[3]._replace(text="医疗机构应当在三十日内完成新生儿疾病筛查并告知监护人。")
    assert became(LAW, newer) == [
        ("第一条", "第二条", True),
        ("第二条", "第三条", True),
        ("第三条", "第四条", False),
        ("第四条", "第五条", True),
    ]


def test_a_repealed_article_is_not_taken_for_its_number() -> None:
    newer = [LAW[0], *(p._replace(number=f"第{n}条") for n, p in zip("二三", LAW[2:], strict=True))]
    assert became(LAW, newer)[1] == ("第二条", None, False)


def test_an_article_that_was_rewritten_in_its_place_is_a_change() -> None:
    newer = [*LAW[:3], provision("第四条", "家庭接生依照省级卫生行政部门另行规定办理。")]
    assert became(LAW, newer)[3] == ("第四条", "第四条", False)


def test_where_numbers_moved_an_equal_number_means_nothing() -> None:
    newer = [
        provision("第一条", "本法所称婴儿，是指不满一周岁的儿童。"),
        *(p._replace(number=f"第{n}条") for n, p in zip("二三", LAW[:2], strict=True)),
        provision("第四条", "家庭接生依照省级卫生行政部门另行规定办理。"),
    ]
    assert became(LAW, newer) == [
        ("第一条", "第二条", True),
        ("第二条", "第三条", True),
        ("第三条", None, False),
        ("第四条", None, False),
    ]


def test_sections_without_numbers_are_known_by_their_headings() -> None:
    older = [
        provision("", "轻症居家隔离。", "四、治疗", "（一）一般治疗"),
        provision("", "吸氧。", "四、治疗", "（二）重症"),
    ]
    newer = [
        provision("", "所有病例收住院。", "五、治疗", "（一）一般治疗"),
        provision("", "吸氧。", "五、治疗", "（三）重症"),
    ]
    found = compared(older, newer)
    assert [(p.newer, p.is_equal) for p in found] == [(newer[0], False), (newer[1], True)]


def test_an_article_taken_into_a_longer_one_is_not_lost() -> None:
    merged = provision("第二条", LAW[1].text + "县级以上人民政府应当将其纳入规划，" + LAW[3].text + "违反的依法处理。")
    found = became(LAW, [LAW[0], merged, LAW[2]])
    assert found[1][1] == found[3][1] == "第二条"


def test_files_that_are_cut_in_other_places_say_the_same() -> None:
    fine = [provision(f"4.{n}", p.text, "4 要求") for n, p in enumerate(LAW, 1)]
    coarse = [provision("4", "\n".join(f"4.{n} {p.text}" for n, p in enumerate(LAW, 1)), "4 要求")]
    for older, newer in ((fine, coarse), (coarse, fine)):
        found = compared(older, newer)
        assert all(pair.is_equal for pair in found)
        assert added(older, newer, {pair.newer for pair in found if pair.newer}) == []
    longer = [coarse[0]._replace(text=coarse[0].text + "违反前款规定的，由卫生行政部门责令改正，并处以罚款。")]
    assert not any(pair.is_equal for pair in compared(fine, longer)), "a sentence that was added is a change"
    assert [pair.is_equal for pair in compared(longer, fine)] == [False]
    assert all(detail_of(pair, "新版").rpartition("｜")[2] for pair in compared(fine, longer))


def test_an_added_sentence_is_a_change() -> None:
    more = [LAW[0], LAW[1]._replace(text=LAW[1].text + "边远地区除外。"), *LAW[2:]]
    assert [pair.is_equal for pair in compared(LAW, more)] == [True, False, True, True]


def test_words_stand_in_a_text_only_as_sentences_of_their_own() -> None:
    assert stands_in("推荐用补液盐。", "不应禁食;推荐用补液盐。")
    assert stands_in("推荐用补液盐。", "4.1应观察。4.2推荐用补液盐。")
    assert not stands_in("推荐用补液盐。", "医生不推荐用补液盐。")
    assert not stands_in("每次10", "每次100mg")
    assert not stands_in("每次10mg", "每次10mg,但婴儿除外。")


def test_equal_sentences_under_other_headings_meet_their_own() -> None:
    same = "理化指标应符合下表的规定。"
    older = [provision("B.1.1", same, "B.1 甲氨酸"), provision("B.2.1", same, "B.2 乙氨酸")]
    newer = [provision("B.3.1", same, "B.3 乙氨酸"), provision("B.1.1", same, "B.1 甲氨酸")]
    assert [p.newer and p.newer.path for p in compared(older, newer)] == [("B.1 甲氨酸",), ("B.3 乙氨酸",)]


def test_titles_alone_do_not_make_a_version() -> None:
    other = [
        provision(p.number, text)
        for p, text in zip(LAW, ("儿童食品标签", "校车安全管理", "学校体育", "图书"), strict=True)
    ]
    assert not are_versions(compared(LAW, other))
    assert are_versions(compared(LAW, [*other[:3], LAW[3]]))
    assert are_versions(compared(LAW[:1], other)), "so little proves nothing"


def test_what_became_what_is_readable() -> None:
    newer = LAW[2].text.replace("二十日", "三十日")
    assert difference(LAW[2].text, newer) == "「…疗机构应当在二十日内完成新…」→「…疗机构应当在三十日内完成新…」"
    assert "15 mg" not in difference("每次15 mg/kg", "每次18mg/kg")
    assert difference("每次0.15g，每日2次", "每次0.18g，每日2次") == "「每次0.15g，每日2次」→「每次0.18g，每日2次」"
    assert difference("甲乙。", "甲乙。丙丁。") == "「甲乙。」→「甲乙。丙丁。」"


def test_differences_are_bounded_and_skip_what_is_no_change() -> None:
    base = "".join(random.Random(7).choices("甲乙丙丁戊己庚辛壬癸子丑寅卯", k=9_000))
    for other in (base[::-1], base[:4_000], base + "完" * 50_000, base.replace("甲", "申")):
        assert 0 < len(difference(base, other)) < 600
    assert (
        difference("（一）遗传病；（二）传染病", "(一)遗传病;(二)慢性病")
        == "「…传病；（二）传染病」→「…传病;(二)慢性病」"
    )


def test_a_detail_reads_back() -> None:
    (version,) = (s.newer for s in successions([document(ACT, 2017), document(ACT, 2023)]))
    name = newer_name(version, 3)
    changed = detail_of(Pair(LAW[2], LAW[3]._replace(text="甲｜乙"), False), name)
    told = read_detail(changed)
    assert told is not None
    assert (told.record_id, told.newer, told.n_added) == (LAW[3].record_id, f"《{ACT}》（2023）", 3)
    assert told.place == "第三条→第四条"
    assert told.change.endswith("「甲｜乙」")
    removed = read_detail(detail_of(Pair(LAW[0], None, False), name))
    assert removed is not None
    assert (removed.record_id, removed.place) == (None, "第一条")
    assert read_detail("d0123456789") is None


def test_hostile_titles_and_texts_end_in_time() -> None:
    began = time.process_time()
    for title in (
        "（" * 9_999,
        "2010年版" * 999,
        "第" * 9_999,
        "版, " * 999 + "x",
        "\0\ud800" * 50,
        "GB " * 999,
        "1-" * 999,
    ):
        read_title(title)
        bodies(title * 3)
    same = [provision(f"{i}", "应当符合下表的规定。", record_id=f"a{i}") for i in range(3_000)]
    near = [provision(f"{i}", f"应当符合下表{i}的规定，并予以记录。", record_id=f"b{i}") for i in range(3_000)]
    assert len(compared(same, near)) == len(compared(near, same)) == 3_000
    long = [provision("1", "甲乙丙" * 300_000)]
    compared(long, [provision("1", "甲乙丁" * 300_000)])
    draw = random.Random(5)
    words = "儿童肺炎发热咳嗽治疗药物每日次毫克推荐使用应当不可以首选口服静脉注射"
    unlike = [[provision(f"{i}", "".join(draw.choices(words, k=3_000))) for i in range(40)] for _ in range(2)]
    assert not any(pair.is_equal for pair in compared(*unlike))
    difference(unlike[0][0].text * 3, unlike[1][0].text * 20)
    assert time.process_time() - began < 20
