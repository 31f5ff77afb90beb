"""What is plausible for a kind of childhood disease: the yardstick that a noisy graph is held against.

A graph scraped from the web gives a child with Kawasaki disease the complication 宫颈糜烂 and a toddler with a
cold the symptom 牙关紧闭. No single fact can be checked without a textbook, but a *kind* of disease can: what
its children show, which tests are done, what it leads to. Every entry lists word stems; a fact is stated only if
one of the stems of its class occurs in it. The stems are general paediatric knowledge, wide on purpose: they are
there to stop nonsense, not to diagnose.

Source: compiled by hand after the chapter structure and the disease descriptions of 《儿科学》 (王卫平、孙锟、常立文
主编, 第9版, 人民卫生出版社, 2018); infectivity after 《中华人民共和国传染病防治法》 and 《儿科学》 第八、九章.

The first class with a name stem in the disease's name counts, so the specific ones stand first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FEVER: Final = "发烧 发热 高热 高烧 低烧 低热 热不退 不规则热 弛张热 间歇热 持续性发热"
RESPIRATORY: Final = "咳 喘 痰 呼吸 气促 气急 气短 鼻翼扇动 三凹 发绀 紫绀 青紫 啰音 哮鸣 水泡音 胸痛 胸闷"
NASAL: Final = "流鼻涕 流涕 流清涕 鼻塞 喷嚏 咽痛 咽部充血 咽喉部充血 吞咽 嘶哑 声哑"
GASTRIC: Final = "恶心 呕吐 腹胀 腹痛 肚子疼 腹部不适 食欲 厌食 拒食 厌奶 少吃 反胃 嗳气 反酸 打嗝"
BOWEL: Final = "腹泻 稀便 水样便 黏液便 脓血便 粪便 便血 稀溏 腹胀 腹痛 肚子疼 脱水 失水"
GENERAL: Final = "乏力 无力 疲劳 疲乏 精神萎靡 嗜睡 烦躁 哭闹 食欲 消瘦 面色苍白 头痛 头晕"
NEONATAL: Final = "嗜睡 拒食 拒奶 少吃 少哭 反应迟钝 烦躁 面色 皮肤苍白 体重 哭闹 喂养困难"
SEIZURE: Final = "抽搐 惊厥 抽风 强直 阵挛 意识丧失 凝视 震颤 颤抖 抽动"
BLOOD_TESTS: Final = "血常规 WBC 白细胞 中性粒 淋巴细胞数 C反应蛋白 降钙素 血沉"


@dataclass(frozen=True)
class DiseaseClass:
    """Stems, each in one string and separated by blanks; an empty string means that nothing is vouched for.

    Attributes:
        name: For people.
        names: A disease belongs here if one of these occurs in its name.
        symptoms, exams, complications: What may be stated of it.
        parts, departments, treatments: The same; the paediatric department is always plausible.
        tempo: `acute` | `chronic` | `congenital`; which lengths of treatment and which stories make sense.
        days: How long a treatment may take and be believed; None where no graph's figure is to be trusted.
        infectious: Whether "有传染性" is right; None where a class holds both kinds.
        asker: Who can bring it to a doctor: `parent`, `clinician` (findings on a ward), or `nobody` where no doctor
            would name it after a talk.
    """

    name: str
    names: str
    symptoms: str
    exams: str
    complications: str = ""
    parts: str = ""
    departments: str = ""
    treatments: str = "药 支持 对症 病因"
    tempo: str = "acute"
    infectious: bool | None = None
    days: tuple[int, int] | None = None
    asker: str = "parent"
