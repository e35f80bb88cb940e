"""A text that answers may draw from, made ready for comparing: sentences, figures, language."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from services.generation.agreement import Said, contradicts, said
from services.generation.clauses import comparable
from services.generation.figures import Figures, figures
from services.generation.instructions import addresses_model
from services.generation.relevance import coverage, terms, weights
from services.language import Language, detect, fold, sentences

# Of a sentence that is to be supported, a word that no source has counts in full.
_INVENTED = 1.0


@dataclass(frozen=True, slots=True)
class Source:
    """A passage, or an earlier reply, without what speaks to a model."""

    sentences: tuple[Said, ...]
    figures: Figures
    folded: str
    language: Language


def source(title: str, text: str) -> Source:
    """Prepare a text."""
    kept = [span.of(text) for span in sentences(text)]
    kept = [sentence for sentence in kept if not addresses_model(sentence)]
    head = "" if addresses_model(title) else title
    context = terms(head)
    whole = "\n".join((head, *kept))
    return Source(
        tuple(said(sentence, context) for sentence in kept),
        figures(whole),
        fold(whole),
        detect(" ".join(kept)),
    )


@lru_cache(maxsize=128)
def passage_source(title: str, text: str) -> Source:
    """Prepare a passage. They come again and again; what customers said is kept nowhere."""
    return source(title, text)


@dataclass(frozen=True, slots=True)
class Match:
    """How much of a sentence a source says."""

    overlap: float
    """Share of its terms, weighted by rarity, in [0, 1]."""
    terms: frozenset[str]
    """Of the one or two sentences that say most of it."""
    contradicts: bool
    """Whether it says otherwise, see `agreement.contradicts`."""


def match(sentence: str, held: Sequence[Source]) -> list[Match]:
    """Compare a sentence with each of some sources; rarity is counted over all of them."""
    wanted = _weighed(sentence, held)
    if not wanted:
        # It is figures alone.
        return [Match(1.0, frozenset(), contradicts=False) for _ in held]
    found = []
    for each in held:
        best, best_overlap = frozenset[str](), 0.0
        alone = [one.terms for one in each.sentences]
        pairs = (first | second for first, second in pairwise(alone))
        for window in (*alone, *pairs):
            overlap = coverage(wanted, window)
            if overlap > best_overlap:
                best, best_overlap = window, overlap
        found.append(Match(best_overlap, best, contradicts(sentence, wanted, each.sentences)))
    return found


def joint(sentence: str, held: Sequence[Source], found: Sequence[Match]) -> float:
    """Return how much of a sentence several sources say together."""
    wanted = _weighed(sentence, held)
    return coverage(wanted, frozenset().union(*(each.terms for each in found))) if wanted else 1.0


def _weighed(sentence: str, held: Sequence[Source]) -> dict[str, float]:
    listed = [each.terms for source in held for each in source.sentences]
    return weights(comparable(sentence), listed, absent=_INVENTED)
