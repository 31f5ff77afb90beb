"""Who issued a document, so far as it takes to tell one issuer from another.

`国家卫生健康委员会`, `卫生部` and `国务院` are one issuer, for ministries are renamed and merged while their documents
go on; `重庆市人民代表大会常务委员会` is another, and so is a learned society. A society is known by its own name,
whichever branch or group of it signed.
"""

from __future__ import annotations

import re
from typing import Final

_PROVINCES: Final = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西"
    "|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_PLACE: Final = re.compile(
    rf"^(?:(?P<province>{_PROVINCES})(?:维吾尔|壮族|回族)?(?:省|市|自治区|特别行政区)?)?"
    r"(?P<below>(?:[\u4e00-\u9fff]{2,8}?(?:省|自治区|自治州|地区|市|州|盟|自治县|县|区|旗)(?!场|政|属|域|协|医|学))*)"
)
_LOWEST: Final = re.compile(r"[\u4e00-\u9fff]{2,8}?(?:省|自治区|自治州|地区|市|州|盟|自治县|县|区|旗)")
_SOCIETY: Final = re.compile(
    r"[\u4e00-\u9fff]*?(?:学会|协会|医师会|联盟|基金会|协作组|学组|医院|中心|研究院|研究所|编辑委员会|编委会|编辑部|杂志社?|编写组|工作组|专家组)"
)
_AUTHORITY: Final = re.compile(
    "国务院|人民代表大会|人大|人民政府|政府|卫生部|[\u4e00-\u9fff]部$|卫健委|卫生健康委|卫生计生委|计划生育委员会|卫生和计划生育|委员会$|总局|管理局|监督局|标准化|局$|厅$|办公厅"
)
_COUNTRY: Final = re.compile("中华人民共和国|全国(?=人民代表大会|人大)")


def bodies(issuer: str | None) -> frozenset[str]:
    """The bodies that an issuer's name names; two documents with one in common have the same issuer."""
    names = re.split(r"[、,，;；/|\s]+|(?<=[会部局委])和(?=[国中])", issuer or "")
    return frozenset(body for name in names[:20] if (body := _body(name[:80])))


def _body(name: str) -> str:
    name = _COUNTRY.sub("", re.sub(r"[\W_]", "", name))
    if not name:
        return ""
    authority, society = _AUTHORITY.search(name), _SOCIETY.search(name)
    if society and not (authority and authority.start() < society.start()):
        return f"society {society.group()}"
    if not authority:
        return f"other {name}"
    place = _PLACE.match(name)
    lowest = _LOWEST.findall(place["below"]) if place else []
    return f"authority {lowest[-1] if lowest else place['province'] or '' if place else ''}"
