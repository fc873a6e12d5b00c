"""The injectable types, spelled once."""

from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide

from common.http.auth import Caller
from common.messaging.outbox import Outbox
from common.postgres.database import Database

Db = NamedDependency[Database]
"""Parameter `db`."""

Words = NamedDependency[Outbox]
"""Parameter `outbox`."""

Me = NamedDependency[Caller]
"""Parameter `caller`: the account in the token; on authenticated routes only."""


def _db(state: State) -> Database:
    db: Database = state.db
    return db


def _outbox(state: State) -> Outbox:
    outbox: Outbox = state.outbox
    return outbox


def _caller(request: Request[Caller, Any, Any]) -> Caller:
    return request.user


PROVIDED = {
    "db": Provide(_db, sync_to_thread=False),
    "outbox": Provide(_outbox, sync_to_thread=False),
    "caller": Provide(_caller, sync_to_thread=False),
}
