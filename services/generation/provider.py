"""The HTTP connection to one provider, of either protocol: authentication, transport, errors.

The openai SDK carries the requests, through its low-level `post`: the typed methods transform the
request and build pydantic objects from the response, which costs more CPU than all the rest.
"""

import logging
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient
from pydantic import SecretStr

from services.generation.failure import Cause, ContentRefused, ModelFailure, NotFound
from services.generation.sse import DONE, EventSplitter, EventTooLong

# Calls in flight are bounded by the server's own limit; a second queue here would hide waiting.
_CONNECTIONS = httpx2.Limits(max_connections=512, max_keepalive_connections=64)

# At DEBUG the SDK logs whole requests, which hold customers' words.
for _name in ("openai", "httpx2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# Only the aiohttp transport can let one of the last two through unmapped.
_TRANSPORT_ERRORS = (httpx2.TransportError, aiohttp.ClientError, OSError)

# What reading an answer can fail with besides: the SDK maps only what comes before its first byte.
_READING_ERRORS = (httpx2.RequestError, *_TRANSPORT_ERRORS)

# Nothing was sent yet: as good as a refused connection, for whoever tries again and for the bill.
_UNCONNECTED = (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

# HTTP statuses of a request whose content the provider does not take. Others of 400 to 499 would
# be answered to any text: wrong key (401, 403), no money (402), no such model or path (404).
_OF_THE_CONTENT = (400, 413, 422)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is, and how to get in."""

    base_url: str
    """Up to and with the version, such as `https://api.example.com/v1`."""
    api_key: SecretStr
    """Sent as a bearer token; empty for endpoints that want none."""
    connect_seconds: float
    """Longest wait for a connection."""


class Provider:
    """One provider's endpoint. It never retries: who calls knows how much time is left."""

    def __init__(self, endpoint: Endpoint) -> None:
        # Reading has no limit of its own: how long to wait is decided per call.
        timeout = httpx2.Timeout(None, connect=endpoint.connect_seconds)
        self._client = AsyncOpenAI(
            base_url=endpoint.base_url,
            # The SDK refuses to start without a key.
            api_key=endpoint.api_key.get_secret_value() or "none",
            max_retries=0,
            timeout=timeout,
            http_client=DefaultAioHttpClient(timeout=timeout, limits=_CONNECTIONS),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[list[bytes], None]:
        """Post a request and yield the payloads of its events until the provider says [DONE].

        What arrived together is yielded together, so that a busy server sends fewer and larger
        deltas, and an idle one sends each as it comes.

        Closing the iterator, or cancelling the task that reads it, closes the HTTP request.

        Raises:
            ModelFailure: The provider refused, failed, or the stream broke before its end.
        """
        try:
            response = cast(
                httpx2.Response,
                await self._client.post(
                    path,
                    cast_to=httpx2.Response,
                    body=body,
                    stream=True,
                    stream_cls=AsyncStream[object],
                ),
            )
            splitter = EventSplitter()
            try:
                async with aclosing(response.aiter_bytes()) as chunks:
                    async for chunk in chunks:
                        payloads = splitter.feed(chunk)
                        if DONE in payloads:
                            yield payloads[: payloads.index(DONE)]
                            return
                        if payloads:
                            yield payloads
            finally:
                await response.aclose()
        except (openai.APIError, EventTooLong, *_READING_ERRORS) as error:
            raise failure_of(error) from None

    async def call(self, path: str, body: dict[str, Any]) -> Any:
        """Post a request and return the parsed JSON of the answer.

        Raises:
            ModelFailure: The provider refused or failed, or its answer is not JSON.
        """
        try:
            response = await self._client.post(path, cast_to=httpx2.Response, body=body)
            return response.json()
        # JSON that is nested too deep is a RecursionError.
        except (openai.APIError, ValueError, RecursionError, *_READING_ERRORS) as error:
            raise failure_of(error) from None


def failure_of(error: Exception) -> ModelFailure:
    """Say in one word what an error of the transport means, and drop what the provider said."""
    if isinstance(error, openai.APIStatusError):
        return _status_failure(error)
    # The transport reports a refused connection as a timeout; what aiohttp raised tells.
    cause: BaseException = error
    while cause.__cause__ is not None and not isinstance(cause, aiohttp.ClientError):
        cause = cause.__cause__
    if isinstance(cause, _UNCONNECTED):
        return ModelFailure(Cause.UNREACHABLE)
    if isinstance(cause, TimeoutError | httpx2.TimeoutException):
        return ModelFailure(Cause.TIMEOUT)
    if isinstance(cause, _TRANSPORT_ERRORS):
        return ModelFailure(Cause.UNREACHABLE)
    return ModelFailure(Cause.BROKEN_RESPONSE)


def retry_after_seconds(value: str) -> float | None:
    """Read a `Retry-After` header, seconds or a date (RFC 9110, section 10.2.3); None: neither."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):  # no date, or one without a time zone
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _status_failure(error: openai.APIStatusError) -> ModelFailure:
    retry_after = retry_after_seconds(error.response.headers.get("retry-after", ""))
    if error.status_code == 429:
        return ModelFailure(Cause.RATE_LIMITED, retry_after)
    if error.status_code >= 500:
        return ModelFailure(Cause.PROVIDER_ERROR, retry_after)
    if error.status_code in _OF_THE_CONTENT:
        return ContentRefused()
    return NotFound() if error.status_code == 404 else ModelFailure(Cause.REFUSED)
