"""Chinese slips: a character of the same sound (退或) or look (退贷) in place of the right one."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import rjieba

from services.intent.noise.pinyin import sound, syllables

# Words of this many characters are put right; a single one says nothing, longer ones are made
# of such words.
_SIZES = (4, 3, 2)

# A target must be said this often unless it is a word of the dictionary: pairs of neighbours that
# occur once (的订, say) are no words.
_SAID = 3

# A dictionary word counts as a slip only if it is rarer than this (退火) and shares a character
# with a word that customers use this often (退货).
_RARE_WORD = 120
_OFTEN = 5

# These stand beside everything; a slip in them does not hide what is meant, and taking them for
# slips makes words out of nothing.
_PARTICLES = frozenset(
    "的了是我你他她它们在有不这个一就都也很吗呢吧啊呀和与给把被让到说要想能会可以还没多少再咋啥那哪"
)


class Mender:
    """Puts slipped characters right, towards the words that a tenant's customers use."""

    def __init__(
        self, words: Mapping[str, int], goals: Collection[str], alike: Sequence[str]
    ) -> None:
        """Build the tables of sounds and looks.

        Args:
            words: Chinese words and phrases with their counts.
            goals: Those of them that are terms of the business.
            alike: Groups of characters that look alike.
        """
        self._words = words
        self._goals = frozenset(goals)
        self._looks = {each: group[0] for group in reversed(alike) for each in group}
        self._by_sound: dict[str, str] = {}
        self._by_look: dict[str, str] = {}
        targets = [word for word in words if len(word) in _SIZES and self._is_target(word)]
        for word in sorted(targets, key=lambda word: -words[word]):
            self._by_sound.setdefault(sound(syllables(word)), word)
            if any(each in self._looks for each in word):
                self._by_look.setdefault(self._look(word), word)

    def mend(self, pieces: Sequence[str]) -> str:
        """Put a run of Chinese characters right.

        Args:
            pieces: The run, cut into words.

        Returns:
            The run; as it was where it is made of what customers say.
        """
        if all(piece in self._words for piece in pieces) and self._fits(pieces):
            return "".join(pieces)
        mended: list[str] = []
        at = 0
        while at < len(pieces):
            for end, meant in self._meant(pieces, at):
                mended.append(meant)
                at = end
                break
            else:
                mended.append(pieces[at])
                at += 1
        return "".join(mended)

    def _fits(self, pieces: Sequence[str]) -> bool:
        """Tell whether every lone character stands beside a neighbour that it is known with."""
        return all(
            len(piece) > 1
            or piece in _PARTICLES
            or (at and pieces[at - 1] + piece in self._words)
            or (at + 1 < len(pieces) and piece + pieces[at + 1] in self._words)
            or len(pieces) == 1
            for at, piece in enumerate(pieces)
        )

    def _meant(self, pieces: Sequence[str], start: int) -> Iterator[tuple[int, str]]:
        """List what the pieces from `start` on may mean, the longest first."""
        for size in _SIZES:
            written = ""
            end = start
            while end < len(pieces) and len(written) < size:
                written += pieces[end]
                end += 1
            if len(written) < size or written in self._words:
                continue
            # The slip may have led the segmentation astray: 鸡|分会 for 积分|会.
            rest = written[size:]
            meant = self._slip(written[:size], end - start == 1 and not rest)
            astray = end - start > 1 and meant in self._goals and self._is_rare(pieces[end - 1])
            if meant is not None and (not rest or astray):
                yield end, meant + rest

    def _slip(self, written: str, whole: bool) -> str | None:
        """Find the word that was meant.

        Args:
            written: Characters that are no word of the tenant's.
            whole: Whether the dictionary has them as one word.
        """
        heard = syllables(written)
        meant = self._by_look.get(self._look(written)) or self._by_sound.get(sound(heard))
        if meant is None:
            return None
        slips = [(was, is_) for was, is_ in zip(written, meant, strict=True) if was != is_]
        if len(written) == 2 and any(each in _PARTICLES for slip in slips for each in slip):
            return None
        if len(slips) == len(written):
            exact = heard == syllables(meant)
            return meant if exact and meant in self._goals and not whole else None
        if whole and not (self._is_rare(written) and self._words[meant] >= _OFTEN):
            return None
        return meant

    def _is_target(self, word: str) -> bool:
        return self._is_word(word) or (len(word) > 2 and self._words[word] >= _SAID)

    def _is_rare(self, word: str) -> bool:
        return word not in self._words and bool(rjieba.suggest_freq(word) <= _RARE_WORD)

    def _is_word(self, word: str) -> bool:
        return word in self._goals or bool(rjieba.has_word(word))

    def _look(self, word: str) -> str:
        return "".join(self._looks.get(each, each) for each in word)
