"""Stands before the object store, and can be told to refuse whoever comes, or to let them wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support import free_port


class Proxy:
    def __init__(self, target: str) -> None:
        self.host, port = target.split(":")
        self.target_port = int(port)
        self.port = free_port()
        self.passes = asyncio.Event()
        self.passes.set()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def down(self) -> None:
        """Also for those who are connected."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.close()
        self._open.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(OSError):
            there, away = await asyncio.open_connection(self.host, self.target_port)
            self._open.add(away)
            await asyncio.gather(self._pass_on(reader, away), self._pass_on(there, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(2**16):
                await self.passes.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def proxy(target: str) -> AsyncIterator[Proxy]:
    made = Proxy(target)
    await made.up()
    try:
        yield made
    finally:
        made.passes.set()
        await made.down()
