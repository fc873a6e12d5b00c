"""Who is calling. Access tokens are verified here, against the account service's public keys."""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import aiohttp
import jwt
import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from common.http import claims
from common.http.claims import Claims
from common.http.errors import Refused
from common.standing.known import Known
from common.standing.repository import State

log = logging.getLogger(__name__)

REMEMBERED = 10_000
REFETCH_SECONDS = 5.0
"""Between two looks for an unknown key."""
STALE_SECONDS = 30.0
"""After so long the known keys are looked up again: one that is no longer published must end."""


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

    Keys come from the JWKS by `kid`; an unknown `kid` fetches again, at most every few seconds. Without a URL
    (the account service itself) only the keys last given count. What is `known` counts at every request.
    """

    def __init__(
        self,
        jwks_url: str | None,
        *,
        issuer: str,
        audience: str,
        keys: Iterable[jwt.PyJWK] = (),
        known: Known | None = None,
    ) -> None:
        self.jwks_url = jwks_url
        self.issuer = issuer
        self.audience = audience
        self.known = known
        self._keys = by_kid(keys)
        self._asked = -math.inf
        self._fetched = -math.inf
        self._fetching = asyncio.Lock()
        self._signed: OrderedDict[str, Caller] = OrderedDict()

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
        if self._keys and self.jwks_url and time.monotonic() - self._asked > STALE_SECONDS:
            await self._fetch(self.jwks_url)
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

    def accept(self, keys: Iterable[jwt.PyJWK]) -> None:
        """These and no others. Nobody stays known by a key that is gone."""
        fresh = by_kid(keys)
        if not self._keys.keys() <= fresh.keys():
            self._signed.clear()
        self._keys = fresh

    async def _verify(self, token: str) -> Caller:
        try:
            kid = claims.header(token).get("kid")
            key = await self._key(kid) if isinstance(kid, str) else None
            if key is None:
                raise Unauthorized("The token's key is not known.")
            return _caller(claims.read(token, key, issuer=self.issuer, audience=self.audience))
        except claims.UNREADABLE as error:
            raise Unauthorized("The token is not valid.") from error

    async def _key(self, kid: str) -> jwt.PyJWK | None:
        if kid not in self._keys and self.jwks_url:
            async with self._fetching:
                if kid not in self._keys and time.monotonic() - self._fetched > REFETCH_SECONDS:
                    await self._fetch(self.jwks_url)
        return self._keys.get(kid)

    async def _fetch(self, jwks_url: str) -> None:
        """Keeps the keys it has when the account service does not answer."""
        self._asked = time.monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=3)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(jwks_url) as response,
            ):
                response.raise_for_status()
                found = jwt.PyJWKSet.from_dict(await response.json())
            self.accept(found.keys)
            self._fetched = time.monotonic()
        except (aiohttp.ClientError, TimeoutError, OSError, jwt.PyJWTError, ValueError) as error:
            log.warning("cannot read the public keys: %r", error)
            if not self._keys:
                raise Refused(
                    503, "unavailable", "Try again shortly.", headers={"Retry-After": "1"}
                ) from error


def by_kid(keys: Iterable[jwt.PyJWK]) -> dict[str, jwt.PyJWK]:
    return {key.key_id: key for key in keys if key.key_id}


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
