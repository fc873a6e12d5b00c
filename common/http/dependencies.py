"""The injectable types, spelled once."""

from collections.abc import Callable, Mapping
from typing import Any

from litestar import Litestar, Request
from litestar.di import NamedDependency, Provide
from litestar.routes import HTTPRoute

from common.http.auth import Caller
from common.messaging.outbox import Outbox
from common.postgres.database import Database

Db = NamedDependency[Database]
"""Parameter `db`."""

Words = NamedDependency[Outbox]
"""Parameter `outbox`."""

Me = NamedDependency[Caller]
"""Parameter `caller`: the account in the token; on authenticated routes only."""


def provided(state: Mapping[str, Any]) -> dict[str, Provide]:
    """Everything in the application's state under its own name, and the caller."""
    held = {name: Provide(_giving(thing), sync_to_thread=False) for name, thing in state.items()}
    return held | {"caller": Provide(_caller, sync_to_thread=False)}


def _giving(thing: Any) -> Callable[[], Any]:
    def give() -> Any:
        return thing

    return give


def _caller(request: Request[Caller, Any, Any]) -> Caller:
    return request.user


def one_by_one(app: Litestar) -> None:
    """What is provided is at hand; Litestar would start a task for each of what a handler is given."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for _, needs in route.route_handler_map.values():
                needs.dependency_batches = [{each} for batch in needs.dependency_batches for each in batch]
