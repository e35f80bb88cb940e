"""The data of the noise repair: every entry can be found and says something."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import services.intent.noise as noise
from services.intent.noise.pictures import Pictures
from services.language import fold

DATA: dict[str, Any] = yaml.safe_load(
    Path(noise.__file__).with_name("noise.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("section", ["short", "initials", "said"])
def test_entries_are_folded_and_change_something(section: str) -> None:
    """The repair sees folded text only, and a word that stands for itself is a mistake."""
    for written, meant in DATA[section].items():
        assert fold(written) == written
        assert fold(meant) == meant != written


def test_repaired_words_are_not_repaired_again() -> None:
    """What an entry stands for is no other entry, or the order of repairs would matter."""
    for section in ("short", "initials", "said"):
        assert set(DATA[section]).isdisjoint(DATA[section].values())


def test_emoji_are_single_characters_with_two_names() -> None:
    """A Chinese and an English name; variation selectors are gone when emoji are looked for."""
    for emoji, (chinese, english) in DATA["emoji"].items():
        assert len(emoji) == 1
        assert fold(emoji) == emoji
        assert not chinese.isascii()
        assert english.isascii()
    assert all(len(sign) == 1 for sign in DATA["crosses"] + DATA["question"])


def test_a_character_has_one_look() -> None:
    """In two groups it would be taken for characters that are nothing like each other."""
    characters = "".join(DATA["alike"])
    assert len(characters) == len(set(characters))
    assert all(len(group) > 1 for group in DATA["alike"])
    assert fold(characters) == characters


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("我的📦", "我的 包裹 "),
        ("my 📦", "my  parcel "),
        ("💰❓", " 钱到哪了 "),
        ("❌", "❌"),
        ("😡🎉", "😡🎉"),
        ("plain", "plain"),
    ],
)
def test_pictures_are_named_in_the_language_around(text: str, named: str) -> None:
    """Chinese where no language can be told; what has no name stays."""
    assert Pictures(DATA).name(text) == named
