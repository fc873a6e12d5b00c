"""The limits of routes that can be guessed at or flooded, and the guard that asks them before anything else.

A route names its own: `opt=PUBLIC | LOGIN`.
"""

from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any, NamedTuple

import msgspec
from litestar import Request
from litestar.handlers import BaseRouteHandler

from account import model
from account.attempts import Attempts
from common.http.auth import Connection
from common.http.errors import Refused
from common.limits.tries import Limited

Ask = Request[Any, Any, Any]


class Guarded(NamedTuple):
    """`whose`: the account, as far as a request tells. With `forgives`, only what fails counts in the end."""

    name: str
    whose: Callable[[Ask], Awaitable[str | None]]
    forgives: bool


class _Named(msgspec.Struct):
    email: str


async def mailbox(request: Ask) -> str | None:
    """None when nobody is named: such a body is refused anyway."""
    try:
        return model.mailbox(msgspec.json.decode(await request.body(), type=_Named).email)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def caller(request: Ask) -> str | None:
    return str(request.user.account_id)


async def nobody(_request: Ask) -> str | None:
    """The token is the secret, and names no account."""
    return None


LOGIN = {"guarded": Guarded("login", mailbox, forgives=True)}
REGISTER = {"guarded": Guarded("register", mailbox, forgives=False)}
VERIFY = {"guarded": Guarded("verify", caller, forgives=True)}
RESEND = {"guarded": Guarded("resend", caller, forgives=False)}
CHANGE = {"guarded": Guarded("password", caller, forgives=True)}
FORGOT = {"guarded": Guarded("forgot", mailbox, forgives=False)}
RESET = {"guarded": Guarded("reset", mailbox, forgives=True)}
REFRESH = {"guarded": Guarded("refresh", nobody, forgives=True)}


async def admitted(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard. Raises Refused 429, in the same words for an account that exists and one that does not."""
    guarded: Guarded | None = handler.opt.get("guarded")
    if guarded is None or not isinstance(connection, Request):
        return
    attempts: Attempts = connection.app.state.attempts
    address = attempts.proxies.client_of(connection)
    try:
        tried = await attempts.admit(guarded.name, await guarded.whose(connection), address)
    except Limited as limited:
        headers = {"Retry-After": str(max(1, ceil(limited.wait)))}
        raise Refused(429, "too_many_tries", "Wait before you try again.", headers=headers) from limited
    if guarded.forgives:
        connection.state.tried = tried


async def forgive(request: Ask) -> None:
    """After an answer that is no refusal."""
    if "tried" in request.state:
        attempts: Attempts = request.app.state.attempts
        await attempts.forgive(request.state.tried)
