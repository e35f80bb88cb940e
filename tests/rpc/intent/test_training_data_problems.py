"""Bad training data through the front door: a clear report, and the draft as it was."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from kefu import errors
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.intent.drafts import draft as draft_module
from tests.support.intent_data import (
    GOOD,
    MERGE,
    OPERATION,
    QUERY,
    SECONDS,
    UNSPECIFIED,
    bring,
    draft,
    header,
    part,
    reasons,
    stub,
    tenant,
)
from tests.support.mesh import error_of

__all__ = ["stub", "tenant"]

Severity = pb.DataProblem

_BETWEEN_SECONDS = 0.2
"""Between two calls beside a long one: they are to be answered, not to take its time."""


@pytest.mark.parametrize(
    ("bad", "reason", "intent", "said"),
    [
        (part([("refund", "  ")]), "EMPTY_UTTERANCE", "refund", ["refund", "says"]),
        (part([("refund", "？！")]), "EMPTY_UTTERANCE", "refund", ["？！"]),
        (part([("refund", "PK\x03\x04")]), "TEXT_NOT_READABLE", "refund", ["UTF-8"]),
        (part([("refund", "\ufffd\ufffd\ufffd")]), "TEXT_NOT_READABLE", "refund", ["UTF-8"]),
        (
            part([("refund", "退钱"), ("hours", "退錢！")]),
            "CONFLICTING_LABELS", "refund", ["'退钱' under 'refund'", "'退錢！' under 'hours'"],
        ),
        (
            part(intents=[("refund", QUERY), ("refund", OPERATION)]),
            "CONFLICTING_TYPES", "refund", ["query and operation"],
        ),
        (part([("refnud", "退钱")]), "INTENT_NOT_FOUND", "refnud", ["'refnud'", "'退钱'"]),
        (part([("退款", "退钱")]), "BAD_INTENT_NAME", "", ["'退款'", "cancel_order"]),
        (part(intents=[("unknown", QUERY)]), "BAD_INTENT_TYPE", "unknown", ["do not define it"]),
        (
            part(entity_types=[pb.EntityType(entity_type="ticket", pattern="T(")]),
            "BAD_ENTITY_TYPE", "", ["'ticket'", "RE2"],
        ),
    ],
)  # fmt: skip
async def test_bad_data_is_reported_and_nothing_is_taken(
    stub: IntentTrainingServiceStub, tenant: str, bad: pb.ImportTrainingDataRequest, reason: str,
    intent: str, said: list[str],
) -> None:  # fmt: skip
    """Each kind by its reason and in words that lead to the place; the good rest waits."""
    before = await bring(stub, tenant, GOOD)
    done = await bring(stub, tenant, part([("refund", "a good one")]), bad)
    assert not done.imported
    [problem] = done.problems
    assert (problem.severity, problem.reason) == (Severity.SEVERITY_ERROR, reason)
    assert problem.intent == intent
    assert all(words in problem.message for words in said)
    assert (done.data_hash, done.utterance_count) == (before.data_hash, 6)
    assert "a good one" not in (await draft(stub, tenant))["refund"]


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (
            part([("refund", "退钱"), ("refund", "退錢！")]),
            "DUPLICATE_UTTERANCE", "'退錢！' says the same as '退钱'",
        ),
        (
            part([("refund", "退钱"), ("refund", "退钱")]),
            "DUPLICATE_UTTERANCE", "stands there twice",
        ),
        (part([("late", "a"), ("late", "b")], [("late", UNSPECIFIED)]), "TYPE_MISSING", "a query"),
        (part([("late", "a")], [("late", QUERY)]), "TOO_FEW_UTTERANCES", "'late' has 1 utterance"),
    ],
)  # fmt: skip
async def test_what_is_only_worth_knowing_is_a_warning(
    stub: IntentTrainingServiceStub, tenant: str, data: pb.ImportTrainingDataRequest, reason: str,
    said: str,
) -> None:  # fmt: skip
    """A draft grows by and by: the data is taken, its author is told."""
    done = await bring(stub, tenant, GOOD, data)
    assert done.imported
    [problem] = done.problems
    assert (problem.severity, problem.reason) == (Severity.SEVERITY_WARNING, reason)
    assert said in problem.message


async def test_one_intent_only_is_told_at_once(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """It may be the first of many; a model of it cannot be trained."""
    done = await bring(stub, tenant, part([("pay", "a1"), ("pay", "b2")], [("pay", QUERY)]))
    assert done.imported
    assert reasons(done) == ["ONE_INTENT_ONLY"]


async def test_problems_are_counted_beyond_those_that_are_listed(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """Errors come first, a thousand at most, and the number of all is known."""
    twice = part([("refund", f"text {number // 2}") for number in range(2000)])
    blank = part([("refund", "!")])
    done = await bring(stub, tenant, GOOD, twice, twice, blank)
    assert (len(done.problems), done.problem_count) == (1000, 3001)
    assert done.problems[0].reason == "EMPTY_UTTERANCE"
    assert reasons(done)[1:] == ["DUPLICATE_UTTERANCE"] * 999


async def test_a_hundred_thousand_utterances_are_taken(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """In one import of seconds, while other calls are answered."""
    names = [(f"intent_{number}", QUERY) for number in range(200)]
    parts = [
        part([(f"intent_{(k * 2000 + n) % 200}", f"第{k * 2000 + n}个 utterance {n}")
              for n in range(2000)])
        for k in range(50)
    ]  # fmt: skip
    started = time.process_time()
    importing = asyncio.create_task(bring(stub, tenant, part(intents=names), *parts))
    answered = 0
    while not importing.done():
        await stub.ListIntents(pb.ListIntentsRequest(parent=tenant), timeout=SECONDS)
        answered += not importing.done()
        await asyncio.wait({importing}, timeout=_BETWEEN_SECONDS)
    done = await importing
    assert answered
    assert (done.imported, done.utterance_count, done.problem_count) == (True, 100_000, 0)
    # Of a core, service and client together: what others do on this machine does not count.
    assert time.process_time() - started < 20
    over = await error_of(bring(stub, tenant, *parts, part([("intent_1", "one more")])))
    assert type(over) is errors.TrainingDataTooLarge
    assert over.metadata["limit"] == "100000 utterances"
    grown = await error_of(bring(stub, tenant, part([("intent_1", "one more")])))
    assert type(grown) is errors.TrainingDataTooLarge


async def test_clients_who_say_nothing_keep_nobody_waiting(
    stub: IntentTrainingServiceStub, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as may import at once send a header and no more; they are given up, and told why."""
    monkeypatch.setattr(draft_module, "_IDLE_SECONDS", 2)
    silent = asyncio.Event()

    async def nothing() -> AsyncIterator[pb.ImportTrainingDataRequest]:
        yield header(tenant)
        await silent.wait()

    calls = [stub.ImportTrainingData(nothing(), timeout=60) for _ in range(3)]
    done = await bring(stub, tenant, GOOD)
    assert done.imported
    for call in calls:
        error = await error_of(call)
        assert type(error) is errors.DeadlineExceeded
        assert "nothing of the import came" in error.message
    silent.set()


async def test_a_draft_has_two_thousand_intents_at_most(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """Of one import, and of several after each other."""
    names = [(f"intent_{number}", QUERY) for number in range(2000)]
    assert (await bring(stub, tenant, part(intents=names))).intent_count == 2000
    for parts in ([part(intents=names), GOOD], [GOOD]):
        error = await error_of(bring(stub, tenant, *parts))
        assert type(error) is errors.TrainingDataTooLarge
        assert error.metadata["limit"] == "2000 intents"


@pytest.mark.parametrize("order", ["", "data", "header header", "data header"])
async def test_an_import_is_one_header_then_data(
    stub: IntentTrainingServiceStub, tenant: str, order: str
) -> None:
    """Anything else gets one precise error."""
    messages = {"header": header(tenant), "data": GOOD}
    call = stub.ImportTrainingData(
        iter([messages[each] for each in order.split()]), timeout=SECONDS
    )
    assert type(await error_of(call)) is errors.ImportOutOfOrder


async def test_an_import_that_breaks_off_leaves_the_draft_as_it_was(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """A second header at the end undoes all that came before it."""
    before = await bring(stub, tenant, GOOD)
    error = await error_of(bring(stub, tenant, part([("refund", "退钱")]), header(tenant)))
    assert type(error) is errors.ImportOutOfOrder
    again = await bring(stub, tenant, part())
    assert again.data_hash == before.data_hash


@pytest.mark.parametrize(
    "bad",
    [
        pb.TrainingDataHeader(parent="shop", request_id="no", mode=MERGE),
        pb.TrainingDataHeader(parent="tenants/shop", request_id="no", mode=MERGE),
        pb.TrainingDataHeader(
            parent="tenants/shop", request_id="6f1ed002-ab5b-4c6b-a3b5-0f6f2a1f6f0a"
        ),
    ],
)
async def test_a_header_of_another_form_is_refused(
    stub: IntentTrainingServiceStub, bad: pb.TrainingDataHeader
) -> None:
    """Tenant, request_id and mode are needed."""
    call = stub.ImportTrainingData(
        iter([pb.ImportTrainingDataRequest(header=bad)]), timeout=SECONDS
    )
    assert type(await error_of(call)) is errors.InvalidRequest


async def test_an_expired_deadline_leaves_the_draft_as_it_was(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """A client that is too slow is told so, and half an import is none."""
    before = await bring(stub, tenant, GOOD)

    async def endless() -> AsyncIterator[pb.ImportTrainingDataRequest]:
        yield header(tenant)
        number = 0
        while True:
            number += 1
            yield part([("refund", f"退钱 {number}")])

    error = await error_of(stub.ImportTrainingData(endless(), timeout=0.5))
    assert type(error) is errors.DeadlineExceeded
    assert (await bring(stub, tenant, part())).data_hash == before.data_hash
