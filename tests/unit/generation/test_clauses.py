"""Sentences are taken apart where their parts deny one thing and affirm another."""

import pytest

from services.generation.clauses import clauses, comparable, denies, split


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("生鲜不支持退货", True),
        ("无等待期", True),
        ("人为损坏除外", True),
        ("Monthly fees are non-refundable", True),
        ("The box is missing", True),
        ("无理由退货", False),
        ("无需发票", False),
        ("不影响退货", False),
        ("使用不当", False),
        ("没问题", False),
        ("不是不能退", False),
        ("returned without a reason", False),
        ("returned without giving any reason", False),
        ("It hasn't arrived", True),
        ("It hasn\u2019t arrived", True),
        ("Opening it does not matter", False),
    ],
)
def test_what_denies(text: str, denied: bool) -> None:
    """What spares the customer something denies nothing, and two negations affirm."""
    assert denies(text) is denied


def test_a_sentence_is_split_where_another_case_begins() -> None:
    """At commas, brackets, conditions, and before a negation or a new subject."""
    assert split("因个人原因（不喜欢），运费由顾客承担") == [
        "因个人原因",
        "不喜欢",
        "运费由顾客承担",
    ]
    parts = split("The seller pays if it is faulty or not as described.")
    assert [each.strip() for each in parts] == [
        "the seller pays",
        "it is faulty",
        "not as described",
    ]


def test_who_goes_on_about_another_begins_a_clause() -> None:
    """What is denied of the second is not denied of the first."""
    first, second = clauses("The trial lasts 14 days and you do not need a credit card.")
    assert (first.denies, second.denies) == (False, True)
    assert "card" in second.terms - first.terms


def test_an_english_list_is_denied_as_a_whole() -> None:
    """Commas part its items, and a new subject ends it."""
    (whole,) = clauses("It does not cover drops, scratches, misuse or normal wear.")
    assert whole.denies
    assert {"drop", "scratch", "misus", "wear"} <= whole.terms
    first, second = clauses("It does not cover drops, you pay for them.")
    assert (first.denies, second.denies) == (True, False)


def test_a_denied_list_is_denied_as_a_whole() -> None:
    """Its verb stands before the first item only."""
    *items, whole = clauses("不包括摔落、划伤。")
    assert [each.denies for each in items] == [True, False]
    assert whole.denies
    assert {"摔落", "划伤"} <= whole.terms


@pytest.mark.parametrize(
    ("text", "lacking", "not_yet"),
    [
        ("没发货的订单可以取消", "发货", ""),
        ("未使用的商品可以退货", "使用", "使用"),
        ("没有包装盒的扣五元", "包装盒", ""),
        ("发货前可以取消", "发货", ""),
        ("before dispatch it can be cancelled", "dispatch", ""),
        ("unused goods can be returned", "use", "use"),
        ("what cannot be repaired is replaced", "repair", ""),
        ("生鲜商品是不支持退货的哦", "", ""),
    ],
)
def test_what_goods_are_told_apart_by_is_no_denial(text: str, lacking: str, not_yet: str) -> None:
    """To say something of unused goods affirms it; an emphatic 是…的 does not tell apart."""
    (found,) = clauses(text)
    assert (lacking in found.lacking) if lacking else not found.lacking
    assert (not_yet in found.not_yet) if not_yet else not found.not_yet
    assert found.denies is (not lacking)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("发货的不能取消", "没发货的订单可以取消", True),
        ("发货的不能取消", "发货的可以取消", False),
        ("未付款的可以取消", "付款的可以取消", False),
        ("未付款的可以取消", "未付款的可以取消", True),
    ],
)
def test_the_opposite_of_the_opposite_agrees(one: str, other: str, agree: bool) -> None:
    """What is denied of what was sent is affirmed of what was not."""
    (first,), (second,) = clauses(one), clauses(other)
    assert first.agrees(second) is second.agrees(first) is agree


def test_figures_are_no_words() -> None:
    """They are compared as figures; codes stay."""
    assert "ck-200" in comparable("CK-200 costs 1299")
    assert "1299" not in comparable("CK-200 costs 1299")
    (found,) = clauses("fixed tariffs cost 50")
    assert found.leading == "fix"
