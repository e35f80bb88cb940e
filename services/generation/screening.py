"""Checks on a model's words that no source can excuse: secrets, calls, roles, forbidden phrases."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from services.generation.canary import Canary, repeats
from services.generation.dialogue import Withheld
from services.generation.grounding import LINE, Sources, reads_as_english
from services.generation.hiding import LOST
from services.generation.instructions import addresses_model
from services.generation.prompt import Prompt
from services.language import Language, detect, fold
from services.language.script import HAN
from services.pii import Finder

BANNED_PHRASES = Path(__file__).parent / "banned_phrases.txt"
"""Phrases that are banned where the settings name no file."""

_ADDRESS = re.compile(r"https?://\S+|www\.\S+|[\w.+-]+@[\w.-]+")

# Most sentences hold no sign of a call: a look for one costs a tenth of looking for the call.
_CALL_SIGN = re.compile(r"[{}\[\]<`_(:=]|function")

# Braces, tags, fences, identifiers, halves of brackets: an answer to a customer is prose.
_CALL = re.compile(
    r"[{}]|\[[^\]]*$|^[^\[]*\]|</?[a-z_|!]|```|\b[a-z0-9]+_[a-z0-9_]+\b|\b[a-z]\w*\(\S*\)"
    r"|^\W*(?:action|tool|function|tool_?call|动作|函数|工具)\s*[:=]|\bfunctions?\.\w"
)

_DONE = (
    "cancel+ed|refunded|sent|issued|changed|updated|processed|approved|shipped|deleted|transferred|"
    "credited|booked|created|opened|submitted|executed|called|run|done|granted|applied|reset|"
    "registered|completed|initiated|arranged|placed|paid|charged|removed|unlocked|authori[sz]ed|"
    "activated|performed|invoked|escalated"
)
_YES = (
    r"^(?:\W|ok(?:ay)?|sure|done|yes|certainly|of course|great|all right|好的?|没问题|是的|当然)*"
)
# What else "I have ..." says was done is said to have been done, unless it is no more than looking.
_LOOKED = "(?!found|checked|looked|searched|noted|understood|been)"
_CARRIED_OUT = re.compile(
    rf"{_YES}(?:i|we)(?:'ve| have|'m| am)?(?: now| just| already| successfully| hereby)* "
    rf"(?:{_DONE})\b"
    rf"|{_YES}i(?:'ve| have)(?: now| just| already| successfully| hereby)* {_LOOKED}[a-z]+"
    r"(?:ed|en|un|ne|id|ut|nt|ld|pt)\b"
    rf"|{_YES}(?:your|the) [\w -]{{0,40}}(?:has|have) (?:now |just |already )?been (?:\w+ly )?"
    rf"(?:{_DONE})\b"
    r"|(?:已经?|刚刚?)(?:成功)?(?:为|帮|给|替)(?:您|你)"
    rf"|{_YES}(?:我们?|系统)?(?:已经?|刚刚)(?:成功)?"
    r"(?:执行|调用|取消|退款|办理|处理|提交|修改|更新|发放|批准)"
    rf"|{_YES}(?:您|你)的.{{0,12}}已经?(?:成功)?"
    r"(?:取消|退款|退回|办理|处理|提交|修改|更新|开通|注销|执行|批准|通过|赠送|发放)"
)

# Of "I am ..." an answer needs no more than these.
_FEELS = (
    r"(?:so |very |really |truly |also |currently |still )*(?:sorry|afraid|unable|not able|"
    r"not sure|not certain|not aware|happy|glad|pleased|delighted|here|able|sure|unsure|looking)\b"
)
_ROLE_SIGNS = (
    "i ", "i'", "my ", "call me", "as you ", "at your ", "master",
    "遵命", "主人", "照您说的", "我", "本人", "本喵", "朕", "老子",
)  # fmt: skip
_ROLE = re.compile(
    r"(?:^|[.!?,;:]\s*|\b(?:and|but|so|now) )(?:i am|i'm|i was)(?: now)?"
    rf"(?! {_FEELS})\b"
    r"|\b(?:my name is|call me|i have (?:become|been (?:hacked|told|instructed)))\b"
    r"|\bi(?:'ll| will| shall| must| should| can)(?: now| only| no longer)* "
    r"(?:be(?! (?:happy|glad|able|pleased))|act|pretend|speak|talk|ignore|obey|disregard|"
    r"do anything)\b"
    r"|\bi(?:'ll| will| now| hereby)* (?:drop|abandon|obey|disregard|renounce|forget|break)\b"
    r"|\b(?:as you (?:command|wish|order)|at your command|master)\b|遵命|主人|照您说的"
    r"|\bmy (?:new )?(?:role|persona|instructions?|rules|system prompt|prompt)\b"
    r"|(?:^|[,.。!?;:、\s]|现在|今后|开始|起)(?:我|本人|本喵|朕|老子)(?:现在|从现在起|将|就|不再)*"
    r"(?:是(?!(?:您|你)?的?(?:专属|智能|在线|人工)?客服)|叫|扮演|变成|成为|不是)"
    r"|我(?:会|将|只)(?:忽略|扮演|服从|听从|遵从|只用|用.{1,6}[语文]|说)"
    r"|我的(?:新)?(?:角色|身份|指令|提示词|系统提示|设定|规则)"
)

# Letters of other scripts than the two languages use: a few may stand in a name.
_OTHER_SCRIPT = re.compile("[\u0370-\u1fff\u3041-\u30fa\u3131-\u318e\ua000-\ud7af\uf900-\ufdff]")
_OTHER_LETTERS = 3
_HAN = re.compile(f"[{HAN}]")


_NOT_LETTER = re.compile(r"[\W_]+")

# What a phrase is made of. Marks between its words need not stand there, those around them must.
_UNIT = re.compile(r"[a-z0-9]+|[^\W_]|[^\w\s]|_")
_JOINTS = frozenset("-'\"“”‘’·,.、。!?:;…—~_*")

# What ends a clause keeps the halves of a short phrase apart, which are words that meet by chance:
# 质量有保证。赔偿标准, at no risk. Free shipping. A phrase of five letters does not come by chance,
# nor one of three English words, each of which counts as two letters.
_CLAUSE_MARKS = re.escape(",.!?;:。、…—()[]{}【】《》<>/|\n")
_WITHIN_CLAUSE = rf"(?:[^\w{_CLAUSE_MARKS}]|_)"
_ANYWHERE = r"[\W_]"
_CERTAIN = 5

# How far back a phrase can begin that ends in a new sentence, in lengths of the longest one.
_SPACED_OUT = 2


class BannedPhrases:
    """Phrases that no answer of a model may hold, whatever blanks and marks part their words."""

    def __init__(self, phrases: Iterable[str]) -> None:
        """Take phrases in any case, width and script; empty ones are left out."""
        folded = sorted({fold(phrase) for phrase in phrases} - {""})
        # A phrase of signs alone, such as an emoji, has no letters to look for.
        self._signs = [phrase for phrase in folded if not _letters(phrase)]
        spelled = {phrase: _units(phrase) for phrase in folded if _letters(phrase)}
        self._letters = [*map(_letters, spelled)]
        self._pattern = re.compile("|".join(map(_spaced_out, spelled.values())))
        certain = [_letters(each) for each, units in spelled.items() if _size(units) >= _CERTAIN]
        self._pairs = {each[at : at + 2] for each in certain for at in range(len(each) - 1)}
        self._reach = _SPACED_OUT * max(map(len, certain), default=0)

    @classmethod
    def load(cls, path: Path) -> "BannedPhrases":
        """Read a file with one phrase a line; lines that begin with # are comments.

        Raises:
            OSError: The file cannot be read.
            UnicodeDecodeError: It is not UTF-8.
        """
        lines = path.read_text(encoding="utf-8").splitlines()
        return cls(line for line in lines if not line.startswith("#"))

    def in_text(self, folded: str, before: str = "") -> bool:
        """Whether folded text holds one of them, English ones as whole words.

        Args:
            folded: The text.
            before: What was written before it, not folded, which holds none. One may begin there.
        """
        letters = _letters(folded)
        if self._held(letters, folded) or any(map(folded.__contains__, self._signs)):
            return True
        last = next(filter(str.isalnum, reversed(before)), "")
        if fold(last)[-1:] + letters[:1] not in self._pairs:
            return False
        tail = fold(before[-self._reach :])
        return self._held(_letters(tail) + letters, f"{tail}\n{folded}", len(tail))

    def _held(self, letters: str, text: str, start: int = 0) -> bool:
        """Whether one ends behind a place in a text with these letters."""
        # Hardly a text has the letters of one: a look for them costs a tenth of the pattern.
        if not any(map(letters.__contains__, self._letters)):
            return False
        return any(match.end() > start for match in self._pattern.finditer(text))


def _letters(folded: str) -> str:
    return _NOT_LETTER.sub("", folded)


def _units(phrase: str) -> list[str]:
    units = _UNIT.findall(phrase)
    inner = [unit for unit in units[1:-1] if unit not in _JOINTS]
    return [*units[:1], *inner, *units[1:][-1:]]


def _size(units: list[str]) -> int:
    """Return how many letters a phrase has; an English word or a number counts as two."""
    return sum(2 if unit.isascii() else 1 for unit in units if unit.isalnum())


def _spaced_out(units: list[str]) -> str:
    """Return a pattern of a phrase whose words and characters may stand apart."""
    between = _ANYWHERE if _size(units) >= _CERTAIN else _WITHIN_CLAUSE
    pattern = re.escape(units[0])
    for left, right in pairwise(units):
        words = (left + right).isascii() and left.isalnum() and right.isalnum()
        pattern += f"{between}{'+' if words else '*'}{re.escape(right)}"
    start = r"(?<![a-z0-9])" if units[0].isascii() and units[0].isalnum() else ""
    end = r"(?![a-z0-9])" if units[-1].isascii() and units[-1].isalnum() else ""
    return f"{start}{pattern}{end}"


@dataclass(frozen=True, slots=True)
class Checks:
    """What the words of a model have to pass before a customer sees them."""

    canary: Canary = field(default_factory=Canary.new)
    banned: BannedPhrases = field(default_factory=lambda: BannedPhrases.load(BANNED_PHRASES))
    finder: Finder = field(default_factory=Finder)
    """Finds personal data, which an answer may have from its sources only."""
    line: float = LINE
    """Least overlap with the sources of a sentence that is released; see `grounding`."""

    def problem(
        self, prompt: Prompt, before: str, sentence: str, sources: Sources
    ) -> Withheld | None:
        """Say why a sentence must not be released, if so.

        Args:
            prompt: What the model was told, with the canary in it.
            before: The answer up to the sentence.
            sentence: The sentence.
            sources: What the answer may be made from.
        """
        if LOST in sentence:
            return Withheld.PERSONAL_DATA
        if self.canary.in_text(before, sentence):
            return Withheld.CANARY
        if repeats(prompt.text, sentence):
            return Withheld.PROMPT
        folded = fold(sentence)
        if self.banned.in_text(folded, before):
            return Withheld.BANNED_PHRASE
        if _CALL_SIGN.search(folded) and _CALL.search(_ADDRESS.sub("", folded)):
            return Withheld.CALL
        if _CARRIED_OUT.search(folded) and not sources.said_before(sentence):
            return Withheld.CALL
        if any(map(folded.__contains__, _ROLE_SIGNS)) and _ROLE.search(folded):
            return Withheld.ROLE
        if addresses_model(sentence):
            return Withheld.ROLE
        if any(not sources.holds(each.text) for each in self.finder.find(sentence)):
            return Withheld.PERSONAL_DATA
        return None


def strays(sentence: str, wanted: Language) -> bool:
    """Whether a sentence is in another language than the wanted one, by its script and words."""
    if len(_OTHER_SCRIPT.findall(sentence)) >= _OTHER_LETTERS:
        return True
    language = detect(sentence)
    if wanted is Language.ZH:
        # "delivery要3 days" is how a customer who writes so is answered.
        return language is Language.EN and not _HAN.search(sentence)
    if language in (Language.ZH, Language.MIXED):
        return True
    return language is Language.EN and not reads_as_english(sentence)
