"""Entities: found without blanks around them, with spans in the customer's own text."""

import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.entities import DEFAULT_ZONE, MAX_ENTITIES, EntityExtractor, EntityType, check
from services.intent.patterns import MAX_TEXT_LENGTH, PatternRejected
from services.intent.values import Entity

NOW = datetime(2026, 11, 22, 10, 7, 23, tzinfo=timezone(timedelta(hours=8)))

ORDER = EntityType("order_number", r"SO\d{8}")
REASON = EntityType(
    "reason", values=(("damaged", ("坏了", "broken")), ("unwanted", ("不想要", "don't like it")))
)
PRODUCT = EntityType(
    "product",
    values=(
        ("轻量登山鞋", ("轻量登山鞋",)),
        ("Trail Runner Pro", ("Trail Runner Pro", "越野跑鞋")),
        ("电池", ("电池",)),
    ),
    fuzzy=True,
)
EXTRACTOR = EntityExtractor([ORDER, REASON, PRODUCT])


def extract(text: str) -> tuple[Entity, ...]:
    """The entities of a text, written on a Sunday in November in China."""
    return EXTRACTOR.extract(text, NOW)


def values(text: str) -> list[tuple[str, str]]:
    """Types and values of a text's entities, in order, without the zone for the eye."""
    return [(entity.type, entity.value.replace("+08:00", "")) for entity in extract(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("帮我查一下订单SO20260001到哪了", [("order_number", "SO20260001")]),
        ("so20260001退一下款", [("order_number", "SO20260001")]),
        ("ＳＯ２０２６０００１", [("order_number", "SO20260001")]),
        ("打我电话13800138000谢谢", [("phone", "13800138000")]),
        ("138-0013-8000", [("phone", "13800138000")]),
        ("138 0013 8000", [("phone", "13800138000")]),
        ("+86 13800138000", [("phone", "13800138000")]),
        ("008613800138000", [("phone", "13800138000")]),
        ("１３８００１３８０００", [("phone", "13800138000")]),
        ("发到Li.Lei@Example.com吧", [("email", "li.lei@example.com")]),
        ("邮箱是a_b+c@mail.example.co.uk。", [("email", "a_b+c@mail.example.co.uk")]),
        ("退我300元", [("amount", "300.00 CNY")]),
        ("三百块太贵了", [("amount", "300.00 CNY")]),
        ("it cost $20", [("amount", "20.00 USD")]),
        ("付了1,299.00 元", [("amount", "1299.00 CNY")]),
        ("PPR-9087是什么材质的", [("product_code", "PPR-9087")]),
        ("東西壞了", [("reason", "damaged")]),
        ("I don't like it", [("reason", "unwanted")]),
        ("轻量登山协有货吗", [("product", "轻量登山鞋")]),
        ("上周五", [("date_time", "2026-11-13")]),
        ("三天", [("duration", "P3D")]),
        ("两双", [("quantity", "2 pair")]),
    ],
)
def test_entities_are_found_directly_beside_chinese_characters(
    text: str, expected: list[tuple[str, str]]
) -> None:
    """No blank is needed before or after, and the value is the same however it was written."""
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "我上周五买的轻量登山鞋，订单SO20260001，付了三百块，要退",
            [
                ("date_time", "2026-11-13"),
                ("product", "轻量登山鞋"),
                ("order_number", "SO20260001"),
                ("amount", "300.00 CNY"),
            ],
        ),
        (
            "i bought two pairs of trail runer pro last friday for $120, call 13800138000",
            [
                ("quantity", "2 pair"),
                ("product", "Trail Runner Pro"),
                ("date_time", "2026-11-20"),
                ("amount", "120.00 USD"),
                ("phone", "13800138000"),
            ],
        ),
        (
            "明天下午三点送两箱，超过三天我就不要了",
            [("date_time", "2026-11-23T15:00:00"), ("quantity", "2 case"), ("duration", "P3D")],
        ),
        (
            "order SO20260001 双十一买的，还没到，等了一个礼拜了",
            [("order_number", "SO20260001"), ("date_time", "2026-11-11"), ("duration", "P1W")],
        ),
        (
            "refund 50块5到我的a@b.cn",
            [("amount", "50.50 CNY"), ("email", "a@b.cn")],
        ),
        (
            "两块电池五块钱",
            [("quantity", "2 piece"), ("product", "电池"), ("amount", "5.00 CNY")],
        ),
    ],
)
def test_a_message_may_hold_many_kinds(text: str, expected: list[tuple[str, str]]) -> None:
    """In the order in which they stand."""
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("三天前", [("date_time", "2026-11-19")]),
        ("三天", [("duration", "P3D")]),
        ("30天无理由", [("duration", "P30D")]),
        ("三个月", [("duration", "P3M")]),
        ("3月", [("date_time", "2027-03-01/2027-03-31")]),
        ("三个", [("quantity", "3 piece")]),
        ("两块五", [("amount", "2.50 CNY")]),
        ("半小时后", [("date_time", "2026-11-22T10:37:23")]),
        ("半小时", [("duration", "PT30M")]),
        ("in two days", [("date_time", "2026-11-24")]),
        ("within two days", [("duration", "P2D")]),
        ("11.11元", [("amount", "11.11 CNY")]),
        ("2026-11-20", [("date_time", "2026-11-20")]),
        ("13800138000@example.com", [("email", "13800138000@example.com")]),
        ("PPR-9087元", [("product_code", "PPR-9087")]),
    ],
)
def test_of_two_that_overlap_the_longer_stays(text: str, expected: list[tuple[str, str]]) -> None:
    """三天 is a length, 三天前 a day; an address with a phone number in it is an address."""
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
        "第三章",
        "GORE-TEX面料",
        "XSO20260001",
        "SO202600012",
        "你好",
        "早上好",
        "这个多少钱",
        "那个怎么样",
        "有一点小",
        "万一不合适呢",
        "一样的吗",
        "好的一定",
        "十分感谢",
        "where is my parcel",
        "thank you very much",
        "can i speak to someone",
        "",
        " ",
        "😡😡😡",
    ],
)
def test_look_alikes_are_left_alone(text: str) -> None:
    """One digit too many, a letter before it, a word that only begins like money: no entity."""
    assert values(text) == []


def test_spans_count_code_points_of_the_original_text() -> None:
    """Full-width digits, emoji beyond the basic plane and invisible marks do not shift a span."""
    text = "😡😡我的ＳＯ２０２６\u200b０００１呢，退３００元"
    for entity in extract(text):
        assert entity.text == text[entity.span.start : entity.span.end]
    assert [(e.value, e.span.start, e.span.end) for e in extract(text)] == [
        ("SO20260001", 4, 15),
        ("300.00 CNY", 18, 22),
    ]


def test_spans_of_dates_and_products_cover_what_was_written() -> None:
    """Traditional characters, blanks inside, capitals: as the customer typed them."""
    text = "上週五買的Trail-Runer PRO，大後天下午３點送"
    assert [entity.text for entity in extract(text)] == [
        "上週五",
        "Trail-Runer PRO",
        "大後天下午３點",
    ]


def test_a_type_of_the_tenant_goes_before_a_built_in_one() -> None:
    """At equal length the tenant's own name for it counts."""
    extractor = EntityExtractor([EntityType("sku", r"[A-Z]{3}-\d{4}")])
    assert [entity.type for entity in extractor.extract("PPR-9087")] == ["sku"]


def test_the_tenants_types_go_before_each_other_in_their_order() -> None:
    """At equal length the first in the training data counts."""
    one, two = EntityType("one", r"[A-Z]{3}\d{4}"), EntityType("two", r"[A-Z]+\d+")
    assert [e.type for e in EntityExtractor([one, two]).extract("PPR9087")] == ["one"]
    assert [e.type for e in EntityExtractor([two, one]).extract("PPR9087")] == ["two"]


def test_a_type_of_the_tenant_replaces_the_built_in_one_of_its_name() -> None:
    """A tenant abroad brings its own phone numbers."""
    extractor = EntityExtractor([EntityType("phone", r"\+44\d{10}")])
    assert [entity.value for entity in extractor.extract("+447700900123 13800138000")] == [
        "+447700900123"
    ]
    assert extractor.types == (
        "amount",
        "date_time",
        "duration",
        "email",
        "phone",
        "product_code",
        "quantity",
    )


@pytest.mark.parametrize(
    "definition",
    [
        EntityType("nothing"),
        EntityType("open", "("),
        EntityType("blank", values=(("x", (" ",)),)),
        EntityType("silent", values=(("x", ()),)),
        EntityType("dash", values=(("x", ("-",)),), fuzzy=True),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused(definition: EntityType) -> None:
    """Whoever checks training data reports it in its place."""
    with pytest.raises(PatternRejected):
        EntityExtractor([definition])


def test_a_pattern_too_large_for_new_data_is_still_read_in_a_model() -> None:
    """What was accepted once must not make a model unreadable."""
    large = EntityType("large", r"(?:x.?){700}")
    with pytest.raises(PatternRejected, match="too large"):
        check(large)
    assert "large" in EntityExtractor([large]).types


def test_now_is_in_china_unless_it_is_said() -> None:
    """A day that is not said is today where most customers live."""
    [today] = EXTRACTOR.extract("今天")
    # Midnight may pass between the two.
    moments = (datetime.now(DEFAULT_ZONE) - timedelta(seconds=30), datetime.now(DEFAULT_ZONE))
    assert today.value in {moment.date().isoformat() for moment in moments}


def test_now_may_be_in_any_zone() -> None:
    """The answer carries the customer's offset."""
    [entity] = EXTRACTOR.extract("tomorrow at 3pm", NOW.astimezone(UTC))
    assert entity.value == "2026-11-23T15:00:00+00:00"


def test_the_number_of_entities_is_bounded() -> None:
    """The contract promises at most 100."""
    assert len(extract("5元 " * (MAX_TEXT_LENGTH // 3))) == MAX_ENTITIES


def _calls(text: str) -> int:
    """Count the function calls, C and Python, that the entities of a text take."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        extract(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        "三天前",
        "十",
        "1",
        "1,",
        "1/",
        "半",
        "月",
        "的",
        "a",
        "3pm ",
        "上周五",
        "明天下午三点到",
        "2026-11-20 ",
        "aug 3 to ",
        "two hundred and ",
        "三块五",
        "轻量登山",
        "轻量登山协",
        "trail runer pro ",
        "a@a.",
        "第三天以前",
        "\u200b",
        "😡",
    ],
)
def test_work_grows_with_the_text_and_no_faster(unit: str) -> None:
    """A text of 4,000 code points made against the rules takes twice the calls of half of it.

    What is called is RE2, which is linear, or reads a piece whose length the patterns bound.
    """
    whole = (unit * MAX_TEXT_LENGTH)[:MAX_TEXT_LENGTH]
    extract(whole)
    half = _calls(whole[: MAX_TEXT_LENGTH // 2])
    assert _calls(whole) < 2.5 * half + 1_000
    assert half < 60 * MAX_TEXT_LENGTH


@given(
    st.lists(
        st.sampled_from(
            [
                *"1380 -+.@a元块三百SO￥３８\u200b😡,$PR天前周五月号点半双个两",
                "SO20260001",
                "13800138000",
                "last friday",
                "轻量登山协",
                "trail runer",
                "上週",
                "twenty ",
                "days",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_entities_are_disjoint_in_order_and_cut_from_the_text(text: str) -> None:
    """Whatever the text, spans are valid, sorted and never overlap."""
    entities = extract(text)
    end = 0
    for entity in entities:
        assert end <= entity.span.start < entity.span.end <= len(text)
        assert text[entity.span.start : entity.span.end] == entity.text
        assert entity.value
        end = entity.span.end


@given(st.text(max_size=80))
def test_any_unicode_text_has_valid_entities_or_none(text: str) -> None:
    """No script, mark or control character makes it fail."""
    for entity in extract(text):
        assert entity.span.of(text) == entity.text
