"""Providers that fail at random, by dice that fall the same way each time.

Each is the stub of the tests behind a port of its own, with a list of what happens to its requests.
It can be taken down and brought up again at the same place, and knows which requests are open.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer

STATUSES = (400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504)
"""What a provider answers with in place of words."""

GOOD = (
    Behaviour(),
    Behaviour(first_token_seconds=0.05, token_seconds=0.002),
    Behaviour(usage=False),
    Behaviour(chunk_characters=1),
)
"""Answers: quick, slow, without an account, in crumbs."""

BAD = (
    *(Behaviour(status=status) for status in STATUSES),
    Behaviour(status=429, retry_after_seconds=0.2),
    Behaviour(status=429, retry_after_seconds=1.5),
    Behaviour(status=503, retry_after_seconds=0.1),
    Behaviour(first_token_seconds=30),
    Behaviour(answer=" \n"),
    *(
        Behaviour(fault=fault, fault_after=after)
        for fault in Fault
        if fault is not Fault.NONE
        for after in (0, 3, 15, 40)
    ),
)
"""Each way to fail: at once, and before and after the first sentence of either language is out."""

REQUESTS = 3000
"""So many requests go as the dice say; a run makes some hundreds."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Provider:
    """One provider.

    Attributes:
        stub: what it has seen, and what it is told to do.
        open: requests that are being answered.
        idle: set while there are none.
    """

    def __init__(self, seed: int) -> None:
        self.stub = ModelServer(Behaviour())
        self.stub.next.extend(fate(seed))
        self.open = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self._port = 0
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Where it serves, the same each time it comes up."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def up(self) -> None:
        """Serve, if it does not already."""
        if self._runner is not None:
            return
        application = self.stub.application()
        application.middlewares.append(self._counted())
        # handler_cancellation: a request ends when its client hangs up.
        self._runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=0.05
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def down(self) -> None:
        """Cut every connection and take no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def heal(self) -> None:
        """Answer well from now on."""
        self.stub.next.clear()

    def _counted(self) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.open += 1
            self.idle.clear()
            try:
                return await handler(request)
            finally:
                self.open -= 1
                if not self.open:
                    self.idle.set()

        return count


def fate(seed: int) -> list[Behaviour]:
    """What happens to a provider's requests: five in seven are answered, each fault has its turn.

    With more faults the breakers would keep the load away from the providers.
    """
    dice = random.Random(seed)
    faults = list(BAD)
    drawn: list[Behaviour] = []
    while len(drawn) < REQUESTS:
        dice.shuffle(faults)
        for fault in faults:
            drawn += [*dice.choices(GOOD, k=dice.randint(1, 4)), fault]
    return drawn[:REQUESTS]


@asynccontextmanager
async def providers(count: int, seed: int) -> AsyncIterator[list[Provider]]:
    """Run so many providers until the block ends."""
    async with AsyncExitStack() as stack:
        found = [Provider(seed + number) for number in range(count)]
        for each in found:
            await each.up()
            stack.push_async_callback(each.down)
        yield found
