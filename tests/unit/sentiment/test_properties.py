"""What must hold for every text that anybody can send."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.sentiment import model
from services.sentiment.analyzer import Analysis, Analyzer, Question
from services.sentiment.features import NAMES, Features
from services.sentiment.lexicon import load_ratings
from services.sentiment.reading import Reader
from services.sentiment.vader import Vader

ANALYZER = Analyzer(model.load(), neutral_band=0.05)
READER, FEATURES = Reader(), Features(Vader())
RATED = [*load_ratings("lexicon_zh.tsv", " "), *load_ratings("lexicon_en.tsv", "; ")]
SYMBOLS = [
    "😡",
    "👍🏽",
    "🙂",
    "[怒]",
    ":(",
    "T_T",
    "!!",
    "？",
    "，",
    "。",
    "…",
    "\n",
    " ",
    "’",
    "\u200d",
]


def analyzed(text: str) -> Analysis:
    """The analysis of a text by its words."""
    return ANALYZER.analyze(Question(text))


def ruled(text: str) -> float:
    """What the rules alone make of a text."""
    return float(FEATURES.of(text, READER.read(text).sentences)[NAMES.index("total")])


ANY_TEXT = st.text(max_size=120)
# Any text rarely holds a rated word: this one is made of them.
LOADED_TEXT = st.lists(
    st.sampled_from(RATED) | st.sampled_from(SYMBOLS) | st.text(max_size=3), max_size=25
).map("".join)

# Adjectives that take 不 and "not": no phrases, no nouns, no negations of their own.
ADJECTIVES_ZH = [
    "满意",
    "专业",
    "热情",
    "好看",
    "方便",
    "靠谱",
    "开心",
    "生气",
    "失望",
    "慢",
    "贵",
    "差劲",
]
ADJECTIVES_EN = ["good", "happy", "great", "nice", "perfect", "bad", "angry", "sad", "awful"]


@settings(max_examples=300)
@given(ANY_TEXT | LOADED_TEXT)
def test_every_text_has_a_mood_within_bounds(text: str) -> None:
    """No text raises, and every figure stays in its range."""
    found = analyzed(text)
    for each in (found.sentiment, *(sentence.sentiment for sentence in found.sentences)):
        assert -1 <= each.compound <= 1
        assert each.confidence is not None
        assert 0 <= each.confidence <= 1
        assert each.urgency is not None
        assert 0 <= each.urgency <= 1
        assert (each.label == "negative") == (each.compound <= -0.05)
        assert (each.label == "positive") == (each.compound >= 0.05)


@given(LOADED_TEXT)
def test_spans_lie_in_the_text_in_order(text: str) -> None:
    """Each span is a non-empty part of the text, behind the one before it."""
    spans = [sentence.span for sentence in analyzed(text).sentences]
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)


@given(LOADED_TEXT)
def test_the_same_text_has_the_same_mood(text: str) -> None:
    """Nothing is remembered between texts."""
    assert analyzed(text) == analyzed(text)


@given(LOADED_TEXT)
def test_white_space_around_a_text_changes_nothing(text: str) -> None:
    """Only what is said counts."""
    assert analyzed(f"  {text}\n").sentiment == analyzed(text.strip()).sentiment


@given(st.sampled_from(ADJECTIVES_ZH), st.sampled_from(["", "很", "非常", "太", "有点"]))
def test_negation_turns_chinese_opinions_round(adjective: str, degree: str) -> None:
    """For the rules, 不 before any adjective, with or without a degree word, changes the sign."""
    assert ruled(degree + adjective) * ruled(f"不{degree}{adjective}") < 0


@given(st.sampled_from(ADJECTIVES_EN), st.sampled_from(["", "very ", "really ", "so "]))
def test_negation_turns_english_opinions_round(adjective: str, degree: str) -> None:
    """For the rules, not before any adjective, with or without a degree word, changes the sign."""
    assert ruled(f"it is {degree}{adjective}") * ruled(f"it is not {degree}{adjective}") < 0
