"""What every answer carries, whoever gives it; and which pages of other origins may read it (CORS)."""

from collections.abc import Iterable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from common.settings import Settings

Headers = list[tuple[bytes, bytes]]

ALWAYS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    # For JSON, and for whatever a browser is made to take it for; a page brings a policy of its own.
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    # Much of it is personal; what may be kept says so itself.
    b"cache-control": b"no-store",
}
ENCRYPTED = {b"strict-transport-security": b"max-age=31536000"}

METHODS = b"GET, POST, PUT, PATCH, DELETE"
ASKED = b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID"
EXPOSED = b"ETag, Link, Location, Retry-After"
REMEMBERED_SECONDS = b"600"


class Outward:
    """Around the application. A header that an answer has already stays as it is."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._defaults = ALWAYS | (ENCRYPTED if settings.public_url.startswith("https:") else {})
        self._origins = frozenset(origin.encode() for origin in settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        allowed = self._allowed(scope["headers"])

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*self._completed(message["headers"]), *allowed]
            await send(message)

        if allowed and _is_preflight(scope):
            await sending({"type": "http.response.start", "status": 204, "headers": _agreement()})
            await sending({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self.app(scope, receive, sending)

    def _completed(self, given: Iterable[tuple[bytes, bytes]]) -> Headers:
        has = {name.lower() for name, _ in given}
        vary = [(b"vary", b"Origin")] if self._origins else []
        return [*given, *((name, value) for name, value in self._defaults.items() if name not in has), *vary]

    def _allowed(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Allowed is what the settings spell exactly so. With credentials: the event streams' cookie."""
        origin = next((value for name, value in headers if name == b"origin"), None)
        if origin not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", EXPOSED),
        ]


def _is_preflight(scope: HTTPScope) -> bool:
    asks = any(name == b"access-control-request-method" for name, _ in scope["headers"])
    return scope["method"] == "OPTIONS" and asks


def _agreement() -> Headers:
    """To any method and header that the API has; no origin gets to see more by it than the route answers."""
    return [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", ASKED),
        (b"access-control-max-age", REMEMBERED_SECONDS),
    ]
