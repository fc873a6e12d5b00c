"""Who comes to the page: account says so, each time, and forgets it at once when a session ends."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from common.http.auth import Caller, Unauthorized
from common.http.errors import Problem, Refused

PATIENCE = aiohttp.ClientTimeout(total=5)
NOBODY = UUID(int=0)


class Operator(Caller, frozen=True, kw_only=True):
    """The trail of a letter names the mailbox."""

    email: str


class _Personal(msgspec.Struct):
    id: UUID
    email: str
    role: str
    verified: bool


class _Tokens(msgspec.Struct):
    access_token: str
    expires_in: int
    account: _Personal


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """The token counts for `expires_in` seconds, here and in the shop."""

    access_token: str
    expires_in: int
    email: str


class Accounts:
    """Asks where accounts are: the edge, or account itself. Stands where other services have a verifier."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def caller(self, token: str) -> Operator:
        """As the account is now. Raises Refused 401 or 503."""
        if not token.isascii() or not token.isprintable():
            raise Unauthorized("The token is not valid.")
        status, body = await self._ask("GET", "/customer/personal", token=token)
        if status == HTTPStatus.UNAUTHORIZED:
            raise Unauthorized("The session has ended.")
        who = _understood(status, body, _Personal)
        return Operator(
            account_id=who.id,
            session_id=NOBODY,
            version=0,
            role=who.role,
            verified=who.verified,
            expires_at=0.0,
            email=who.email,
        )

    async def enter(self, email: str, password: str) -> Entered:
        """Only administrators get a token here. Raises Refused."""
        status, body = await self._ask("POST", "/login", body={"email": email, "password": password})
        if 400 <= status < 500:
            told = msgspec.json.decode(body, type=Problem)
            raise Refused(status, told.code, told.detail)
        tokens = _understood(status, body, _Tokens)
        if tokens.account.role != "admin":
            await self.leave(tokens.access_token)
            raise Refused(403, "forbidden", "Only an administrator may do this.")
        return Entered(
            access_token=tokens.access_token, expires_in=tokens.expires_in, email=tokens.account.email
        )

    async def leave(self, token: str) -> None:
        await self._ask("POST", "/logout", token=token)

    async def _ask(self, method: str, path: str, *, token: str = "", body: Any = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self._url}/api/v1/account{path}"
        try:
            async with self._session.request(
                method, url, json=body, headers=headers, timeout=PATIENCE, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _away() from error


def _understood(status: int, body: bytes, kind: Any) -> Any:
    if status != HTTPStatus.OK:
        raise _away()
    return msgspec.json.decode(body, type=kind)


def _away() -> Refused:
    return Refused(503, "unavailable", "Nobody can say who you are now.", headers={"Retry-After": "1"})
