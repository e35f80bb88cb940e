"""What two models say of the same utterances: broken, fixed, or merely otherwise."""

from services.intent.quality import Judged
from services.intent.values import Candidate, IntentType
from services.intent.versions.comparison import Change, Pair, compare, sides


def candidate(intent: str) -> Candidate:
    """What a model says."""
    return Candidate(intent, IntentType.QUERY, 0.5)


def judged(text: str, intent: str, predicted: str) -> Judged:
    """An utterance and what a model that never saw it said."""
    return Judged(text, intent, "en", candidate(predicted))


def pair(text: str, intent: str, before: str, after: str) -> Pair:
    """What two models say of an utterance."""
    return Pair(text, intent, candidate(before), candidate(after))


def test_agreement_is_no_change() -> None:
    """Neither where both are right nor where both are wrong alike; both are counted."""
    result = compare([pair("a", "x", "x", "x"), pair("b", "x", "y", "y")])
    assert (result.compared, result.changes) == (2, ())


def test_each_change_has_its_kind() -> None:
    """Right to wrong is broken, wrong to right is fixed, wrong to wrong is something else."""
    result = compare([
        pair("a", "x", "x", "y"), pair("b", "x", "y", "x"), pair("c", "x", "y", "z"),
    ])  # fmt: skip
    kinds = {each.pair.text: each.change for each in result.changes}
    assert kinds == {"a": Change.BROKEN, "b": Change.FIXED, "c": Change.OTHER}
    assert [result.count(kind) for kind in Change] == [1, 1, 1]


def test_unknown_is_a_side_like_any_other() -> None:
    """To call an intent unknown breaks it; to call an example of unknown so is right."""
    result = compare([pair("a", "x", "x", "unknown"), pair("b", "unknown", "x", "unknown")])
    assert [each.change for each in result.changes] == [Change.BROKEN, Change.FIXED]


def test_what_nobody_labelled_is_neither_better_nor_worse() -> None:
    """Texts of the request have no intent."""
    [changed] = compare([pair("a", "", "x", "y")]).changes
    assert changed.change is Change.OTHER


def test_the_worst_comes_first() -> None:
    """Broken, then fixed, then others, each by text: the same list on every replica."""
    pairs = [
        pair("e", "x", "y", "z"), pair("d", "x", "y", "x"), pair("c", "x", "x", "y"),
        pair("b", "x", "y", "x"), pair("a", "x", "y", "z"),
    ]  # fmt: skip
    assert [each.pair.text for each in compare(pairs).changes] == ["c", "b", "d", "a", "e"]
    assert compare(pairs) == compare(pairs[::-1])


def test_training_sets_are_sorted_by_who_judged() -> None:
    """An utterance that moved to another intent was judged by both."""
    first = [judged("a", "x", "x"), judged("b", "x", "y")]
    second = [judged("b", "y", "y"), judged("c", "y", "x")]
    found = sides(first, second)
    assert found.both == ((first[1], second[0]),)
    assert found.first_only == (first[0],)
    assert found.second_only == (second[1],)


def test_what_counts_as_the_same_is_compared_with_itself() -> None:
    """As in the draft: another case or sign makes no other utterance."""
    before, after = judged("Opening hours", "x", "y"), judged("OPENING HOURS!", "x", "y")
    found = sides([before], [after])
    assert found.both == ((before, after),)
    assert (found.first_only, found.second_only) == ((), ())


def test_of_very_many_only_a_sample_is_asked() -> None:
    """The same one whatever the order; the count says how many there are."""
    first = [judged(f"a {number}", "x", "x") for number in range(9)]
    second = [judged("b", "x", "x"), first[0]]
    found = sides(first, second, most_asked=3)
    assert len(found.first_only) == 3
    assert found.left_out == 5
    assert found.second_only == (second[0],)
    again = sides(first[::-1], second, most_asked=3)
    assert set(again.first_only) == set(found.first_only)
    result = compare([pair("a", "x", "x", "x")], left_out=5)
    assert (result.compared, result.of) == (1, 6)


def test_nothing_against_nothing() -> None:
    """Empty sides are no error."""
    assert sides([], []).both == ()
    assert compare([]).compared == 0
