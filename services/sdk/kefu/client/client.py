"""A client of the session service."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from kefu.client.channel import open_channel
from kefu.client.status import from_rpc_error
from kefu.errors import Code, KefuError
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import Turn, TurnEvent

_MAX_RESUMES = 5


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
            raise from_rpc_error(error, "session") from None
        return response.session

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
            raise from_rpc_error(error, "session") from None
        return response.turn

    async def converse(
        self, session: str, text: str, request_id: str = ""
    ) -> AsyncIterator[TurnEvent]:
        """Send one message of the customer and stream the turn, each event exactly once.

        A stream that breaks is continued after the last event that arrived; a turn that never
        started is asked for again with the same request_id. Both happen a few times at most.

        Raises:
            KefuError: of the class that the server raised.
        """
        request = pb.ConverseRequest(session=session, request_id=request_id or str(uuid.uuid4()))
        request.input.text = text
        turn, sequence = "", 0
        for attempt in range(_MAX_RESUMES + 1):
            try:
                async for event in self._events(request, turn, sequence):
                    turn = turn or event.started.turn
                    sequence = event.sequence
                    yield event
                return
            except grpc.RpcError as error:
                failure = from_rpc_error(error, "session")
                if failure.code is not Code.UNAVAILABLE or attempt == _MAX_RESUMES:
                    raise failure from None

    async def _events(
        self, request: pb.ConverseRequest, turn: str, sequence: int
    ) -> AsyncIterator[TurnEvent]:
        call: grpc.aio.UnaryStreamCall[object, pb.ConverseResponse | pb.ResumeTurnResponse]
        options = {"timeout": self._timeout, "metadata": self._metadata, "wait_for_ready": True}
        if turn:
            resume = pb.ResumeTurnRequest(name=turn, after_sequence=sequence)
            call = self.stub.ResumeTurn(resume, **options)
        else:
            call = self.stub.Converse(request, **options)
        async for response in call:
            yield response.event


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
        cert, key, ca: PEM files, as `kefu certs issue` writes them.
        timeout_seconds: of each call.
        end_user_token: JWT that names the customer; empty: none.

    Raises:
        KefuError: a file cannot be read.
    """
    try:
        credentials = grpc.ssl_channel_credentials(
            Path(ca).read_bytes(), Path(key).read_bytes(), Path(cert).read_bytes()
        )
    except OSError as error:
        raise KefuError(f"{error.filename}: {error.strerror}") from None
    channel = open_channel(target, credentials)
    try:
        yield Client(channel, timeout_seconds, end_user_token)
    finally:
        await channel.close()
