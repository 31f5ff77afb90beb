"""Each defect is named, with what was found; what is sound stays."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.contraindications import age_months
from pipelines.drop_low_quality import DropLowQuality
from pipelines.lexicons import rows
from schemas.records import COMPLETION, DIALOGUE, DOCUMENT, INSTRUCTION, PREFERENCE, TRIPLE
from tests.pipelines.rows import conversation, document, framed, instruction, triple

GOOD_QUESTION = "宝宝六个月，发烧38.5℃两天，精神还好，该怎么处理？"
GOOD_ANSWER = (
    "可以先物理降温，多喝水，注意观察精神和尿量；体温反复超过38.5℃可口服对乙酰氨基酚，按体重给药，仍不退请到医院就诊。"
)


def reason(kind: str, frame: pl.DataFrame, **settings: object) -> str | None:
    after = DropLowQuality(**settings).apply(kind, frame)  # type: ignore[arg-type]
    value = after["drop_reason"][0]
    return None if value is None else str(value).removeprefix("drop_low_quality:")


def of_answer(answer: str, question: str = GOOD_QUESTION) -> str | None:
    return reason(DIALOGUE, conversation(question, answer))


def test_a_sound_consultation_stays() -> None:
    assert of_answer(GOOD_ANSWER) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", "empty_turn"),
        ("肺炎。", "too_short"),
        (GOOD_ANSWER + "\ufffd", "mojibake"),
        (GOOD_ANSWER + "锟斤拷锟斤拷", "mojibake"),
        (GOOD_ANSWER + "\ue000", "mojibake"),
        (GOOD_ANSWER + "<div>", "markup"),
        (GOOD_ANSWER + "&nbsp;。", "markup"),
        (GOOD_ANSWER + "<|endoftext|>", "markup"),
        (GOOD_ANSWER + "\n- 12 -", "markup"),
        (GOOD_ANSWER + "检查：nan。", "markup"),
        ("```python\nprint(1)\n```\n" + GOOD_ANSWER, "markup"),
        ("Give the child paracetamol and plenty of fluids; see a doctor if the fever lasts. " * 2, "no_chinese"),
        (GOOD_ANSWER + "我是仲景智能医学助手。", "other_identity"),
        ("建议拨打咨询热线，加我微信[微信]，" + GOOD_ANSWER, "advert"),
        ("建议您去[医院]就诊，" + GOOD_ANSWER, "advert"),
        ("[医院]肝病治疗中心专家为您解答：" + GOOD_ANSWER, "advert"),
        ("感谢您的咨询，希望我的回答对您有所帮助，祝宝宝早日康复！", "boilerplate_only"),
        ("孩子出生后要及时麻醉乙肝疫苗，以免放柔病情，需要有注意休息。", "garbled_paraphrase"),
        ("孩子发烧要多喝水注意休息。" * 30, "repetitive"),
        (
            "可以先物理降温，多喝水，注意观察精神和尿量，体温超过三十八度五的时候可以口服退热药，然后再观察，",
            "unfinished",
        ),
        ("多喝水，可以口服左氧氟沙星片，一天两次，注意休息，清淡饮食。", "unsafe_for_children"),
        ("抽搐发作时要赶紧往孩子嘴里塞毛巾，以免咬伤舌头，然后送医院。", "unsafe_for_children"),
        ("发作倒地时一定要往孩子嘴里塞毛巾，以免咬伤舌头.解开衣领，避免窒息。", "unsafe_for_children"),
        ("发烧可以用酒精擦浴物理降温，多喝水，注意观察精神状态。", "unsafe_for_children"),
        ("考虑前列腺炎，注意休息，避免性生活，多喝水，清淡饮食。", "answer_off_target"),
    ],
)
def test_a_bad_answer_has_its_reason(answer: str, expected: str) -> None:
    assert of_answer(answer) == expected


@pytest.mark.parametrize(
    "question", ["小儿癫痫哪家医院好？", "北京治疗小儿脑瘫的医院排名", "小儿疝气手术多少钱？", "哪里看小儿湿疹最好？"]
)
def test_questions_that_ask_where_and_for_how_much_go(question: str) -> None:
    assert of_answer(GOOD_ANSWER, question) == "advert"


@pytest.mark.parametrize(
    "answer",
    [
        "18岁以下禁用左氧氟沙星，孩子不要使用这种药，建议就诊后选药。",
        "左氧氟沙星滴眼液可以按说明使用，注意卫生，必要时到医院复查。",
        "四环素类会影响牙齿和骨骼，不建议给孩子使用，可以换别的药。",
        "发热不适可用对乙酰氨基酚，不使用阿司匹林和其他水杨酸制剂退热。",
        "儿童不使用尼美舒利来退热，体温高时可以用对乙酰氨基酚，按体重给药。",
        "抽搐时让孩子侧卧，不要往嘴里塞毛巾或筷子，也不要掐人中，记下时间。",
        "请预约小儿外科门诊；如果抽搐不停，请拨打120，途中让孩子侧卧。",
        "有人说抽搐要掐人中，这种做法是错误的，让孩子侧卧、保持呼吸道通畅就好。",
        "发烧时酒精擦浴不可取，多喝水，体温高且不舒服时用退热药。",
        "川崎病急性期需要口服阿司匹林，具体剂量由专科医生决定。",
    ],
)
def test_a_warning_is_no_recommendation(answer: str) -> None:
    assert of_answer(answer) is None


def test_the_age_decides_about_a_drug() -> None:
    answer = "可以口服布洛芬混悬液退热，按体重给药，间隔六小时以上，多喝水。"
    assert of_answer(answer, "宝宝四个月，发烧39度怎么办？") == "unsafe_for_children"
    assert of_answer(answer, "宝宝八个月，发烧39度怎么办？") is None
    adult = "我今年40岁，男，尿频尿急，怎么办？"
    assert of_answer("可以口服左氧氟沙星片，一天一次，多喝水，注意休息。", adult) is None


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("宝宝六个月了", 6),
        ("男，5岁", 60),
        ("三岁半的孩子", 42),
        ("十二岁", 144),
        ("新生儿20天", 20 / 30),
        ("发烧三天", None),
        ("2岁以上", None),
    ],
)
def test_ages(text: str, months: float | None) -> None:
    assert age_months(text) == (None if months is None else pytest.approx(months))


def test_every_drug_rule_names_its_source() -> None:
    assert all(row["source"].strip() and float(row["months"]) > 0 for row in rows("contraindications"))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("肺炎", "症状", "咳嗽"), None),
        (("肺炎", "drug", "咳嗽"), None),
        (("", "症状", "咳嗽"), "too_short"),
        (("肺炎", "症状", "——"), "too_short"),
        (("肺炎", "并发症", "肺炎"), "too_short"),
        (("小儿支气管炎", "药物", "小儿化痰止咳颗……"), "cut_off"),
        (("2-10天", "药物", "头孢"), "shifted"),
        (("肺炎", "症状", "咳" * 81), "too_long"),
        (("小儿过敏性鼻炎", "常用药物", "诺氟沙星胶囊"), "unsafe_for_children"),
        (("新生儿泪囊炎", "常用药物", "氧氟沙星滴眼液"), None),
        (("小儿过敏性鼻炎", "禁忌", "诺氟沙星胶囊"), None),
        (("尿路感染", "常用药物", "诺氟沙星胶囊"), None),
    ],
)
def test_triples(cells: tuple[str, str, str], expected: str | None) -> None:
    assert reason(TRIPLE, triple(*cells)) == expected


def test_documents_and_completions() -> None:
    assert reason(DOCUMENT, document("支气管肺炎是小儿时期常见的肺部炎症。")) is None
    assert reason(DOCUMENT, document("略")) == "too_short"
    assert reason(DOCUMENT, document("甲" * 200, title="书"), max_chars=100) == "too_long"
    assert reason(COMPLETION, framed(COMPLETION, [{"text": "婴儿配方食品。" * 60}])) == "repetitive"


def test_less_is_asked_of_general_rows() -> None:
    assert reason(INSTRUCTION, instruction("9和10哪个大？", "10。", topic="general")) is None
    assert reason(INSTRUCTION, instruction("Say hi", "Hello there", topic="general")) is None
    assert (
        reason(INSTRUCTION, instruction("你是谁？", "我是由OpenAI训练的语言模型。", topic="general"))
        == "other_identity"
    )
    assert reason(INSTRUCTION, instruction("GPT-3是什么？", "GPT-3是OpenAI发布的语言模型。", topic="general")) is None


def test_preferences_need_two_answers() -> None:
    prompt = [{"role": "user", "content": GOOD_QUESTION}]
    same = framed(PREFERENCE, [{"prompt": prompt, "chosen": GOOD_ANSWER, "rejected": GOOD_ANSWER}])
    assert reason(PREFERENCE, same) == "no_preference"
    two = framed(PREFERENCE, [{"prompt": prompt, "chosen": GOOD_ANSWER, "rejected": "多喝水。"}])
    assert reason(PREFERENCE, two) is None


def test_a_drop_says_what_was_found() -> None:
    after = DropLowQuality().apply(DIALOGUE, conversation(GOOD_QUESTION, GOOD_ANSWER + "<div>"))
    assert after["drop_detail"][0] == "<div>"


def test_settings_move_the_bounds() -> None:
    short = conversation(GOOD_QUESTION, "多喝水，多休息，观察体温。")
    assert reason(DIALOGUE, short) is None
    assert reason(DIALOGUE, short, min_answer_chars=50) == "too_short"
    touting = conversation(GOOD_QUESTION, "建议您去[医院]就诊，" + GOOD_ANSWER)
    assert reason(DIALOGUE, touting, adverts=False) is None


def test_a_graph_may_name_the_drugs_that_a_child_must_not_have() -> None:
    from schemas.records import TRIPLE, frame_of

    base = {"record_id": "t" + "0" * 20, "topic": "paediatric", "domain": "paediatric", "head": "儿童流行性感冒"}
    rows = [{**base, "relation": r, "tail": "阿司匹林"} for r in ("常用药物", "不宜使用的药物", "禁用药物")]
    dropped = DropLowQuality().apply(TRIPLE, frame_of(TRIPLE, rows))["drop_reason"].to_list()
    assert dropped == ["drop_low_quality:unsafe_for_children", None, None]


def of_source(question: str, answer: str, method: str = "source", **settings: object) -> str | None:
    generator = {"method": method, "name": "x", "version": None, "template": None, "call_key": None}
    return reason(INSTRUCTION, instruction(question, answer, topic="medical", generator=generator), **settings)


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("一名5岁男童舌面出现地图样红斑，轻度不适。", "考虑地图舌，一般不需要治疗，注意口腔卫生。", "pointless"),
        ("新生儿出生后不久出现瘙痒，没有及时治疗，黄疸越来越重。", "可能是胆汁淤积，需要立即就诊检查。", "pointless"),
        ("患儿突发耳痛，begain{怀疑中耳炎}end，该做什么检查？", "应做耳镜检查，看鼓膜有没有充血。", "pointless"),
        ("这两种疾病有哪些相同点？", "两种疾病都有发热和皮疹，都需要隔离。", "pointless"),
        ("肾细胞癌和百日咳的病因是否相同？", "不同，前者与肥胖有关，后者由百日咳杆菌引起。", "pointless"),
        ("小儿喉喘鸣的治疗方式是什么？", "对症治疗；药物治疗；手术治疗", "pointless"),
        ("新生儿肝大该如何治疗？", "可以考虑进行病因治疗和支持治疗等治疗方案。", "pointless"),
        ("男童癫痫有哪些表现？", "该患儿可能出现年龄、抽搐、意识丧失等症状。", "pointless"),
        ("阿立哌唑口崩片能做燃料吗？", "不能，阿立哌唑口崩片是治疗胃酸过多的药物。", "implausible"),
        ("新生儿溶血病怎么治？", "治疗包括光疗、换血、硝苯地平等，具体由医生决定。", "implausible"),
        ("12岁女孩出现头痛、呕吐、视力模糊，可能是什么肿瘤？", "可能患有尤因肉瘤，需要进一步检查。", "implausible"),
        ("13岁女孩几乎不说话、紧张，是什么病？", "这可能是儿童精神分裂症的表现，请到精神科评估。", "implausible"),
        ("早产儿先天性膈疝应采取哪些治疗措施？", "治疗措施包括纠正酸中毒和监测血气分析。", "implausible"),
    ],
)
def test_instructions_filled_from_tables_must_make_sense(question: str, answer: str, expected: str) -> None:
    assert of_source(question, answer) == expected
    assert of_source(question, answer, method="extractive") is None
    assert of_source(question, answer, implausible=False) is None


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("一名5岁男童舌面出现地图样红斑，该怎么办？", "考虑地图舌，一般不需要治疗，注意口腔卫生。"),
        ("水痘和手足口病有什么区别？", "水痘的疱疹以躯干为多，手足口病多在手、足和口腔。"),
        ("细菌性肺炎和病毒性肺炎的治疗有何不同？", "前者用抗菌药物，后者以对症和支持治疗为主。"),
        ("孩子感冒和流感有什么区别？", "流感起病急，高热、全身酸痛更明显，感冒以流涕为主。"),
        ("孩子抽动，医生开了阿立哌唑，怎么吃？", "请按医嘱从小剂量开始，饭后服，定期复诊。"),
        ("新生儿黄疸的护理", "多次喂养，观察皮肤颜色和精神，黄疸加重时及时就诊。"),
        ("小儿脑瘫病人的康复治疗方法", "康复治疗包括运动疗法、作业疗法和语言训练，应尽早开始。"),
        ("我家宝宝3岁，最近耳朵痒，总用手扣，耳屎偏黄。", "可能是外耳道湿疹，请不要再掏耳朵，到耳鼻喉科检查。"),
        ("孩子发热五天，眼红、口唇皲裂、手足硬肿，可能是什么病？", "应考虑川崎病，请尽快到医院做心脏超声检查。"),
        ("宝宝缺铁性贫血该怎么治疗？", "在医生指导下口服铁剂，多吃红肉和动物肝脏。"),
    ],
)
def test_sound_instructions_pass(question: str, answer: str) -> None:
    assert of_source(question, answer) is None


def test_a_typed_comma_is_no_cut() -> None:
    assert of_answer("发作期让孩子侧卧，不要喂水喂药，清淡饮食，暂时不吃牛羊肉、海鲜、辣椒、油炸食品等，") is None


@pytest.mark.parametrize("name", ["drug_uses", "diagnosis_signs", "key_measures"])
def test_every_rule_of_sense_names_its_source(name: str) -> None:
    assert all(row["source"].strip() for row in rows(name))


def test_how_long_it_has_lasted_is_no_age() -> None:
    from pipelines.contraindications import age_months

    assert age_months("孩子3岁，发热两天怎么办") == 36
    assert age_months("儿子5岁发烧三天") == 60
    assert age_months("宝宝15天，黄疸") == 0.5
    assert age_months("孩子发烧3天了") is None
