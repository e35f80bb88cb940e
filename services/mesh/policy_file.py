"""Keeps the policy in force equal to its file, and the old one where the new one is broken."""

import asyncio
from pathlib import Path

import structlog
from prometheus_client import Counter

from services.mesh import names
from services.mesh.policy import Policy, PolicyInvalid, read_policy

_RELOADS = Counter(names.POLICY_RELOADS, "Changed policy files, by what was done.", ["outcome"])
_POLL_SECONDS = 0.5


class PolicyFile:
    """The policy in force.

    Args:
        path: the file; it may be replaced or edited in place.
        known_methods: full names of the methods that exist.

    Raises:
        PolicyInvalid: the file is broken at start; a server does not start without a policy.
    """

    def __init__(self, path: Path, known_methods: frozenset[str]) -> None:
        self._path = path
        self._known_methods = known_methods
        self._seen = self._state()
        self._policy = read_policy(path, known_methods)
        self._log = structlog.get_logger("policy")

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def reload(self) -> bool:
        """Take over a changed file; True where the policy in force is now another."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self._policy = read_policy(self._path, self._known_methods)
        except PolicyInvalid as error:
            _RELOADS.labels("refused").inc()
            self._log.error("policy refused, the old one stays", problems=error.problems)
            return False
        _RELOADS.labels("taken").inc()
        self._log.info("policy reloaded", bindings=len(self._policy.bindings))
        return True

    async def watch(self) -> None:
        """Reload whenever the file changes, until cancelled."""
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            await asyncio.to_thread(self.reload)

    def _state(self) -> tuple[int, int, int]:
        """What changes when the file does; zeros while it is being replaced."""
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)
