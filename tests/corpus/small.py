"""A small corpus of every kind of source, written into a folder: what the tests of builds build."""

from __future__ import annotations

import json
from pathlib import Path

CONFIG = """
name: small
version: {version}
store: {store}
engine: {{workers: {workers}}}
sources:
  books: {{kind: textbook, path: books, license: CC-BY-4.0}}
  norms: {{kind: guideline, path: norms, license: CC-BY-4.0}}
  graph: {{kind: knowledge_graph, path: graph.csv, license: CC0-1.0}}
  talks: {{kind: dialogue, path: talks.json, license: CC-BY-4.0}}
  sets: {{kind: distilled, path: sets.jsonl, license: Apache-2.0, topic: general}}
  pairs: {{kind: distilled, path: pairs.jsonl, license: Apache-2.0}}
"""

_CHAPTER = """# 儿童{disease}

## 概述

{disease}是儿童时期的常见病，多见于6个月至3岁的婴幼儿，冬春季节更容易发生。

## 临床表现

患儿常有发热、咳嗽和食欲下降，体温可达39℃，部分患儿伴有呕吐。多数患儿精神状态尚好，病程约一周。

## 治疗

以对症治疗为主。\
体温超过38.5℃并且孩子不舒服时，可以口服对乙酰氨基酚，每次10～15 mg/kg，每4～6小时一次，24小时内不超过4次。

## 何时就医

出现精神差、尿少、呼吸急促或者抽搐时，应当立即带孩子到医院就诊。
"""

_NORM = """# 儿童{disease}家庭照护指引

## 第一章 照护

第一条 家长应当每4小时为发热的儿童测量一次体温，并记录体温和用药时间。

第二条 儿童{disease}期间应当少量多次饮水，不应当用酒精擦浴或者捂汗的办法退热。
"""

_DISEASES = ("上呼吸道感染", "支气管炎", "腹泻病", "疱疹性咽峡炎", "幼儿急疹", "水痘", "流行性感冒", "扁桃体炎")


def write_small_corpus(folder: Path, *, version: str = "0.1.0", workers: int = 1, store: str = "store") -> Path:
    """Writes the files and the configuration; returns the configuration's path."""
    (folder / "books").mkdir(parents=True, exist_ok=True)
    (folder / "norms").mkdir(exist_ok=True)
    for number, disease in enumerate(_DISEASES):
        (folder / "books" / f"{number}.md").write_text(_CHAPTER.format(disease=disease), "utf-8")
        (folder / "norms" / f"{number}.md").write_text(_NORM.format(disease=disease), "utf-8")
    (folder / "norms" / "empty.md").write_text("", "utf-8")
    header = "name,alias,age,symptom,checklist,complication,treatment,department\n"
    rows = "".join(
        f"小儿{d},儿童{d},婴幼儿,发热 咳嗽 呕吐 皮疹 食欲不振,血常规 胸部平片,脱水 肺炎,"
        "药物治疗、支持治疗,儿科 呼吸内科\n"
        for d in _DISEASES
    )
    (folder / "graph.csv").write_bytes((header + rows).encode("gb18030"))
    (folder / "talks.json").write_text(json.dumps(_talks(), ensure_ascii=False), "utf-8")
    lines = [
        {"instruction": f"请写一句关于第{n}种水果的话。", "input": "", "output": f"第{n}种水果味道很好，适合分享。"}
        for n in range(40)
    ]
    (folder / "sets.jsonl").write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines), "utf-8")
    (folder / "pairs.jsonl").write_text("".join(json.dumps(p, ensure_ascii=False) + "\n" for p in _pairs()), "utf-8")
    config = folder / "corpus.yaml"
    config.write_text(CONFIG.format(version=version, workers=workers, store=store), "utf-8")
    return config


def _talks() -> list[dict[str, object]]:
    talks: list[dict[str, object]] = []
    for n, disease in enumerate(_DISEASES):
        first = f"医生您好，我家宝宝{n + 1}岁了，发烧两天，还有点咳嗽，这是怎么回事？电话13800138{n:03d}。"
        talks.append(
            {
                "history": [
                    [first, "您好，请问宝宝最高体温多少度？精神和吃饭怎么样？"],
                    ["最高38.6度，精神还可以，吃得比平时少。", "有没有呼吸急促、皮疹或者呕吐？"],
                ],
                "instruction": "没有这些情况。",
                "input": "",
                "output": f"结合宝宝发热、咳嗽、精神尚可，考虑{disease}的可能性比较大。建议多喝水，注意休息，"
                "体温超过38.5度并且不舒服时可以按说明书口服退热药；如果精神变差或者呼吸急促，请及时到医院就诊。",
            }
        )
    return talks


def _pairs() -> list[dict[str, str]]:
    return [
        {
            "prompt": f"{n + 1}岁的宝宝发烧38度，精神很好，要不要马上吃退烧药？",
            "chosen": "先别着急。宝宝精神好、体温不到38.5度，可以先多喂水、减少衣物，注意观察；"
            "如果孩子不舒服或者体温继续升高，再按说明书给退热药。",
            "rejected": "不用吃，观察就行。",
        }
        for n in range(12)
    ]
