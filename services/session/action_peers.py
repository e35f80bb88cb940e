"""The company's own systems, which serve kefu.action.v1.

`<tenants_dir>/<tenant>/actions.yaml` names a tenant's action servers. Their actions are read when
first needed and again every minute, so that a new action needs no restart here.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
import yaml
from kefu.action.v1 import action_pb2
from kefu.action.v1.action_pb2_grpc import ActionServiceStub
from kefu.errors import KefuError

from services.mesh.client import Peer
from services.session import messages
from services.session.actions import Action, ActionResult, Catalogue
from services.session.conversation import Conversation

_REFRESH_SECONDS = 60.0
# A system that is down is asked again sooner than one that answers.
_RETRY_SECONDS = 5.0
_LIST_SECONDS = 3.0

MakePeer = Callable[[str, Callable[..., object], str], Peer]


@dataclass(slots=True)
class _Known:
    """What is known of one tenant's actions, and until when; peers by target."""

    catalogue: dict[str, Action] = field(default_factory=dict)
    peers: dict[str, Peer] = field(default_factory=dict)
    fresh_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    refreshing: asyncio.Task[None] | None = None


class ActionPeers:
    """The action servers of all tenants.

    Args:
        tenants_dir: folder of the tenants' files.
        make_peer: opens a channel: name, stub, target.
    """

    def __init__(self, tenants_dir: Path, make_peer: MakePeer) -> None:
        self._tenants_dir = tenants_dir
        self._make_peer = make_peer
        self._tenants: dict[str, _Known] = {}
        self._log = structlog.get_logger("actions")

    async def catalogue(self, tenant: str) -> Catalogue:
        """The tenant's actions by intent; an old list while, or where, its systems do not answer.

        Only the first turn of a tenant waits for them.
        """
        known = self._tenants.setdefault(tenant, _Known())
        if time.monotonic() >= known.fresh_until and not known.lock.locked():
            known.refreshing = asyncio.create_task(self._read_again(tenant, known))
        if not known.fresh_until and known.refreshing is not None:
            await asyncio.shield(known.refreshing)
        return known.catalogue

    async def _read_again(self, tenant: str, known: _Known) -> None:
        async with known.lock:
            if time.monotonic() >= known.fresh_until:
                known.fresh_until = time.monotonic() + await self._refresh(tenant, known)

    async def execute(
        self,
        conversation: Conversation,
        action: Action,
        request_id: str,
        language: str,
        end_user: str,
    ) -> ActionResult:
        """Carry out an action with the operation's slots."""
        request = action_pb2.ExecuteRequest(
            session=conversation.name, action=action.action, slots=conversation.slots,
            request_id=request_id, language_code=language, end_user=end_user,
        )  # fmt: skip
        peer = self._tenants[conversation.tenant].peers[action.server]
        response = await peer.unary("Execute", request, action.timeout_seconds)
        return messages.action_result(action.action, conversation.slots, request_id, response)

    async def _refresh(self, tenant: str, known: _Known) -> float:
        """Ask the tenant's systems for their actions; seconds until they are asked again."""
        try:
            servers = _servers(self._tenants_dir / tenant / "actions.yaml")
        except (OSError, UnicodeDecodeError, yaml.YAMLError, _Malformed) as error:
            self._log.error("actions file", tenant=tenant, exc_info=error)
            return _RETRY_SECONDS
        wait = _REFRESH_SECONDS
        catalogue = {i: a for i, a in known.catalogue.items() if a.server in servers.values()}
        for name, target in servers.items():
            try:
                if target not in known.peers:
                    known.peers[target] = self._make_peer(name, ActionServiceStub, target)
                listed = await _list_actions(known.peers[target], tenant)
            except KefuError as error:
                wait = _RETRY_SECONDS
                self._log.warning("no actions", tenant=tenant, server=name, reason=error.reason)
                continue
            catalogue = {i: a for i, a in catalogue.items() if a.server != target}
            catalogue |= {each.intent: messages.action(each, target) for each in listed}
        known.catalogue = catalogue
        return wait


async def _list_actions(peer: Peer, tenant: str) -> list[action_pb2.Action]:
    actions: list[action_pb2.Action] = []
    request = action_pb2.ListActionsRequest(parent=f"tenants/{tenant}", page_size=100)
    while True:
        response = await peer.unary("ListActions", request, _LIST_SECONDS)
        actions += response.actions
        if not response.next_page_token:
            return actions
        request.page_token = response.next_page_token


class _Malformed(Exception):
    """The file is YAML and yet no list of servers."""


def _servers(path: Path) -> dict[str, str]:
    """Targets by server name; none where the tenant has no such file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return {}
    try:
        return {str(each["name"]): str(each["target"]) for each in document.get("servers", ())}
    except (AttributeError, KeyError, TypeError):
        raise _Malformed from None
