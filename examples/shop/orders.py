"""The shop's orders as actions that Kefu carries out: an action server to copy.

actions.json declares what it can do, `Shop` does it, replies.json has the words for the customer.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
from pathlib import Path
from typing import Any

# grpcio has no setting for the lowest TLS version. None of these suites fits the ECDSA
# certificates that Kefu issues, so TLS 1.2 finds no shared cipher; TLS 1.3 is not affected.
os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"

import grpc
from google.protobuf.json_format import Parse
from kefu import errors
from kefu.action.v1 import action_pb2 as pb
from kefu.action.v1 import action_pb2_grpc
from kefu.client.status import DETAILS_KEY, to_status
from kefu.type.v1.text_pb2 import LocalizedText

HERE = Path(__file__)
SESSION_SERVICE = b"spiffe://kefu.local/ns/kefu/sa/session"
LEAST_SECONDS = 0.05  # With less time left nobody would hear what came of it: do not start.


class Shop:
    """The system that is plugged in: a list in memory here, a database or an API elsewhere.

    Each action of actions.json is a method of the same name; it returns a key of replies.json.
    """

    def __init__(self, orders: list[dict[str, Any]]) -> None:
        self.orders = {order["number"]: order for order in orders}

    async def order_lookup(self, order: dict[str, Any], slots: dict[str, str]) -> str:
        """Say how an order stands."""
        return str(order["status"])

    async def cancel_order(self, order: dict[str, Any], slots: dict[str, str]) -> str:
        """Cancel an order that has not been sent."""
        if order["status"] not in ("awaiting_payment", "paid"):
            return "refused"
        order["status"] = "cancelled"
        return "done"

    async def change_address(self, order: dict[str, Any], slots: dict[str, str]) -> str:
        """Send an order to another address, once and before it leaves."""
        if order["status"] not in ("awaiting_payment", "paid") or order.get("moved"):
            return "refused"
        order.update(address=slots["new_address"], moved=True)
        return "done"

    async def request_refund(self, order: dict[str, Any], slots: dict[str, str]) -> str:
        """Ask for the money back; a person decides."""
        if order["status"] not in ("paid", "shipped", "delivered"):
            return "refused"
        order.update(status="refund_requested", reason=slots["reason"])
        return "done"


class Orders(action_pb2_grpc.ActionServiceServicer):
    """The contract `kefu.action.v1` over a `Shop`."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.offered = Parse(HERE.with_name("actions.json").read_bytes(), pb.ListActionsResponse())
        self.slots = {
            a.action: [s.slot for s in a.slots if not s.optional] for a in self.offered.actions
        }
        self.replies = json.loads(HERE.with_name("replies.json").read_bytes())
        # Yours belong into your database, written in the transaction of the change itself.
        self.results: dict[tuple[str, str], asyncio.Task[pb.ExecuteResponse]] = {}

    async def ListActions(self, request: Any, context: Any) -> pb.ListActionsResponse:
        """Return what the shop can do, with its questions in Chinese and English."""
        await admit(context)
        return self.offered

    async def Execute(self, request: Any, context: Any) -> pb.ExecuteResponse:
        """Carry out an action once per `request_id`, however often and at once it is asked for."""
        await admit(context)
        if request.action not in self.slots:
            await refuse(context, errors.ActionNotFound(action=request.action))
        if not all([request.request_id, *map(request.slots.get, self.slots[request.action])]):
            await refuse(context, errors.InvalidRequest("request_id or a slot is missing"))
        if (context.time_remaining() or 0.0) < LEAST_SECONDS:
            await refuse(context, errors.DeadlineExceeded("no deadline, or none of it is left"))
        key = (request.session, request.request_id)
        if key not in self.results:
            self.results[key] = asyncio.create_task(self.perform(request.action, request.slots))
        return await asyncio.shield(self.results[key])  # A caller that leaves stops nothing.

    async def perform(self, action: str, slots: Any) -> pb.ExecuteResponse:
        """Do it and find the words for what came of it; a failure is a result, too."""
        order = self.shop.orders.get(slots["order_number"].upper())
        try:
            result = await getattr(self.shop, action)(order, slots) if order else "unknown"
        except Exception as error:  # Its text may hold a customer's words: it stays here.
            logging.error("action %s failed with %s", action, type(error).__name__)
            result = "failed"
        outcome, zh, en = (self.replies[action] | self.replies["any"])[result]
        words = LocalizedText(zh=zh.format_map(order or {}), en=en.format_map(order or {}))
        return pb.ExecuteResponse(outcome=outcome, message=words)


async def admit(context: Any) -> None:
    """Let nobody in but the session service, known by the one SPIFFE URI of its certificate."""
    names = context.auth_context().get("x509_subject_alternative_name", [])
    if [name for name in names if name.startswith(b"spiffe:")] != [SESSION_SERVICE]:
        await refuse(context, errors.MethodNotAllowed())


async def refuse(context: Any, error: errors.KefuError) -> None:
    """End the call with a status that Kefu's client turns back into `error`."""
    trailer = ((DETAILS_KEY, to_status(error).SerializeToString()),)
    await context.abort(grpc.StatusCode[error.code.name], error.message, trailer)


async def serve(listen: str, cert: bytes, key: bytes, ca: bytes) -> None:
    """Serve on `listen` (host:port, port 0 takes a free one) until SIGTERM."""
    server = grpc.aio.server()
    shop = Shop(json.loads(HERE.with_name("orders.json").read_bytes()))
    action_pb2_grpc.add_ActionServiceServicer_to_server(Orders(shop), server)
    tls = grpc.ssl_server_credentials([(key, cert)], ca, require_client_auth=True)
    port = server.add_secure_port(listen, tls)
    await server.start()
    print(f"listening {listen.rpartition(':')[0]}:{port}", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(grace=5.0)  # Seconds, as long as an action of actions.json may take.


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--listen", default="127.0.0.1:0", help="host:port; port 0: a free one")
    for name in ("cert", "key", "ca"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="PEM file")
    options = parser.parse_args()
    pem = [path.read_bytes() for path in (options.cert, options.key, options.ca)]
    asyncio.run(serve(options.listen, *pem))
