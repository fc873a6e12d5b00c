"""Answers that are encoded already."""

from collections.abc import Callable
from typing import Any

from litestar import MediaType, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from common.cache.model import Answer
from common.metrics.http import FROM_MEMORY

Find = Callable[[str, bytes], Answer | None]
"""By path and query, out of memory: must not block, and must know both exactly as a route would."""


def sent(answer: Answer) -> Response[Any]:
    """As it is kept; a route says which shape that has."""
    headers = {"ETag": answer.etag} if answer.etag else {}
    return Response(answer.body, media_type=MediaType.JSON, headers=headers)


class Ready:
    """In front of the application: what is in memory goes out before anybody looks closer.

    Only for what everybody may see. Routing, guards and validation take most of the time of such an answer,
    and have found nothing to object to when it was made.
    """

    def __init__(self, app: ASGIApp, find: Find) -> None:
        self.app = app
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "GET":
            answer = self._find(scope["path"], scope["query_string"])
            if answer is not None:
                scope["path_template"] = FROM_MEMORY
                await send({"type": "http.response.start", "status": 200, "headers": _headers(answer)})
                await send({"type": "http.response.body", "body": answer.body, "more_body": False})
                return
        await self.app(scope, receive, send)


def _headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    tag = [(b"etag", answer.etag.encode())] if answer.etag else []
    return [
        (b"content-type", b"application/json"),
        *tag,
        (b"content-length", str(len(answer.body)).encode()),
    ]
