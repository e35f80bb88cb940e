"""What operators see of a call: one line, three metrics, and nothing that a customer said."""

from typing import Any

import grpc
import pytest
from kefu.errors import TurnInProgress
from kefu.intent.v1.intent_pb2 import ClassifyRequest, ClassifyResponse
from kefu.intent.v1.intent_pb2_grpc import (
    IntentServiceServicer,
    IntentServiceStub,
    add_IntentServiceServicer_to_server,
)
from prometheus_client import REGISTRY, generate_latest

from services.mesh.calls import annotate
from tests.rpc.mesh.conftest import Lines
from tests.support.contract import everything
from tests.support.mesh import answering, error_of, serve, wired

METHOD = "kefu.intent.v1.IntentService/Classify"
WORDS = "我叫张三电话13800138000"


def calls(code: str) -> float:
    """Calls of the method so far that ended so."""
    labels = {"method": METHOD, "code": code}
    return REGISTRY.get_sample_value("kefu_rpc_server_calls_total", labels) or 0.0


def latencies() -> float:
    """Calls of the method in the histogram."""
    name = "kefu_rpc_server_latency_seconds_count"
    return REGISTRY.get_sample_value(name, {"method": METHOD}) or 0.0


def in_flight() -> float:
    """Calls of the method that run now."""
    return REGISTRY.get_sample_value("kefu_rpc_server_in_flight", {"method": METHOD}) or 0.0


async def test_one_line_for_each_call(log_lines: Lines) -> None:
    """Method, caller, outcome, time, trace."""
    async with serve("intent", wired(*everything())) as server:
        stub = server.stub(IntentServiceStub, role="session")
        await stub.Classify(ClassifyRequest(tenant="tenants/shop", text=WORDS), timeout=5)
        [event] = server.spooled()
    [line] = [each for each in log_lines() if each["event"] == "call"]
    assert line["method"] == METHOD
    assert (line["code"], line["reason"]) == ("OK", "")
    assert line["identity"] == "spiffe://kefu.local/ns/kefu/sa/test-session"
    assert line["tenant"] == "shop"
    assert line["milliseconds"] > 0
    assert line["trace_id"] == event.trace_id


async def test_metrics_of_a_call() -> None:
    """Counted by code, timed, and in flight while it runs."""
    running = []

    async def classify(request: Any, context: Any) -> ClassifyResponse:
        running.append(in_flight())
        if len(running) == 2:
            raise TurnInProgress
        return ClassifyResponse()

    before = calls("OK"), calls("ABORTED"), latencies(), in_flight()
    servicer = answering(IntentServiceServicer, Classify=classify)
    async with serve("intent", wired((add_IntentServiceServicer_to_server, servicer))) as server:
        stub = server.stub(IntentServiceStub, role="session")
        request = ClassifyRequest(tenant="tenants/shop", text=WORDS)
        await stub.Classify(request, timeout=5)
        await error_of(stub.Classify(request, timeout=5))
    assert running == [before[3] + 1] * 2
    assert (calls("OK"), calls("ABORTED")) == (before[0] + 1, before[1] + 1)
    assert (latencies(), in_flight()) == (before[2] + 2, before[3])


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(ClassifyRequest(tenant="tenants/shop", text=WORDS), id="good"),
        pytest.param(ClassifyRequest(tenant="tenants/shop", text=WORDS * 400), id="too long"),
        pytest.param(ClassifyRequest(tenant=f"tenants/{WORDS}", text=WORDS), id="as a tenant"),
        pytest.param(ClassifyRequest(tenant=WORDS, text=WORDS), id="as a name"),
        pytest.param(ClassifyRequest(tenant=f"tenants/shop/{WORDS}", text=WORDS), id="as a path"),
    ],
)
@pytest.mark.parametrize("identity", ["test-session", "test-session-shop", "test-auditor"])
async def test_words_of_a_customer_stay_out(
    request_: ClassifyRequest, identity: str, log_lines: Lines
) -> None:
    """Wherever a caller puts them: not in logs, metrics, audit records or errors."""
    async with serve("intent", wired(*everything())) as server:
        stub = server.stub(IntentServiceStub, identity=identity)
        told = ""
        try:
            await stub.Classify(request_, timeout=5)
        except grpc.RpcError as error:
            told = repr(error)
        recorded = str(server.spooled())
        spool = b"".join(path.read_bytes() for path in server.settings.spool_dir.iterdir())
    for output in (str(log_lines()), told, recorded, generate_latest().decode()):
        assert "张三" not in output
        assert "13800138000" not in output
    assert b"13800138000" not in spool


async def test_facts_that_a_handler_adds_to_the_record() -> None:
    """`annotate` adds ids, labels and hashes; what does not fit is cut, never refused."""

    async def classify(request: Any, context: Any) -> ClassifyResponse:
        annotate(resource="tenants/shop/sessions/1", intent="cancel\0order", long="x" * 5000)
        annotate(**{f"label_{number:02}": "1" for number in range(40)})
        return ClassifyResponse()

    servicer = answering(IntentServiceServicer, Classify=classify)
    async with serve("intent", wired((add_IntentServiceServicer_to_server, servicer))) as server:
        stub = server.stub(IntentServiceStub, role="session")
        await stub.Classify(ClassifyRequest(tenant="tenants/shop", text=WORDS), timeout=5)
        [event] = server.spooled()
    assert event.resource == "tenants/shop/sessions/1"
    assert event.labels["intent"] == "cancel\N{REPLACEMENT CHARACTER}order"
    assert len(event.labels["long"]) == 256
    assert len(event.labels) == 20
    assert event.latency.ToNanoseconds() > 0
