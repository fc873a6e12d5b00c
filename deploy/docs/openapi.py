"""Every service's OpenAPI document as the service would answer it, without running one."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from litestar import Router
from litestar.di import Dependency
from litestar.types import ControllerRouterHandler

from common.http import app, openapi
from common.http.openapi import Json
from deploy.docs.routes import SERVED


def documents() -> dict[str, Json]:
    """By service, in the order of the page at /docs."""
    return {service: openapi.document(_app(service, list(routes))) for service, routes in SERVED.items()}


def _app(service: str, routes: Sequence[ControllerRouterHandler]) -> Any:
    """Nothing is lent that a request could use: nobody asks."""
    return app.create(service, routes, state=dict.fromkeys(_lent(routes)), needed={}, reported={})


def _lent(routes: Iterable[ControllerRouterHandler]) -> set[str]:
    """What the routes, and what these are provided with, want to be lent by name."""
    return {name for each in _functions(routes) for name in _wanted(each)}


def _functions(routes: Iterable[ControllerRouterHandler]) -> Iterator[Callable[..., Any]]:
    for route in Router("/", route_handlers=list(routes)).routes:
        for handler in getattr(route, "route_handlers", ()):
            yield handler.fn
            for provided in (handler.dependencies or {}).values():
                yield provided.dependency


def _wanted(function: Callable[..., Any]) -> Iterator[str]:
    for name, parameter in inspect.signature(function).parameters.items():
        if any(isinstance(each, Dependency) for each in getattr(parameter.annotation, "__metadata__", ())):
            yield name
