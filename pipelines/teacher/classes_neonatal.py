"""Classes of the newborn's own diseases. They stand before the others: a newborn's jaundice is not a liver disease."""

from __future__ import annotations

from typing import Final

from pipelines.teacher.disease_classes import BLOOD_TESTS, NEONATAL, RESPIRATORY, SEIZURE, DiseaseClass

NEONATAL_CLASSES: Final = (
    DiseaseClass(
        "jaundice of the newborn",
        names="黄疸 胆红素脑病 新生儿溶血 ABO溶血",
        symptoms="黄疸 巩膜黄染 脸色发黄 皮肤发黄 灰白大便 嗜睡 角弓反张 手足徐动 血型不合 肝脾肿大 贫血 食欲 喂养困难 "
        "核黄疸",
        exams="胆红素 黄疸 肝功能 红细胞 血红蛋白 溶血 抗体筛选 抗人球蛋白",
        complications="胆红素脑病 贫血 心力衰竭 耳聋 核黄疸 肝硬化",
        parts="皮肤 血液 肝",
        departments="新生儿 血液 肝",
        treatments="光 换血 手术 病因",
        infectious=False,
        days=(3, 14),
    ),
    DiseaseClass(
        "asphyxia and brain injury at birth",
        names="缺氧缺血 缺血缺氧 新生儿窒息 新生儿颅内出血 新生儿惊厥 头颅血肿 产瘤",
        symptoms=f"{NEONATAL} {SEIZURE} 窒息 青紫 呼吸 肌张力 前囟 颅内压 易激惹 拥抱反射 腱反射消失 颅压 昏迷 意识 "
        "两眼上翻 皮下组织水肿",
        exams="颅脑 脑电图 血气 电解质 血清NSE 胸部平片 血糖 血钙",
        complications="脑瘫 癫痫 脑积水 吸入性肺炎 惊厥 贫血 休克 窒息",
        parts="颅脑",
        departments="新生儿 神经 脑外科",
        treatments="支持 输血 光疗 手术",
        infectious=False,
        asker="clinician",
    ),
    DiseaseClass(
        "breathing of the newborn",
        names="呼吸窘迫 湿肺 呼吸暂停 新生儿青紫 新生儿肺不张",
        symptoms=f"{RESPIRATORY} 窒息 心率过缓 低氧血症",
        exams="胸部 血气 氧分压 肺部检查 羊水泡沫 心电图 肺功能",
        complications="肺动脉高压 气胸 心力衰竭 酸中毒 缺氧缺血性脑病 窒息 支气管扩张",
        parts="肺",
        departments="新生儿 呼吸",
        treatments="支持 吸氧 病因",
        infectious=False,
        asker="clinician",
    ),
    DiseaseClass(
        "gut of the newborn",
        names="坏死性小肠结肠炎 新生儿呕吐 咽下综合征",
        symptoms=f"{NEONATAL} 呕吐 腹胀 便血 水样便 大便 呕 腹痛 肠鸣 发热 低烧",
        exams="腹部 便常规 粪便隐血 电解质 血气 培养 胃超声",
        complications="脱水 吸入性肺炎 腹膜炎 败血症 窒息 穿孔",
        parts="胃 肠",
        departments="新生儿 消化 外科",
        treatments="药 手术 支持",
        infectious=False,
        asker="clinician",
    ),
    DiseaseClass(
        "metabolism, temperature and size of the newborn",
        names="新生儿低血糖 新生儿低钙 低体温 新生儿水肿 酸中毒 足月小样 过期产 红细胞增多 早产儿贫血 新生儿糖尿病",
        symptoms=f"{NEONATAL} {SEIZURE} 惊跳 发绀 水肿 呼吸急促 肌张力 苍白 脱皮 皮肤干燥 腹胀 少尿 体温 心动过速 多尿 "
        "气促",
        exams="血糖 血清钙 电解质 血气 碱剩余 阴离子 红细胞 血红蛋白 体温 铁蛋白 甲状腺 抗人球蛋白 心电图",
        complications="低血糖 肺炎 败血症 惊厥 呼吸暂停 低钙血症 脑损伤 消化道出血",
        parts="全身 血液",
        departments="新生儿 内分泌 血液",
        treatments="药 支持 复温",
        infectious=False,
        asker="clinician",
    ),
    DiseaseClass(
        "skin of the newborn",
        names="新生儿脓疱 新生儿中毒性红斑 新生儿尿布 尿布疹 烫伤样皮肤",
        symptoms="脓疱 大疱 红晕 斑疹 丘疹 臀部红 皮肤发红 风团 结痂 鳞屑 剥脱 红斑 发烧",
        exams=f"皮损 皮疹 涂片 培养 皮肤 {BLOOD_TESTS}",
        complications="败血症 肺炎 脑膜炎 蜂窝织炎 湿疹 皮炎",
        parts="皮肤 臀",
        departments="皮肤 新生儿",
        treatments="药 支持",
        infectious=None,
        days=(5, 14),
    ),
)
