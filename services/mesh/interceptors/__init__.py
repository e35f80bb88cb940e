"""The interceptors of every server, in their one order.

Outermost first: trace -> log -> errors -> deadline -> caller -> audit -> authorise -> limits ->
validate. Audit stands outside authorise, so refusals are recorded; errors stands outside all that
may fail, so nothing unmapped reaches the wire.
"""

from collections.abc import Callable, Sequence

from opentelemetry.trace import Tracer

from services.mesh.calls import Middleware
from services.mesh.interceptors.audit import Audit, RecordCall
from services.mesh.interceptors.authorise import Authorise
from services.mesh.interceptors.caller import CallerIdentity
from services.mesh.interceptors.deadline import Deadline
from services.mesh.interceptors.errors import Errors
from services.mesh.interceptors.limits import Limits
from services.mesh.interceptors.log import Log
from services.mesh.interceptors.trace import Trace
from services.mesh.interceptors.validate import Validate
from services.mesh.policy import Policy
from services.mesh.settings import ServiceSettings

ORDER = (
    "trace", "log", "errors", "deadline", "caller", "audit", "authorise", "limits", "validate",
)  # fmt: skip
_HEALTH = frozenset({"grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch"})
_WAITING = frozenset(
    {
        "grpc.health.v1.Health/Watch",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        # As long as the caller's line takes for its bytes; the service bounds it itself.
        "kefu.knowledge.v1.KnowledgeImportService/UploadDocuments",
    }
)


def build_middleware(
    settings: ServiceSettings, policy: Callable[[], Policy], record: RecordCall, tracer: Tracer
) -> Sequence[Middleware]:
    """The list for a server, checked against `ORDER`.

    Raises:
        RuntimeError: the list is out of order, which is a mistake in this file.
    """
    middleware = (
        Trace(tracer),
        Log(),
        Errors(),
        Deadline(settings.max_call_seconds, _WAITING),
        CallerIdentity(settings.trust_domain, settings.end_user_key()),
        Audit(record),
        Authorise(policy),
        Limits(settings.max_concurrent_calls, settings.calls_per_second, settings.burst, _HEALTH),
        Validate(),
    )
    names = tuple(each.name for each in middleware)
    if names != ORDER:
        raise RuntimeError(f"interceptors are {names}, they must be {ORDER}")
    return middleware
