"""The account service's public keys, by `kid`: read when a token needs one, and again now and then."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import jwt
import msgspec

from common.http.errors import Refused

log = logging.getLogger(__name__)

UNKNOWN_SECONDS = 5.0
"""Between two looks for unknown keys: whoever makes up a `kid` costs the account service no more."""
STALE_SECONDS = 30.0
"""After so long the known keys are looked up again: one that is no longer published must end."""
RETRY_SECONDS = 1.0
LOOK_SECONDS = 3.0

AWAY = (HTTPException, TimeoutError, OSError, jwt.PyJWTError, ValueError)


class PublicKeys:
    """Keeps those it has while the account service does not answer.

    Without a URL (the account service itself) only the keys last given count. `forget` is called when a key
    that counted counts no more.
    """

    def __init__(self, url: str | None, *, forget: Callable[[], None]) -> None:
        self.url = url
        self._forget = forget
        self._keys: dict[str, jwt.PyJWK] = {}
        self._next_look = self._next_check = -math.inf
        self._look: asyncio.Task[None] | None = None

    async def of(self, kid: str) -> jwt.PyJWK | None:
        """An unknown `kid` waits for a look, if one is due. Raises Refused 503 while there is no key."""
        if self.url and kid not in self._keys:
            if self._look or time.monotonic() >= self._next_look:
                await asyncio.shield(self._looking(self.url))
            if not self._keys:
                raise Refused(503, "unavailable", "Try again shortly.", headers={"Retry-After": "1"})
        return self._keys.get(kid)

    async def check(self) -> None:
        """For every request: begins a look when one is due, and waits for it only after a long silence."""
        if self.url and self._keys and time.monotonic() >= self._next_check:
            overdue = time.monotonic() >= self._next_check + STALE_SECONDS
            look = self._looking(self.url)
            if overdue:
                await asyncio.shield(look)

    def accept(self, keys: Iterable[jwt.PyJWK]) -> None:
        """These and no others."""
        fresh = {key.key_id: key for key in keys if key.key_id}
        if not self._keys.keys() <= fresh.keys():
            self._forget()
        self._keys = fresh

    def _looking(self, url: str) -> "asyncio.Task[None]":
        """One look at a time, whoever waits for it; it goes on when they leave."""
        if self._look is None:
            self._next_look = self._next_check = time.monotonic() + RETRY_SECONDS
            self._look = asyncio.ensure_future(self._read(url))
            self._look.add_done_callback(self._looked)
        return self._look

    def _looked(self, _look: "asyncio.Task[None]") -> None:
        self._look = None

    async def _read(self, url: str) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                answer = await asyncio.to_thread(fetched, url)
            self.accept(jwt.PyJWKSet.from_dict(msgspec.json.decode(answer)).keys)
        except AWAY as error:
            log.warning("cannot read the public keys: %r", error)
        else:
            now = time.monotonic()
            self._next_look, self._next_check = now + UNKNOWN_SECONDS, now + STALE_SECONDS


def fetched(url: str) -> bytes:
    """In a thread, now and then: a client for the event loop is seven megabytes that most can do without.

    Whatever the environment says about proxies. Raises HTTPException for anything but a 200.
    """
    asked = urlsplit(url)
    kind = HTTPSConnection if asked.scheme == "https" else HTTPConnection
    connection = kind(asked.netloc, timeout=LOOK_SECONDS)
    try:
        connection.request("GET", asked.path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise HTTPException(f"{url} answered {answer.status}")
        return answer.read()
    finally:
        connection.close()
