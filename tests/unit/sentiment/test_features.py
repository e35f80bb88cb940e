"""What the rules found, as numbers; and the parts of texts that the model counts."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sentiment.features import NAMES, RATED, Features, compound
from services.sentiment.ngrams import ngrams
from services.sentiment.reading import Reader
from services.sentiment.vader import Vader

READER, FEATURES = Reader(), Features(Vader())


def described(text: str) -> dict[str, float]:
    """The numbers of a text by name."""
    values = FEATURES.of(text, READER.read(text).sentences)
    return dict(zip(NAMES, values.tolist(), strict=True))


@given(st.text(max_size=200))
def test_every_text_has_bounded_numbers(text: str) -> None:
    """Nothing that anybody writes makes a number that drowns the others."""
    values = FEATURES.of(text, READER.read(text).sentences)
    assert values.shape == (len(NAMES),)
    assert np.isfinite(values).all()
    assert np.abs(values).max() <= 2


def test_praise_and_blame_are_told_apart() -> None:
    """A text that holds both says so."""
    found = described("物流很快。东西坏了。")
    assert found["praise"] > 0 > found["blame"]
    assert found["both"] == found["any"] == 1
    assert found["last"] < 0
    assert described("物流很快。")["both"] == 0


def test_several_facts_count_hardly_more_than_one() -> None:
    """Late, damaged and incomplete makes a report longer rather than angrier."""
    one, three = (
        described(text)["total"] for text in ("箱子破了", "箱子破了，少发了一件，还没退款")
    )
    assert three < one < 0
    assert three > 2 * one


def test_a_long_complaint_does_not_end_at_the_limit_by_its_length() -> None:
    """Repeated evidence strengthens, with diminishing effect."""
    one, four = (described("有点失望。" * times)["total"] for times in (1, 4))
    assert 2 * one < four < one


def test_cues_and_symbols_are_counted() -> None:
    """The kind of blame and the emoji stand beside the words."""
    found = described("你们就是骗子 😡")
    assert found["cue_accuse"] > 0 < found["cue_anger"]
    assert found["symbols_blame"] < 0 == found["symbols_praise"]


def test_vader_is_not_heard_where_chinese_stands() -> None:
    """It would take 我不 happy for happiness."""
    assert described("我不 happy")["vader"] == 0 > described("我不 happy")[RATED]
    assert described("I am happy")["vader"] == described("I am happy")[RATED] > 0


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("really?!", "questions", 1 / 3),
        ("really？？？？", "questions", 1),
        ("no!!", "exclamations", 2 / 3),
        ("is it open?", "ends_asking", 1),
        ("so…", "ellipsis", 1),
        ("THIS IS ALL LOUD", "capitals", 1),
        ("OK", "capitals", 0),
        ("我的refund", "zh", 0.5),
        ("我要退货", "zh", 1),
        ("refund", "zh", 0),
    ],
)
def test_marks_and_letters_are_measured(text: str, name: str, value: float) -> None:
    """Half-width and full-width alike, up to a limit."""
    assert described(text)[name] == pytest.approx(value, abs=1e-6)


@given(st.floats(min_value=-1e6, max_value=1e6), st.floats(min_value=-1e6, max_value=1e6))
def test_sums_keep_their_order_and_sign(one: float, other: float) -> None:
    """More blame never scores higher, and no sum leaves [-1, 1]."""
    assert -1 <= compound(one) <= 1
    assert compound(-one) == -compound(one)
    assert one > other or compound(one) <= compound(other)


def test_chinese_is_counted_in_characters_and_english_in_words() -> None:
    """Both with their neighbours, and numbers as one."""
    assert Counter(ngrams("不好用")) == Counter(["不", "好", "用", "不好", "好用", "不好用"])
    assert list(ngrams("Not GOOD")) == ["not", " _not", "good", "not_good"]
    assert list(ngrams("order 12345")) == list(ngrams("order 678"))


def test_script_and_width_make_no_difference_to_the_parts() -> None:
    """Traditional characters and full-width letters are the same parts."""
    assert list(ngrams("還沒發貨 ＯＫ")) == list(ngrams("还没发货 ok"))
