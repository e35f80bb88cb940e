"""Ports of this machine, held for a mesh as long as it runs, so that no other mesh picks them.

A service binds its port seconds after it was chosen, and again after each restart. Two meshes that
start at once would otherwise find the same port free. A socket that is bound and never listens
holds a port against everybody who looks for a free one, and lets the service listen beside it:
Linux shares a port between sockets that all allow reuse while only one of them listens.
"""

import random
import socket
from types import TracebackType
from typing import Self

from services.local.problem import Problem

HOST = "127.0.0.1"
"""The local default serves this machine alone."""

PORTS = range(20000, 32000)
"""Ports to choose from: below the range from which the system takes ports for outgoing
connections, so that none of those sits on a service's port when it restarts."""


class Ports:
    """The ports that one mesh holds; closing gives them all back."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give all ports back."""
        while self._held:
            self._held.pop().close()

    def choose(self, besides: set[int]) -> int:
        """Hold a port, chosen at random, that nobody holds or listens on.

        Args:
            besides: ports not to choose, though they may be free.

        Raises:
            Problem: no port is free.
        """
        for port in random.sample(PORTS, len(PORTS)):
            if port not in besides and self._hold(port, again=False):
                return port
        raise Problem(
            f"no port from {PORTS.start} to {PORTS.stop - 1} of {HOST} is free",
            "stop programs that listen there",
        )

    def take(self, port: int) -> bool:
        """Hold a port of before; False where somebody listens on it."""
        return self._hold(port, again=True)

    def _hold(self, port: int, *, again: bool) -> bool:
        holder = socket.socket()
        try:
            # Connections of the last run that linger in TIME_WAIT are no reason to refuse.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(again))
            holder.bind((HOST, port))
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        except OSError:
            holder.close()
            return False
        self._held.append(holder)
        return True
