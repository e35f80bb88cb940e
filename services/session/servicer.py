"""kefu.session.v1.SessionService: protobuf in, one call, protobuf out."""

from collections.abc import AsyncIterator
from typing import Any

from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1 import turn_pb2
from kefu.session.v1.session_pb2_grpc import SessionServiceServicer

from services.session import messages
from services.session.conversations import Conversations, NewSession
from services.session.turns import Turns


class SessionServicer(SessionServiceServicer):
    """Serves conversations and turns."""

    def __init__(self, conversations: Conversations, turns: Turns) -> None:
        self._conversations = conversations
        self._turns = turns

    async def CreateSession(
        self, request: pb.CreateSessionRequest, context: Any
    ) -> pb.CreateSessionResponse:
        """Start a conversation."""
        wanted = NewSession(
            request.session_id,
            request.session.knowledge_base,
            request.session.ttl.seconds,
            request.session.profile,
        )
        row = await self._conversations.create(_last(request.parent), wanted, request.request_id)
        return pb.CreateSessionResponse(session=messages.session_to_proto(row))

    async def GetSession(
        self, request: pb.GetSessionRequest, context: Any
    ) -> pb.GetSessionResponse:
        """Read a conversation's state."""
        row = await self._conversations.get(*_session_ids(request.name))
        return pb.GetSessionResponse(session=messages.session_to_proto(row))

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: Any
    ) -> pb.ListSessionsResponse:
        """List conversations, newest first."""
        tenant = _last(request.parent)
        rows, token = await self._conversations.page(tenant, request.page_size, request.page_token)
        sessions = [messages.session_to_proto(row) for row in rows]
        return pb.ListSessionsResponse(sessions=sessions, next_page_token=token)

    async def CloseSession(
        self, request: pb.CloseSessionRequest, context: Any
    ) -> pb.CloseSessionResponse:
        """End a conversation."""
        row = await self._conversations.close(*_session_ids(request.name))
        return pb.CloseSessionResponse(session=messages.session_to_proto(row))

    async def Converse(
        self, request: pb.ConverseRequest, context: Any
    ) -> AsyncIterator[pb.ConverseResponse]:
        """Take one message of the customer and stream the turn."""
        tenant, session = _session_ids(request.session)
        stream = await self._turns.begin(
            tenant, session, request.request_id, request.input.text, request.language_code
        )
        async for event in stream.events():
            yield pb.ConverseResponse(event=event)

    async def Reply(self, request: pb.ReplyRequest, context: Any) -> pb.ReplyResponse:
        """Take one message of the customer and answer when the turn is complete."""
        tenant, session = _session_ids(request.session)
        stream = await self._turns.begin(
            tenant, session, request.request_id, request.input.text, request.language_code
        )
        return pb.ReplyResponse(turn=await stream.result())

    async def ResumeTurn(
        self, request: pb.ResumeTurnRequest, context: Any
    ) -> AsyncIterator[pb.ResumeTurnResponse]:
        """Continue a broken stream."""
        stream = await self._turns.resume(*_turn_ids(request.name))
        async for event in stream.events(request.after_sequence):
            yield pb.ResumeTurnResponse(event=event)

    async def GetTurn(self, request: pb.GetTurnRequest, context: Any) -> pb.GetTurnResponse:
        """Read one turn."""
        row = await self._conversations.turn(*_turn_ids(request.name))
        return pb.GetTurnResponse(turn=turn_pb2.Turn.FromString(row.result))

    async def ListTurns(self, request: pb.ListTurnsRequest, context: Any) -> pb.ListTurnsResponse:
        """List a conversation's turns, oldest first."""
        rows, token = await self._conversations.turns(
            *_session_ids(request.parent), request.page_size, request.page_token
        )
        turns = [turn_pb2.Turn.FromString(row.result) for row in rows]
        return pb.ListTurnsResponse(turns=turns, next_page_token=token)

    async def MatchIntent(
        self, request: pb.MatchIntentRequest, context: Any
    ) -> pb.MatchIntentResponse:
        """Say what the next turn would do with a text."""
        result = await self._conversations.preview(
            *_session_ids(request.session), request.input.text
        )
        return pb.MatchIntentResponse(
            match=messages.match_to_proto(result.understanding, result.match.name),
            sentiment=messages.sentiment_to_proto(result.mood),
            next_state=messages.state_to_proto(result.state),
        )


def _session_ids(name: str) -> tuple[str, str]:
    """Tenant and session of a session's name."""
    _, tenant, _, session = name.split("/")
    return tenant, session


def _turn_ids(name: str) -> tuple[str, str, str]:
    """Tenant, session and turn of a turn's name."""
    parent, _, turn = name.partition("/turns/")
    return *_session_ids(parent), turn


def _last(name: str) -> str:
    """The last id of a resource name; empty for an empty name."""
    return name.rpartition("/")[2]
