"""Signing in, staying signed in, signing out; and the keys by which others read who is signed in."""

import logging
from typing import Any, NamedTuple
from uuid import UUID

from litestar import delete, get, post
from litestar.datastructures.headers import CacheControlHeader
from litestar.params import FromPath, JSONBody

from account import model
from account.model import Account
from account.repository import accounts, sessions
from account.repository.sessions import Session
from account.routes.dependencies import NO_STORE, PUBLIC, Config, Device, Hashing, Signing
from account.routes.limits import LOGIN, REFRESH
from account.routes.refusals import bad_credentials, busy_is_refused, inactive, invalid_refresh_token
from account.routes.shapes import Login, Refresh, TokenPair, personal
from account.tokens import AccessTokens, hashed, new_refresh_token, sealed, unsealed
from common.http.dependencies import Db, Me, Words
from common.http.errors import NotFound
from common.http.openapi import also, like
from common.http.paging import Cursor, Limit, Page
from common.ids import new_id
from common.messaging.outbox import Outbox
from common.postgres.database import Transaction

log = logging.getLogger(__name__)

KEYS_MAX_AGE = 60
"""Seconds; the margin of a change of keys must be longer."""


@post("/login", status_code=200, opt=PUBLIC | LOGIN | also(401, 403, 429), cache_control=NO_STORE)
async def log_in(
    data: JSONBody[Login], db: Db, settings: Config, passwords: Hashing, tokens: Signing, device: Device
) -> TokenPair:
    """The same answer, after the same work, for an unknown user and a wrong password."""
    async with db.read() as tx:
        known = await accounts.by_email(tx, model.mailbox(data.email))
    password = model.secret(data.password)
    with busy_is_refused():
        matched = await passwords.match(password, known.password_hash if known else None)
        if known is None or not matched:
            raise bad_credentials()
        outdated = passwords.is_outdated(known.password_hash)
        fresh = await passwords.hash(password) if outdated else None
    async with db.begin() as tx:
        if fresh:
            await accounts.rehash(tx, known.account.id, old=known.password_hash, new=fresh)
        return await begin_session(tx, known.account, tokens, device, settings.refresh_seconds)


@post("/refresh", status_code=200, opt=PUBLIC | REFRESH | also(401, 429), cache_control=NO_STORE)
async def refresh(
    data: JSONBody[Refresh], db: Db, outbox: Words, settings: Config, tokens: Signing
) -> TokenPair:
    """A new pair; the old refresh token is spent. If it comes again, the session ends (RFC 9700, 4.14)."""
    async with db.begin() as tx:
        exchange = await _rotated(tx, data.refresh_token, settings.refresh_seconds) or await _repeated(
            tx, outbox, data.refresh_token, settings.refresh_grace_seconds
        )
    if exchange is None:
        raise invalid_refresh_token()
    (session_id, account), successor = exchange
    return pair(tokens, account, session_id, successor)


@post("/logout", status_code=204)
async def log_out(caller: Me, db: Db, outbox: Words) -> None:
    """Ends the session: its refresh tokens and its access tokens, everywhere."""
    async with db.begin() as tx:
        ended = await sessions.end(tx, caller.account_id, caller.session_id, "logout")
        await outbox.put(tx, map(model.session_ended, ended))


@get("/sessions")
async def list_sessions(caller: Me, db: Db, limit: Limit = 20, cursor: Cursor = None) -> Page[Session]:
    """Where the account is signed in; newest first."""
    async with db.read() as tx:
        found = await sessions.page(tx, caller.account_id, caller.session_id, cursor, limit + 1)
    return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


@delete("/sessions")
async def end_other_sessions(caller: Me, db: Db, outbox: Words) -> None:
    """All but the one that asks."""
    async with db.begin() as tx:
        await accounts.lock(tx, caller.account_id)
        ended = await sessions.end_others(tx, caller.account_id, caller.session_id, "ended")
        await outbox.put(tx, map(model.session_ended, ended))


@delete("/sessions/{session_id:uuid}")
async def end_session(session_id: FromPath[UUID], caller: Me, db: Db, outbox: Words) -> None:
    async with db.begin() as tx:
        ended = await sessions.end(tx, caller.account_id, session_id, "ended")
        if not ended:
            raise NotFound("session")
        await outbox.put(tx, map(model.session_ended, ended))


KEYS = {
    "keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1a2b3c", "x": "Zk9N"}]
}
"""As they look."""


@get("/jwks", opt=PUBLIC | like(KEYS), cache_control=CacheControlHeader(public=True, max_age=KEYS_MAX_AGE))
async def show_keys(tokens: Signing) -> dict[str, Any]:
    """RFC 7517. During a change of keys there are two."""
    return tokens.jwks


class Exchange(NamedTuple):
    continued: sessions.Continued
    successor: str


async def _rotated(tx: Transaction, token: str, seconds: float) -> Exchange | None:
    successor = new_refresh_token()
    continued = await sessions.rotate(tx, hashed(token), hashed(successor), sealed(successor, token), seconds)
    return Exchange(continued, successor) if continued else None


async def _repeated(tx: Transaction, outbox: Outbox, token: str, grace_seconds: float) -> Exchange | None:
    """Within the grace, and until the successor is used: the same again. After that it is a stolen token."""
    spent = await sessions.spent(tx, hashed(token), grace_seconds)
    if spent is None:
        return None
    if spent.seal is None:
        session_id, account = spent.continued
        log.warning("a spent refresh token came again: session %s ends", session_id)
        ended = await sessions.end(tx, account.id, session_id, "reuse")
        await outbox.put(tx, map(model.session_ended, ended))
        return None
    return Exchange(spent.continued, unsealed(spent.seal, token))


async def begin_session(
    tx: Transaction, account: Account, tokens: AccessTokens, device: str, seconds: float
) -> TokenPair:
    """Raises Refused for an account that is inactive, or has another password than a moment ago."""
    session_id, token = new_id(), new_refresh_token()
    if not await sessions.start(
        tx, session_id, account, user_agent=device, token=hashed(token), seconds=seconds
    ):
        now = await accounts.find(tx, account.id)
        raise bad_credentials() if now and now.active else inactive()
    return pair(tokens, account, session_id, token)


def pair(tokens: AccessTokens, account: Account, session_id: UUID, refresh_token: str) -> TokenPair:
    return TokenPair(
        access_token=tokens.sign(account, session_id),
        refresh_token=refresh_token,
        expires_in=tokens.seconds,
        account=personal(account),
    )


ROUTES = [log_in, refresh, log_out, list_sessions, end_other_sessions, end_session, show_keys]
