"""Requests in traces: method, route and status; no path, as whoever asks may write there who somebody is."""

from collections.abc import Mapping
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from common.telemetry import spans
from common.telemetry.edge import entered

PURCHASE = ("purchase_id", "order_id", "payment_id")
"""One id names all three."""

PROBES = {"/livez", "/readyz", "/metrics"}
"""Asked every few seconds by those who watch: their traces would hide everybody else's."""


class TraceContext:
    """Continues the caller's trace, or starts one, around every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope.get("path_template") in PROBES:
            await self.app(scope, receive, send)
            return
        header = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        method, route = scope["method"], str(scope.get("path_template", ""))
        about = {"http.request.method": method, "http.route": route, "url.scheme": scope["scheme"]}
        purchase = _purchase(scope.get("path_params", {}))
        caller = header.decode("latin-1") if header else None
        with entered(caller, f"{method} {route}", about, purchase) as span:
            await self.app(scope, receive, send if span is None else _noting(send, span))


def _noting(send: Send, span: spans.Span) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.attributes["http.response.status_code"] = message["status"]
            if message["status"] >= 500:
                span.fail(str(message["status"]))
        await send(message)

    return sending


def _purchase(parameters: Mapping[str, Any]) -> str | None:
    return next((str(parameters[name]) for name in PURCHASE if name in parameters), None)
