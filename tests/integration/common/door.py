"""A service of a few routes on its real server, and raw bytes to it and from it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import JSONBody
from litestar.response import Stream

from common.http.app import create
from common.http.auth import Verifier
from common.http.protocol import be_patient
from common.http.pulse import Pulse
from common.http.server import Server
from common.http.staying import Staying
from common.main import Program
from common.settings import Settings
from tests.support import eventually, free_port

PUBLIC = {"public": True}
ticks: asyncio.Queue[bytes] = asyncio.Queue()
"""What the stream says next."""


class Told:
    """What a stream says that goes on after its request, and how far it has got."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.is_sending = False
        self.is_over = asyncio.Event()

    def say(self, frame: bytes | None) -> None:
        """An empty one is the end, and none a fault of ours."""
        self.frames.put_nowait(frame)

    async def tell(self) -> AsyncGenerator[bytes]:
        try:
            while frame := await self.frames.get():
                self.is_sending = True
                yield frame
                self.is_sending = False
            if frame is None:
                raise RuntimeError("of ours")
        finally:
            self.is_over.set()


pulse = Pulse(b": alive")
told: asyncio.Queue[Told] = asyncio.Queue()
"""Each of them, from its beginning on."""


class Said(msgspec.Struct, frozen=True):
    words: str


@post("/echo", opt=PUBLIC, status_code=200)
async def echo(data: JSONBody[Said]) -> Said:
    return data


@get("/page", opt=PUBLIC)
async def page() -> Response[str]:
    own = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "public, max-age=60"}
    return Response("<p>", media_type="text/html", headers=own)


@get("/secret")
async def secret() -> None: ...


@get("/fault", opt=PUBLIC)
async def fault() -> None:
    raise RuntimeError("of ours")


@get("/events", opt=PUBLIC)
async def events() -> Response[Any]:
    async def said() -> AsyncIterator[bytes]:
        while tick := await ticks.get():
            yield tick

    return Stream(said(), media_type="text/event-stream")


@get("/told", opt=PUBLIC)
async def tell() -> Response[Any]:
    story = Told()
    told.put_nowait(story)
    return Staying(story.tell(), pulse, media_type="text/event-stream", headers={})


@post("/long", opt=PUBLIC, status_code=200, request_max_body_size=None)
async def long(request: Request[Any, Any, Any]) -> dict[str, int]:
    be_patient(request.scope)
    return {"bytes": sum([len(piece) async for piece in request.stream()])}


@asynccontextmanager
async def door(**changed: Any) -> AsyncIterator[Settings]:
    """The server that every service runs on, and no broker behind it."""
    settings = Settings(service="door", port=free_port(), nats_url="", **changed)
    verifier = Verifier(None, issuer="shop", audience="shop")
    routes = [echo, page, secret, fault, events, tell, long]
    app = create(settings.service, routes, state={"verifier": verifier}, needed={}, reported={})
    server = Server(settings, Program(app=app))
    serving = asyncio.ensure_future(server.serve())
    try:
        await eventually(lambda: server.started or serving.done())
        yield settings
    finally:
        server.stop()
        await serving


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next one, by its Content-Length."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        lines = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, body

    async def is_closed(self) -> bool:
        return await self.reader.read(1) == b""


@asynccontextmanager
async def wire(settings: Settings, *, limit: int = 2**20) -> AsyncIterator[Wire]:
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", settings.port, limit=limit)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()
