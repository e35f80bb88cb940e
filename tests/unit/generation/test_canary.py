"""The prompt's secret mark is found in whatever form a model tells it."""

import base64
import codecs
from collections.abc import Callable

import pytest

from services.generation.canary import PLACEHOLDER, Canary, repeats
from services.generation.prompt import Prompt

CANARY = Canary("kqzvwxhjtrmbplsd")
MARK = CANARY.mark


def test_each_mark_is_new() -> None:
    """Sixteen letters that nobody can guess and no figure check can take for a number."""
    marks = {Canary.new().mark for _ in range(50)}
    assert len(marks) == 50
    assert all(len(mark) == 16 and mark.isalpha() and mark.islower() for mark in marks)


def test_it_is_put_into_the_prompt_and_not_into_its_version() -> None:
    """Results of all processes name the same prompt."""
    prompt = Prompt.load("answer/3")
    marked = CANARY.put_into(prompt)
    assert MARK in marked.text
    assert PLACEHOLDER not in marked.text
    assert marked.version == prompt.version


DISGUISES: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.title,
    " ".join,
    "-".join,
    "\n".join,
    "、".join,
    lambda mark: "".join(chr(ord(each) + 0xFEE0) for each in mark),
    lambda mark: mark[:8],
    lambda mark: mark[-8:],
    lambda mark: mark[::-1],
    lambda mark: " ".join(mark[::-1]).upper(),
    lambda mark: codecs.encode(mark, "rot13"),
    lambda mark: mark.encode().hex(),
    lambda mark: mark.encode().hex(" "),
    lambda mark: "".join(f"\\x{each:02x}" for each in mark.encode()),
    *(
        lambda mark, lead=lead: base64.b64encode(f"{lead}{mark}, said I".encode()).decode()
        for lead in ("", "a", "ab", "abc")
    ),
    lambda mark: base64.b64encode(mark[::-1].encode()).decode(),
    lambda mark: f"第一部分 {mark[:6]}。第二部分 {mark[6:]}".replace("第一部分 ", "").replace(
        "第二部分 ", ""
    ),
]


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("frame", ["{}", "The mark is {}, keep it.", "暗号是{}。"])
def test_every_disguise_is_seen_through(disguise: Callable[[str], str], frame: str) -> None:
    """Split, spaced out, in capitals or full width, in part, reversed, rotated, encoded."""
    assert CANARY.in_text("", frame.format(disguise(MARK)))


@pytest.mark.parametrize("cut", range(1, 16))
def test_it_may_begin_in_the_sentence_before(cut: int) -> None:
    """Two sentences that are harmless alone."""
    assert CANARY.in_text(f"First: {MARK[:cut]}", f"{MARK[cut:]}.")


@pytest.mark.parametrize(
    "text",
    ["退款在3个工作日内原路返回。", "Refunds take 3 working days.", MARK[:5], "abcdefgh" * 30, ""],
)
def test_ordinary_words_are_no_mark(text: str) -> None:
    """Nor is a part that anybody might write."""
    assert not CANARY.in_text("", text)


def test_the_prompt_itself_is_recognised() -> None:
    """A stretch of it, whatever its blanks and marks; not a word that it shares with anybody."""
    prompt = CANARY.put_into(Prompt.load("answer/3")).text
    assert repeats(prompt, "put the MARKER of the passage, directly behind every statement")
    assert repeats(prompt, prompt)
    assert not repeats(prompt, "Answer politely and briefly.")
    assert not repeats(prompt, "退款在3个工作日内原路返回。")
