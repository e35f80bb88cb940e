"""A Redis that a test may take away."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis as redis_py

from services.local import valkey

ENDLESS = "while true do end"


class Redis:
    """A server of this test's own, which it may stop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = valkey.start(folder / "run", folder / "valkey.log")

    def stop(self) -> None:
        """End it; what it kept is gone."""
        self.server.stop()

    def start(self) -> None:
        """Start it again at the same place, empty."""
        self.server = valkey.start(self._folder / "run", self._folder / "valkey.log")

    def command(self, *words: object) -> None:
        """Carry out a command, as an operator does."""
        with redis_py.Redis.from_url(self.server.url) as client:
            client.execute_command(*words)

    def has(self, key: str) -> bool:
        """Whether it has such a key."""
        with redis_py.Redis.from_url(self.server.url) as client:
            return bool(client.exists(key))

    def endless(self) -> None:
        """Run a script until it is killed."""
        with suppress(redis_py.ResponseError):
            self.command("EVAL", ENDLESS, 0)

    def wait_until_busy(self) -> None:
        """Wait until it tells others so."""
        with suppress(redis_py.ResponseError):
            while True:
                self.command("GET", "anything")

    def pause(self) -> None:
        """Let it accept connections and answer nothing."""
        self.server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        self.server.process.send_signal(signal.SIGCONT)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that a test may take away."""
    server = Redis(tmp_path)
    try:
        yield server
    finally:
        server.resume()
        server.stop()


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(5):
        while not await asyncio.to_thread(true):
            pass
