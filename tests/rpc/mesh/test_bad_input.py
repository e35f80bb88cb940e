"""What bad input gets: one precise status with field violations, never INTERNAL or UNKNOWN."""

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from kefu.audit.v1.audit_pb2 import AuditEvent, RecordRequest
from kefu.client.status import from_rpc_error
from kefu.desk.v1.desk_pb2 import CreateTicketRequest, ListTicketsRequest
from kefu.errors import Code, KefuError
from kefu.generation.v1.generation_pb2 import EmbedRequest
from kefu.intent.v1.intent_pb2 import ClassifyRequest
from kefu.knowledge.v1.knowledge_pb2 import ImportDocumentsRequest
from kefu.session.v1.session_pb2 import ConverseRequest, CreateSessionRequest, ReplyRequest

from services.mesh.descriptors import contract_methods
from tests.support.contract import everything
from tests.support.mesh import Served, lost, raw, serve, wired

METHODS = contract_methods()
CLASSIFY = "kefu.intent.v1.IntentService/Classify"
REPLY = "kefu.session.v1.SessionService/Reply"
CONVERSE = "kefu.session.v1.SessionService/Converse"
IMPORT = "kefu.knowledge.v1.KnowledgeService/ImportDocuments"
TICKET = "kefu.desk.v1.DeskService/CreateTicket"
MIB = 1024 * 1024


def reply(**fields: Any) -> ReplyRequest:
    """A request that is right but for the given fields."""
    good: dict[str, Any] = {
        "session": "tenants/shop/sessions/1",
        "request_id": str(uuid.uuid4()),
        "input": {"text": "你好"},
    }
    return ReplyRequest(**(good | fields))


def header(**fields: Any) -> ImportDocumentsRequest:
    """An import's first message, right but for the given fields."""
    good = {"parent": "tenants/shop/knowledgeBases/kb", "request_id": str(uuid.uuid4())}
    return ImportDocumentsRequest(header=good | fields)


def file(path: str, content: bytes = b"") -> ImportDocumentsRequest:
    """A later message of an import."""
    return ImportDocumentsRequest(file={"path": path, "content": content})


GOOD_REQUESTS = [
    each.SerializeToString()
    for each in (
        reply(),
        header(),
        file("zh/退货.md", "七天内可退。".encode()),
        ClassifyRequest(tenant="tenants/shop", text="我要退货 SO20260001"),
        EmbedRequest(tenant="tenants/shop", texts=["好", "bad"], purpose=1),
    )
]


async def ended(server: Served, method: str, *messages: Message | bytes) -> KefuError:
    """The error that a method ends with, called by an identity that may call everything."""
    descriptor = METHODS[method]
    role = {
        "kefu.session.v1": "channel",
        "kefu.knowledge.v1": "content-owner",
        "kefu.audit.v1": "reporter",
        "kefu.desk.v1": "agent",
    }.get(descriptor.containing_service.file.package, "session")
    channel = server.channel(server.keys(f"test-{role}"))
    sent = [m if isinstance(m, bytes) else m.SerializeToString() for m in messages]
    try:
        await raw(channel, descriptor, *sent)
    except grpc.RpcError as error:
        return from_rpc_error(error, "test")
    raise AssertionError("the request was taken")


@pytest.mark.parametrize(
    ("method", "messages", "fields"),
    [
        pytest.param(CLASSIFY, [b""], ["tenant", "text"], id="empty"),
        pytest.param(REPLY, [b""], ["session", "request_id", "input"], id="empty, nested"),
        pytest.param(IMPORT, [b""], ["part"], id="empty, client stream"),
        pytest.param(
            CLASSIFY,
            [ClassifyRequest(tenant="tenants/shop", text="长" * 4001)],
            ["text"],
            id="over-long text, in code points",
        ),
        pytest.param(REPLY, [reply(input={"text": ""})], ["input.text"], id="nothing said"),
        pytest.param(REPLY, [reply(input={})], ["input.input"], id="oneof without a choice"),
        pytest.param(REPLY, [reply(request_id="1")], ["request_id"], id="no UUID"),
        pytest.param(REPLY, [reply(language_code="fr")], ["language_code"], id="not one of these"),
        pytest.param(REPLY, [reply(session="sessions/1")], ["session"], id="name without tenant"),
        pytest.param(REPLY, [reply(session="tenants/")], ["session"], id="name that breaks off"),
        pytest.param(
            REPLY, [reply(session="tenants/shop/sessions/1\n")], ["session"], id="newline"
        ),
        pytest.param(
            CONVERSE,
            [ConverseRequest(session="tenants/shop/sessions/1", input={"text": "你好"})],
            ["request_id"],
            id="response stream",
        ),
        pytest.param(
            TICKET,
            [
                CreateTicketRequest(
                    parent="tenants/shop", request_id=str(uuid.uuid4()), ticket={"priority": 77}
                )
            ],
            ["ticket.priority", "ticket.reason", "ticket.summary"],
            id="unknown enum value, nested",
        ),
        pytest.param(
            "kefu.desk.v1.DeskService/ListTickets",
            [ListTicketsRequest(parent="tenants/shop", statuses=[1, 99], page_size=-1)],
            ["page_size", "statuses[1]"],
            id="unknown enum value in a list",
        ),
        pytest.param(
            "kefu.generation.v1.GenerationService/Embed",
            [EmbedRequest(tenant="tenants/shop", texts=["好", ""], purpose=1)],
            ["texts[1]"],
            id="one of several",
        ),
        pytest.param(
            "kefu.generation.v1.GenerationService/Embed",
            [EmbedRequest(tenant="tenants/shop", texts=["好"] * 257, purpose=0)],
            ["texts", "purpose"],
            id="too many, unspecified enum",
        ),
        pytest.param(REPLY, [reply(input={"text": "a\0b"})], ["input.text"], id="U+0000"),
        pytest.param(
            TICKET,
            [
                CreateTicketRequest(
                    parent="tenants/shop",
                    request_id=str(uuid.uuid4()),
                    ticket={
                        "reason": 1,
                        "priority": 1,
                        "summary": "\0",
                        "slots": {"order": "\0"},
                        "sentiment_trend": [0.0, 1.0],
                    },
                )
            ],
            ["ticket.slots", "ticket.summary"],
            id="U+0000, nested and in a map",
        ),
        pytest.param(IMPORT, [header(request_id="x")], ["header.request_id"], id="stream, first"),
        pytest.param(IMPORT, [header(), file("a.md"), file("")], ["file.path"], id="stream, third"),
    ],
)
async def test_a_broken_rule_is_named(
    method: str, messages: list[Message | bytes], fields: list[str]
) -> None:
    """INVALID_REQUEST names every field that breaks a rule by its path, and no value."""
    async with serve("test", wired(*everything())) as server:
        error = await ended(server, method, *messages)
        [event] = server.spooled()
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert sorted(path for path, _ in error.violations) == sorted(fields)
    assert all(problem for _, problem in error.violations)
    assert len(error.trace_id) == 32
    assert (event.outcome, event.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")


@pytest.mark.parametrize("method", [CLASSIFY, CONVERSE, IMPORT])
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"\xff\xff", id="two bytes"),
        pytest.param(b"\x0a\xff\x01", id="a length beyond the end"),
        pytest.param(b"\x12\x02\xff\xfe", id="text that is not UTF-8"),
        pytest.param(b"\x0b" * 200, id="groups without an end"),
        pytest.param(b"{}", id="JSON"),
    ],
)
async def test_bytes_that_are_no_message(method: str, message: bytes) -> None:
    """MALFORMED_REQUEST, or INVALID_REQUEST where the bytes happen to mean something."""
    async with serve("test", wired(*everything())) as server:
        error = await ended(server, method, message)
    assert error.code is Code.INVALID_ARGUMENT
    assert error.reason in {"MALFORMED_REQUEST", "INVALID_REQUEST"}


@pytest.mark.parametrize(
    ("method", "before"), [(CLASSIFY, []), (CONVERSE, []), (IMPORT, [header()])]
)
async def test_a_message_over_4_mib(method: str, before: list[Message]) -> None:
    """MESSAGE_TOO_LARGE says how much it was and how much may be."""
    async with serve("test", wired(*everything())) as server:
        error = await ended(server, method, *before, b"\x12" + b"\xff" * (4 * MIB))
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert (error.metadata["size"], error.metadata["limit"]) == (str(4 * MIB + 1), str(4 * MIB))


async def test_a_message_far_over_the_limit_never_reaches_memory() -> None:
    """GRPC itself refuses it with the same code, and the connection stays good."""
    async with serve("test", wired(*everything())) as server:
        error = await ended(server, CLASSIFY, b"\x12" + b"\xff" * (6 * MIB))
        again = await ended(server, CLASSIFY, b"")
    assert error.code is Code.RESOURCE_EXHAUSTED
    assert again.reason == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("method", "messages"),
    [
        (REPLY, [reply(session="tenants/bank/sessions/1")]),
        (IMPORT, [header(parent="tenants/bank/knowledgeBases/kb")]),
        (IMPORT, [header(), header(parent="tenants/bank/knowledgeBases/kb")]),
        (
            "kefu.session.v1.SessionService/CreateSession",
            [
                CreateSessionRequest(
                    parent="tenants/shop",
                    request_id=str(uuid.uuid4()),
                    session={"knowledge_base": "tenants/bank/knowledgeBases/bank"},
                )
            ],
        ),
    ],
)
async def test_another_tenant(method: str, messages: list[Message | bytes]) -> None:
    """A name of a tenant that the binding does not cover is refused wherever it stands."""
    async with serve("test", wired(*everything())) as server:
        role = "content-owner" if method == IMPORT else "channel"
        channel = server.channel(server.keys(f"test-{role}-shop"))
        sent = [m if isinstance(m, bytes) else m.SerializeToString() for m in messages]
        with pytest.raises(grpc.RpcError) as caught:
            await raw(channel, METHODS[method], *sent)
    error = from_rpc_error(caught.value, "test")
    assert (error.code, error.reason) == (Code.PERMISSION_DENIED, "TENANT_NOT_ALLOWED")


async def test_permission_comes_before_the_rules() -> None:
    """A caller without the role learns nothing of what a good request would be."""
    async with serve("test", wired(*everything())) as server:
        channel = server.channel(server.keys("test-auditor"))
        with pytest.raises(grpc.RpcError) as caught:
            await raw(channel, METHODS[CLASSIFY], b"")
    assert from_rpc_error(caught.value, "test").reason == "METHOD_NOT_ALLOWED"


async def test_many_violations_fit_into_the_trailers() -> None:
    """The first twenty are named; a status larger than HTTP/2 headers may be would be lost."""
    events = [AuditEvent(event_id="x", tenant="客服", trace_id="客服") for _ in range(500)]
    async with serve("test", wired(*everything())) as server:
        error = await ended(
            server, "kefu.audit.v1.AuditService/Record", RecordRequest(events=events)
        )
    assert error.reason == "INVALID_REQUEST"
    assert len(error.violations) == 20


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good request with a few bytes overwritten, cut off or put in."""
    message = bytearray(draw(st.sampled_from(GOOD_REQUESTS)))
    at = draw(st.integers(0, len(message)))
    message[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(message)


@given(st.lists(st.binary(max_size=200) | damaged(), min_size=1, max_size=3))
@settings(max_examples=12, deadline=None)
def test_any_bytes(messages: list[bytes]) -> None:
    """Whatever arrives, the answer is a result or a status that says what the caller did wrong."""

    async def check() -> None:
        async with serve("test", wired(*everything())) as server:
            for name in ("operator", "test-session", "test-reporter"):
                channel = server.channel(server.keys(name))
                await asyncio.gather(*(take(channel, method) for method in METHODS.values()))

    async def take(channel: grpc.aio.Channel, method: MethodDescriptor) -> None:
        try:
            await raw(channel, method, *messages)
        except grpc.RpcError as caught:
            error = from_rpc_error(caught, "test")
            told = {Code.INVALID_ARGUMENT, Code.PERMISSION_DENIED, *lost(caught)}
            assert error.code in told, error

    asyncio.run(check())
