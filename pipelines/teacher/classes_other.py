"""Classes of skin, allergy, eyes, bones and inborn conditions. See `disease_classes`."""

from __future__ import annotations

from typing import Final

from pipelines.teacher.disease_classes import DiseaseClass

OTHER: Final = (
    DiseaseClass(
        "skin",
        names="口周湿疹 湿疹 尿布 红臀 奶癣 痤疮 皮炎 脓疱 黄水疮 热疮 红斑 荨麻疹 苔藓 皮肤综合征 外胚层 厚甲 鱼鳞",
        symptoms="丘疹 皮疹 红斑 臀部红 皮肤发红 脱屑 鳞屑 痒 结痂 脓疱 水疱 疱 风团 红晕 斑疹 皮肤 发烧 毛发 指甲 "
        "角化 牙齿异常 口唇周围",
        exams="皮肤 皮损 皮疹 真菌 涂片 过敏原 斑贴 血常规 白细胞 锌 出汗",
        complications="感染 败血症 蜂窝织炎 肺炎 皮炎 湿疹 褥疮 脓毒",
        parts="皮肤 臀 口",
        departments="皮肤 中医",
        treatments="药 局部 一般 支持",
        infectious=None,
        days=(7, 30),
    ),
    DiseaseClass(
        "allergy",
        names="过敏 超敏",
        symptoms="瘙痒 风团 水肿 丘疹 皮疹 恶心 呕吐 呼吸困难",
        exams="IgE 免疫球蛋白E 皮肤试验 斑贴 嗜酸",
        complications="休克",
        parts="皮肤",
        departments="皮肤 过敏 变态",
        infectious=False,
    ),
    DiseaseClass(
        "eye",
        names="白内障 斜视 泪囊 视网膜 结膜炎 弱视 近视 角膜炎",
        symptoms="眼 流泪 视 畏光 晶状体 目垢",
        exams="眼 角膜 瞳孔 泪 屈光 立体视觉 视网膜",
        complications="弱视 斜视 结膜炎 白内障 视网膜 眼球震颤",
        parts="眼",
        departments="眼",
        treatments="手术 保守",
        tempo="chronic",
        infectious=None,
    ),
    DiseaseClass(
        "bones and joints",
        names="骨 关节 斜颈 髋 类风湿 距骨 脊柱裂 尺桡",
        symptoms="关节 步态 跛行 疼痛 压痛 肿 畸形 驼背 头颈 颈部肌肉 颈部肿块 旋前 旋后 足 肘 挛缩 弛张热 斑丘疹 "
        "活动受限 矮小 头颅增大 下肢 大小便失禁",
        exams="骨 关节 平片 MRI CT 髋 颈椎 脊柱 类风湿 血沉",
        complications="脊柱侧 关节炎 骨折 强直 脱位 脑积水 斜颈",
        parts="骨 关节 颈 肌肉 足 肢 脊",
        departments="骨 风湿 神经",
        treatments="手术 保守 支具 矫正 综合",
        tempo="chronic",
        infectious=False,
    ),
    DiseaseClass(
        "inborn errors of metabolism, chromosomes, syndromes",
        names="苯丙酮 半乳糖 甲基丙二酸 氨基酸 胱氨酸 糖原 贮积 戈谢 唐氏 猫叫 综合征 遗传 免疫缺陷 结节性硬化 "
        "神经纤维瘤 软骨 色素变性 脑硫脂 畸形 血管瘤",
        symptoms="智力 毛发色淡 鼠臭 眼距 小头 颈短 高腭弓 生长缓慢 抽搐 惊厥 嗜睡 昏迷 拒食 呕吐 肝肿大 肝脾肿大 黄疸 "
        "低血糖 眼距 小头 肌张力 共济失调 反复感染 "
        "脊柱侧弯 多指 并指 咖啡牛奶斑 癫痫 免疫缺陷 高腭弓 四肢畸形 肢体短缩 前额 酮尿 颈短 丘疹 语言障碍",
        exams="染色体 基因 苯丙氨酸 筛查 半乳糖 氨基酸 酶学 免疫球蛋白 羊水 颅脑 脑电图 心电图 超声心动图 尿",
        complications="癫痫 低血糖 先天性心脏病 肺炎 脑膜炎 斜视 白内障 脑瘫 湿疹 贫血 脾破裂 骨折 脊柱侧",
        parts="全身 免疫 颅脑 骨 神经",
        departments="内分泌 神经 遗传 骨 血液 内科",
        treatments="饮食 食 训练",
        tempo="congenital",
        infectious=False,
        asker="nobody",
    ),
)
