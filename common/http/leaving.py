"""What a stop means for requests: their connections end with them, and one that cannot finish is told so."""

import asyncio
import json
import logging

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from common.stopping import Stop

log = logging.getLogger(__name__)

STOPPING = json.dumps(
    {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "Try again shortly.",
        "code": "stopping",
    },
    separators=(",", ":"),
).encode()


class Leaving:
    """Around the application. Whoever keeps a connection open hears in time that it is closed."""

    def __init__(self, app: ASGIApp, stop: Stop) -> None:
        self.app = app
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        is_answered = False

        async def sending(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                if self._stop.is_begun:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except asyncio.CancelledError:  # by the server, at the deadline; nobody else cancels a request
            log.warning("%s %s is cut off by the stop", scope["method"], scope["path"])
            if not is_answered:
                await _refuse(sending)


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(STOPPING)).encode()),
        (b"retry-after", b"1"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": STOPPING, "more_body": False})
