"""Follows a service's own word on whether it serves (grpc.health.v1, over mutual TLS)."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

RETRY_SECONDS = 0.1
"""Pause between two tries to reach a service: a start takes about a second."""

CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    # One connection per target: a shared one would keep the certificate of the last `kefu up`.
    ("grpc.use_local_subchannel_pool", 1),
)


def client_credentials(directory: Path) -> grpc.ChannelCredentials:
    """Read the credentials in a client's directory (`cert.pem`, `key.pem`, `ca.pem`)."""
    return grpc.ssl_channel_credentials(
        (directory / "ca.pem").read_bytes(),
        (directory / "key.pem").read_bytes(),
        (directory / "cert.pem").read_bytes(),
    )


async def follow(
    address: str, credentials: grpc.ChannelCredentials, report: Callable[[bool, str], None]
) -> None:
    """Report every change of a service's health, until cancelled.

    Args:
        address: `host:port` of the service.
        credentials: a client's.
        report: gets whether the service serves and, where it cannot be asked, why not.
    """
    while True:
        async with grpc.aio.secure_channel(address, credentials, CHANNEL_OPTIONS) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            try:
                async for answer in stub.Watch(health_pb2.HealthCheckRequest()):
                    report(answer.status == health_pb2.HealthCheckResponse.SERVING, "")
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    # Another system's server need not have a health service; it did answer.
                    report(True, "")
                    return
                report(False, f"{error.code().name}: {error.details()}")
        await asyncio.sleep(RETRY_SECONDS)
