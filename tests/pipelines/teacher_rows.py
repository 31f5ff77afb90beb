"""Source records for the tests of the teacher: written by hand, with the faults that real ones have."""

from __future__ import annotations

from typing import Any

from schemas.records import DIALOGUE, DOCUMENT, TRIPLE, make_record_id


def _row(kind: str, key: str, **columns: Any) -> dict[str, Any]:
    return {
        "record_id": make_record_id(kind, key),
        "source_id": f"s_{kind}",
        "part": "p.txt",
        "locator": f"row {key[:8]}",
        "license": "CC-BY-4.0",
        "group_id": f"g_{columns.get('head') or key[:8]}",
        "topic": "paediatric",
        "domain": "paediatric",
        "split": None,
        **columns,
    }


def triple(head: str, relation: str, tail: str, **columns: Any) -> dict[str, Any]:
    """A kept triple."""
    return _row(TRIPLE, f"{head}|{relation}|{tail}", head=head, relation=relation, tail=tail, **columns)


def disease(head: str, **relations: str) -> list[dict[str, Any]]:
    """Triples of one disease: `症状="甲 乙"` gives two."""
    return [triple(head, relation, tail) for relation, tails in relations.items() for tail in tails.split()]


def triples() -> list[dict[str, Any]]:
    """Two diseases with the nonsense of a scraped graph in them, and a row that is no disease."""
    return [
        *disease(
            "川崎病",
            别名="皮肤粘膜淋巴结综合征",
            症状="发烧 皮疹 结膜充血 颈部淋巴结肿大 牙疼",
            检查="二维超声心动图 心电图 宫颈涂片",
            并发症="冠状动脉瘤 宫颈糜烂 女性尿道癌",
            就诊科室="儿科 心血管内科",
            传染性="无传染性",
            治疗方式="药物治疗",
            常用药物="七叶皂苷钠片 田七跌打丸",
            治愈率="90%",
        ),
        *disease(
            "小儿肺炎",
            别名="小儿急性支气管肺炎 肺炎",
            症状="小儿发热 小儿咳嗽 流鼻涕 痰鸣音 肾区叩击痛",
            检查="胸部平片 支原体检查",
            并发症="气胸 肺气肿 老年痴呆",
            就诊科室="儿科 呼吸内科",
            传染性="无传染性",
            治疗方式="药物治疗 支持治疗",
            治疗周期="2-4周",
            好发人群="3岁以内的婴幼儿",
            常用药物="蛇胆川贝胶囊",
        ),
        *disease("骨肽...", 症状="疼痛 肿胀", 检查="四肢的骨和关节平片", 就诊科室="骨科"),
    ]


def document(text: str, path: tuple[str, ...], **columns: Any) -> dict[str, Any]:
    """A kept section."""
    defaults: dict[str, Any] = {
        "title": path[0],
        "number": None,
        "section_path": list(path),
        "source_kind": "textbook",
        "register": "modern",
    }
    return _row(DOCUMENT, text, text=text, **{**defaults, **columns})


def documents() -> list[dict[str, Any]]:
    """Sections, an article, recommendations and a classical text."""
    guide = ("0岁～6岁儿童营养配餐指南", "4.2.1 0 月龄～5 月龄婴儿喂养指南", "4.2.1.2 母乳喂养")
    law = {"source_kind": "guideline", "number": "第四十五条"}
    return [
        document(
            "小儿腹泻病的治疗原则是预防和纠正脱水、继续喂养、合理用药。轻度脱水可口服补液盐，少量多次喂服，见表3。"
            "腹泻期间应继续母乳喂养。6月龄以上的患儿，腹泻时应补锌10～14天。",
            ("小儿腹泻病", "治疗"),
        ),
        document(
            "毛细支气管炎是指2岁以下婴幼儿的细支气管炎症，多由呼吸道合胞病毒引起。主要表现为喘息、咳嗽和呼吸增快。",
            ("毛细支气管炎", "概述"),
        ),
        document(
            "凡小儿发搐，目直视，身反折，口噤不开，乃肝风内动也，宜泻青丸主之，后以地黄丸补之。",
            ("卷上", "治疗"),
            register="classical",
        ),
        document(
            "国家对儿童实行预防接种证制度。\n医疗卫生人员应当对符合接种条件的受种者实施接种。\n"
            "监护人违反前款规定的，应当批评教育。",
            ("中华人民共和国疫苗管理法", "第四章 预防接种"),
            **law,
        ),
        document(
            "饥饿引起哭闹时，宜及时哺喂，不宜强求固定喂奶次数和时间。",
            guide,
            number="4.2.1.2.1",
            source_kind="guideline",
        ),
        document("解冻的母乳不宜再次冷冻。", guide, number="4.2.1.2.2", source_kind="guideline"),
        document("母乳的储存条件和允许储存时间见表2。", guide, number="4.2.1.2.3", source_kind="guideline"),
        document(
            "回应式喂养 responsive feeding\n喂养的时长和频次由婴儿进食意愿和需求决定的喂养方式。",
            (guide[0], "3 术语和定义"),
            number="3.1",
            source_kind="guideline",
        ),
    ]


def dialogue(*turns: str, **columns: Any) -> dict[str, Any]:
    """A conversation; the patient begins."""
    said = [{"role": ("patient", "doctor")[i % 2], "content": turn} for i, turn in enumerate(turns)]
    return _row(DIALOGUE, "\n".join(turns), turns=said, department=columns.pop("department", "儿科"), **columns)


def dialogues() -> list[dict[str, Any]]:
    """A consultation that names a disease, one that advises, one with a curt reply."""
    return [
        dialogue(
            "小儿3岁，一直流清鼻涕，早上打喷嚏，偶尔咳嗽。这是怎么回事？",
            "您好！请问孩子以前有没有过敏的情况？",
            "有的，孩子以前湿疹很厉害。",
            "您的孩子有可能得了过敏性鼻炎, 建议去医院进一步确认病情.",
            title="",
        ),
        dialogue(
            "医生您好，我家宝宝一岁半，拉肚子三天了，一天五六次水样便，应该怎么办？",
            "您好，很高兴为您解答。宝宝拉肚子要注意补充水分，可以少量多次喂口服补液盐，继续母乳喂养，饮食清淡易消化。"
            "如果出现尿少、精神差或者便血，应及时到医院就诊。祝宝宝早日康复！",
            "好的，谢谢医生。",
            "不客气，感谢您的咨询。",
            title="",
        ),
        dialogue(
            "孩子两岁，便秘好几天了，能用开塞露吗？",
            "开塞露可以临时用。",
            "那平时吃什么好呢？",
            "平时便秘要多吃蔬菜水果，多喝水，每天顺时针揉揉肚子。如果三天还不排便，建议到医院检查。",
            title="",
        ),
    ]
