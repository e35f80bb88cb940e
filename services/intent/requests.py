"""Which parts of a message could be requests of their own: "cancel 1001, and when does 1002 come?".

Rules of form alone, equal for every tenant. They lean towards one request: a reason stays with its
wish, a condition with what depends on it. Whether two parts are two requests is then decided by
what they are recognised as.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from services.intent.patterns import MAX_TEXT_LENGTH
from services.language import Span, sentences
from services.language.script import HAN

MAX_REQUESTS = 8
"""Most parts of a message; what follows belongs to the last one."""

# A part shorter than this says nothing of its own: two Chinese words, or two English ones.
_SHORTEST_HAN = 3
_SHORTEST_WORDS = 2

# How far from a connecting word its two wishes are looked for, in code points; it bounds the work.
_WINDOW = 80

_FLAGS = re.IGNORECASE

# Words that open another request, wherever they stand ...
_NEXT_ZH = (
    r"另外(?![付收加的])|顺便|順便|对了|對了|并且|並且|同时|同時|然后|然後|接着|接著|以及|其次"
)
# ... and those that do so only behind a mark or before a wish: 还有货吗, "bread and butter".
_MORE_ZH = r"(?:还有|還有|还想|還想|还要|還要|最后|最後)(?![货貨没沒多几幾现現库庫优優一])"
_AGAIN_ZH = r"再(?=[帮幫给給查问問看麻请請])"
_NEXT_EN = r"and also|and then|as well as|also|plus|then|by the way|btw|besides|and"
_STARTS_EN = (
    r"(?:please|pls|plz|kindly|can|could|would|will|may|should|is|are|do|does|did|has|have|how|what"
    r"|what's|when|when's|where|where's|why|who|which|i\s+(?:also\s+)?(?:want|need|would|wish)"
    r"|i'd|i\s+have\s+a\s+question|let|tell|give|send|show|help|check|track|find|look|cancel|change"
    r"|update|refund|return|exchange|replace|reset|remove|delete|add|issue|connect|transfer|call"
    r"|stop|redirect|get\s+me|put)\b"
)

_CUT = re.compile(
    rf"(?P<comma>[，、；;]|(?<!\d),|,(?!\d)|\s[-–—]+\s|(?<=[{HAN}])\s+(?=[{HAN}]{{2}}))"
    rf"|(?P<zh>{_NEXT_ZH}|{_AGAIN_ZH})"
    rf"|(?P<en>\b(?:{_NEXT_EN})\s+(?:also\s+)?(?={_STARTS_EN}))",
    _FLAGS,
)

# What a part may begin with; it opens another request without being part of it.
_OPENING = re.compile(
    rf"\s*(?:{_NEXT_ZH}|{_MORE_ZH}|\b(?:{_NEXT_EN}|secondly|another thing|finally)\b)[，,：:\s]*",
    _FLAGS,
)

_DONE = r"(?![了过過的后後之掉])"
_WISH = re.compile(
    rf"[?？]|吗|嗎|么$|呢$|(?<!不)(?:我要|我想|想要|想问|想問|需要|要求)|帮|幫|麻烦|麻煩|请|請|给我|給我|替我"
    rf"|怎么|怎麼|怎样|如何|咋|什么|什麼|啥|多少|多久|几[天点個个时]|幾[天點個]|哪|谁|誰|为何|能不能|可不可以"
    rf"|能否|可否|是否|有没有|有沒有|可以|告诉|告訴"
    rf"|(?:取消|退款|退货|退貨|换货|換貨|修改|更改|改[成到为下一]|查[询詢下一看]?|催|补开|補開|开[票发發]"
    rf"|開[票發]|转人工|轉人工|投诉|投訴|申请|申請|注销|註銷|重置){_DONE}"
    rf"|^\W*{_STARTS_EN}"
    r"|(?<!n't )(?<!nt )(?<!not )\b(?:want|need|like|wish)\s+(?:to|a|an|my|the|some(?:one)?)\b"
    rf"|\b(?:please|pls|plz|could\s+you|can\s+you|can\s+i|may\s+i|how\s+(?:do|long|much|many|can)"
    rf"|tell\s+me|let\s+me|give\s+me)\b",
    _FLAGS,
)

_POLITE = re.compile(
    # Possessive throughout: a text of nothing but thanks must not be tried in every way.
    r"\W*+(?:(?:你|您|大家)好[呀啊吗]*|嗨|哈[喽啰囉]|在吗|在嗎|在不在|亲|親|客服|好的?|嗯|是的|多?[谢謝]++[你您啦了啊]*+"
    r"|感谢|辛苦[了啦]?|拜托[了啦]?|麻烦[了你您啦]*|早上好|下午好|晚上好|不好意思|打扰(?:一下|了)?"
    r"|hello|hi|hey|there|good\s+(?:morning|afternoon|evening|day)|thanks?|thank\s+you|thx|cheers"
    r"|a\s+lot|so\s+much|very\s+much|in\s+advance|please|pls|plz|ok(?:ay)?|sorry|excuse\s+me|sir|team"
    r"|bye|regards|yes|no|sure|again|dear|appreciated?|\W)++",
    _FLAGS,
)

# A request is announced, not made; it follows.
_PREFACE = re.compile(
    r"(?:\W|你好|您好|请问|請問|那|我|就是|hi|hello)*(?:(?:我?想|要)?(?:请教|请问|問|问|咨询|諮詢|了解)[你您]?(?:一下|下|个事|个问题"
    r"|個問題|几个问题|些问题)?|有(?:个|個|几个|两个|些)?(?:问题|問題|事)(?:想问|要问)?(?:一下)?|帮(?:个|我个)?忙(?:一下)?|幫個忙"
    r"|(?:麻烦|请)?帮我?(?:个忙|一下)|[帮给]我[查看问](?:一?下)?|i\s+(?:just\s+)?have\s+(?:a|some|two|a\s+few|a\s+couple\s+of)\s+"
    r"(?:quick\s+)?questions?|quick\s+question|(?:can|could)\s+you\s+(?:please\s+)?help(?:\s+me)?"
    r"|i\s+(?:need|want|would\s+like)\s+(?:some\s+|your\s+)?(?:help|assistance|info(?:rmation)?)|i\s+wonder|i'm\s+wondering|(?:two|a\s+few)\s+things"
    r"|first(?:ly)?|首先|第一)\W*",
    _FLAGS,
)

# What depends on the part before. English speaks of it in pronouns: "..., tell me how to do it".
# A word begins with a letter, or a text of apostrophes would be cut into words in every way.
_PRONOUN = re.compile(
    r"\W*+(?:\w(?:['’]?\w)*+\W++){1,8}(?:it|them|this|that|so|how|one|do|(?:some|more)\s+info(?:rmation)?)\W*",
    _FLAGS,
)
_TAIL = re.compile(
    r"\W*(?:(?:可以|行|好|对|對|是|能)[吗嗎么麼不]|(?:要|该|該|应该)?怎[么麼样樣]?(?:办|辦|弄|做|搞|操作|处理|處理|办理|辦理)[呢呀啊]?|咋[办整弄]|为什么|為什麼|为啥|怎么回事|怎麼回事|咋回事"
    r"|(?:请|麻烦)?(?:尽快|快点|帮忙|处理|解决|帮我)(?:处理|解决|看看|下|一下|帮忙)*|what\s+should\s+i\s+do"
    r"|what\s+(?:now|can\s+i\s+do|do\s+i\s+do)|why(?:\s+is\s+that)?|is\s+that\s+(?:ok(?:ay)?|possible|right)"
    r"|can\s+(?:you|u)\s+(?:please\s+)?(?:help|fix\s+(?:it|this|that))(?:\s+me)?|please\s+help(?:\s+me)?|asap)\W*",
    _FLAGS,
)
_BACKWARD = re.compile(
    r"\s*(?:所以|因此|但是?|不过|不過|可是|还是|還是|因为|因為|由于|由於|毕竟|不然|否则|[改换換送寄][成为到]|(?:订|訂)?单号|訂?單號|(?:so|but|however|because|since"
    r"|or|otherwise|which|that|who)\b)",
    _FLAGS,
)
_CONDITION = re.compile(
    r"\s*(?:如果|要是|假如|若|万一|萬一|只要|除非|等到|(?:if|unless|once|in\s+case|as\s+soon\s+as|after|before|as"
    r"|when(?!\s+(?:will|do|does|did|is|are|can|could|would|should)\b))\b)|.*的[话話]\s*$",
    _FLAGS,
)
_HAN_OR_WORD = re.compile(rf"(?P<han>[{HAN}])|[A-Za-z][\w'’-]*|\d+")


class _Role(Enum):
    """What a part is in its message."""

    REQUEST = auto()
    """It could stand alone."""
    BEFORE = auto()
    """It belongs to the part that follows: a reason."""
    ANNOUNCED = auto()
    """It says nothing without the part that follows: a condition, "I have a question"."""
    BEHIND = auto()
    """It belongs to the part before."""
    POLITE = auto()
    """A greeting or thanks, which belongs to none."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece between two cuts."""

    span: Span
    """Where it stands, without the word that opens it."""
    opens_sentence: bool
    """Whether it is the first of its sentence."""
    opened: bool
    """Whether a word such as 另外 or "also" stands before it."""


def split(text: str) -> list[Span]:
    """Cut a message into the parts that could be requests of their own.

    Args:
        text: What the customer wrote, as it was written; up to 4,000 code points count.

    Returns:
        Spans of `text` in order, disjoint, without greetings and connecting words, at most
        `MAX_REQUESTS`. A single one, the whole message, where there is one request or none; no
        span for a blank text.
    """
    whole = Span(len(text) - len(text.lstrip()), len(text.rstrip()))
    if whole.start >= whole.end:
        return []
    found: list[Span] = []
    pending: Span | None = None
    announced = False
    for part in _parts(text[:MAX_TEXT_LENGTH]):
        role = _role(part, part.span.of(text), bool(found))
        if role is _Role.POLITE:
            continue
        full = len(found) == MAX_REQUESTS
        if role is _Role.REQUEST and not full:
            if pending and part.opened and not announced:
                # "I forgot my password. Also, ...": what stands before "also" is a request too.
                found.append(pending)
                pending = None
            start = pending.start if pending else part.span.start
            found.append(Span(start, part.span.end))
            pending, announced = None, False
        elif found and (full or role is _Role.BEHIND):
            found[-1] = Span(found[-1].start, part.span.end)
        else:
            pending = Span(pending.start if pending else part.span.start, part.span.end)
            announced = announced or role is _Role.ANNOUNCED
    if pending and found:
        found[-1] = Span(found[-1].start, whole.end)
    return found if len(found) > 1 else [whole]


def _parts(text: str) -> Iterator[_Part]:
    """Cut at sentence ends, commas and connecting words."""
    for sentence in sentences(text):
        start, first = sentence.start, True
        for cut in _CUT.finditer(text, sentence.start, sentence.end):
            if cut["comma"] is None:
                keep = _stands(text[max(start, cut.start() - _WINDOW) : cut.start()]) and _stands(
                    text[cut.end() : min(sentence.end, cut.end() + _WINDOW)]
                )
            else:
                # The comma of "Also, ..." cuts nothing.
                keep = not _OPENING.fullmatch(text, start, cut.start())
            if not keep:
                continue
            yield from _part(text, start, cut.start(), first)
            start, first = cut.end() if cut["comma"] else cut.start(), False
        yield from _part(text, start, sentence.end, first)


def _part(text: str, start: int, end: int, opens_sentence: bool) -> Iterator[_Part]:
    opening = _OPENING.match(text, start, end)
    begin = opening.end() if opening else start
    piece = text[begin:end]
    if piece.strip():
        begin += len(piece) - len(piece.lstrip())
        yield _Part(Span(begin, begin + len(piece.strip())), opens_sentence, opening is not None)


def _stands(piece: str) -> bool:
    """Tell whether a piece is long enough, and a wish, to stand beside another without a mark."""
    return _says_enough(piece) and _WISH.search(piece) is not None


def _says_enough(piece: str) -> bool:
    han = words = 0
    for match in _HAN_OR_WORD.finditer(piece):
        han += match["han"] is not None
        words += match["han"] is None
    return han + 2 * words >= min(_SHORTEST_HAN, 2 * _SHORTEST_WORDS)


def _role(part: _Part, piece: str, follows: bool) -> _Role:
    """Say what a part is, knowing whether a request stands before it."""
    if _POLITE.fullmatch(piece):
        return _Role.POLITE
    if _PREFACE.fullmatch(piece):
        return _Role.ANNOUNCED
    if _TAIL.fullmatch(piece) or _CONDITION.match(piece):
        return _Role.BEHIND if follows else _Role.ANNOUNCED
    dependent = _BACKWARD.match(piece) or _PRONOUN.fullmatch(piece)
    if dependent and follows and not part.opened:
        return _Role.BEHIND
    if _says_enough(piece) and (_WISH.search(piece) or part.opened):
        return _Role.REQUEST
    return _Role.BEFORE if part.opens_sentence else _Role.BEHIND
