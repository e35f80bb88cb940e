"""Training as a long-running operation, through the front door and with the real process."""

import asyncio
from typing import Any

import pytest
from kefu.errors import (
    IntentModelNotFound,
    MethodNotAllowed,
    OperationNotFound,
    PageTokenInvalid,
    RequestIdReused,
    TrainingDataInvalid,
    TrainingInProgress,
)
from kefu.generation.v1.generation_pb2 import EMBED_PURPOSE_QUERY
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub
from kefu.type.v1.text_pb2 import Embedding

from tests.rpc.intent.samples import (
    DATA,
    MODEL,
    MORE,
    SECONDS,
    Company,
    Operation,
    WordVectors,
    embedding,
    request_id,
)
from tests.support.intent_data import QUERY, bring, part
from tests.support.mesh import Served, error_of


def cancelling(name: str) -> pb.CancelOperationRequest:
    """A wish to end an operation."""
    return pb.CancelOperationRequest(name=name, request_id=request_id())


async def test_a_training_makes_a_model_and_says_how_far_it_is(company: Company) -> None:
    """It is accepted at once, its progress never falls, and its result is a model version."""
    imported = await company.imports(DATA)
    begun = await company.begins(lexical_only=True)
    assert begun.name.startswith(f"{company.parent}/operations/")
    assert (begun.state, begun.method) == (Operation.STATE_PENDING, "TrainModel")
    assert len(begun.trace_id) == 32
    seen = [each async for each in company.states(begun)]
    shares = [each.progress for each in seen]
    assert shares == sorted(shares)
    assert {each.stage for each in seen[1:-1]} - {""}
    ended = seen[-1]
    assert (ended.state, ended.progress) == (Operation.STATE_SUCCEEDED, 1.0)
    assert ended.end_time.ToDatetime() >= ended.create_time.ToDatetime()
    model = await company.model(ended.result)
    assert model.data_hash == imported.data_hash
    assert (model.intent_count, model.utterance_count) == (2, 22)
    assert (model.embedding_model, model.live) == ("", False)
    assert model.size_bytes > 0
    assert model.train_seconds > 0
    figures = model.quality.lexical
    assert figures.utterances == 22
    assert 0 < figures.accuracy <= 1
    assert {each.language_code for each in model.quality.languages} >= {"zh", "en"}
    assert not model.quality.HasField("with_embedding")


async def test_a_model_goes_into_service_only_when_asked(company: Company) -> None:
    """Without `activate` nothing answers; with it, as soon as the operation has succeeded."""
    await company.trains(DATA)
    assert isinstance(await error_of(company.classifies("我要退款")), IntentModelNotFound)
    assert isinstance(await error_of(company.model()), IntentModelNotFound)
    ended = await company.trains(activate=True)
    # At once, at the replica that said SUCCEEDED; the others follow within a second.
    found = await company.classifies("我要退款")
    assert found.best.intent == "refund"
    assert f"{company.parent}/models/{found.model_version}" == ended.result
    assert (await company.model()).live


async def test_a_repeat_returns_the_same_operation(company: Company) -> None:
    """Also after the operation has ended, and after the draft has become unusable."""
    first_id = request_id()
    await company.imports(DATA)
    begun = await company.begins(request_id=first_id, lexical_only=True)
    again = await company.begins(request_id=first_id, lexical_only=True)
    assert again.name == begun.name
    ended = await company.ended(begun)
    await company.imports({"refund": DATA["refund"]})
    assert await company.begins(request_id=first_id, lexical_only=True) == ended
    error = await error_of(company.begins(request_id=first_id, activate=True))
    assert isinstance(error, RequestIdReused)


async def test_a_tenant_trains_once_at_a_time(company: Company, vectors: WordVectors) -> None:
    """Another tenant is not held up; when the first training has ended, the next may begin."""
    vectors.open.clear()
    await company.imports(DATA)
    begun = await company.begins()
    error = await error_of(company.begins(lexical_only=True))
    assert isinstance(error, TrainingInProgress)
    assert error.retry_after_seconds
    vectors.open.set()
    assert (await company.ended(begun)).state == Operation.STATE_SUCCEEDED
    assert (await company.trains()).state == Operation.STATE_SUCCEEDED


async def test_two_trainings_that_begin_together_become_one(company: Company) -> None:
    """Of two wishes at the same moment one is accepted; the same wish twice is one operation."""
    await company.imports(DATA)
    wishes = [company.begins(lexical_only=True) for _ in range(4)]
    results = await asyncio.gather(*wishes, return_exceptions=True)
    [begun] = [each for each in results if isinstance(each, Operation)]
    await company.ended(begun)
    same = request_id()
    repeats = [company.begins(lexical_only=True, request_id=same) for _ in range(4)]
    begun, *others = await asyncio.gather(*repeats)
    assert {each.name for each in others} == {begun.name}
    await company.ended(begun)


async def test_data_that_cannot_be_trained_on_is_refused_with_every_reason(
    company: Company,
) -> None:
    """All problems in one message, one a line; an empty draft is one of them."""
    error = await error_of(company.begins(lexical_only=True))
    assert isinstance(error, TrainingDataInvalid)
    assert "no intent" in error.message
    await company.imports({"refund": DATA["refund"][:1], "delivery": ()})
    error = await error_of(company.begins(lexical_only=True))
    assert isinstance(error, TrainingDataInvalid)
    assert len(error.message.splitlines()) == 2
    assert "refund" in error.message
    assert "delivery" in error.message


async def test_vectors_are_fetched_in_batches_and_never_twice(
    company: Company, vectors: WordVectors
) -> None:
    """Each utterance is embedded as a customer's question; training again asks for what is new."""
    many = {name: [*texts, *(f"{texts[0]} {n}" for n in range(40))] for name, texts in DATA.items()}
    ended = await company.trains(many, lexical_only=False)
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem
    assert max(map(len, vectors.batches)) == 64
    assert set(vectors.purposes) == {EMBED_PURPOSE_QUERY}
    asked = [text for batch in vectors.batches[1:] for text in batch]
    assert sorted(asked) == sorted(text for texts in many.values() for text in texts)
    vectors.batches.clear()
    ended = await company.trains(many | {"invoice": MORE["invoice"]}, lexical_only=False)
    # One text tells which model is in use; the others are those of the new intent.
    assert len(vectors.batches[0]) == 1
    assert sorted(vectors.batches[1]) == sorted(MORE["invoice"])
    model = await company.model(ended.result)
    assert model.embedding_model == MODEL
    assert model.quality.with_embedding.utterances == model.utterance_count


async def test_another_embedding_model_means_other_vectors(
    company: Company, vectors: WordVectors
) -> None:
    """What one model made is not handed to a training with another."""
    await company.trains(DATA, lexical_only=False)
    vectors.batches.clear()
    vectors.model = "words-2"
    ended = await company.trains(lexical_only=False)
    assert sum(map(len, vectors.batches)) == 1 + 22
    assert (await company.model(ended.result)).embedding_model == "words-2"


async def test_without_the_generation_service_training_fails_and_says_what_to_do(
    company: Company, vectors: WordVectors
) -> None:
    """The live model stays; on words alone the same data can be trained."""
    before = (await company.trains(DATA, activate=True)).result
    vectors.down = True
    ended = await company.trains(MORE, activate=True, lexical_only=False)
    assert ended.state == Operation.STATE_FAILED
    assert ended.reason == "MODEL_UNAVAILABLE"
    assert "lexical_only" in ended.problem
    assert (ended.result, ended.HasField("end_time")) == ("", True)
    assert (await company.model()).name == before
    assert (await company.trains()).state == Operation.STATE_SUCCEEDED


async def test_a_generation_service_that_is_gone_is_named(
    company: Company, generation: Served, replica: Any
) -> None:
    """Nobody listens: SERVICE_UNAVAILABLE."""
    async with replica(peers={"generation": "127.0.0.1:1"}) as lonely:
        elsewhere = company.at(lonely)
        ended = await elsewhere.trains(DATA, lexical_only=False)
    assert (ended.state, ended.reason) == (Operation.STATE_FAILED, "SERVICE_UNAVAILABLE")
    assert "generation" in ended.problem


async def test_a_training_outlives_the_deadline_of_the_call_that_began_it(
    company: Company, vectors: WordVectors
) -> None:
    """The call has a second; the vectors come later, and the training still succeeds."""
    vectors.open.clear()
    await company.imports(DATA)
    request = pb.TrainModelRequest(parent=company.parent, request_id=request_id())
    begun = (await company.training.TrainModel(request, timeout=1)).operation
    await asyncio.wait_for(vectors.asked.wait(), SECONDS)
    await asyncio.sleep(1.2)
    vectors.open.set()
    ended = await company.ended(begun)
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem


async def test_cancelling_ends_a_training_and_changes_nothing(
    company: Company, vectors: WordVectors
) -> None:
    """It is over when the call returns; cancelling again returns it as it ended."""
    before = (await company.trains(DATA, activate=True)).result
    vectors.open.clear()
    await company.imports(MORE)
    begun = await company.begins(activate=True)
    await asyncio.wait_for(vectors.asked.wait(), SECONDS)
    response = await company.training.CancelOperation(cancelling(begun.name), timeout=SECONDS)
    assert response.operation.state == Operation.STATE_CANCELLED
    again = await company.training.CancelOperation(cancelling(begun.name), timeout=SECONDS)
    assert again.operation == response.operation
    vectors.open.set()
    assert (await company.model()).name == before
    # The next training may begin at once.
    assert (await company.trains()).state == Operation.STATE_SUCCEEDED


async def test_what_has_succeeded_cannot_be_cancelled(company: Company) -> None:
    """It is returned as it ended, and its model stays."""
    ended = await company.trains(DATA, activate=True)
    response = await company.training.CancelOperation(cancelling(ended.name), timeout=SECONDS)
    assert response.operation == ended
    assert (await company.model()).name == ended.result


async def test_operations_are_listed_newest_first_in_pages(company: Company) -> None:
    """Each tenant sees its own; a token leads on, and only where it belongs."""
    names = [(await company.trains(DATA)).name, (await company.trains()).name]
    names.append((await company.trains()).name)
    first = await company.training.ListOperations(
        pb.ListOperationsRequest(parent=company.parent, page_size=2), timeout=SECONDS
    )
    rest = await company.training.ListOperations(
        pb.ListOperationsRequest(
            parent=company.parent, page_size=2, page_token=first.next_page_token
        ),
        timeout=SECONDS,
    )
    assert [each.name for each in (*first.operations, *rest.operations)] == names[::-1]
    assert rest.next_page_token == ""
    wrong = pb.ListOperationsRequest(parent="tenants/other", page_token=first.next_page_token)
    error = await error_of(company.training.ListOperations(wrong, timeout=SECONDS))
    assert isinstance(error, PageTokenInvalid)


async def test_an_operation_that_is_not_there_is_said_to_be_missing(company: Company) -> None:
    """Also where another tenant has one of this id."""
    ended = await company.trains(DATA)
    other = ended.name.replace(company.name, "other")
    for name in (f"{company.parent}/operations/none", other):
        assert isinstance(await error_of(company.operation(name)), OperationNotFound)
        call = company.training.CancelOperation(cancelling(name), timeout=SECONDS)
        assert isinstance(await error_of(call), OperationNotFound)


async def test_who_may_not_train_is_refused(server: Served, company: Company) -> None:
    """The session classifies and does nothing else here; the refusals are in the record."""
    stub = server.stub(IntentTrainingServiceStub, role="session")
    name = f"{company.parent}/operations/x"
    model = f"{company.parent}/models/x"
    for call in (
        stub.TrainModel(pb.TrainModelRequest(parent=company.parent, request_id=request_id())),
        stub.GetOperation(pb.GetOperationRequest(name=name)),
        stub.ListOperations(pb.ListOperationsRequest(parent=company.parent)),
        stub.CancelOperation(cancelling(name)),
        stub.GetModel(pb.GetModelRequest(name=model)),
        stub.ListModels(pb.ListModelsRequest(parent=company.parent)),
        stub.ActivateModel(pb.ActivateModelRequest(name=model, request_id=request_id())),
        stub.RollbackModel(pb.RollbackModelRequest(parent=company.parent, request_id=request_id())),
        stub.CompareModels(pb.CompareModelsRequest(name=model, base_name=model)),
    ):
        assert isinstance(await error_of(call), MethodNotAllowed)
    assert len([e for e in server.spooled() if e.reason == "METHOD_NOT_ALLOWED"]) == 9


async def test_problems_of_a_large_draft_fit_into_an_error(company: Company) -> None:
    """The first twenty and the number of the others: an error travels in the call's trailers."""
    names = [(f"intent_{number:03}_{'n' * 50}", QUERY) for number in range(300)]
    await bring(company.training, company.parent, part(intents=names))
    error = await error_of(company.begins(lexical_only=True))
    assert isinstance(error, TrainingDataInvalid)
    *lines, last = error.message.splitlines()
    assert len(lines) == 20
    assert all("no utterance" in line for line in lines)
    assert last.startswith("and 280 more")
    assert "kefu intent import FILE --dry-run" in last
    assert error.metadata["problems"] == "300"


async def test_utterances_leave_no_trace_in_logs_and_audit(
    server: Served, company: Company, vectors: WordVectors, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither from a training that succeeds nor from one that fails."""
    secret = {**DATA, "refund": (*DATA["refund"], "the password is xyzzy")}
    ended = await company.trains(secret, lexical_only=False)
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem
    vectors.down = True
    failed = await company.trains(lexical_only=False)
    assert failed.state == Operation.STATE_FAILED
    written = "".join(capfd.readouterr()) + "".join(map(str, server.spooled()))
    assert written.count("training_ended") == 2
    assert "xyzzy" not in written + failed.problem


async def test_vectors_of_another_size_or_model_are_not_looked_at(company: Company) -> None:
    """A model knows the vectors that it was trained with; with others the words alone decide."""
    await company.trains(DATA, lexical_only=False, activate=True)
    text = "reembolso"
    alone = await company.classifies(text)
    fitting = embedding("我要退款")
    assert (await company.classifies(text, embedding=fitting)).best != alone.best
    short = Embedding(model=MODEL, vector=fitting.vector[:-4])
    long = Embedding(model=MODEL, vector=fitting.vector + bytes(4))
    for other in (short, long, embedding("我要退款", "words-2")):
        found = await company.classifies(text, embedding=other)
        assert (found.best, found.method) == (alone.best, alone.method)
