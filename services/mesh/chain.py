"""Where gRPC meets the middleware: one interceptor that runs the list around every method.

It takes the request as bytes and parses it itself, so that a malformed or oversized message passes
the same errors, audit and metrics as everything else, and ends calls with a status.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from kefu.client.status import DETAILS_KEY, to_status
from kefu.errors import KefuError, MalformedRequest, MessageTooLarge
from services.mesh.calls import Call, Middleware, enter
from services.mesh.names import TRACE_ID_KEY

Context = Any
"""`grpc.aio.ServicerContext`; its stubs are generic where its runtime class is not."""
Handler = Any
"""`grpc.RpcMethodHandler`, likewise."""
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

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[Handler | None]
        ],
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

    def _wrap(
        self, method: str, handler: Handler
    ) -> Handler:
        parse = handler.request_deserializer

        async def messages(call: Call, stream: AsyncIterator[bytes]) -> AsyncIterator[Message]:
            async for raw in stream:
                yield self._receive(call, raw, parse)

        async def unary(raw: Any, context: Context) -> Any:
            call = _begin(method, context)
            try:
                async with AsyncExitStack() as stack:
                    await self._enter(stack, call)
                    request = (
                        messages(call, raw)
                        if handler.request_streaming
                        else self._receive(call, raw, parse)
                    )
                    run = handler.stream_unary or handler.unary_unary
                    return await run(request, context)
            except KefuError as error:
                await _abort(call, error, context)

        async def stream(raw: Any, context: Context) -> AsyncIterator[Any]:
            call = _begin(method, context)
            try:
                async with AsyncExitStack() as stack:
                    await self._enter(stack, call)
                    request = (
                        messages(call, raw)
                        if handler.request_streaming
                        else self._receive(call, raw, parse)
                    )
                    run = handler.stream_stream or handler.unary_stream
                    async for response in run(request, context):
                        yield response
            except KefuError as error:
                await _abort(call, error, context)

        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        behaviour = stream if handler.response_streaming else unary
        return make(behaviour, None, handler.response_serializer)

    async def _enter(self, stack: AsyncExitStack, call: Call) -> None:
        for each in self._middleware:
            await stack.enter_async_context(each.around(call))

    def _receive(self, call: Call, raw: bytes, parse: Callable[[bytes], Any] | None) -> Message:
        if len(raw) > self._max_message_bytes:
            raise MessageTooLarge(size=str(len(raw)), limit=str(self._max_message_bytes))
        try:
            message: Message = parse(raw) if parse else raw
        except DecodeError as error:
            raise MalformedRequest() from error
        for each in self._readers:
            each.on_request(call, message)
        return message


def _begin(method: str, context: Context) -> Call:
    sans = context.auth_context().get("x509_subject_alternative_name", ())
    metadata = {k: v for k, v in context.invocation_metadata() or () if isinstance(v, str)}
    remaining = context.time_remaining()
    call = Call(
        method=method,
        subject_alternative_names=tuple(name.decode() for name in sans),
        metadata=metadata,
        seconds_left=remaining,
    )
    enter(call)
    return call


async def _abort(call: Call, error: KefuError, context: Context) -> None:
    status = to_status(error)
    trailers = ((DETAILS_KEY, status.SerializeToString()), (TRACE_ID_KEY, call.trace_id))
    await context.abort(_CODES[status.code], error.message, trailers)
