"""What says nearly the same is judged once; what only looks alike is not thrown together."""

import numpy as np
import pytest

from services.intent.review.clusters import Clusters, Member, Vector, terms

MODEL = "some-model"


def vector(angle: float) -> Vector:
    """A vector at an angle, in radians, from the first one."""
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def member(text: str, values: Vector | None = None, model: str = MODEL) -> Member:
    """An utterance; its text serves as its id."""
    return Member(text.encode(), terms(text), values, model)


def groups(*members: Member) -> list[set[str]]:
    """The clusters of some utterances, in the order in which they began."""
    clusters = Clusters(())
    found: dict[bytes, set[str]] = {}
    for each in members:
        found.setdefault(clusters.place(each), set()).add(each.cluster.decode())
    return list(found.values())


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("发票抬头开错了怎么改", "发票抬头开错了"),
        ("可以开电子发票吗", "能不能开电子发票"),
        ("how do I change the invoice title", "please change the invoice title"),
        ("我的卡号是<CARD>，扣款失败", "扣款失败"),
        ("👍👍", "👍👍"),
    ],
)
def test_what_shares_most_of_its_words_is_one_cluster(text: str, same: str) -> None:
    """Without any vector; function words and placeholders do not count."""
    assert len(groups(member(text), member(same))) == 1


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("怎么开发票", "怎么修改地址"),
        ("how do I pay", "how do I return it"),
        ("我的手机号是<PHONE>", "我的卡号是<CARD>"),
        ("please help me with the invoice", "please help me with the delivery"),
    ],
)
def test_what_shares_only_its_frame_is_not(text: str, other: str) -> None:
    """怎么 and "how do I" begin everything."""
    assert len(groups(member(text), member(other))) == 2


def test_meaning_joins_what_shares_some_words() -> None:
    """Near vectors and a word in common; either alone joins strangers."""
    one, near, far = vector(0), vector(0.1), vector(1)
    assert len(groups(member("发票开错了", one), member("发票抬头不对", near))) == 1
    assert len(groups(member("发票开错了", one), member("发票抬头不对", far))) == 2
    assert len(groups(member("发票开错了", one), member("怎么注销账号", near))) == 2


def test_vectors_of_two_models_are_never_compared() -> None:
    """They mean nothing to each other, even at the same place."""
    one = vector(0)
    assert len(groups(member("发票开错了", one), member("发票抬头不对", one, "another"))) == 2


def test_an_utterance_joins_the_most_alike_of_its_clusters() -> None:
    """Not the first that would do."""
    clusters = Clusters([member("invoice title"), member("invoice title change request")])
    assert clusters.place(member("change request invoice title")) == b"invoice title change request"


def test_clusters_go_on_from_those_that_stand_for_them() -> None:
    """What was clustered before is known by its representative."""
    clusters = Clusters([member("开电子发票")])
    assert clusters.place(member("我要开电子发票")) == "开电子发票".encode()
    assert clusters.place(member("注销账号")) == "注销账号".encode()
    assert clusters.place(member("怎么注销账号")) == "注销账号".encode()


def test_terms_are_words_with_content() -> None:
    """Chinese words with their pairs of characters; no frame, no placeholder."""
    assert terms("请问怎么开发票") & {"发票"}
    assert not terms("请问怎么开发票") & {"请问", "怎么"}
    assert terms("my order <ORDER_NUMBER> is late") == {"order", "late"}
    assert terms("发票开错了") == {"发票", "票开", "开错"}
    assert terms("的") == {"的"}
