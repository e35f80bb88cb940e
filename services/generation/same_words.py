"""Different words for the same thing, brought to one: 包邮 is 免运费, "accept" is "take".

Only words that customer service uses for one another in any sentence stand here; what is the same
in some sentences alone (send and deliver) would make two claims of one.
"""

import re

_CHINESE = {
    "免运费": r"包邮费?|免邮费?|免(?:收|除)?运费",
    "免费": r"不(?:另|额外|加)?收(?:取)?(?:任何|额外)?的?(?:费用?|钱)|不(?:要|用|需要?)钱",
    "支持": "接受|允许",
    "改": "修改|更改|变更",
}
# They only lead to what is said.
_ASIDES = re.compile(
    r"(?:请|需要?)?注意(?:的是|一下)?[,:]?|温馨提示[,:]?|(?:另外|此外|同时)[,:]"
    r"|\b(?:please )?(?:note|keep in mind|be aware|remember)(?: that)?\b[,:]?"
)
_ASIDE_SIGNS = ("注意", "提示", "另外", "此外", "同时", "note", "mind", "aware", "remember")
_EXTRA = "(?:extra |additional )?"
_ENGLISH = {
    "free": rf"free of (?:charge|cost)|(?:for|at) (?:free|no {_EXTRA}(?:cost|charge))"
    rf"|costs? nothing(?: extra)?|without {_EXTRA}charge",
    "deduct": "(?:deduct|subtract)(?:s|ed|ing)?|(?:take|taking|taken|takes) off",
    "refund": "(?:pay|pays|paid|paying) back|reimburse[sd]?",
    "request": "(?:ask|asks|asked|asking|apply|applies|applied|applying) for",
    "accept": "takes?|taken|(?:accept|offer|support)(?:s|ed|ing)?",
    "buy": "purchase[sd]?|purchasing|bought|buy(?:s|ing)?",
    "select": "(?:select|choose|pick)(?:s|ed|ing)?|chosen?",
    "phone": "telephone",
}
_SAME = (*_CHINESE, *_ENGLISH)
_WORDS = re.compile(
    "|".join(f"({words})" for words in _CHINESE.values())
    + rf"|\b(?:{'|'.join(f'({words})' for words in _ENGLISH.values())})\b"
)

# Most sentences hold none; a look for these costs a tenth of looking for the words.
_SIGNS = (
    "包邮", "免", "不", "接受", "允许", "改", "变更",
    "charge", "free", "cost", "deduct", "subtract", "tak", "pay", "paid", "reimburs", "ask", "appl",
    "accept", "offer", "support", "purchas", "bought", "buy", "select", "cho", "pick", "telephone",
)  # fmt: skip

# 划伤不在保修范围内 says of scratches what 保修不包括划伤 does.
_WITHIN = re.compile(r"(?:在|属于)([^,;:。!?\s]{0,8})范围(?:之?内)?")


def in_same_words(folded: str) -> str:
    """Bring the words of folded text that have a common one to it."""
    if any(map(folded.__contains__, _ASIDE_SIGNS)):
        folded = _ASIDES.sub("", folded)
    if "范围" in folded:
        folded = _WITHIN.sub(r"包括\1", folded)
    if not any(map(folded.__contains__, _SIGNS)):
        return folded
    return _WORDS.sub(lambda match: _SAME[(match.lastindex or 1) - 1], folded)
