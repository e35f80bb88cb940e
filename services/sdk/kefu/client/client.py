"""A client of the session service."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from kefu.client.channel import open_channel
from kefu.client.status import from_rpc_error
from kefu.errors import Code, KefuError, ServiceUnavailable, TurnInProgress, TurnNotFound
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import Turn, TurnEvent

# Between attempts where the server names no time: a process restarts within seconds.
_PAUSE_SECONDS = 0.2


class Client:
    """Conversations over one channel. Made by `connect`.

    Args:
        channel: an open channel to the session service.
        timeout_seconds: of each call; a turn with a slow model may need most of it.
        end_user_token: JWT that names the customer, sent with every call; empty: none.
    """

    def __init__(
        self, channel: grpc.aio.Channel, timeout_seconds: float = 30.0, end_user_token: str = ""
    ) -> None:
        self.channel = channel
        self.stub = SessionServiceStub(channel)
        self._timeout = timeout_seconds
        self._metadata = (("kefu-end-user", end_user_token),) if end_user_token else ()

    async def create_session(self, tenant: str, session_id: str = "") -> pb.Session:
        """Start a conversation.

        Args:
            tenant: `tenants/{tenant}`.
            session_id: 1 to 64 letters, digits, `-`, `_`; empty: the server makes one.

        Raises:
            KefuError: of the class that the server raised.
        """
        request = pb.CreateSessionRequest(
            parent=tenant, session_id=session_id, request_id=str(uuid.uuid4())
        )
        try:
            response = await self.stub.CreateSession(
                request, timeout=self._timeout, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise _failure(error) from None
        session: pb.Session = response.session
        return session

    async def reply(self, session: str, text: str, request_id: str = "") -> Turn:
        """Send one message of the customer and wait for the whole turn.

        Args:
            session: name of the session.
            text: 1 to 4,000 code points.
            request_id: UUID of this message; give the same again to repeat a failed call. Empty: a
                new one.

        Raises:
            KefuError: of the class that the server raised.
        """
        request = pb.ReplyRequest(session=session, request_id=request_id or str(uuid.uuid4()))
        request.input.text = text
        try:
            response = await self.stub.Reply(
                request, timeout=self._timeout, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise _failure(error) from None
        turn: Turn = response.turn
        return turn

    async def converse(
        self, session: str, text: str, request_id: str = ""
    ) -> AsyncIterator[TurnEvent]:
        """Send one message of the customer and stream the turn, each event exactly once.

        A stream that breaks is continued after the last event that arrived. Only where the server
        died before the turn was stored does the turn begin again, with the same request_id, and
        then a second `started` says that what was shown before it is void.

        Raises:
            KefuError: of the class that the server raised; once the turn began, UNAVAILABLE only
                when the time is up.
        """
        request = pb.ConverseRequest(session=session, request_id=request_id or str(uuid.uuid4()))
        request.input.text = text
        turn, sequence, broken = "", 0, False
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                async for event in self._events(request, turn, sequence, deadline):
                    turn = turn or event.started.turn
                    sequence = event.sequence
                    yield event
                    if event.HasField("completed"):
                        return  # whatever breaks now, the turn is whole
                return
            except grpc.RpcError as error:
                failure = _failure(error)
            pause = _pause_seconds(failure, begun=bool(turn) or broken)
            if pause is None or time.monotonic() + pause >= deadline:
                raise failure
            if isinstance(failure, TurnNotFound):
                turn, sequence = "", 0
            broken = True
            await asyncio.sleep(pause)

    async def _events(
        self, request: pb.ConverseRequest, turn: str, sequence: int, deadline: float
    ) -> AsyncIterator[TurnEvent]:
        """The events of the turn from the beginning, or behind `sequence` of a turn that began."""
        call: grpc.aio.UnaryStreamCall[object, pb.ConverseResponse | pb.ResumeTurnResponse]
        left = deadline - time.monotonic()
        # A turn that began waits for its server to come back; one that did not is told at once
        # that nobody answers.
        options = {"timeout": left, "metadata": self._metadata, "wait_for_ready": bool(turn)}
        if turn:
            resume = pb.ResumeTurnRequest(name=turn, after_sequence=sequence)
            call = self.stub.ResumeTurn(resume, **options)
        else:
            call = self.stub.Converse(request, **options)
        async for response in call:
            yield response.event


def _pause_seconds(failure: KefuError, begun: bool) -> float | None:
    """How long to wait before the turn is taken up again; None where that would not help.

    Args:
        failure: how the last attempt ended.
        begun: whether an earlier attempt got through: then a running turn is our own.
    """
    if begun and (failure.code is Code.UNAVAILABLE or isinstance(failure, TurnInProgress)):
        return failure.retry_after_seconds or _PAUSE_SECONDS
    return 0.0 if isinstance(failure, TurnNotFound) else None


def _failure(error: grpc.RpcError) -> KefuError:
    """The typed error; where no server was reached, with what gRPC says of the reason."""
    failure = from_rpc_error(error, "session")
    if isinstance(failure, ServiceUnavailable) and not failure.trace_id:
        return ServiceUnavailable(f"{failure.message} ({error.details()})", service="session")
    return failure


@asynccontextmanager
async def connect(
    target: str,
    *,
    cert: str | Path,
    key: str | Path,
    ca: str | Path,
    timeout_seconds: float = 30.0,
    end_user_token: str = "",
) -> AsyncIterator[Client]:
    """Open a channel to the session service over mutual TLS.

    Args:
        target: gRPC target, such as `127.0.0.1:4433` or `dns:///session.kefu:8443`.
        cert: PEM file of the client certificate, as `kefu certs issue` writes it.
        key: PEM file of its private key.
        ca: PEM file of the CA that the server's certificate must chain to.
        timeout_seconds: of each call.
        end_user_token: JWT that names the customer; empty: none.

    Raises:
        KefuError: a file cannot be read.
    """
    channel = open_channel(target, _credentials(cert, key, ca))
    try:
        yield Client(channel, timeout_seconds, end_user_token)
    finally:
        await channel.close()


def _credentials(cert: str | Path, key: str | Path, ca: str | Path) -> grpc.ChannelCredentials:
    try:
        return grpc.ssl_channel_credentials(
            Path(ca).read_bytes(), Path(key).read_bytes(), Path(cert).read_bytes()
        )
    except OSError as error:
        raise KefuError(f"{error.filename}: {error.strerror}") from None
