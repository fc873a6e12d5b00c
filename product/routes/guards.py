"""Who may change what: its creator, or an administrator. Asked before the body is read."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from litestar.handlers import BaseRouteHandler

from common.http.auth import Caller, Connection
from common.http.errors import NotFound, Refused
from common.postgres.database import Database, Transaction
from product.repository import categories, products

Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


def changed_by(what: str, owner: Callable[[Transaction, UUID], Awaitable[UUID | None]]) -> Guard:
    """Everybody may see it, hence a stranger gets 403, and 404 means that it does not exist."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        caller: Caller = connection.scope["user"]
        db: Database = connection.app.state.db
        async with db.read() as tx:
            owner_id = await owner(tx, connection.path_params[f"{what}_id"])
        if owner_id is None:
            raise NotFound(what)
        if owner_id != caller.account_id and not caller.is_admin:
            raise Refused(403, "forbidden", f"This {what} is somebody else's.")

    return guard


category_owner = changed_by("category", categories.owner)
seller = changed_by("product", products.seller)
