"""Errors become statuses and statuses become the same errors."""

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st
from kefu import errors
from kefu.client.status import from_rpc_error, from_status, to_status
from kefu.errors import Code, InvalidRequest, KefuError, QuotaViolation, by_reason

_QUOTA = error_details_pb2.QuotaFailure.DESCRIPTOR
CLASSES = [
    each for each in KefuError.__subclasses__() if each.__module__.startswith(errors.__name__)
]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_comes_back_as_itself(kind: type[KefuError]) -> None:
    """With its message, its facts and its time to wait."""
    sent = kind("what happened", trace_id="4bf92f3577b34da6a3ce929d0e0e4736", name="x")
    sent.retry_after_seconds = 1.25
    received = from_status(status_pb2.Status.FromString(to_status(sent).SerializeToString()))
    assert type(received) is kind
    assert (received.message, received.metadata) == (sent.message, sent.metadata)
    assert received.retry_after_seconds == 1.25
    assert received.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_tells_its_own_story(kind: type[KefuError]) -> None:
    """A code, a reason that leads back to it, and a sentence without a caller's words."""
    error = kind()
    assert by_reason(error.reason) is kind
    assert error.code in set(Code) - {Code.UNKNOWN, Code.CANCELLED}
    assert error.message.startswith(kind.summary)
    assert error.localized is None or all(error.localized)
    assert str(kind("more")) == "more"


@given(st.lists(st.tuples(st.text(), st.text()), max_size=20))
def test_violations_come_back(violations: list[tuple[str, str]]) -> None:
    """Field by field, in order."""
    received = from_status(to_status(InvalidRequest(violations=violations)))
    assert received.violations == violations


def test_used_up_quotas_come_back() -> None:
    """As google.rpc.QuotaFailure, which clients of other languages read too."""
    sent = errors.QuotaExceeded(retry_after_seconds=60.0, quota="money_per_day", limit="5000000")
    sent.quotas = [
        QuotaViolation("tenants/shop", "money_per_day", 5_000_000, "used up"),
        QuotaViolation("tenants/shop", "tokens_per_minute", 2**40),
    ]
    status = to_status(sent)
    failure = error_details_pb2.QuotaFailure()
    assert [each for each in status.details if each.Unpack(failure)]
    assert failure.violations[0].subject == "tenants/shop"
    assert failure.violations[0].quota_metric == "money_per_day"
    assert failure.violations[0].quota_value == 5_000_000
    received = from_status(status)
    assert received.quotas == sent.quotas
    assert received.retry_after_seconds == 60


def test_other_errors_have_no_quotas() -> None:
    """Nor a detail that says so."""
    status = to_status(errors.RateLimited(retry_after_seconds=1))
    assert not [each for each in status.details if each.Is(_QUOTA)]
    assert from_status(status).quotas == []


def test_the_customer_is_told_in_both_languages() -> None:
    """What may be shown goes as LocalizedMessage, Chinese and English."""
    status = to_status(errors.SessionClosed())
    told = {}
    for detail in status.details:
        message = error_details_pb2.LocalizedMessage()
        if detail.Unpack(message):
            told[message.locale] = message.message
    assert told.keys() == {"zh", "en"}
    assert "会话已结束" in told["zh"]


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.0001, 1), (0.5, 500), (0.0005, 1)])
def test_a_wait_is_never_rounded_to_nothing(seconds: float, milliseconds: int) -> None:
    """A client told to wait 0 s would come back at once, for ever."""
    received = from_status(to_status(errors.RateLimited(retry_after_seconds=seconds)))
    assert received.retry_after_seconds == milliseconds / 1000


def test_a_reason_newer_than_the_client() -> None:
    """Still the right code and the new word; old callers and new servers meet in any order."""
    kind = type("Newer", (KefuError,), {"code": Code.ABORTED, "reason": "FROM_TOMORROW"})
    status = to_status(kind("a newer server says"))
    received = from_status(status)
    assert (received.code, received.reason) == (Code.ABORTED, "FROM_TOMORROW")
    assert received.message == "a newer server says"


def test_a_code_that_kefu_never_uses() -> None:
    """From a server that is not ours: UNKNOWN, not a crash."""
    received = from_status(status_pb2.Status(code=15, message="DATA_LOSS"))
    assert received.code is Code.UNKNOWN
    assert from_status(status_pb2.Status(code=9999)).code is Code.UNKNOWN


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (errors.StorageUnavailable(), True),
        (errors.TurnInProgress(retry_after_seconds=1), True),
        (errors.SessionClosed(), False),
        (errors.MessageTooLarge(), False),
    ],
)
def test_what_may_be_tried_again(error: KefuError, retryable: bool) -> None:
    """UNAVAILABLE, or where the server says when."""
    assert error.retryable is retryable


def ended(code: grpc.StatusCode, details: str = "") -> grpc.aio.AioRpcError:
    """A call that ended without a status of ours."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ended(grpc.StatusCode.UNAVAILABLE, "connection refused"), errors.ServiceUnavailable),
        (ended(grpc.StatusCode.CANCELLED), errors.ServiceUnavailable),
        (ended(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded"), errors.DeadlineExceeded),
        (
            ended(grpc.StatusCode.UNKNOWN, "Stream removed (Deadline Exceeded)"),
            errors.DeadlineExceeded,
        ),
        (ended(grpc.StatusCode.UNIMPLEMENTED, "Method not found!"), errors.MethodNotFound),
    ],
)
def test_what_grpc_itself_says_has_a_class_too(
    error: grpc.aio.AioRpcError, kind: type[KefuError]
) -> None:
    """A server that is not there or too slow is caught by the same names; it says which it was."""
    failure = from_rpc_error(error, "intent")
    assert type(failure) is kind
    assert failure.metadata == {"service": "intent"}


def test_other_words_of_grpc_keep_their_code() -> None:
    """Such as a message that is larger than its client takes."""
    failure = from_rpc_error(ended(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large"), "intent")
    assert (failure.code, failure.message) == (Code.RESOURCE_EXHAUSTED, "too large")
