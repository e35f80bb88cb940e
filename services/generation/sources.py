"""A text that answers may draw from, made ready for comparing: sentences, figures, language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from services.generation.figures import Figures, figures
from services.generation.instructions import addresses_model
from services.generation.numerals import with_digits
from services.generation.relevance import coverage, terms, weights
from services.language import Language, detect, fold, sentences

# What spares the reader something (无需, 不收) says no other thing than 免 and "free".
_NEGATION = re.compile(
    r"不(?!仅|但|过|错|同|断|久|妨|管|论|满意?\d|足|收|用|需)|没(?!问题)|未|无法|无效|勿|禁止|谢绝|除外"
    r"|\b(?:not|no|never|cannot|can't|won't|don't|doesn't|isn't|aren't|without|unable|except)\b"
)
# Of a sentence that is to be supported, a word that no source has counts in full.
_INVENTED = 1.0

# A clause so near says the same or the opposite.
_NEAR = 0.6

# Figures are compared as figures, by who compares: as words 9:00 and 9 am differ.
_FIGURE = re.compile(
    r"(?<![\w-])\d+(?:[.,:~/-]\d+)*(?:(?![\w-])(?: ?[ap]\.?m\b\.?)?|(?=[ap]\.?m\b))", re.ASCII
)
_CLAUSE = re.compile(
    r"[,，;；:：、。！？!?]|\.(?=\s|$)|\b(?:but|although|while|unless)\b|但是?|除非"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A passage, or an earlier reply, without what speaks to a model."""

    sentences: tuple[frozenset[str], ...]
    """Terms of each, with those of the title: a sentence below a heading need not repeat it."""
    clauses: tuple[tuple[frozenset[str], bool], ...]
    """Terms of each clause, and whether it denies something."""
    figures: Figures
    folded: str
    language: Language


def source(title: str, text: str) -> Source:
    """Prepare a text."""
    kept = [span.of(text) for span in sentences(text)]
    kept = [sentence for sentence in kept if not addresses_model(sentence)]
    head = "" if addresses_model(title) else title
    context = terms(head)
    clauses = [clause for sentence in kept for clause in _CLAUSE.split(sentence) if clause.strip()]
    whole = "\n".join((head, *kept))
    return Source(
        tuple(terms(comparable(sentence)) | context for sentence in kept),
        tuple((terms(comparable(clause)), denies(clause)) for clause in clauses),
        figures(whole),
        fold(whole),
        detect(" ".join(kept)),
    )


@lru_cache(maxsize=128)
def passage_source(title: str, text: str) -> Source:
    """Prepare a passage. They come again and again; what customers said is kept nowhere."""
    return source(title, text)


def comparable(text: str) -> str:
    """Return folded text without its numbers, however they are written; codes stay."""
    return _FIGURE.sub(" ", with_digits(fold(text)))


def denies(text: str) -> bool:
    """Whether a text denies something: two negations affirm."""
    return len(_NEGATION.findall(fold(text))) % 2 == 1


@dataclass(frozen=True, slots=True)
class Match:
    """How much of a sentence a source says."""

    overlap: float
    """Share of its terms, weighted by rarity, in [0, 1]."""
    terms: frozenset[str]
    """Of the one or two sentences that say most of it."""
    contradicts: bool
    """Whether the nearest clause denies what the sentence affirms, or the other way round."""


def match(sentence: str, held: Sequence[Source]) -> list[Match]:
    """Compare a sentence with each of some sources; rarity is counted over all of them."""
    wanted = _weighed(sentence, held)
    if not wanted:
        # It is figures alone.
        return [Match(1.0, frozenset(), contradicts=False) for _ in held]
    found = []
    for each in held:
        best, best_overlap = frozenset[str](), 0.0
        pairs = (first | second for first, second in pairwise(each.sentences))
        for window in (*each.sentences, *pairs):
            overlap = coverage(wanted, window)
            if overlap > best_overlap:
                best, best_overlap = window, overlap
        found.append(Match(best_overlap, best, _contradicts(sentence, wanted, each)))
    return found


def joint(sentence: str, held: Sequence[Source], found: Sequence[Match]) -> float:
    """Return how much of a sentence several sources say together."""
    wanted = _weighed(sentence, held)
    return coverage(wanted, frozenset().union(*(each.terms for each in found))) if wanted else 1.0


def _weighed(sentence: str, held: Sequence[Source]) -> dict[str, float]:
    listed = [each for source in held for each in source.sentences]
    return weights(comparable(sentence), listed, absent=_INVENTED)


def _contradicts(sentence: str, wanted: dict[str, float], held: Source) -> bool:
    """Compare clause by clause: 满99元免运费 is not denied by 不满99元收取10元 beside it."""
    for clause in filter(str.strip, _CLAUSE.split(sentence)):
        own = terms(comparable(clause))
        shared = {term: weight for term, weight in wanted.items() if term in own}
        if not shared or not held.clauses:
            continue
        # Of clauses that say as much, one that agrees is taken.
        said = max(
            (coverage(shared, words), denying is denies(clause)) for words, denying in held.clauses
        )
        if said[0] >= _NEAR and not said[1]:
            return True
    return False
