"""Who is calling. Access tokens are verified here, against the account service's public keys."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from common.http import claims
from common.http.claims import Claims
from common.http.errors import Refused
from common.http.keys import PublicKeys
from common.standing.known import Known
from common.standing.repository import State

REMEMBERED = 10_000


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The account in the token."""

    account_id: UUID
    session_id: UUID
    version: int
    """Of the account, when the token was signed."""
    role: str
    verified: bool
    expires_at: float

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


class Unauthorized(Refused):
    """No token, or one that does not count (any more)."""

    def __init__(self, detail: str) -> None:
        super().__init__(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


def judged(caller: Caller, state: State | None, *, has_ended: bool) -> Caller:
    """The newer of token and state counts. Raises Unauthorized for a token that counts no more."""
    if has_ended or (state and caller.version < state.least_version):
        raise Unauthorized("The session has ended.")
    if state is None or state.version <= caller.version:
        return caller
    if not state.active:
        raise Unauthorized("The account is switched off.")
    return msgspec.structs.replace(caller, role=state.role, verified=state.verified)


def current(caller: Caller, known: Known) -> Caller:
    """By what this process knows now. Raises Unauthorized."""
    state = known.states.get(caller.account_id)
    return judged(caller, state, has_ended=caller.session_id in known.ended)


def admitted(caller: Caller, known: Known) -> bool:
    """Whether who was let in would be let in now: for what stays open."""
    try:
        current(caller, known)
    except Unauthorized:
        return False
    return True


class Verifier:
    """Checks signature and claims once per token, then remembers the result until it expires.

    What is `known` counts at every request.
    """

    def __init__(
        self, jwks_url: str | None, *, issuer: str, audience: str, known: Known | None = None
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self.known = known
        self._signed: OrderedDict[str, Caller] = OrderedDict()
        self.keys = PublicKeys(jwks_url, forget=self._signed.clear)

    async def caller(self, token: str) -> Caller:
        """Raises Refused 401 for anything but a valid access token of a session and an account that may call.

        503 while no key can be had; DatabaseAway while nothing is known yet.
        """
        caller = await self._as_signed(token)
        if self.known is None:
            return caller
        await self.known.informed()
        return current(caller, self.known)

    async def _as_signed(self, token: str) -> Caller:
        await self.keys.check()
        found = self._signed.get(token)
        if found is not None:
            if found.expires_at > time.time():
                return found
            del self._signed[token]
        caller = await self._verify(token)
        self._signed[token] = caller
        if len(self._signed) > REMEMBERED:
            self._signed.popitem(last=False)
        return caller

    async def _verify(self, token: str) -> Caller:
        try:
            kid = claims.header(token).get("kid")
            key = await self.keys.of(kid) if isinstance(kid, str) else None
            if key is None:
                raise Unauthorized("The token's key is not known.")
            return _caller(claims.read(token, key, issuer=self.issuer, audience=self.audience))
        except claims.UNREADABLE as error:
            raise Unauthorized("The token is not valid.") from error


def _caller(said: Claims) -> Caller:
    return Caller(
        account_id=said.sub,
        session_id=said.sid,
        version=said.ver,
        role=said.role,
        verified=said.verified,
        expires_at=said.exp,
    )


Connection = ASGIConnection[Any, Any, Any, Any]


async def authenticated(connection: Connection, handler: BaseRouteHandler) -> None:
    """On every route of every service unless it says `opt={"public": True}`; runs before the body is read."""
    if handler.opt.get("public"):
        return
    verifier: Verifier = connection.app.state.verifier
    connection.scope["user"] = await verifier.caller(_token(connection, handler))


def _token(connection: Connection, handler: BaseRouteHandler) -> str:
    """From the header; on a route with `opt={"cookie": name}`, which EventSource calls, also from there."""
    scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    cookie = connection.cookies.get(handler.opt.get("cookie", ""))
    if not cookie:
        raise Unauthorized("An access token is needed.")
    return cookie


async def verified(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Only an account whose mailbox is confirmed."""
    if not connection.scope["user"].verified:
        raise Refused(403, "not_verified", "Confirm your e-mail address first.")


async def admin(connection: Connection, _handler: BaseRouteHandler) -> None:
    if not connection.scope["user"].is_admin:
        raise Refused(403, "forbidden", "Only an administrator may do this.")


ROLES: Mapping[Any, str] = {verified: "verified", admin: "admin"}
"""What these guards want, in the words of the OpenAPI documents."""
