"""How a channel to Kefu is opened: mTLS, the retry table, keepalive."""

from typing import Any

import grpc
from kefu.client.retries import service_config

MAX_RESPONSE_BYTES = 16 * 1024 * 1024
"""Largest response message taken: a page of 100 long turns fits."""


def open_channel(
    target: str, credentials: grpc.ChannelCredentials, options: tuple[tuple[str, Any], ...] = ()
) -> grpc.aio.Channel:
    """An asyncio channel with the retry table as its service config.

    Args:
        target: gRPC target, such as `dns:///session.kefu:8443`, `127.0.0.1:4433`, `xds:///session`.
        credentials: with the client certificate.
        options: further channel arguments; they win over the defaults.
    """
    defaults = (
        ("grpc.service_config", service_config()),
        ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
        # A peer that vanished without a word is noticed after 30 s at most.
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Back soon after a peer restarts; gRPC's own 1 s start would cost a turn.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    )
    return grpc.aio.secure_channel(target, credentials, options=(*defaults, *options))
