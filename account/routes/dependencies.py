"""What the routes are lent, and the guard that they share."""

from typing import Any

from litestar import Request
from litestar.datastructures.headers import CacheControlHeader
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler

from account.codes import Codes
from account.passwords import Passwords
from account.repository import sessions
from account.settings import AccountSettings
from account.tokens import AccessTokens
from common.http.auth import Connection, Unauthorized
from common.postgres.database import Database

Config = NamedDependency[AccountSettings]
"""Parameter `settings`."""

Signing = NamedDependency[AccessTokens]
"""Parameter `tokens`."""

Hashing = NamedDependency[Passwords]
"""Parameter `passwords`."""

Coding = NamedDependency[Codes]
"""Parameter `codes`."""

Device = NamedDependency[str]
"""Parameter `device`: what the client says it is, for the list of sessions."""

NO_STORE = CacheControlHeader(no_store=True)
PUBLIC = {"public": True}


def device(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("User-Agent", "")[:300]


async def live(connection: Connection, handler: BaseRouteHandler) -> None:
    """A session that ended, or an inactive account, takes its access tokens with it."""
    if handler.opt.get("public"):
        return
    caller = connection.scope["user"]
    db: Database = connection.app.state.db
    async with db.read() as tx:
        if not await sessions.is_live(tx, caller.session_id, caller.account_id):
            raise Unauthorized("The session has ended.")
