"""Names of people, where the words around them make it certain."""

import re
from collections.abc import Iterator

from services.language.script import HAN
from services.pii.kinds import Found, Kind

# The hundred or so surnames of nine tenths of all Chinese; single characters only.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢"
    "姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_SURNAME = (
    "(?:欧阳|司马|上官|诸葛|皇甫|尉迟|夏侯|慕容|令狐|司徒|端木|长孙|宇文|公孙|东方|南宫"
    f"|[{_SURNAMES}])"
)
# Words that stand behind a name; a given name of two characters hardly ends before one of them.
_BEHIND_NAME = "我的是在想要住电手地请来去买退申订付下给"
# What 我是 and a surname's character begin, and no name.
_NO_NAME = "马上|方便|任何|江苏|江西|唐山|石家庄|金卡|白金|黄金|白天|何时"
# A character of a given name; particles end questions, not names.
_GIVEN = f"(?:(?![吗呢吧啊么呀嘛没不错])[{HAN}])"
_NAME = re.compile(
    "(?:姓名|名字|名称为|收件人|收货人|联系人|经办人|持卡人|开户人|申请人|户名)(?:[是叫为]|\\s*:)?\\s*"
    rf"({_SURNAME}{_GIVEN}{{1,2}}?)(?=$|[^{HAN}]|[我的是在想要住电手地请号邮])"
    rf"|我叫\s*({_SURNAME}(?:[{HAN}](?=$|[^{HAN}]|[{_BEHIND_NAME}])|[{HAN}]{{2}}))"
    rf"|我是\s*(?!{_NO_NAME})({_SURNAME}[{HAN}]{{1,2}}?)(?=$|[^{HAN}]|[我想要])(?<!人)"
    rf"|([{_SURNAMES}](?:先生|女士|小姐))"
    r"|\bmy name(?: is|'s) "
    r"(?!(?:not|wrong|missing|incorrect|misspelled|spelled|going|what|on|in)\b)([a-z][a-z'-]*)"
)
# Capital letters are looked for in the text as it was written; who shouts gives no name away.
_CAPITALISED = r"(?!I\b)[A-Z](?:[\w'’-]+|\.)?"
_FURTHER_NAMES = re.compile(rf"(?: {_CAPITALISED}){{1,3}}")
_INTRODUCED = re.compile(
    r"\b(?:[Ii](?:['’]m| am)|(?:[Nn]ame|[Rr]ecipient|[Cc]onsignee|[Cc]ardholder) ?:) "
    r"(?![A-Z]{2,} [A-Z]{2,})"
    rf"({_CAPITALISED}(?: {_CAPITALISED}){{1,3}})"
)
# Most English texts hold none of these: a look for them costs a tenth of looking for the name.
_NAME_SIGNS = ("my name",)
_INTRODUCED_SIGNS = ("i'm ", "i’m ", "i am ", "name", "recipient", "consignee", "cardholder")


def names(plain: str, written: str) -> Iterator[Found]:
    """Find names of people.

    Args:
        plain: Plain text.
        written: The same, as it was written.
    """
    for signs, text, pattern in (
        (_NAME_SIGNS if plain.isascii() else (), plain, _NAME),
        (_INTRODUCED_SIGNS, written, _INTRODUCED),
    ):
        if signs and not any(map(plain.__contains__, signs)):
            continue
        for match in pattern.finditer(text):
            start, end = match.span(match.lastindex or 0)
            further = _FURTHER_NAMES.match(written, end)
            yield Found(start, further.end() if further else end, Kind.NAME)
