"""Puts the draft of a knowledge base live, from this machine."""

import asyncio
import uuid
from collections.abc import Callable

import grpc
from kefu.knowledge.v1 import knowledge_pb2, release_pb2
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from kefu.knowledge.v1.release_pb2_grpc import KnowledgeReleaseServiceStub

CALL_SECONDS = 10.0
"""Deadline of reading a knowledge base."""

PUBLISH_SECONDS = 300.0
"""Deadline of publishing: five hundred test questions take ten seconds, and a million passages
whose words no import has counted a minute or two."""

_LOOK_SECONDS = 0.3


async def knowledge_base(channel: grpc.aio.Channel, name: str) -> knowledge_pb2.KnowledgeBase:
    """Read a knowledge base.

    Args:
        channel: to the knowledge service.
        name: `tenants/{tenant}/knowledgeBases/{kb}`.

    Raises:
        grpc.RpcError: the call failed; `operator.channel` turns it into its KefuError.
    """
    request = knowledge_pb2.GetKnowledgeBaseRequest(name=name)
    response = await KnowledgeServiceStub(channel).GetKnowledgeBase(request, timeout=CALL_SECONDS)
    found: knowledge_pb2.KnowledgeBase = response.knowledge_base
    return found


async def until_embedded(
    channel: grpc.aio.Channel, name: str, on_look: Callable[[int], None] = lambda waiting: None
) -> None:
    """Wait until every text has its vector; the caller sets how long.

    Args:
        channel: to the knowledge service.
        name: of the knowledge base.
        on_look: is told how many texts wait, at every look.

    Raises:
        grpc.RpcError: the call failed.
    """
    while waiting := (await knowledge_base(channel, name)).waiting_texts:
        on_look(waiting)
        await asyncio.sleep(_LOOK_SECONDS)


async def publish(
    channel: grpc.aio.Channel, name: str, *, description: str = "", validate_only: bool = False
) -> release_pb2.PublishKnowledgeBaseResponse:
    """Put the draft live, if its test questions allow it.

    Args:
        channel: to the knowledge service.
        name: of the knowledge base.
        description: why, for people.
        validate_only: True says what would happen, and changes nothing.

    Raises:
        grpc.RpcError: the call failed, or publishing was refused.
    """
    request = release_pb2.PublishKnowledgeBaseRequest(
        name=name,
        request_id=str(uuid.uuid4()),
        description=description,
        validate_only=validate_only,
    )
    stub = KnowledgeReleaseServiceStub(channel)
    done: release_pb2.PublishKnowledgeBaseResponse = await stub.PublishKnowledgeBase(
        request, timeout=PUBLISH_SECONDS
    )
    return done


async def publish_edits(channel: grpc.aio.Channel, name: str, description: str) -> None:
    """Put the draft live where it was edited; what somebody rolled back to stays.

    Raises:
        grpc.RpcError: a call failed, or publishing was refused.
    """
    now = await knowledge_base(channel, name)
    if now.draft_changed or not now.HasField("live_revision"):
        await publish(channel, name, description=description)
