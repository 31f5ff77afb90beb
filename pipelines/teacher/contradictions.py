"""What a graph says of a disease and no paediatrician would: refused by name, whatever class vouches for its words.

A class of diseases is wide on purpose; these are the single entries that pass it and are wrong all the same (a gene
test of one muscle disease under another, the fourth disease as another name of the sixth), found by reading every
disease of a real graph. A refused fact harms nobody: it is only not stated.

Source: 《儿科学》 (第9版, 人民卫生出版社, 2018), chapters of the diseases named.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# The disease's name, the aspect (empty: any), what is refused.
_REFUSED: Final = tuple(
    (re.compile(names), aspect, re.compile(refused))
    for names, aspect, refused in (
        (r"脊髓性肌萎缩", "", r"DMD|BMD"),
        (r"阅读障碍|学习能力|言语和语言", "", r"听觉|脑电图|诱发电位|词聋|视觉性|特殊发育"),
        (r"缺乏", "alias", r"小人|依赖"),
        (r"新生儿糖尿病|急疹|荨麻疹", "exam", r"心电图|胸部平片"),
        (r"尿布皮炎", "", r"培养|败血症"),
        (r"偏头痛", "complication", r"瘫痪"),
        (r"弹力纤维", "alias", r"胎儿"),
        (r"维生素E", "symptom", r"内脏出血"),
        (r"支气管炎", "exam", r"免疫球蛋白E"),
        (r"外部性脑积水", "treatment", r"手术"),
        (r"急疹", "alias", r"杜克|第四|猩红"),
        (r"肺炎", "symptom", r"反复上呼吸道"),
        (r"唐氏", "", r"嗜睡|脑电图"),
        (r"肺动脉高压", "symptom", r"心动过缓"),
        (r"足月小样", "", r"甲状腺|西药"),
        (r"结肠狭窄", "exam", r"便常规"),
        (r"恶性营养不良", "", r"依赖|中医"),
        (r"先天性梅毒|肛门闭锁|流行性感冒|女性性早熟|过敏性紫|皮质增生", "people", r"."),
        (r"慢性胃炎|急性胃炎", "complication", r"脱水|贫血"),
        (r"脑水肿", "symptom", r"囟门跳动"),
        (r"骨软骨病", "symptom", r"脓肿"),
        (r"胎粪吸入|单核细胞白血病", "", r"磁共振|^药物$|胸部B超"),
        (r"过敏性鼻炎|变应性鼻炎", "treatment", r"支持"),
        (r"维生素C", "complication", r"佝偻|肺炎"),
        (r"肾小球肾炎", "", r"谷草转移酶|低蛋白|无尿"),
        (r"格林巴利|肝炎综合", "", r"驰缓|中药|中医|三B"),
        (r"肺结核", "symptom", r"黄疸"),
        (r"结核", "alias", r"萎缩"),
        (r"尺桡骨|关节挛缩", "symptom", r"关节肿胀|缺血性"),
        (r"屏气|新生儿窒息", "", r"呼吸暂停症|闷气|假死|手术"),
        (r"颅面骨", "alias", r"."),
        (r"疝", "", r"透视|胶布|血管|腹部CT|腹部平片"),
        (r"败血症", "alias", r"疮毒"),
        (r"免疫球蛋白E", "alias", r"姚"),
        (r"尿床|遗尿", "symptom", r"尿流|逼尿肌"),
        (r"注意缺陷", "", r"语言发育|脑损伤"),
        (r"尿道[上下]裂", "", r"睾丸活检|尿外渗|泌尿生殖窦"),
        (r"荨麻疹", "alias", r"黄瘤"),
        (r"髋脱位|髋关节", "", r"压痛|骨折|间歇性"),
        (r"擦腿", "symptom", r"升火"),
        (r"低体温", "treatment", r"西药"),
        (r"综合征", "people", r"%|％"),
        (r"眼-耳-脊椎", "exam", r"脑电图|尿常规|心电图"),
        (r"烫伤样", "alias", r"瑞特"),
        (r"巨结肠", "", r"巨大的结肠|便秘"),
        (r"肌阵挛性癫痫", "alias", r"Lennox"),
        (r"麻疹", "exam", r"转换"),
        (r"母乳性黄疸", "", r"红细胞血清|喂养性"),
        (r"病毒性支气管炎", "symptom", r"脓"),
        (r"喉喘鸣", "symptom", r"声带"),
        (r"隐睾", "symptom", r"胀痛|可复性"),
        (r"斜颈", "", r"胸椎|头颅平片|胸部平片"),
        (r"单核细胞增多", "alias", r"传单"),
        (r"IgA", "alias", r"a肾"),
        (r"室上性", "exam", r"胸部B超"),
        (r"胆道闭锁|生理性黄疸", "complication", r"黄疸|胆红素"),
        (r"风湿热", "symptom", r"淋巴结"),
        (r"出血症", "alias", r"黑便"),
        (r"过敏性紫", "symptom", r"血小板减少"),
        (r"便秘", "symptom", r"乏力"),
        (r"发热|发烧", "exam", r"脑电图"),
        (r"先天性风疹", "treatment", r"."),
        (r"鹅口疮", "", r"念珠菌感染|较硬|吞噬|念白菌"),
        (r"胱氨酸尿", "", r"鼠臭|Marfan"),
        (r"乳房肥大", "symptom", r"阴毛"),
        (r"溶血病", "alias", r"重症黄疸"),
        (r"过敏症", "alias", r"严重"),
        (r"肢端皮炎", "alias", r"表皮松解|连续性"),
        (r"睡眠障碍", "symptom", r"紧张"),
        (r"病毒性心肌炎", "symptom", r"心电图"),
        (r"垂直距骨", "symptom", r"膝后"),
        (r"心律失常", "exam", r"肾功能"),
        (r"鱼鳞病|热疮|疱疹", "period", r"."),
        (r"幼女|婴幼儿.*阴", "exam", r"白带"),
        (r"低血糖", "exam", r"尿葡萄糖"),
        (r"新生儿", "", r"全腹痛|^胸痛|^头痛|^恶心$|心肌灌注|^肺功能$|中[医药]"),
        (r"早产", "treatment", r"中[医药]"),
        (r"婴", "symptom", r"烧心|反酸|头晕"),
    )
)


@lru_cache(maxsize=4096)
def _of(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((aspect, refused) for names, aspect, refused in _REFUSED if names.search(name))


def contradicts(name: str, aspect: str, text: str) -> bool:
    """Whether a fact of this aspect is known to be wrong of the disease."""
    return any(of in ("", aspect) and refused.search(text) for of, refused in _of(name))
