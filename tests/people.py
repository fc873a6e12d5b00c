"""Whoever speaks to a service that sells, and what they are told."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import aiohttp

from common.ids import new_id
from tests.support import Issuer

SELLER, STRANGER, ADMIN = new_id(), new_id(), new_id()


class Answer:
    """A response, read."""

    def __init__(self, status: int, headers: Mapping[str, str], body: Any) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def verdict(self) -> tuple[int, str | None]:
        """Status and, of a problem, its code."""
        return self.status, self.body.get("code") if isinstance(self.body, dict) else None


async def ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    issuer: Issuer,
    *,
    by: UUID | None,
    verified: bool,
    headers: Mapping[str, str],
    **content: Any,
) -> Answer:
    """With the token of whoever asks; `by=None` is nobody."""
    role = "admin" if by == ADMIN else "customer"
    token = issuer.headers(by, role=role, verified=verified) if by else {}
    async with session.request(method, url, headers={**token, **headers}, **content) as got:
        is_json = "json" in got.headers.get("Content-Type", "")
        return Answer(got.status, got.headers, await got.json(content_type=None) if is_json else None)
