"""The wires between services and servers, which can be cut, frozen, slowed and torn.

Each pair has a wire of its own: a service finds a server at the wire's port, and nobody else is disturbed.
"""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: a close is a RST, as from a machine that forgot the connection."""


@dataclass
class Link:
    """One wire. What it does to bytes holds for those under way, too."""

    service: str
    server: str
    target: int
    port: int = 0
    is_cut: bool = False
    is_frozen: bool = False
    delay: float = 0.0
    """Seconds that every piece takes at most, one way; each takes between half of it and all."""
    ends: set["End"] = field(default_factory=set)
    _listener: asyncio.Server | None = None

    @property
    def name(self) -> str:
        return f"{self.service}-{self.server}"

    async def open(self) -> None:
        """Listens; port 0 takes a free one and keeps it."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Near(self), "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._listener:
            self._listener.close()
        self.tear()

    def cut(self) -> None:
        """Connections end, and whoever comes is sent away, until `mend`."""
        self.is_cut = True
        self.tear()

    def freeze(self) -> None:
        """Nothing passes and nothing ends: a half-open connection. `mend` lets what was sent arrive."""
        self.is_frozen = True
        for end in self.ends:
            end.hold()

    def tear(self) -> None:
        """Every connection is reset, wherever a message stands; new ones are let in."""
        for end in list(self.ends):
            end.reset()

    def mend(self) -> None:
        self.is_cut = self.is_frozen = False
        self.delay = 0.0
        for end in self.ends:
            end.release()


class End(asyncio.Protocol):
    """One side of one connection."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None
        self._early: list[bytes] = []
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.link.ends.add(self)
        if self.link.is_frozen:
            self.hold()
        for piece in self._early:
            transport.write(piece)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            return
        if not self.link.delay:
            self.other.send(data)
            return
        loop = asyncio.get_running_loop()
        late = loop.time() + self.link.delay * random.uniform(0.5, 1)  # noqa: S311  # weather
        self._due = max(self._due, late)  # in order, as TCP has it
        loop.call_at(self._due, self.other.send, data)

    def send(self, data: bytes) -> None:
        if self.transport is None:
            self._early.append(data)
        elif not self.transport.is_closing():
            self.transport.write(data)

    def pause_writing(self) -> None:
        if self.other:
            self.other.hold()

    def resume_writing(self) -> None:
        if self.other and not self.link.is_frozen:
            self.other.release()

    def connection_lost(self, _: Exception | None) -> None:
        self.link.ends.discard(self)
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.close()

    def hold(self) -> None:
        if self.transport and self.transport.is_reading():
            self.transport.pause_reading()

    def release(self) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.resume_reading()

    def reset(self) -> None:
        if self.transport:
            wire = self.transport.get_extra_info("socket")
            if wire is not None and wire.fileno() >= 0:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()


class Near(End):
    """The service's side; it brings the other one into being."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._reaching: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.link.is_cut:
            self.reset()
        else:
            self.other = End(self.link)
            self.other.other = self
            self._reaching = asyncio.ensure_future(self._reach(self.other))

    async def _reach(self, far: End) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: far, "127.0.0.1", self.link.target)
        except OSError:
            self.reset()
        else:
            if far.transport and (self.transport is None or self.transport.is_closing()):
                far.transport.close()


@asynccontextmanager
async def opened(links: Iterable[Link]) -> AsyncIterator[list[Link]]:
    """All of them listen, and are gone afterwards."""
    known = list(links)
    try:
        for link in known:
            await link.open()
        yield known
    finally:
        for link in known:
            await link.close()
