"""A Litestar application with errors, authentication, health, trace context and OpenAPI already on."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.config.response_cache import ResponseCacheConfig
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send
from prometheus_client.registry import Collector

from common.http import errors, health, metrics, openapi
from common.http.auth import authenticated
from common.http.dependencies import one_by_one, provided
from common.http.openapi import PREFIX as PREFIX
from common.http.requests import StrictRequest, plainly_asked
from common.http.traced import TraceContext


class AllowedMethods:
    """Litestar's own answer to OPTIONS names the methods of one handler of the path, not of all."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                others = [each for each in message["headers"] if each[0].lower() != b"allow"]
                message["headers"] = [*others, (b"allow", ", ".join(sorted(methods)).encode())]
            await send(message)

        if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS":
            template = scope.get("path_template")
            methods = {
                method
                for route in scope["litestar_app"].routes
                if getattr(route, "path_format", None) == template
                for method in getattr(route, "methods", ())
            }
            await self.app(scope, receive, sending)
        else:
            await self.app(scope, receive, send)


def create(
    service: str,
    routes: Sequence[ControllerRouterHandler],
    *,
    state: Mapping[str, Any],
    needed: Mapping[str, health.Probe],
    reported: Mapping[str, health.Probe],
    body_limit: int = 65_536,
    pages: Sequence[ControllerRouterHandler] = (),
    measured: Sequence[Collector] = (),
) -> Litestar:
    """`routes` hang under /api/v1, closed unless `opt={"public": True}`; `pages` hang under /, open.

    Its `state.health` answers the same question elsewhere; whoever runs it adds to `state.metrics`.
    """
    checks = health.Health(needed, reported)
    shown = metrics.Shown(measured)
    app = Litestar(
        [
            Router(
                PREFIX,
                route_handlers=[*routes, _openapi_document(service)],
                guards=[authenticated, plainly_asked],
            ),
            health.routes(checks),
            metrics.routes(shown),
            *pages,
        ],
        dependencies=provided(state),
        exception_handlers=errors.HANDLERS,
        request_class=StrictRequest,
        middleware=[TraceContext, AllowedMethods],
        openapi_config=OpenAPIConfig(
            title=f"Shop: {service}",
            version="1.0.0",
            path="/openapi",
            render_plugins=[],
        ),
        request_max_body_size=body_limit,
        state=State({**state, "health": checks, "metrics": shown}),
        response_cache_config=ResponseCacheConfig(),
        debug=False,
        logging_config=None,
    )
    one_by_one(app)
    return app


def _openapi_document(service: str) -> ControllerRouterHandler:
    @get(f"/openapi/{service}.json", opt={"public": True}, include_in_schema=False)
    async def show_document(request: Request[Any, Any, Any]) -> Response[bytes]:
        state = request.app.state
        if "openapi" not in state:
            state.openapi = msgspec.json.encode(openapi.document(request.app))
        return Response(state.openapi, media_type="application/vnd.oai.openapi+json")

    return show_document
