"""How the words around an opinion change it in Chinese."""

import pytest

from tests.unit.sentiment.conftest import Score


@pytest.mark.parametrize(
    "rising",
    [
        ["非常差", "很差", "差", "有点差"],
        ["极其失望", "非常失望", "失望", "稍微失望"],
        ["太不好了", "不好", "不太好", "还可以", "好用", "非常好用", "好用得不得了"],
        ["完全不满意", "不是很满意", "满意", "非常满意"],
        ["慢死了", "慢", "慢了点"],
    ],
)
def test_degree_words_order_opinions(score: Score, rising: list[str]) -> None:
    """Degree words before and behind an opinion strengthen or weaken it, in Chinese order."""
    scores = [score(text) for text in rising]
    assert scores == sorted(scores)
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize("negation", ["不", "没有", "并不", "毫无", "从不", "谈不上", "一点都不"])
@pytest.mark.parametrize("praise", ["满意", "专业", "热情", "诚意", "方便"])
def test_negation_turns_praise_round(score: Score, negation: str, praise: str) -> None:
    """Every kind of negation makes blame of praise, weaker than the praise was."""
    assert score(praise) > 0 > score(negation + praise)


@pytest.mark.parametrize("blame", ["生气", "失望", "慢", "贵", "麻烦", "垃圾"])
def test_a_negated_fault_is_mild_praise(score: Score, blame: str) -> None:
    """Not slow is good, yet less good than slow is bad."""
    assert 0 < score(f"一点都不{blame}") < -score(blame)


@pytest.mark.parametrize("text", ["没有不满意", "不是不满意", "并不是不好用"])
def test_two_negations_assert_weakly(score: Score, text: str) -> None:
    """Two negations make praise that is weaker than plain praise."""
    assert 0 < score(text) < score("满意")


def test_an_accusation_stays_one_behind_a_prohibition(score: Score) -> None:
    """别敷衍我 presupposes that they did; 别着急 comforts."""
    assert score("别再敷衍我了") < -0.3
    assert score("别着急") == 0
    assert score("不要骗人") < -0.3


@pytest.mark.parametrize(
    "text",
    ["能不能", "是不是", "差不多", "不好意思", "不知道", "不错过", "出差", "慢慢来", "贵公司"],
)
def test_words_that_look_like_opinions_are_none(score: Score, text: str) -> None:
    """A character of an opinion inside another word counts for nothing."""
    assert score(text) == 0


@pytest.mark.parametrize(
    ("ironic", "plain"),
    [
        ("呵呵,服务真好", "服务真好"),
        ("难道这就是你们的优质服务", "你们的优质服务"),
        ("所谓的贴心服务", "贴心服务"),
        ("服务真好🙄", "服务真好"),
    ],
)
def test_irony_turns_praise_round(score: Score, ironic: str, plain: str) -> None:
    """Praise next to a sign of irony is blame."""
    assert score(ironic) < 0 < score(plain)


def test_what_follows_but_outweighs_what_came_before(score: Score) -> None:
    """The order of praise and blame around 但是 decides."""
    assert score("物流很快,但是客服很差") < 0
    assert score("客服很差,但是物流很快") > score("物流很快,但是客服很差")


def test_wishes_and_questions_are_no_statements(score: Score) -> None:
    """What a customer asks or looks for says nothing about what she has."""
    assert abs(score("质量好吗")) < 0.05
    assert abs(score("想买好看的杯子")) < 0.05
    assert abs(score("希望服务好")) < 0.15
    assert score("如果坏了") > score("坏了")


def test_anger_in_the_form_of_a_question_stays_anger(score: Score) -> None:
    """A rhetorical question is not weakened."""
    assert score("你们是骗子吗") < -0.5
    assert score("有完没完？") < -0.5


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("服務態度惡劣", "服务态度恶劣"),
        ("氣死我了", "气死我了"),
        ("非常滿意", "非常满意"),
        ("著急死了", "着急死了"),
        ("東西壞了", "东西坏了"),
    ],
)
def test_script_makes_no_difference(score: Score, traditional: str, simplified: str) -> None:
    """Traditional and simplified characters of the same words score the same, and not zero."""
    assert score(traditional) == score(simplified) != 0


def test_several_facts_about_one_parcel_stay_a_complaint(score: Score) -> None:
    """Late, damaged and incomplete in one message does not become rage by adding up."""
    assert -0.55 < score("快递三天了还没到，箱子破了，少发了一件") < score("快递还没到") < 0


@pytest.mark.parametrize(
    ("mixed", "sign"),
    [
        ("完全不helpful", -1),
        ("太bad了", -1),
        ("非常nice", 1),
        ("不是很happy", -1),
        ("我不 happy", -1),
        ("物流很快, but the support is terrible", -1),
        ("客服says sorry，I hate waiting", -1),
    ],
)
def test_chinese_modifiers_reach_english_words(score: Score, mixed: str, sign: int) -> None:
    """Negation and degree work across the languages, an English clause by itself."""
    assert score(mixed) * sign > 0.1


def test_a_degree_word_of_chinese_strengthens_an_english_word(score: Score) -> None:
    """太bad is worse than bad."""
    assert score("太bad了") < score("这个bad")


@pytest.mark.parametrize(
    "text",
    [
        "I am not 满意 with this",
        "don't 喜欢 this",
        "这家店 not 推荐",
        "服务 never 让人满意",
        "质量 is not really 好",
        "我不 recommend this shop",
        "不 happy with the 退款",
        "这个 product 不 good at all",
    ],
)
def test_a_negation_in_one_language_turns_an_opinion_in_the_other(score: Score, text: str) -> None:
    """Who mixes two languages negates across them."""
    assert score(text) < -0.2


def test_a_negation_does_not_reach_far_into_english(score: Score) -> None:
    """It turns what stands at the beginning of an English clause, and nothing beyond it."""
    assert score("不 understand why this is so good") > 0
    assert score("没收到 refund and it's terrible") < score("没收到 refund")
