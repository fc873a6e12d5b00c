"""Answers that go on for as long as the client stays, while nothing of their request is kept in memory.

A stream may be open for hours. Sent from inside the application it would keep the request, its arguments and
a dozen coroutines alive all the while. So the application only begins it and returns; the connection is
handed over to what sends the rest (`common/http/telling.py`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from common.http.pulse import Pulse
from common.http.telling import Frames, Tell, Telling

STAY = "stay"


class Staying(Response[None]):
    """What a handler returns. The generator is closed when the client leaves, wherever it waits."""

    def __init__(self, frames: Frames, pulse: Pulse, *, media_type: str, headers: dict[str, str]) -> None:
        super().__init__(None, media_type=media_type, headers=headers)
        self.frames = frames
        self._pulse = pulse

    def to_asgi_response(self, *, request: Request[Any, Any, Any], **given: Any) -> ASGIResponse:  # type: ignore[override]  # called by names
        stay: Callable[[Tell], None] = request.scope["extensions"][STAY]  # type: ignore[index,assignment]  # ours
        begun = _Begun(headers=self.headers, media_type=self.media_type, status_code=given.get("status_code"))
        begun.then = lambda: stay(partial(Telling, self.frames, self._pulse))
        return begun


class _Begun(ASGIResponse):
    __slots__ = ("then",)
    _should_set_content_length = False
    then: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's
        await self.start_response(send)
        self.then()
