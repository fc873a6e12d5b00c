"""A connection whose request is over and whose answer goes on: this is all that is left of it in memory.

Uvicorn's protocol keeps a parser, the request, its flow control and queues for the next ones: many times
as much, for as long as an event stream is open.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import Context

from uvicorn.server import ServerState

from common.http.pulse import Pulse

log = logging.getLogger(__name__)

Frames = AsyncGenerator[bytes, None]
"""None of them empty: that would be the end. Closed when the client leaves, wherever it waits."""
Next = Callable[[asyncio.Transport], None]
"""What becomes of a connection that is free for another request."""
Tell = Callable[[asyncio.Transport, ServerState, Next | None], "Telling"]
"""Begins to, on a connection that has been used for the request."""


class Telling(asyncio.Protocol):
    """Sends frames in chunks, as fast as the client takes them; signs of life, in case there are none."""

    __slots__ = ("_next", "_place", "_room", "_state", "_task", "_transport")

    def __init__(
        self,
        frames: Frames,
        pulse: Pulse,
        transport: asyncio.Transport,
        state: ServerState,
        then: Next | None,
    ) -> None:
        """Without `then` the connection ends with the frames."""
        self._transport = transport
        self._state = state
        self._next = then
        self._room: asyncio.Future[None] | None = None
        """There is none while it is not done."""
        # The request's context would be kept for as long as the stream.
        self._task = asyncio.get_running_loop().create_task(self._tell(frames), context=Context())
        self._task.add_done_callback(state.tasks.discard)
        state.tasks.add(self._task)
        self._place = pulse.place()
        self._place.add(self)
        state.connections.add(self)  # type: ignore[arg-type]  # has all that the server asks of one

    def shutdown(self) -> None:
        """The server stops: the frames end by themselves, and nothing comes after them."""
        self._next = None

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  # asyncio's
        """Whoever does not wait for the end says it to a connection that is closed then."""
        self._next = None

    def pause_writing(self) -> None:
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._room and not self._room.done():
            self._room.set_result(None)
        self._room = None

    def connection_lost(self, _: Exception | None) -> None:
        self._place.discard(self)
        self._state.connections.discard(self)
        self._task.cancel()

    def beat(self, sign: bytes) -> None:
        """Not to a client that does not read: it has more than enough to come."""
        if not self._room:
            self._transport.write(chunk(sign))

    async def _tell(self, frames: Frames) -> None:
        """To the end, or until the client leaves; a stop that has no time left ends it, too."""
        try:
            async with aclosing(frames):
                async for frame in frames:
                    self._transport.write(chunk(frame))
                    if self._room:
                        await self._room
        except asyncio.CancelledError:
            if self._transport.is_closing():
                return
            log.warning("a stream is cut off by the stop")
        except Exception:
            log.exception("a stream is broken")
            self._transport.close()
            return
        self._end()

    def _end(self) -> None:
        self._place.discard(self)
        self._transport.write(chunk(b""))
        if self._next is None:
            self._transport.close()
        else:
            self._state.connections.discard(self)
            self._next(self._transport)


def chunk(frame: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(frame), frame)
