"""Sentences that say what was asked or what follows, and nothing about it: "You asked ..."."""

import re

from services.language import fold

_HEARD_ZH = (
    r"(?:(?:您好|你好|好的?|收到|是的|亲|看来|所以|我?(?:明白|理解|知道|了解)了?)[,。!~\s]*)*"
)
_HEARD_EN = (
    r"(?:(?:hello|hi|ok(?:ay)?|sure|so|i see|(?:i|we) understand(?: that)?"
    r"|it (?:seems|sounds like)(?: that)?)[,!. ]+)*"
)

# One clause to the end, so that no answer goes along: "you asked whether it is free, and it is".
_ALONE_ZH = r"[^,;:。!?]*[。!?.]*$"
_ALONE_EN = r"(?:(?!\b(?:and|but|so|yes|because)\b)[^,;:.!?])*[.!?]*$"

_RESTATES = re.compile(
    rf"^{_HEARD_ZH}[您你](?:是|现在|刚才|刚刚|这边|好像|似乎|应该)*"
    r"(?:(?:想|要|希望)+(?:知道|了解|问|咨询|询问|查询|确认)"
    r"|(?:问|咨询|询问|关心|提问)[的了]?(?:问题)?就?(?:是|关于)"
    rf"|(?:的|提的|提出的)(?:问题|疑问|咨询)就?(?:是|关于|涉及)){_ALONE_ZH}"
    rf"|^{_HEARD_ZH}(?:关于|对于|针对)[^,;:。!?]*的(?:问题|疑问|咨询),"
    rf"(?:我|我们|这边|下面|以下)*来?(?:为|给|帮)[您你]{_ALONE_ZH}"
    rf"|^{_HEARD_EN}(?:you(?:'re| are|'d| would| have| were)?(?: just| also)? "
    r"(?:ask(?:ed|ing)?|enquir(?:ed|ing)|inquir(?:ed|ing)|wonder(?:ed|ing)?|want(?:ed)? to know"
    r"|like to know|wish to know|looking for information)"
    r"|your question (?:is|was|concerns)|thank(?:s| you) for (?:asking|your question)"
    rf"|here is (?:some|the) information)\b{_ALONE_EN}"
)


def restates(sentence: str) -> bool:
    """Whether a sentence only says once more what the customer wants to know."""
    return _RESTATES.search(fold(sentence)) is not None


# A heading or a line before a list names something and says nothing of it: one clause, no verb.
_LEADS = re.compile(
    rf"^{_HEARD_ZH}(?:(?:关于|有关|针对|对于)[^,;:。!?]*,)?[^a-z,;:。!?]*(?:[a-z][^,;:。!?]*[\u4e00-\u9fff][^,;:。!?]*)?:$"
    rf"|^{_HEARD_EN}(?:(?:here|below|these|the following|regarding|about|as for)\b[^,;:.!?]*"
    r"|(?:to [^,;:.!?]+, )?(?:please |you can )?(?:follow|take|use) the[^,;:.!?]+"
    r"|[^,;:.!?]*\b(?:these|the following|(?:a few|\d+) (?:\w+ )?steps)\b[^,;:.!?]*"
    r"|(?:[^\s,;:.!?]+ ){0,5}[^\s,;:.!?]+):$"
)
_STATES = re.compile(
    r"可以|可[用享退换]|(?<![功性智])能|会(?!员)|不|没|无法|未|免|已|支持|(?<!所)需|必须|应(?!用)|享"
    r"|(?<!以下)(?<!下面)(?<!这)是|(?<![所现])有(?![关效])"
    r"|\b(?:can(?:not)?|may|will|must|should|does?|has|have|had|was|were|not|no|never|free)\b|n't\b"
)
_FOLLOWS = re.compile(
    r"(?:按照?|通过|参考|参照|根据)(?:以下|下面|下列)|\b(?:follow|take|use) (?:these|the) "
    r"|\b(?:any of these|the following|(?:a few|\d+|these) (?:\w+ )?steps)\b"
)


def introduces(sentence: str) -> bool:
    """Whether a sentence is a heading or leads in to a list, such as "Here are the steps:"."""
    folded = fold(sentence)
    if not folded.endswith(":") or _LEADS.search(folded) is None:
        return False
    return _FOLLOWS.search(folded) is not None or _STATES.search(folded) is None
