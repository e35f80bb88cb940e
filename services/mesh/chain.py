"""Where gRPC meets the middleware: one interceptor that runs the list around every method.

It takes the request as bytes and parses it itself, so that a malformed or oversized message passes
the same errors, audit and metrics as everything else, and ends calls with a status.
"""

import asyncio
import inspect
import string
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2
from kefu.client.status import DETAILS_KEY, from_status, to_status
from kefu.errors import KefuError, MalformedRequest, MessageTooLarge, ShuttingDown

from services.mesh.calls import Call, Middleware, enter
from services.mesh.names import TRACE_ID_KEY

Context = Any
"""`grpc.aio.ServicerContext`; its stubs are generic where its runtime class is not."""
Handler = Any
"""`grpc.RpcMethodHandler`, likewise."""
# For the NOT_SERVING that a health watch sends when a drain begins.
_LAST_WORD_SECONDS = 0.05
# Of a caller that is refused: some hundred megabytes on a good line, and not for ever.
_READ_OUT_SECONDS = 10.0
# Clients refuse trailers of more than 8 KiB and then see no error of ours.
_MAX_TRAILER_BYTES = 7_500
_SHORT_MESSAGE = 200
_CODES: dict[int, grpc.StatusCode] = {each.value[0]: each for each in grpc.StatusCode}


class Chain(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Runs the middleware, outermost first, around every method of a server.

    Args:
        middleware: in order, the first is the outermost.
        max_message_bytes: largest request message.
    """

    def __init__(self, middleware: Sequence[Middleware], max_message_bytes: int) -> None:
        self._middleware = tuple(middleware)
        self._readers = [m for m in middleware if type(m).on_request is not Middleware.on_request]
        self._max_message_bytes = max_message_bytes
        self._wrapped: dict[str, Handler] = {}
        self._draining = asyncio.Event()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Give the method's handler inside the chain; None, as gRPC does, for unknown methods."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            self._wrapped[method] = self._wrap(method.lstrip("/"), handler)
        return self._wrapped[method]

    def drain(self) -> None:
        """End the calls that would never end by themselves, so that a drain need not wait."""
        self._draining.set()

    async def _while_serving(self, watch: Coroutine[Any, Any, None]) -> None:
        watching = asyncio.create_task(watch)
        draining = asyncio.create_task(self._draining.wait())
        try:
            await asyncio.wait({watching, draining}, return_when=asyncio.FIRST_COMPLETED)
            if draining.done():
                await asyncio.wait({watching}, timeout=_LAST_WORD_SECONDS)
                raise ShuttingDown()
            await watching
        finally:
            watching.cancel()
            draining.cancel()

    def _wrap(self, method: str, handler: Handler) -> Handler:
        # gRPC looks for the async functions by their kind, hence one for each way of answering.
        # Both are coroutines: an async generator would be closed by the garbage collector, in
        # another task, when its caller leaves while a response is being sent.
        run = handler.unary_unary or handler.stream_unary
        run = run or handler.unary_stream or handler.stream_stream
        serialize = handler.response_serializer

        async def unary(raw: Any, context: Context) -> bytes | None:
            async with self._served(method, context) as call:
                request = self._request(call, raw, handler)
                try:
                    answer: bytes = serialize(await _not_aborted(run(request, context), context))
                except KefuError:
                    if handler.request_streaming:
                        await _read_out(raw)
                    raise
                return answer
            return None

        async def stream(raw: Any, context: Context) -> None:
            async with self._served(method, context) as call:
                responses = run(self._request(call, raw, handler), context)
                if inspect.isawaitable(responses):
                    # It writes to the context by itself: a health watch, which never ends.
                    await self._while_serving(_not_aborted(responses, context))
                    return
                async with aclosing(responses):
                    async for response in responses:
                        await context.write(response)

        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        if handler.response_streaming:
            return make(stream, None, serialize)
        return make(unary, None, None)

    @asynccontextmanager
    async def _served(self, method: str, context: Context) -> AsyncIterator[Call]:
        """Run the block inside the middleware; a `KefuError` ends the call with its status."""
        call = _begin(method, context)
        try:
            async with AsyncExitStack() as stack:
                for each in self._middleware:
                    await stack.enter_async_context(each.around(call))
                yield call
            if call.trailers:
                context.set_trailing_metadata(tuple(call.trailers.items()))
        except KefuError as error:
            # A handler that is not ours (health) may have aborted: then its status is sent.
            with suppress(grpc.aio.UsageError):
                await _abort(call, error, context)

    def _request(self, call: Call, raw: Any, handler: Handler) -> Any:
        """The request as the handler takes it: a message, or a stream of them."""
        parse = handler.request_deserializer
        if not handler.request_streaming:
            return self._receive(call, raw, parse)

        async def messages() -> AsyncIterator[Message]:
            async for each in raw:
                yield self._receive(call, each, parse)

        return messages()

    def _receive(self, call: Call, raw: bytes, parse: Callable[[bytes], Message]) -> Message:
        if len(raw) > self._max_message_bytes:
            raise MessageTooLarge(size=str(len(raw)), limit=str(self._max_message_bytes))
        try:
            message = parse(raw)
        except DecodeError as error:
            raise MalformedRequest() from error
        for each in self._readers:
            each.on_request(call, message)
        return message


def _begin(method: str, context: Context) -> Call:
    uris = context.auth_context().get("peer_uri", ())
    metadata = {k: v for k, v in context.invocation_metadata() or () if isinstance(v, str)}
    call = Call(
        method=method,
        certificate_uris=tuple(uri.decode(errors="replace") for uri in uris),
        metadata=metadata,
        seconds_left=context.time_remaining(),
    )
    enter(call)
    return call


async def _read_out(raw: Any) -> None:
    """Take what a caller that is refused still sends, and drop it.

    A client of grpc.aio whose call ends while it writes makes INTERNAL of it and never looks at
    our status.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_READ_OUT_SECONDS):
            async for _ in raw:
                pass


async def _not_aborted(answer: Awaitable[Any], context: Context) -> Any:
    """The answer of a handler; an abort of its own becomes a `KefuError` with the same code."""
    try:
        return await answer
    except grpc.aio.AbortError:
        number, _ = context.code().value
        raise from_status(status_pb2.Status(code=number)) from None


async def _abort(call: Call, error: KefuError, context: Context) -> None:
    status = _fitting(to_status(error))
    trailers = ((DETAILS_KEY, status.SerializeToString()), (TRACE_ID_KEY, call.trace_id))
    more = tuple(call.trailers.items())
    await context.abort(_CODES[status.code], status.message, trailers + more)


def _fitting(status: status_pb2.Status) -> status_pb2.Status:
    """Shorten a status that no client would take to its reason and the beginning of its message."""
    # The status goes as base64, and its message once more, nine bytes for a Chinese character.
    size = status.ByteSize() * 4 / 3 + len(quote(status.message, safe=string.printable))
    if size > _MAX_TRAILER_BYTES:
        status.message = f"{status.message[:_SHORT_MESSAGE]} ... (shortened)"
        del status.details[1:]
    return status
