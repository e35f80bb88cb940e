"""A service that does nothing but serve its health over mutual TLS: a stand-in to supervise.

`TINY_REFUSES=<name>` makes the service of that name end at once, as one with a bad setting does.
`TINY_MUTE=<name>` makes it live without serving. `TINY_DEAF=<name>` makes it ignore SIGTERM, as
one whose drain hangs does.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio


async def main() -> None:
    """Serve until SIGTERM."""
    name = Path(os.environ["KEFU_CERT_FILE"]).stem
    if os.environ.get("TINY_REFUSES") == name:
        sys.exit("bad setting KEFU_TINY: it is purple")
    ended = asyncio.Event()
    on_term = (lambda: None) if os.environ.get("TINY_DEAF") == name else ended.set
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, on_term)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    health = aio.HealthServicer()
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    key, certificate, authority = map(_file, ("KEY", "CERT", "CA"))
    tls = grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)
    server.add_secure_port(os.environ["KEFU_LISTEN"], tls)
    if os.environ.get("TINY_MUTE") != name:
        await server.start()
    await ended.wait()
    print(f"{name} drained", flush=True)
    await server.stop(0)


def _file(kind: str) -> bytes:
    return Path(os.environ[f"KEFU_{kind}_FILE"]).read_bytes()


if __name__ == "__main__":
    asyncio.run(main())
