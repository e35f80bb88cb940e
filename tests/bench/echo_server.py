"""The server of the floor: one unary method, once behind the production chain, once without.

`python -m tests.bench.echo_server` prints where both listen, and the files of a client, as one
line of JSON, and ends on SIGTERM. Both ports are in one process; only one is asked at a time.

The chain is whole: the audit event of each call is written to the spool and each span is made.
Nothing ships either of them, so what shipping costs is seen in the full turns alone.
"""

import asyncio
import json
import signal
from typing import Any

import grpc
import uvloop
from kefu.intent.v1 import intent_pb2
from kefu.intent.v1.intent_pb2_grpc import (
    IntentServiceServicer,
    add_IntentServiceServicer_to_server,
)

from services.mesh import logs
from tests.support.mesh import answering, serve, wired

UNLIMITED = 1_000_000_000
"""Calls per second of an identity: the floor is to be found, not the limit."""


async def classify(request: Any, _context: Any) -> intent_pb2.ClassifyResponse:
    """Send the text back as the text of an entity."""
    response = intent_pb2.ClassifyResponse()
    response.classification.entities.add(text=request.text)
    return response


async def main() -> None:
    """Serve until SIGTERM."""
    logs.configure("intent")
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    servicer = answering(IntentServiceServicer, Classify=classify)
    build = wired((add_IntentServiceServicer_to_server, servicer))
    async with serve("intent", build, calls_per_second=UNLIMITED, burst=UNLIMITED) as chained:
        client = chained.keys("session")
        plain = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_IntentServiceServicer_to_server(servicer, plain)
        port = plain.add_secure_port("127.0.0.1:0", chained.settings.keys().server_credentials())
        await plain.start()
        place = {
            "chain": chained.address,
            "plain": f"127.0.0.1:{port}",
            "cert": str(client.cert_file),
            "key": str(client.key_file),
            "ca": str(client.ca_file),
        }
        print(json.dumps(place), flush=True)
        await ended.wait()
        await plain.stop(None)


if __name__ == "__main__":
    uvloop.run(main())
