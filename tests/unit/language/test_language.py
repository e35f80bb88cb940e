"""What the shared text tools promise to the services that build on them."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.language import (
    Language,
    add_words,
    detect,
    fold,
    segment,
    sentences,
    words,
)

TEXTS = st.text(max_size=80) | st.text(
    alphabet="退貨货我要不好Ａ１aB9-_.,:!?。！；…“”\"') \n\t😡👍\u200d\ufe0f'é", max_size=60
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡＢＣ１２３", "abc123"),
        ("我要退貨", "我要退货"),
        ("著急死了", "着急死了"),
        ("著名", "著名"),
        ("能退货么", "能退货么"),
        ("能退貨麼", "能退货么"),
        ("Straße  ﬁne\t\n OK", "strasse fine ok"),
        ("  ", ""),
        ("退\u200b货 SO\u00ad2024\ufeff0001", "退货 so20240001"),
        ("\u202a订单\u202c", "订单"),
        ("cafe\u0301", "café"),
        ("a\u3000b", "a b"),
        ("Don\u2019t", "don't"),
    ],
)
def test_one_form_for_all_ways_to_write_a_thing(text: str, folded: str) -> None:
    """Width, case, script variant, composition and white space make no difference."""
    assert fold(text) == folded


@given(TEXTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    """A folded key can be folded again without missing its entry."""
    assert fold(fold(text)) == fold(text)


def test_a_lone_surrogate_does_not_raise() -> None:
    """Text that no valid message can hold is still no reason to fail."""
    assert words("好\ud800") == ["好"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我要退货", Language.ZH),
        ("我要退貨", Language.ZH),
        ("Where is my parcel?", Language.EN),
        ("Ｈｅｌｌｏ", Language.EN),
        ("我想cancel订单", Language.MIXED),
        ("这个APP打不开", Language.ZH),
        ("PPR-9087到哪了", Language.ZH),
        ("What is 退货 in English please tell me", Language.EN),
        ("PPR-9087", Language.UNKNOWN),
        ("12345", Language.UNKNOWN),
        ("！！😡", Language.UNKNOWN),
        ("", Language.UNKNOWN),
        ("注文をキャンセルしたいです", Language.UNKNOWN),
        ("Где мой заказ", Language.UNKNOWN),
    ],
)
def test_language_is_judged_by_the_words_of_each_script(text: str, language: Language) -> None:
    """A product name does not make a text mixed, and a code is no English word."""
    assert detect(text) is language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我要买男的东西", ["我", "要", "买", "男", "的", "东西"]),
        ("PPR-9087", ["ppr-9087"]),
        ("订单号：DHL-1234，谢谢", ["订单号", "dhl-1234", "谢谢"]),
        ("cat", ["cat"]),
        ("帮我查SO20260001到哪了", ["帮", "我", "查", "so20260001", "到", "哪", "了"]),
        ("I don't like it!", ["i", "don't", "like", "it"]),
        ("¥1,299.00, 12:30", ["1,299.00", "12:30"]),
        ("v2.0 a--b x-", ["v2.0", "a", "b", "x"]),
        ("退貨", ["退货"]),
        ("。。。", []),
        ("", []),
    ],
)
def test_words_are_words(text: str, expected: list[str]) -> None:
    """Chinese is cut into words, codes stay whole without blanks around, punctuation goes."""
    assert words(text) == expected


def test_the_business_can_teach_its_own_words() -> None:
    """三码 is one word once the shop says so, in either script and next to other words."""
    add_words(["三碼", "三码", ""])
    assert words("这双鞋有三码的吗") == ["这", "双", "鞋", "有", "三码", "的", "吗"]


@given(TEXTS)
def test_segments_joined_are_the_text(text: str) -> None:
    """Nothing is lost or invented between folding and segmenting."""
    assert "".join(segment(fold(text))) == fold(text)


@given(TEXTS)
def test_words_start_with_a_letter_or_digit(text: str) -> None:
    """No blank, mark or emoji poses as a word, whatever the input."""
    assert all(word and word[0].isalnum() for word in words(text))


@given(TEXTS)
def test_words_are_the_segments_that_say_something(text: str) -> None:
    """Two ways through a text, one of which leaves out what stands between the words."""
    assert words(text) == [piece for piece in segment(fold(text)) if piece[0].isalnum()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("太差了！！！我要投诉。", ["太差了！！！", "我要投诉。"]),
        ("太差了！！！😡 我要投诉", ["太差了！！！😡", "我要投诉"]),
        ("Mr. Smith paid 3.5 dollars. OK?", ["Mr. Smith paid 3.5 dollars.", "OK?"]),
        ("It came at 5 p.m. today. Fine.", ["It came at 5 p.m. today.", "Fine."]),
        ("好的.谢谢\n\n 见example.com。", ["好的.", "谢谢", "见example.com。"]),
        ("“太好了！”他说；好", ["“太好了！”", "他说；", "好"]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("(ok.) [yes!] no", ["(ok.)", "[yes!]", "no"]),
        ("... 你好", ["... 你好"]),
        ("你好 ！！", ["你好 ！！"]),
        ("没有标点的一句话", ["没有标点的一句话"]),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_stops(text: str, expected: list[str]) -> None:
    """Chinese and English marks end a sentence; abbreviations, numbers and addresses do not."""
    assert [span.of(text) for span in sentences(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "请访问 https://shop.cn/r?from=app 提交申请。谢谢",
            ["请访问 https://shop.cn/r?from=app 提交申请。", "谢谢"],
        ),
        (
            "见[页](https://shop.cn/r?a=1;b=2!c)。好",
            ["见[页](https://shop.cn/r?a=1;b=2!c)。", "好"],
        ),
        ("Open www.shop.cn/r?x=1! Now.", ["Open www.shop.cn/r?x=1!", "Now."]),
        ("shop.cn:8080/r?x=1;y 好。是", ["shop.cn:8080/r?x=1;y 好。", "是"]),
        ("Is it https://shop.cn/r? Yes.", ["Is it https://shop.cn/r?", "Yes."]),
        ("https://shop.cn/r。好", ["https://shop.cn/r。", "好"]),
        ("https://shop.cn/r！好", ["https://shop.cn/r！", "好"]),
        ("（https://shop.cn/r?x）！好", ["（https://shop.cn/r?x）！", "好"]),
        ("http://a.cn/?!,x", ["http://a.cn/?!,x"]),
        ("and/or?Yes;no", ["and/or?", "Yes;", "no"]),
        ("Tom&nbsp;Li&#39;s and&#x20;one; we", ["Tom&nbsp;Li&#39;s and&#x20;one;", "we"]),
        ("AT&T; we", ["AT&T;", "we"]),
    ],
)
def test_addresses_and_entities_stay_whole(text: str, expected: list[str]) -> None:
    """A mark between characters of an address, or behind the name of an entity, ends nothing."""
    assert [span.of(text) for span in sentences(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Open Mon. to Fri. 9-18. Call us.", ["Open Mon. to Fri. 9-18.", "Call us."]),
        ("Open Mon. – Fri. We rest.", ["Open Mon. – Fri.", "We rest."]),
        ("From Sept. 5 on. Fine.", ["From Sept. 5 on.", "Fine."]),
        ("Tel. 123, Tel. +86 10, tel. (010) 6.", ["Tel. 123, Tel. +86 10, tel. (010) 6."]),
        ("See Fig. 3, sec. 2. Prof. Li", ["See Fig. 3, sec. 2.", "Prof. Li"]),
        ("5 kg max. per bag.", ["5 kg max. per bag."]),
        ("Under the sun. it was mar. 5", ["Under the sun.", "it was mar.", "5"]),
        ("It ends on Sun. We rest.", ["It ends on Sun.", "We rest."]),
        ("Wait a sec. We come in Dec.", ["Wait a sec.", "We come in Dec."]),
        ("Call Tel.\n123", ["Call Tel.", "123"]),
    ],
)
def test_abbreviations_that_may_end_a_sentence_do_so_before_a_capital(
    text: str, expected: list[str]
) -> None:
    """Before a digit, a small letter or a dash it goes on; days and months have capitals."""
    assert [span.of(text) for span in sentences(text)] == expected


@given(
    TEXTS
    | st.lists(
        st.sampled_from(
            ["https://", "shop.cn", "/r", "?", "!", ";", "x=1", " ", "。", "好", "&nbsp;", "&",
             "www.", ".", "Mon.", "Tel.", "-", "(", ")", "\n", "😀", '"', "to", "We", "5", "p.m."]
        ),
        max_size=14,
    ).map("".join)
)  # fmt: skip
def test_further_text_changes_only_the_last_sentence(text: str) -> None:
    """So that all but the last can be taken while a text is still written."""
    whole = sentences(text)
    for end in range(len(text)):
        taken = sentences(text[:end])[:-1]
        assert taken == whole[: len(taken)]


@given(TEXTS)
def test_sentence_spans_cover_the_text_in_order(text: str) -> None:
    """Spans are disjoint, ordered, never empty, and leave out nothing but white space."""
    spans = sentences(text)
    ends = [0, *(span.end for span in spans)]
    starts = [*(span.start for span in spans), len(text)]
    assert all(span.start < span.end for span in spans)
    assert all(
        end <= start and not text[end:start].strip()
        for end, start in zip(ends, starts, strict=True)
    )


def test_offsets_count_code_points_not_utf16_units() -> None:
    """An emoji outside the basic plane is one code point, as the contract counts."""
    assert [(span.start, span.end) for span in sentences("😡！好")] == [(0, 3)]
    assert [(span.start, span.end) for span in sentences("好😡！坏")] == [(0, 3), (3, 4)]


@pytest.mark.parametrize(
    ("function", "limit_seconds"),
    [(fold, 50e-6), (words, 200e-6), (detect, 50e-6), (sentences, 50e-6)],
)
def test_a_short_text_costs_microseconds(
    function: Callable[[str], object], limit_seconds: float
) -> None:
    """Every hop of a turn uses these tools, so they must not show in its time."""
    text = "我上週買的耳機，藍牙連不上，ＡＢＣ１２３ can you refund?"
    function(text)
    best = float("inf")
    for _ in range(50):
        started = time.thread_time()
        function(text)
        best = min(best, time.thread_time() - started)
    assert best < limit_seconds


@pytest.mark.parametrize(
    "piece",
    ["a. ", "Mr. ", "。😡 ", "a-", "! ", ".", "1,", "“", "://", "www.", ".aa/", "://!", "&", "/a?"],
)
def test_the_longest_text_costs_milliseconds(piece: str) -> None:
    """No pattern makes the work grow faster than the text: 4,000 code points are the limit."""
    text = (piece * 4000)[:4000]
    started = time.thread_time()
    for function in (fold, detect, words, sentences):
        function(text)
    assert time.thread_time() - started < 0.1
