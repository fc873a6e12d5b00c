"""What the routes are lent, and the guard that they share."""

from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures.headers import CacheControlHeader
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler

from account.passwords import Passwords
from account.proofs import Proofs
from account.repository import sessions
from account.resets import Resets
from account.settings import AccountSettings
from account.tokens import AccessTokens
from account.views import OwnData
from common.http.auth import Connection, Unauthorized
from common.postgres.database import Database

Config = NamedDependency[AccountSettings]
"""Parameter `settings`."""

Signing = NamedDependency[AccessTokens]
"""Parameter `tokens`."""

Hashing = NamedDependency[Passwords]
"""Parameter `passwords`."""

Proving = NamedDependency[Proofs]
"""Parameter `proofs`."""

Resetting = NamedDependency[Resets]
"""Parameter `resets`."""

Own = NamedDependency[OwnData]
"""Parameter `own`."""

Device = NamedDependency[str]
"""Parameter `device`: what the client says it is, for the list of sessions."""

NO_STORE = CacheControlHeader(no_store=True)
PUBLIC = {"public": True}


def device(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("User-Agent", "")[:300]


async def live(connection: Connection, handler: BaseRouteHandler) -> None:
    """A session that ended, an inactive account, a version too old: each takes its access tokens with it.

    From here on the caller is what the account is now, whatever its token says.
    """
    if handler.opt.get("public"):
        return
    caller = connection.scope["user"]
    db: Database = connection.app.state.db
    async with db.read() as tx:
        now = await sessions.standing(tx, caller.session_id, caller.account_id)
    if now is None or not now.active or caller.version < now.least_version:
        raise Unauthorized("The session has ended.")
    connection.scope["user"] = msgspec.structs.replace(caller, role=now.role, verified=now.verified)
