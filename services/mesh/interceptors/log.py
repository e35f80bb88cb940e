"""One log line and the metrics of each call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.mesh import names
from services.mesh.calls import Call, Middleware
from services.mesh.interceptors.trace import UNTRACED

_CALLS = Counter(names.CALLS, "Calls served, by outcome.", ["method", "code"])
_LATENCY = Histogram(
    names.LATENCY,
    "Time from arrival to the end of the call.",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_IN_FLIGHT = Gauge(names.IN_FLIGHT, "Calls being served.", ["method"])


class Log(Middleware):
    """Says of every call: method, caller, outcome, time. Never what was said."""

    name = "log"

    def __init__(self) -> None:
        self._log = structlog.get_logger("rpc")

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Count the call while it runs, log it when it ends."""
        in_flight = _IN_FLIGHT.labels(call.method)
        in_flight.inc()
        ended = False
        try:
            yield
            ended = True
        finally:
            in_flight.dec()
            code = outcome(call, ended)
            _CALLS.labels(call.method, code).inc()
            _LATENCY.labels(call.method).observe(call.elapsed_seconds)
            if call.method not in UNTRACED or call.error:
                # The caller need not wait for the line.
                seconds = call.elapsed_seconds
                asyncio.get_running_loop().call_soon(self._write, call, code, seconds)

    def _write(self, call: Call, code: str, seconds: float) -> None:
        reason = call.error.reason if call.error else ""
        self._log.info(
            "call",
            method=call.method,
            code=code,
            reason=reason,
            identity=call.identity,
            tenant=call.tenant,
            milliseconds=round(seconds * 1000, 2),
            trace_id=call.trace_id,
        )


def outcome(call: Call, ended: bool) -> str:
    """The gRPC code of a call by name: CANCELLED where it neither ended nor failed."""
    if call.error is not None:
        return call.error.code.name
    return "OK" if ended else "CANCELLED"
