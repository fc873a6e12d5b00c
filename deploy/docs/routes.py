"""What the edge serves, from the registered handlers."""

from collections.abc import Iterable, Iterator
from typing import Any

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

import account.app
import media.routes
import order.routes
import payment.routes
import product.routes
import purchase.app
from common.http.app import PREFIX
from common.http.auth import admin, verified
from deploy.docs.pages import table as as_table

SERVED: dict[str, Iterable[ControllerRouterHandler]] = {
    "account": [account.app.routes()],
    "product": product.routes.ROUTES,
    "order": order.routes.ROUTES,
    "payment": payment.routes.ROUTES,
    "purchase": purchase.app.ROUTES,
    "media": media.routes.ROUTES,
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
WHO: dict[Any, str] = {admin: "administrator", verified: "verified account"}


def table() -> str:
    head = ["Service", "Route under " + PREFIX, "Who", "What"]
    rows = [
        [service, f"`{method} {path}`", who(handler), handler.fn.__name__.replace("_", " ")]
        for service, handlers in SERVED.items()
        for path, method, handler in sorted(registered(handlers), key=lambda each: each[:2])
    ]
    return as_table(head, rows)


def who(handler: HTTPRouteHandler) -> str:
    """A guard that is not one of the common ones compares the caller with an owner."""
    if handler.opt.get("public"):
        return "anyone"
    guards = [getattr(guard, "fn", guard) for guard in handler.guards or ()]
    return ", ".join(WHO.get(guard, "owner or administrator") for guard in guards) or "account"


def registered(handlers: Iterable[ControllerRouterHandler]) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in Router("/", route_handlers=list(handlers)).routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in sorted(handler.http_methods):
                if method in METHODS:
                    yield getattr(route, "path_format", route.path), method, handler
