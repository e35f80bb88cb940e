"""Lists of products: found although misspelt, never inside or instead of another word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.alignment import align
from services.intent.entities import word_list
from services.intent.entities.word_list import MAX_COMPARED, MAX_WORD_LENGTH, WordList
from services.intent.patterns import MAX_TEXT_LENGTH, PatternRejected

NAMES = (
    "登山背包",
    "轻量登山鞋",
    "冲锋衣",
    "保温杯",
    "锅",
    "羽绒睡袋Pro",
    "北望三季帐篷",
    "高山远行者双人帐篷",
    "tent",
    "Rain Jacket",
    "Trail Runner Pro",
    "Camp Stove 2",
    "Camp Stove 3",
    "X200 Headlamp",
)
PRODUCTS = WordList([(name, (name,)) for name in NAMES], fuzzy=True)


def values(text: str, words: WordList = PRODUCTS) -> list[str]:
    """The values of a text, in order."""
    return [found.value for found in words.find(align(text).folded)]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_found_as_it_is_written(name: str) -> None:
    """Alone, beside Chinese characters, and among blanks."""
    assert values(name) == [name]
    assert values(f"请问 {name} 多少钱") == [name]
    assert values(f"how much is the {name}?") == [name]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("輕量登山鞋有货吗", "轻量登山鞋"),
        ("轻量 登山鞋", "轻量登山鞋"),
        ("羽绒睡袋ＰＲＯ", "羽绒睡袋Pro"),
        ("羽绒睡袋pro", "羽绒睡袋Pro"),
        ("TRAIL RUNNER PRO", "Trail Runner Pro"),
        ("trailrunner pro", "Trail Runner Pro"),
        ("trail-runner-pro", "Trail Runner Pro"),
        ("campstove2", "Camp Stove 2"),
        ("two tents", "tent"),
        ("rain jackets", "Rain Jacket"),
        ("锅坏了", "锅"),
        ("保温杯子", "保温杯"),
    ],
)
def test_width_case_script_blanks_and_plurals_do_not_matter(text: str, value: str) -> None:
    """The value is always the list's own spelling."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("轻量登山协", "轻量登山鞋"),
        ("充锋衣", "冲锋衣"),
        ("羽绒睡带pro", "羽绒睡袋Pro"),
        ("北望三季账篷", "北望三季帐篷"),
        ("登山包", "登山背包"),
        ("登山大背包", "登山背包"),
        ("登背山包", "登山背包"),
        ("高山远行双人账篷", "高山远行者双人帐篷"),
        ("trail runer pro", "Trail Runner Pro"),
        ("trial runner pro", "Trail Runner Pro"),
        ("traill runner pr", "Trail Runner Pro"),
        ("rain jaket", "Rain Jacket"),
        ("rain jakcet", "Rain Jacket"),
        ("camp stov 2", "Camp Stove 2"),
        ("x200headlmp", "X200 Headlamp"),
    ],
)
def test_a_slip_or_two_in_a_longer_name_is_forgiven(text: str, value: str) -> None:
    """A character of the same sound, one missing, one too many, two swapped."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "登山背心有吗",
        "登山书包",
        "保温壶",
        "火锅底料",
        "北望四季帐篷",
        "content",
        "intention",
        "attentive",
        "train jacket",
        "packet",
        "raincoat",
        "camp stove",
        "camp stove 4",
        "x300 headlamp",
        "x2000 headlamp",
        "trainrunnerprofile",
        "test",
        "",
        "???",
    ],
)
def test_another_word_is_not_taken_for_a_product(text: str) -> None:
    """Another thing, another number, a part of a longer word, too short a name for slips."""
    assert values(text) == []


def test_the_longer_name_goes_before_the_shorter_inside_it() -> None:
    """Also where the longer one has a slip."""
    words = WordList([(name, (name,)) for name in ("Trail", "Trail Runner Pro")], fuzzy=True)
    assert values("my trail runner pro", words) == ["Trail Runner Pro"]
    assert values("my trail runer pro", words) == ["Trail Runner Pro"]
    assert values("the trail is long", words) == ["Trail"]


def test_what_is_equally_near_to_two_products_is_neither() -> None:
    """Nobody can tell which was meant, and the wrong one would be sent."""
    words = WordList([(name, (name,)) for name in ("Camp Mug Tall", "Camp Mug Tell")], fuzzy=True)
    assert values("camp mug tall", words) == ["Camp Mug Tall"]
    assert values("camp mug toll", words) == []


def test_other_names_of_a_product_mean_the_product() -> None:
    """A value may have many words, in both languages."""
    words = WordList([("MUG-1", ("Camp Mug", "露营杯", "营地马克杯"))], fuzzy=True)
    assert values("露营杯和camp mug", words) == ["MUG-1", "MUG-1"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("坏了", ["damaged"]),
        ("東西壞了", ["damaged"]),
        ("坏 了", []),
        ("brocken", []),
        ("BROKEN", ["damaged"]),
    ],
)
def test_a_list_that_is_not_fuzzy_takes_words_as_they_are(text: str, found: list[str]) -> None:
    """But for width, case and script, as everywhere."""
    assert values(text, WordList([("damaged", ("坏了", "broken"))])) == found


def test_spans_cover_what_was_written() -> None:
    """With the blanks inside and the plural behind."""
    folded = align("two  Rain Jackets please").folded
    [found] = PRODUCTS.find(folded)
    assert folded[found.start : found.end] == "rain jackets"


@pytest.mark.parametrize(
    ("values_", "reason"),
    [
        ((("a", ()),), "no words"),
        ((("a", ("--",)),), "nothing is left"),
        ((("a", ("x" * (MAX_WORD_LENGTH + 1),)),), "longer than"),
        (tuple((str(n), (f"w{n}",)) for n in range(20_001)), "more than"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(
    values_: tuple[tuple[str, tuple[str, ...]], ...], reason: str
) -> None:
    """With a reason for its author."""
    with pytest.raises(PatternRejected, match=reason):
        WordList(values_, fuzzy=True)


# Twenty, ten and ten pieces of two or three characters, for two thousand names.
_THINGS = (
    "登山鞋冲锋衣保温杯羽绒服折叠椅速干裤登山杖睡袋帐篷炉头背包手套水壶头灯毛毯雨衣短裤围巾袜子帽子"
)
_BRANDS = "山野云岭北望轻行松果远山青石白桦野趣极光"
_KINDS = "轻量防水加厚便携折叠儿童男款女款专业保暖"


def _pieces(text: str, threes: int) -> list[str]:
    """Cut off so many pieces of three characters, then pieces of two."""
    long = [text[each * 3 : each * 3 + 3] for each in range(threes)]
    rest = text[threes * 3 :]
    return long + [rest[each : each + 2] for each in range(0, len(rest), 2)]


CATALOGUE = [
    brand + kind + thing
    for brand in _pieces(_BRANDS, 0)
    for kind in _pieces(_KINDS, 0)
    for thing in _pieces(_THINGS, 7)
]


@pytest.fixture(scope="module")
def catalogue() -> WordList:
    """Two thousand products that share all their parts with hundreds of others."""
    return WordList([(name, (name,)) for name in CATALOGUE], fuzzy=True)


def _comparisons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count how often a name is compared with a place of the text."""
    counted: list[str] = []
    compare = word_list._compare

    def counting(squeezed: object, name: object, start: int) -> object:
        counted.append(name.text)  # type: ignore[attr-defined]
        return compare(squeezed, name, start)  # type: ignore[arg-type]

    monkeypatch.setattr(word_list, "_compare", counting)
    return counted


def test_among_two_thousand_products_few_are_looked_at(
    catalogue: WordList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary message is compared with a fraction of the list only."""
    counted = _comparisons(monkeypatch)
    assert values("我买的云岭防水充锋衣什么时候能到", catalogue) == ["云岭防水冲锋衣"]
    assert len(counted) < len(CATALOGUE) / 4
    counted.clear()
    assert values("where is my order, it should have been here by now", catalogue) == []
    assert not counted


def test_a_text_made_against_the_list_is_compared_a_bounded_number_of_times(
    catalogue: WordList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four thousand code points of a word that hundreds of names share."""
    counted = _comparisons(monkeypatch)
    values(("轻量防水" * MAX_TEXT_LENGTH)[:MAX_TEXT_LENGTH], catalogue)
    assert len(counted) <= MAX_COMPARED


@given(st.sampled_from(CATALOGUE[::37]), st.text(alphabet="请问有货吗的 ,.a1", max_size=10))
def test_a_name_is_found_in_any_surroundings(name: str, around: str) -> None:
    """Whatever stands before and behind."""
    words = WordList([(name, (name,))], fuzzy=True)
    assert values(f"{around}{name}{around}", words) == [name]


@given(st.text(alphabet="登山背包鞋轻量tentrailx2 -", max_size=40))
def test_whatever_the_text_ranges_are_disjoint_and_inside_it(text: str) -> None:
    """In order, never empty."""
    folded = align(text).folded
    end = 0
    for found in PRODUCTS.find(folded):
        assert end <= found.start < found.end <= len(folded)
        assert found.value in NAMES
        end = found.end
