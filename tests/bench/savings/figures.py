"""What a replay saved, and whether anybody got an answer to another question."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.savings.replay import Given, Way

REQUIRED_SHARE = 0.4
"""Of the calls that sending everything would make, so many have to be saved."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one stream cost, against sending every question to the model.

    Attributes:
        requests: questions for which the knowledge had something; the others cost nothing anyway.
        nothing: the others.
        ways: how many were answered in which way.
        calls: requests that the provider saw.
        reached: questions that reached the gateway, which no FAQ answered.
        tokens: sent and written.
        all_tokens: what sending everything would have come to.
        wrong: questions that were given the answer to another one.
        unanswered: questions whose answer the search had not found, so that the model said so.
    """

    requests: int
    nothing: int
    ways: dict[str, int]
    calls: int
    reached: int
    tokens: int
    all_tokens: int
    wrong: list[str]
    unanswered: int

    @property
    def calls_saved(self) -> float:
        """Share of the calls that were not made."""
        return 1 - self.calls / self.requests

    @property
    def gateway_calls_saved(self) -> float:
        """Share of the calls that were not made, of those questions that reached the gateway."""
        return 1 - self.calls / self.reached

    @property
    def tokens_saved(self) -> float:
        """Share of the tokens that were neither sent nor written."""
        return 1 - self.tokens / self.all_tokens

    @property
    def problems(self) -> list[str]:
        """What is not as it has to be, a line each."""
        found = [f"wrong answer: {each}" for each in self.wrong]
        for name, share in (("all", self.calls_saved), ("the gateway's", self.gateway_calls_saved)):
            if share < REQUIRED_SHARE:
                found.append(
                    f"of {name} calls {share:.0%} were saved, {REQUIRED_SHARE:.0%} is meant"
                )
        return found


def figures(given: Sequence[Given], calls: int, costs: Mapping[str, int]) -> Figures:
    """Sum up a replay.

    Args:
        given: what every customer got.
        calls: requests that the provider saw meanwhile.
        costs: tokens of sending a question, by its words.
    """
    answered = [each for each in given if each.way is not Way.NOTHING]
    return Figures(
        requests=len(answered),
        nothing=len(given) - len(answered),
        ways={way.value: count for way, count in Counter(each.way for each in given).items()},
        calls=calls,
        reached=sum(each.way is not Way.FAQ for each in answered),
        tokens=sum(each.sent + each.written for each in answered),
        all_tokens=sum(costs[each.asked.text] for each in answered),
        wrong=[f"{each.asked.text} -> {each.text}" for each in wrong(given)],
        unanswered=sum(each.way is not Way.FAQ and not each.is_right for each in answered),
    )


def wrong(given: Sequence[Given]) -> list[Given]:
    """Return who was given the answer to another question.

    A shared answer must be one that was written for this very answer's id, and an FAQ's must hold
    the fact that was asked for.
    """
    written: dict[str, set[str]] = defaultdict(set)
    for each in given:
        if each.way in (Way.CALLED, Way.EXTRACTED):
            written[each.asked.answer].add(each.text)
    return [
        each
        for each in given
        if (each.way is Way.SHARED and each.text not in written[each.asked.answer])
        or (each.way is Way.FAQ and not each.is_right)
    ]


def calls_over(keys: Sequence[str], seconds: float, kept_seconds: float) -> int:
    """Return the calls that a stream of questions makes when it takes so long.

    Args:
        keys: equal for questions of which one answer serves both, in their order.
        seconds: from the first to the last, at a steady rate.
        kept_seconds: how long an answer is given again.
    """
    made: dict[str, float] = {}
    calls = 0
    for place, key in enumerate(keys):
        now = seconds * place / len(keys)
        if key not in made or now - made[key] >= kept_seconds:
            made[key] = now
            calls += 1
    return calls
