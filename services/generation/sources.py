"""A text that answers may draw from, made ready for comparing: sentences, figures, language."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from services.generation.agreement import Claim, Said, adds, contradicts, said
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
    wordings: frozenset[str]
    """Each sentence, folded."""
    windows: tuple[frozenset[str], ...]
    """Terms of each sentence, then of each two that follow each other."""
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
    prepared = tuple(said(sentence, context) for sentence in kept)
    pairs = (first.terms | second.terms for first, second in pairwise(prepared))
    return Source(
        prepared,
        frozenset(map(fold, kept)),
        (*(each.terms for each in prepared), *pairs),
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


class Comparison:
    """A claim beside some sources; how rare its terms are is counted over all of them."""

    def __init__(self, made: Claim, held: Sequence[Source]) -> None:
        self._claim = made
        self._held = held
        listed = [each.terms for source in held for each in source.sentences]
        self._weights = weights(made.comparable, listed, absent=_INVENTED)
        self.found = [self._match(each) for each in held]
        """How much each of them says of it."""
        self.nearest = max(range(len(held)), key=lambda place: self.found[place].overlap)
        """Place of the source that says most."""

    @property
    def overlap(self) -> float:
        """How much of the claim the sources say together, in [0, 1]."""
        if len(self.found) == 1:
            return self.found[0].overlap
        if not self._weights:
            return 1.0
        return coverage(self._weights, frozenset().union(*(each.terms for each in self.found)))

    def contradicted(self, place: int) -> bool:
        """Whether the source at a place says otherwise."""
        # Without a term the claim is figures alone.
        return bool(self._weights) and contradicts(
            self._claim, self._weights, self._held[place].sentences
        )

    @property
    def adds(self) -> bool:
        """Whether the claim adds something that the sources say nothing of."""
        terms = (each.terms for source in self._held for each in source.sentences)
        return bool(self._weights) and adds(self._claim, self._weights, frozenset().union(*terms))

    def _match(self, held: Source) -> Match:
        if not self._weights:
            return Match(1.0, frozenset())
        best, best_overlap = frozenset[str](), 0.0
        for window in held.windows:
            overlap = coverage(self._weights, window)
            if overlap > best_overlap:
                best, best_overlap = window, overlap
                if overlap == 1.0:
                    break
        return Match(best_overlap, best)
