"""CompareModels through the front door: which utterances changed sides, and for whom."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from kefu.errors import (
    DeadlineExceeded,
    IntentModelNotFound,
    InvalidRequest,
    PageTokenInvalid,
)
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.model_pb2 import ChangedUtterance

from services.intent.values import Candidate, IntentType
from services.intent.versions import comparison
from services.intent.versions.version import Product
from tests.rpc.intent.samples import MORE, SECONDS, Company, product, request_id, stored
from tests.support.mesh import error_of

SMALL = product("refund", "delivery", "unknown")
LARGE = product("refund", "delivery", "invoice", "unknown")


def judging(made: Product, **instead: str) -> Product:
    """The same model; of its `held-out` utterances all were judged rightly but for `instead`."""
    judged = [
        replace(
            each,
            predicted=Candidate(
                instead.get(each.text, each.intent), IntentType.QUERY, each.predicted.confidence
            ),
        )
        for each in made.quality.judged
    ]
    return replace(made, quality=replace(made.quality, judged=tuple(judged)))


async def compared(company: Company, base: str, name: str, **more: Any) -> Any:
    """Compare two versions."""
    request = pb.CompareModelsRequest(name=name, base_name=base, **more)
    return await company.training.CompareModels(request, timeout=SECONDS)


async def test_utterances_of_both_training_sets_are_compared(
    company: Company, database_url: str
) -> None:
    """What both were trained on by held-out verdicts; broken ones come first, then fixed ones."""
    text_fixed, text_broken, text_other = MORE["refund"][:3]
    before = judging(SMALL, **{text_fixed: "delivery", text_other: "delivery"})
    after = judging(SMALL, **{text_broken: "delivery", text_other: "unknown"})
    base = await stored(database_url, company.name, before)
    second = await stored(database_url, company.name, after)
    response = await compared(company, base.name, second.name)
    assert response.compared_count == response.total_count == 22
    counts = (response.fixed_count, response.broken_count, response.other_count)
    assert counts == (1, 1, 1)
    broken, fixed, other = response.changes
    assert (broken.text, broken.change) == (text_broken, ChangedUtterance.CHANGE_BROKEN)
    assert (broken.before.intent, broken.after.intent) == ("refund", "delivery")
    assert (fixed.text, fixed.change) == (text_fixed, ChangedUtterance.CHANGE_FIXED)
    assert (fixed.before.intent, fixed.after.intent) == ("delivery", "refund")
    assert (other.text, other.change) == (text_other, ChangedUtterance.CHANGE_OTHER)
    assert {each.intent for each in response.changes} == {"refund"}
    same = await compared(company, base.name, base.name)
    assert (same.compared_count, len(same.changes)) == (22, 0)


async def test_what_one_model_was_not_trained_on_it_is_asked_now(
    company: Company, database_url: str
) -> None:
    """A new intent: its utterances were wrong with the old model and are right with the new."""
    small = await stored(database_url, company.name, judging(SMALL), activate=True)
    large = await stored(database_url, company.name, judging(LARGE))
    forth = await compared(company, small.name, large.name)
    assert forth.compared_count == 22 + len(MORE["invoice"])
    assert {each.text for each in forth.changes} == set(MORE["invoice"])
    assert {each.change for each in forth.changes} == {ChangedUtterance.CHANGE_FIXED}
    back = await compared(company, large.name, f"{company.parent}/models/live")
    assert back.broken_count == len(MORE["invoice"])
    assert {each.intent for each in back.changes} == {"invoice"}


async def test_of_very_many_new_utterances_a_sample_is_judged(
    company: Company, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No caller waits for ever; the answer says how many of how many were judged."""
    limited = partial(comparison.sides, most_asked=2)
    monkeypatch.setattr(comparison, "sides", limited)
    small = await stored(database_url, company.name, judging(SMALL))
    large = await stored(database_url, company.name, judging(LARGE))
    response = await compared(company, small.name, large.name)
    assert (response.compared_count, response.fixed_count) == (22 + 2, 2)
    assert response.total_count == 22 + len(MORE["invoice"])
    back = await compared(company, large.name, small.name)
    assert {each.text for each in back.changes} == {each.text for each in response.changes}


async def test_further_texts_are_judged_by_both(company: Company, database_url: str) -> None:
    """Nobody has said what they mean, so a difference is neither good nor bad."""
    small = await stored(database_url, company.name, judging(SMALL))
    large = await stored(database_url, company.name, judging(LARGE))
    texts = ["发票怎么开！", "我要退款！", "发票怎么开！"]
    response = await compared(company, small.name, large.name, texts=texts)
    assert response.compared_count == 22 + len(MORE["invoice"]) + 2
    [other] = [each for each in response.changes if each.text in texts]
    assert (other.text, other.intent) == (texts[0], "")
    assert (other.after.intent, other.change) == ("invoice", ChangedUtterance.CHANGE_OTHER)


async def test_changes_come_in_pages(company: Company, database_url: str) -> None:
    """Each page has the counts of the whole; a token belongs to its comparison."""
    small = await stored(database_url, company.name, judging(SMALL))
    large = await stored(database_url, company.name, judging(LARGE))
    seen: list[str] = []
    token = ""
    while True:
        page = await compared(company, small.name, large.name, page_size=2, page_token=token)
        assert page.fixed_count == len(MORE["invoice"])
        seen += [each.text for each in page.changes]
        token = page.next_page_token or ""
        if not token:
            break
        last = token
    assert seen == sorted(MORE["invoice"])
    call = compared(company, large.name, small.name, page_token=last)
    assert isinstance(await error_of(call), PageTokenInvalid)


async def test_only_versions_of_one_tenant_that_are_there_can_be_compared(
    company: Company, database_url: str
) -> None:
    """Another tenant's is refused, a missing one is said to be missing."""
    here = (await stored(database_url, company.name, SMALL)).name
    missing = f"{company.parent}/models/none"
    for base, name in ((here, missing), (missing, here), (f"{company.parent}/models/live", here)):
        assert isinstance(await error_of(compared(company, base, name)), IntentModelNotFound)
    error = await error_of(compared(company, "tenants/other/models/x", here))
    assert isinstance(error, InvalidRequest)
    assert [path for path, _ in error.violations] == ["base_name"]


async def test_an_expired_deadline_is_reported(company: Company, database_url: str) -> None:
    """Comparing may take longer than a caller waits."""
    small = await stored(database_url, company.name, SMALL)
    large = await stored(database_url, company.name, LARGE)
    texts = [f"{'退款' * 1000} {request_id()}" for _ in range(256)]
    request = pb.CompareModelsRequest(name=large.name, base_name=small.name, texts=texts)
    error = await error_of(company.training.CompareModels(request, timeout=0.3))
    assert isinstance(error, DeadlineExceeded)


async def test_models_with_vectors_are_compared_with_vectors(company: Company) -> None:
    """A model is asked about the other's utterances as in service, by the vectors training left."""
    first = await company.trains(MORE, lexical_only=False)
    fewer = {**MORE, "invoice": MORE["invoice"][:3]}
    second = await company.trains(fewer, lexical_only=False)
    response = await compared(company, first.result, second.result)
    assert response.compared_count == sum(map(len, MORE.values()))
