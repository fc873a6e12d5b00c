"""A server that accepts and does not go on is left as it was met: no connection to it stays open."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from common.messaging.broker import broker

INFO = {"server_id": "A", "version": "2.10.0", "max_payload": 1024, "headers": True}


class Server:
    """Carries some handshakes to their end and breaks off; of the next it waits for who gives it up."""

    def __init__(self, *, handshakes: int) -> None:
        self.handshakes = handshakes
        self.met = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"INFO {json.dumps(INFO)}\r\n".encode())
        await reader.readuntil(b"PING\r\n")
        if self.handshakes:
            self.handshakes -= 1
            writer.write(b"PONG\r\n")
        else:
            self.met.set()
            await reader.read()
            self.left.set()
        writer.close()


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[str]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        yield f"nats://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What is left to the garbage collector stays where it is."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_who_leaves_before_the_connection_stands_leaves_none_behind() -> None:
    silent = Server(handshakes=0)
    async with serving(silent) as url, asyncio.timeout(10):
        async with broker(url, "tests"):
            await silent.met.wait()
        await silent.left.wait()


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
async def test_a_handshake_that_fails_when_it_reconnects_leaves_none_behind() -> None:
    restarted = Server(handshakes=1)
    async with serving(restarted) as url, asyncio.timeout(30), broker(url, "tests") as connection:
        await connection.ready()
        await restarted.left.wait()
