"""The shop's action server over real mutual TLS, as a process of its own."""

import asyncio
import signal
import socket
import ssl
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import protovalidate
import pytest
from kefu.action.v1 import action_pb2, action_pb2_grpc
from kefu.client.status import from_rpc_error

from examples.shop.orders import Orders, Shop
from services.local.ca import Authority, Leaf
from tests.examples.conftest import ROOT, ActionServer, write

DEADLINE_SECONDS = 10.0
SUCCEEDED = action_pb2.ExecuteResponse.OUTCOME_SUCCEEDED
REJECTED = action_pb2.ExecuteResponse.OUTCOME_REJECTED
SESSION_SERVICE = "spiffe://kefu.local/ns/kefu/sa/session"

Stub = action_pb2_grpc.ActionServiceStub


@asynccontextmanager
async def caller(server: ActionServer, leaf: Leaf | None = None) -> AsyncIterator[Stub]:
    """A client of the action server: the session service, unless `leaf` says otherwise."""
    own = leaf or server.authority.issue("session")
    credentials = grpc.ssl_channel_credentials(
        server.authority.certificate_pem, own.key, own.certificate
    )
    async with grpc.aio.secure_channel(server.address, credentials) as channel:
        yield Stub(channel)


def execution(
    action: str, slots: Mapping[str, str], request_id: str | None = None
) -> action_pb2.ExecuteRequest:
    """A request, with a fresh idempotency key unless one is given."""
    return action_pb2.ExecuteRequest(
        session="tenants/shop/sessions/one",
        action=action,
        slots=slots,
        request_id=str(uuid.uuid4()) if request_id is None else request_id,
    )


async def execute(stub: Stub, action: str, **slots: str) -> action_pb2.ExecuteResponse:
    """Carry out one action in its own right."""
    return await stub.Execute(execution(action, slots), timeout=DEADLINE_SECONDS)


async def reason_of(call: grpc.aio.UnaryUnaryCall) -> str:
    """The word that a failed call carries for programs."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = from_rpc_error(caught.value, "shop")
    assert caught.value.code().value[0] == error.code
    return error.reason


async def test_lists_its_actions_with_questions_in_both_languages(server):
    """Whatever Kefu asks the customer comes from the shop, in Chinese and in English."""
    async with caller(server) as stub:
        request = action_pb2.ListActionsRequest(parent="tenants/shop")
        listed = await stub.ListActions(request, timeout=DEADLINE_SECONDS)
    protovalidate.validate(listed)
    names = [action.action for action in listed.actions]
    assert names == ["cancel_order", "change_address", "order_lookup", "request_refund"]
    for action in listed.actions:
        prompts = [slot.prompt for slot in action.slots]
        assert all(text.zh and text.en for text in [action.display_name, *prompts])
    confirmed = {a.action for a in listed.actions if a.confirmation.zh and a.confirmation.en}
    assert confirmed == {"cancel_order", "change_address", "request_refund"}


async def test_looks_an_order_up(server):
    """A look up says where the parcel is, in both languages, also for a number in small letters."""
    async with caller(server) as stub:
        found = await execute(stub, "order_lookup", order_number="so20260001")
    protovalidate.validate(found)
    assert found.outcome == SUCCEEDED
    assert found.message.zh == "订单 SO20260001（199 元）已发货，运单号 ZT7420260001。"
    assert "its tracking number is ZT7420260001" in found.message.en


async def test_says_that_it_does_not_know_an_order(server):
    """A number that nobody has is a refusal that the customer understands, not an error."""
    async with caller(server) as stub:
        unknown = await execute(stub, "order_lookup", order_number="SO99999999")
    assert unknown.outcome == REJECTED
    assert unknown.message.en.startswith("There is no order")


async def test_cancels_only_what_has_not_been_sent(server):
    """A paid order is cancelled, a parcel on its way is not."""
    async with caller(server) as stub:
        cancelled = await execute(stub, "cancel_order", order_number="SO20260002")
        too_late = await execute(stub, "cancel_order", order_number="SO20260001")
        after = await execute(stub, "order_lookup", order_number="SO20260002")
    assert (cancelled.outcome, too_late.outcome) == (SUCCEEDED, REJECTED)
    assert after.message.zh == "订单 SO20260002 已取消。"


async def test_changes_an_address_once(server):
    """The knowledge base promises one change of the address: a second one is refused."""
    slots = {"order_number": "SO20260003", "new_address": "杭州市西湖区文三路 1 号"}
    async with caller(server) as stub:
        first = await execute(stub, "change_address", **slots)
        second = await execute(stub, "change_address", **slots)
    assert (first.outcome, second.outcome) == (SUCCEEDED, REJECTED)


async def test_requests_a_refund_for_paid_orders_only(server):
    """A delivered order can be refunded; for an unpaid one there is nothing to give back."""
    async with caller(server) as stub:
        asked = await execute(stub, "request_refund", order_number="SO20260005", reason="damaged")
        unpaid = await execute(stub, "request_refund", order_number="SO20260004", reason="late")
        twice = await execute(stub, "request_refund", order_number="SO20260005", reason="damaged")
    assert (asked.outcome, unpaid.outcome, twice.outcome) == (SUCCEEDED, REJECTED, REJECTED)


async def test_a_repeated_key_gets_the_first_result(server):
    """A retry after a lost answer hears that it was done, not that it is too late to do it."""
    request = execution("cancel_order", {"order_number": "SO20260002"})
    async with caller(server) as stub:
        first = await stub.Execute(request, timeout=DEADLINE_SECONDS)
        again = await stub.Execute(request, timeout=DEADLINE_SECONDS)
        with_another_key = await execute(stub, "cancel_order", order_number="SO20260002")
    assert first.outcome == SUCCEEDED
    assert again == first
    assert with_another_key.outcome == REJECTED


async def test_concurrent_duplicates_act_once(server):
    """Twenty arrivals of one request at once are one action with one result."""
    request = execution("cancel_order", {"order_number": "SO20260003"})
    async with caller(server) as stub:
        calls = [stub.Execute(request, timeout=DEADLINE_SECONDS) for _ in range(20)]
        results = await asyncio.gather(*calls)
    assert all(result.outcome == SUCCEEDED for result in results)


async def test_the_same_key_of_another_session_is_another_action(server):
    """No session reads the result of another by repeating its key."""
    request = execution("cancel_order", {"order_number": "SO20260003"})
    async with caller(server) as stub:
        await stub.Execute(request, timeout=DEADLINE_SECONDS)
        request.session = "tenants/shop/sessions/two"
        other = await stub.Execute(request, timeout=DEADLINE_SECONDS)
    assert other.outcome == REJECTED


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (execution("open_a_shop", {"order_number": "SO20260001"}), "ACTION_NOT_FOUND"),
        (execution("cancel_order", {}), "INVALID_REQUEST"),
        (execution("request_refund", {"order_number": "SO20260005"}), "INVALID_REQUEST"),
        (execution("cancel_order", {"order_number": "SO20260002"}, ""), "INVALID_REQUEST"),
    ],
    ids=["unknown action", "no slots", "one slot missing", "no key"],
)
async def test_refuses_what_it_cannot_carry_out(server, request_, word):
    """A defective request gets the reason that the contract names."""
    async with caller(server) as stub:
        assert await reason_of(stub.Execute(request_, timeout=DEADLINE_SECONDS)) == word


async def test_does_not_start_without_a_deadline(server):
    """Without a deadline nobody says how long the result is wanted: nothing is done."""
    async with caller(server) as stub:
        request = execution("cancel_order", {"order_number": "SO20260002"})
        assert await reason_of(stub.Execute(request)) == "DEADLINE_EXCEEDED"
        state = await execute(stub, "order_lookup", order_number="SO20260002")
    assert "已付款" in state.message.zh


@pytest.mark.parametrize(
    "uris",
    [
        ["spiffe://kefu.local/ns/kefu/sa/shop"],
        ["spiffe://elsewhere.local/ns/kefu/sa/session"],
        [SESSION_SERVICE, "spiffe://kefu.local/ns/kefu/sa/shop"],
        ["https://kefu.local/ns/kefu/sa/session"],
    ],
    ids=["another service", "another trust domain", "two identities", "no identity"],
)
async def test_only_the_session_service_may_call(server, uris):
    """A certificate of the right authority is not enough: both methods ask whose it is."""
    listing = action_pb2.ListActionsRequest(parent="tenants/shop")
    lookup = execution("order_lookup", {"order_number": "SO20260001"})
    async with caller(server, server.authority.issue("session", uris=uris)) as stub:
        for call in (
            stub.ListActions(listing, timeout=DEADLINE_SECONDS),
            stub.Execute(lookup, timeout=DEADLINE_SECONDS),
        ):
            assert await reason_of(call) == "METHOD_NOT_ALLOWED"


async def test_a_stranger_or_an_expired_certificate_does_not_connect(server):
    """The handshake already ends for another authority, and for a certificate past its life."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = server.authority.issue("session", valid_from=yesterday, life=timedelta(hours=1))
    for leaf in (Authority.create().issue("session"), expired):
        async with caller(server, leaf) as stub:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await execute(stub, "order_lookup", order_number="SO20260001")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def handshake(server: ActionServer, folder: Path, version: ssl.TLSVersion) -> str | None:
    """Shake hands with exactly this TLS version; return the version that was agreed."""
    files = write(folder, server.authority.issue("session"), server.authority)
    context = ssl.create_default_context(cafile=str(files.authority))
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(files.certificate, files.key)
    host, _, port = server.address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=host) as secured,
    ):
        return secured.version()


async def test_speaks_tls_1_3_only(server, tmp_path):
    """TLS 1.3 connects; TLS 1.2 finds no cipher in common."""
    old, new = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    assert await asyncio.to_thread(handshake, server, tmp_path / "new", new) == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        await asyncio.to_thread(handshake, server, tmp_path / "old", old)


async def test_sigterm_ends_it_and_its_output_has_no_customer_text(server):
    """It ends with status 0, and nothing that a customer wrote is in what it printed."""
    address = "绍兴市越城区解放路 1 号"
    async with caller(server) as stub:
        slots = {"order_number": "SO20260009", "new_address": address}
        await execute(stub, "change_address", **slots)
    server.process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(server.process.communicate(), DEADLINE_SECONDS)
    assert server.process.returncode == 0
    assert address not in (out + err).decode()


class SlowShop(Shop):
    """A shop whose cancellations wait for a sign, and whose look ups fail."""

    def __init__(self) -> None:
        super().__init__([{"number": "SO1", "status": "paid"}])
        self.sign = asyncio.Event()
        self.cancellations = 0

    async def cancel_order(self, order, slots):
        """Wait for the sign first."""
        self.cancellations += 1
        await self.sign.wait()
        return await super().cancel_order(order, slots)

    async def order_lookup(self, order, slots):
        """Fail with a text that nobody outside may see."""
        raise RuntimeError("password=hunter2")


@asynccontextmanager
async def serving(shop: Shop) -> AsyncIterator[ActionServer]:
    """The servicer over `shop`, in this process."""
    authority = Authority.create()
    leaf = authority.issue("shop")
    server = grpc.aio.server()
    action_pb2_grpc.add_ActionServiceServicer_to_server(Orders(shop), server)
    tls = grpc.ssl_server_credentials(
        [(leaf.key, leaf.certificate)], authority.certificate_pem, require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", tls)
    await server.start()
    try:
        yield ActionServer(f"127.0.0.1:{port}", None, authority)
    finally:
        await server.stop(None)


async def test_what_was_begun_is_finished_for_a_caller_that_left():
    """The caller's time runs out while the action runs: its repeat hears the one result."""
    shop = SlowShop()
    request = execution("cancel_order", {"order_number": "SO1"})
    async with serving(shop) as server, caller(server) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Execute(request, timeout=1.0)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        shop.sign.set()
        repeated = await stub.Execute(request, timeout=DEADLINE_SECONDS)
    assert repeated.outcome == SUCCEEDED
    assert shop.cancellations == 1


async def test_a_failure_inside_is_a_result_without_its_text(caplog):
    """The customer hears that a person will look; the exception's text goes nowhere."""
    async with serving(SlowShop()) as server, caller(server) as stub:
        failed = await execute(stub, "order_lookup", order_number="SO1")
    assert failed.outcome == action_pb2.ExecuteResponse.OUTCOME_FAILED
    assert failed.message.en.startswith("Something went wrong on our side")
    assert "action order_lookup failed with RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text + failed.message.en + failed.message.zh


def test_is_short_enough_to_copy_and_imports_no_service():
    """The example has less than 150 lines and needs only grpcio, protobuf and `kefu`."""
    source = (ROOT / "examples/shop/orders.py").read_text("utf-8")
    assert len(source.splitlines()) < 150
    assert "services" not in source
