"""Tenant patterns: what is accepted, what is refused, and that none can stall the service."""

import time

import pytest

from services.intent.alignment import align
from services.intent.patterns import (
    MAX_MATCHES,
    MAX_PATTERN_LENGTH,
    MAX_STEPS,
    MAX_TEXT_LENGTH,
    Pattern,
    PatternRejected,
    check_pattern,
)


def found(source: str, text: str) -> list[str]:
    """The matches of a pattern, as folded text."""
    folded = align(text).folded
    return [folded[start:end] for start, end in Pattern(source).find(folded)]


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("订单SO12345678到哪了", ["so12345678"]),
        ("单号ＳＯ１２３４５６７８，谢谢", ["so12345678"]),
        ("so12345678", ["so12345678"]),
        ("SO123456789", []),
        ("XSO12345678", []),
        ("SO12345678和SO87654321", ["so12345678", "so87654321"]),
    ],
)
def test_a_code_is_found_beside_chinese_but_never_cut_out_of_a_longer_one(
    text: str, matches: list[str]
) -> None:
    """A match stands alone among ASCII letters and digits; no guards are needed in the pattern."""
    assert found(r"SO\d{8}", text) == matches


def test_patterns_are_folded_as_the_text_is() -> None:
    """A traditional or full-width pattern finds simplified text and the other way round."""
    assert found("三碼", "有三码吗") == ["三码"]
    assert found("三码", "有三碼嗎") == ["三码"]
    assert found("（[0-9]）", "选(1)") == ["(1)"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("(", "not valid RE2"),
        (r"(?<!\d)\d{4}", "look-around is not supported"),
        (r"(a)\1", "not valid RE2"),
        ("a*", "matches the empty text"),
        ("", "matches the empty text"),
        ("a" * (MAX_PATTERN_LENGTH + 1), "longer than"),
        ("((a{100}){100}){100}", "not valid RE2"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(source: str, reason: str) -> None:
    """The author reads what is wrong in words, at start, not in a log at night."""
    with pytest.raises(PatternRejected, match=reason):
        Pattern(source)


@pytest.mark.parametrize("source", [r"(a+)+$", r"(\w+\s?)+x", r"(a|aa)+b", r"(.*)(.*)(.*)(.*)y"])
def test_patterns_that_explode_elsewhere_take_milliseconds(source: str) -> None:
    """The classic denial-of-service patterns run in linear time on the longest text."""
    pattern = Pattern(source)
    started = time.thread_time()
    list(pattern.find("a" * (MAX_TEXT_LENGTH - 1) + "!"))
    assert time.thread_time() - started < 0.1


@pytest.mark.parametrize(
    "source", [r"(.?){900}x", r"(\w{1,30} ?){1,30}z", r"(a|[^x]{1,100}){1,9}x"]
)
def test_a_pattern_that_is_too_large_is_refused_at_import_and_never_later(source: str) -> None:
    """By what it is made of, not by how busy the machine is: a model that was trained is read."""
    with pytest.raises(PatternRejected, match="too large"):
        check_pattern(source)
    assert Pattern(source).steps > MAX_STEPS


def test_hundreds_of_names_and_any_order_number_are_small_enough() -> None:
    """As many as fit into the longest pattern."""
    check_pattern(r"(?:SO|PO)-?\d{6,12}(?:-[a-z0-9]{1,6})?")
    check_pattern("|".join(f"品牌{number}型号{number}" for number in range(300)))


def test_the_number_of_matches_is_bounded() -> None:
    """A text full of matches cannot be used to keep a process busy."""
    assert len(found(r"\d", "1 " * (MAX_TEXT_LENGTH // 2))) == MAX_MATCHES
