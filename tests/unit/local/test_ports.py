"""A mesh holds its ports from the moment it chose them."""

import asyncio
import socket

import grpc
import pytest

from services.local import ports as ports_module
from services.local.ports import HOST, Ports
from services.local.problem import Problem


@pytest.fixture
def one_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """The only port there is to choose: one that the system found free."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    monkeypatch.setattr(ports_module, "PORTS", range(port, port + 1))
    return port


def test_two_meshes_that_start_at_once_choose_different_ports(one_port: int) -> None:
    """The first has not listened yet, and still the second finds nothing to choose."""
    with Ports() as first, Ports() as second:
        assert first.choose(set()) == one_port
        with pytest.raises(Problem, match=f"no port from {one_port} to {one_port} of 127"):
            second.choose(set())


def test_ports_are_given_back(one_port: int) -> None:
    """A mesh that ended leaves nothing taken."""
    with Ports() as first:
        first.choose(set())
    with Ports() as second:
        assert second.choose(set()) == one_port


def test_a_port_somebody_listens_on_is_neither_chosen_nor_taken(one_port: int) -> None:
    """Whoever it is: another mesh or another program."""
    with socket.socket() as squatter, Ports() as ports:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((HOST, one_port))
        squatter.listen()
        assert not ports.take(one_port)
        with pytest.raises(Problem, match="is free"):
            ports.choose(set())


@pytest.mark.parametrize("again", [False, True])
async def test_services_listen_on_a_held_port_and_again_after_a_restart(
    one_port: int, again: bool
) -> None:
    """Both kinds of server of a service: gRPC, and the HTTP of its metrics."""
    with Ports() as ports:
        assert ports.take(one_port) if again else ports.choose(set()) == one_port
        for _ in range(2):
            server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
            assert server.add_insecure_port(f"{HOST}:{one_port}") == one_port
            await server.start()
            async with grpc.aio.insecure_channel(f"{HOST}:{one_port}") as channel:
                await asyncio.wait_for(channel.channel_ready(), 10)
            await server.stop(None)
        for _ in range(2):
            metrics = await asyncio.start_server(lambda _r, w: w.close(), HOST, one_port)
            reader, writer = await asyncio.open_connection(HOST, one_port)
            assert await reader.read() == b""
            writer.close()
            metrics.close()
            await metrics.wait_closed()
