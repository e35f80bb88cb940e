"""Errors on the wire: `KefuError` to `google.rpc.Status` and back (AIP-193)."""

import math

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from kefu.errors import (
    Code,
    DeadlineExceeded,
    KefuError,
    MethodNotFound,
    QuotaViolation,
    ServiceUnavailable,
    by_reason,
)

DOMAIN = "kefu"
DETAILS_KEY = "grpc-status-details-bin"


def to_status(error: KefuError) -> status_pb2.Status:
    """The status of an error: one ErrorInfo always, further details where they apply."""
    details: list[
        error_details_pb2.ErrorInfo
        | error_details_pb2.BadRequest
        | error_details_pb2.QuotaFailure
        | error_details_pb2.RetryInfo
        | error_details_pb2.LocalizedMessage
    ] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)]
    if error.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=field, description=problem)
                    for field, problem in error.violations
                ]
            )
        )
    if error.quotas:
        details.append(
            error_details_pb2.QuotaFailure(
                violations=[
                    error_details_pb2.QuotaFailure.Violation(
                        subject=each.subject,
                        quota_metric=each.metric,
                        quota_value=each.limit,
                        description=each.description,
                    )
                    for each in error.quotas
                ]
            )
        )
    if error.retry_after_seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(math.ceil(error.retry_after_seconds * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    for locale, text in zip(("zh", "en"), error.localized or (), strict=False):
        details.append(error_details_pb2.LocalizedMessage(locale=locale, message=text))
    status = status_pb2.Status(code=int(error.code), message=error.message)
    for detail in details:
        status.details.add().Pack(detail)
    return status


def from_rpc_error(error: grpc.RpcError, service: str) -> KefuError:
    """The error behind a failed call, of its own class where the reason is known.

    Args:
        error: what grpc raised.
        service: the service that was called, for failures that never reached it.
    """
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return from_status(status_pb2.Status.FromString(value))
    code, details = error.code(), error.details() or ""
    # gRPC's words for a call that its own clock ended while the server's status was on its way.
    if code is grpc.StatusCode.DEADLINE_EXCEEDED or "(Deadline Exceeded)" in details:
        return DeadlineExceeded(service=service)
    # CANCELLED too: a caller's own cancellation raises no RpcError, so this is a server that ended
    # with the call still in its queue.
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return ServiceUnavailable(f"the {service} service is unavailable, retry", service=service)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return MethodNotFound(service=service)
    number, _ = code.value
    return _unknown(number, details or code.name)


def from_status(status: status_pb2.Status) -> KefuError:
    """The error that a status describes; a plain `KefuError` with its code for a newer reason."""
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    quota = error_details_pb2.QuotaFailure()
    retry = error_details_pb2.RetryInfo()
    retry_after: float | None = None
    for detail in status.details:
        if detail.Unpack(info) or detail.Unpack(bad_request) or detail.Unpack(quota):
            continue
        if _unpack(detail, retry):
            retry_after = retry.retry_delay.ToMilliseconds() / 1000
    known = by_reason(info.reason)
    error = known(status.message) if known else _unknown(status.code, status.message, info.reason)
    error.metadata = dict(info.metadata)
    error.retry_after_seconds = retry_after
    error.violations = [(each.field, each.description) for each in bad_request.field_violations]
    error.quotas = [
        QuotaViolation(each.subject, each.quota_metric, each.quota_value, each.description)
        for each in quota.violations
    ]
    return error


def _unpack(detail: any_pb2.Any, message: error_details_pb2.RetryInfo) -> bool:
    return bool(detail.Unpack(message))


def _unknown(code: int, message: str, reason: str = "") -> KefuError:
    """An error whose reason this release does not know: still the right code."""
    values = {each.value for each in Code}
    number = Code(code) if code in values else Code.UNKNOWN
    word = reason or code_pb2.Code.Name(number.value)
    kind = type("UnknownReason", (KefuError,), {"code": number, "reason": word})
    error: KefuError = kind(message)
    return error
