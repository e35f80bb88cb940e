"""Which conversation a provider began for one of ours, so that it can go on with it.

A provider's id is kept by a hash of whose conversation it is: no name of a session stands here.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

KEPT_SECONDS = 1800
"""How long an id is kept after its last answer: as long as a session, unless that is set longer."""

_KEPT = 10_000
"""Most ids that one process keeps."""


class Conversations(Protocol):
    """Where ids are kept, which never fails: `LocalConversations`, or a `ConversationStore`."""

    async def find(self, key: str) -> str:
        """Return the provider's id of a conversation; empty where it is to begin a new one."""
        ...

    async def keep(self, key: str, conversation_id: str) -> None:
        """Keep the id for as long as a session lives from now on."""
        ...


def key_of(provider: str, tenant: str, conversation: str) -> str:
    """Return what an id is kept by, 32 hex digits.

    Args:
        provider: The provider's name; the others do not know its ids.
        tenant: Id of the tenant.
        conversation: What the tenant's caller calls the conversation.
    """
    told = repr((provider, tenant, conversation))
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


class LocalConversations:
    """In this process, for one that is all there is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()

    async def find(self, key: str) -> str:
        """See `Conversations.find`."""
        until, conversation_id = self._kept.get(key, (0.0, ""))
        return conversation_id if until > self._clock() else ""

    async def keep(self, key: str, conversation_id: str) -> None:
        """See `Conversations.keep`; the one that was used least recently is forgotten first."""
        self._kept[key] = (self._clock() + KEPT_SECONDS, conversation_id)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
