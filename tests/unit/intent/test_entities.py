"""Entities: found without blanks around them, with spans in the customer's own text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.entities import MAX_ENTITIES, EntityExtractor, EntityType
from services.intent.patterns import MAX_TEXT_LENGTH

ORDER = EntityType("order_number", r"SO\d{8}")
REASON = EntityType(
    "reason", values=(("damaged", ("坏了", "broken")), ("unwanted", ("不想要", "don't like it")))
)
EXTRACTOR = EntityExtractor([ORDER, REASON])


def values(text: str) -> list[tuple[str, str]]:
    """Types and values of a text's entities, in order."""
    return [(entity.type, entity.value) for entity in EXTRACTOR.extract(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("帮我查一下订单SO20260001到哪了", [("order_number", "SO20260001")]),
        ("so20260001退一下款", [("order_number", "SO20260001")]),
        ("打我电话13800138000谢谢", [("phone", "13800138000")]),
        ("138-0013-8000", [("phone", "13800138000")]),
        ("138 0013 8000", [("phone", "13800138000")]),
        ("+86 13800138000", [("phone", "13800138000")]),
        ("008613800138000", [("phone", "13800138000")]),
        ("发到Li.Lei@Example.com吧", [("email", "li.lei@example.com")]),
        ("邮箱是a_b+c@mail.example.co.uk。", [("email", "a_b+c@mail.example.co.uk")]),
        ("退我300元", [("amount", "300.00 CNY")]),
        ("三百块太贵了", [("amount", "300.00 CNY")]),
        ("it cost $20", [("amount", "20.00 USD")]),
        ("付了1,299.00 元", [("amount", "1299.00 CNY")]),
        ("PPR-9087是什么材质的", [("product_code", "PPR-9087")]),
        ("東西壞了", [("reason", "damaged")]),
        ("I don't like it", [("reason", "unwanted")]),
    ],
)
def test_entities_are_found_directly_beside_chinese_characters(
    text: str, expected: list[tuple[str, str]]
) -> None:
    """No blank is needed before or after, and the value is the same however it was written."""
    assert values(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "138001380001",
        "1380013800",
        "X13800138000",
        "12800138000",
        "me@localhost",
        "@someone",
        "我们一块去",
        "2026年",
        "第三章",
        "GORE-TEX面料",
    ],
)
def test_look_alikes_are_left_alone(text: str) -> None:
    """One digit too many, a letter before it, a word that only begins like money: no entity."""
    assert values(text) == []


def test_spans_count_code_points_of_the_original_text() -> None:
    """Full-width digits, emoji beyond the basic plane and invisible marks do not shift a span."""
    text = "😡😡我的ＳＯ２０２６\u200b０００１呢，退３００元"
    for entity in EXTRACTOR.extract(text):
        assert entity.text == text[entity.span.start : entity.span.end]
    assert [(e.value, e.span.start, e.span.end) for e in EXTRACTOR.extract(text)] == [
        ("SO20260001", 4, 15),
        ("300.00 CNY", 18, 22),
    ]


def test_of_two_that_overlap_the_longer_stays() -> None:
    """An e-mail address with a phone number in it is an e-mail address."""
    assert values("13800138000@example.com") == [("email", "13800138000@example.com")]
    assert values("PPR-9087元") == [("product_code", "PPR-9087")]


def test_a_type_of_the_tenant_goes_before_a_built_in_one() -> None:
    """At equal length the tenant's own name for it counts."""
    extractor = EntityExtractor([EntityType("sku", r"[A-Z]{3}-\d{4}")])
    assert [entity.type for entity in extractor.extract("PPR-9087")] == ["sku"]


def test_a_type_of_the_tenant_replaces_the_built_in_one_of_its_name() -> None:
    """A tenant abroad brings its own phone numbers."""
    extractor = EntityExtractor([EntityType("phone", r"\+44\d{10}")])
    assert [entity.value for entity in extractor.extract("+447700900123 13800138000")] == [
        "+447700900123"
    ]
    assert extractor.types == ("amount", "email", "phone", "product_code")


def test_the_number_of_entities_is_bounded() -> None:
    """The contract promises at most 100."""
    assert len(EXTRACTOR.extract("5元 " * (MAX_TEXT_LENGTH // 3))) == MAX_ENTITIES


@given(st.text(alphabet="1380 -+.@a元块三百SO￥￥３８\u200b😡,$PR", max_size=80))
def test_entities_are_disjoint_in_order_and_cut_from_the_text(text: str) -> None:
    """Whatever the text, spans are valid, sorted and never overlap."""
    entities = EXTRACTOR.extract(text)
    end = 0
    for entity in entities:
        assert end <= entity.span.start < entity.span.end <= len(text)
        assert text[entity.span.start : entity.span.end] == entity.text
        assert entity.value
        end = entity.span.end
