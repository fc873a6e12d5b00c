"""A client of the shop, as anybody could write it: HTTP, server-sent events, a mailbox to read codes from.

The demo, the benchmark and the tests are written with it.
"""

import asyncio
import io
import json
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from deploy.events import Event, read_events

T = TypeVar("T")
Json = dict[str, Any]
API = "/api/v1"
CODE = re.compile(r"^(\d{8})\s*$", re.MULTILINE)
MAIL_SECONDS = 15.0
NO_ROUTE = "404 page not found\n"
"""An edge that has just started and knows nobody yet; the services' own 404 is problem+json."""


class Unexpected(Exception):
    """The shop answered something else than it should; says what."""


class Unavailable(Unexpected):
    """A 502, 503 or 504, or an edge without routes: ask again."""


class TooMany(Unexpected):
    """A 429: later."""


AWAY = (aiohttp.ClientError, TimeoutError, Unavailable)


async def until(question: Callable[[], Awaitable[T | None]], *, seconds: float, every: float = 0.05) -> T:
    """Asks again and again for the first answer; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            if (answer := await question()) is not None:
                return answer
            await asyncio.sleep(every)


async def answered(response: aiohttp.ClientResponse, expect: int) -> Json:
    """Raises Unexpected for any other status than the expected one."""
    text = await response.text()
    if response.status != expect:
        away = response.status in {502, 503, 504} or text == NO_ROUTE
        kind = Unavailable if away else TooMany if response.status == 429 else Unexpected
        raise kind(f"{response.method} {response.url.path} answered {response.status}: {text[:500]}")
    answer: Json = json.loads(text) if text else {}
    return answer


@dataclass
class Shop:
    """The edge of a running shop, and the mail catcher's API."""

    edge: str
    mail_api: str
    session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def at(
        cls, edge: str, mail_api: str, *, connections: int = 100, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator["Shop"]:
        """`headers` go with every request."""
        connector = aiohttp.TCPConnector(limit=connections)
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
            yield cls(edge, mail_api, session)

    def url(self, path: str) -> str:
        return self.edge + API + path

    async def call(
        self,
        method: str,
        path: str,
        *,
        expect: int = 200,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """As `answered`."""
        async with self.session.request(method, self.url(path), json=body, headers=headers) as response:
            return await answered(response, expect)

    async def register(self, **changed: str) -> "Customer":
        """A new customer with a made-up name; the mailbox is not confirmed yet."""
        number = secrets.randbelow(10**12)
        person = {
            "email": f"ada.{number}@example.com",
            "password": secrets.token_urlsafe(12),
            "first_name": "Ada",
            "last_name": "Lovelace",
            "address": "12 St James's Square, London",
            "phone_number": f"+44{number:012}",
        }
        tokens = await self.call("POST", "/account/register", expect=201, body=person | changed)
        return Customer(self, {**person, **changed}, tokens)

    async def mails_to(self, address: str) -> list[Json]:
        """The mails that were caught for an address, the newest first."""
        url = f"{self.mail_api}/api/v2/search"
        async with self.session.get(url, params={"kind": "to", "query": address}) as response:
            items: list[Json] = (await response.json())["items"]
            return items

    async def code_mailed_to(self, address: str, *, seconds: float = MAIL_SECONDS) -> str:
        """The newest verification code: eight digits alone on a line of the mail's first text part."""

        async def newest() -> str | None:
            for mail in await self.mails_to(address):
                if found := CODE.search(mail["Content"]["Body"]):
                    return found[1]
            return None

        return await until(newest, seconds=seconds)


@dataclass
class Customer:
    """Somebody with an account and a pair of tokens."""

    shop: Shop
    person: Json
    tokens: Json
    since: float = field(default_factory=time.monotonic)
    """When the tokens came."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    async def call(
        self, method: str, path: str, *, expect: int = 200, body: object = None, **headers: str
    ) -> Json:
        return await self.shop.call(method, path, expect=expect, body=body, headers=self.headers | headers)

    async def stay_signed_in(self) -> None:
        """A new pair of tokens when the old one has lived half its life."""
        if time.monotonic() - self.since > self.tokens["expires_in"] / 2:
            spent = {"refresh_token": self.tokens["refresh_token"]}
            self.tokens = await self.shop.call("POST", "/account/refresh", body=spent)
            self.since = time.monotonic()

    async def verify(self) -> None:
        """Reads the mailed code and hands it in; the new tokens may buy and sell."""
        code = await self.shop.code_mailed_to(self.person["email"])
        self.tokens = await self.call("POST", "/account/verify", body={"code": code})

    async def create_product(self, category_id: str, name: str, *, price: int, inventory: int) -> Json:
        body = {
            "category_id": category_id,
            "name": name,
            "description": f"{name}, as good as new",
            "brand_name": "Acme",
            "price": price,
            "inventory": inventory,
        }
        return await self.call("POST", "/products", expect=201, body=body)

    async def show_picture(self, product_id: str, picture: bytes, *, alt: str) -> Json:
        """Of one's own product; the answer says where everybody finds it."""
        form = aiohttp.FormData({"product_id": product_id, "alt": alt, "data": io.BytesIO(picture)})
        url = self.shop.url("/media/upload")
        async with self.shop.session.post(url, data=form, headers=self.headers) as response:
            return dict((await answered(response, 201))["items"][0])

    async def buy(self, quantities: Mapping[str, int], *, key: str | None = None, **payment: object) -> Json:
        """Returns the 202 at once; `watch` tells what becomes of it."""
        lines = [{"product_id": product, "quantity": quantity} for product, quantity in quantities.items()]
        body = {"order_items": lines, "payment": {"currency_code": "VND"} | payment}
        headers = {"Idempotency-Key": key} if key else {}
        return await self.call("POST", "/purchases", expect=202, body=body, **headers)

    async def buy_surely(self, quantities: Mapping[str, int], **payment: object) -> Json:
        """Asks again until there is an answer; the Idempotency-Key makes the repetitions one purchase."""
        key = secrets.token_urlsafe(16)
        while True:
            try:
                return await self.buy(quantities, key=key, **payment)
            except AWAY:
                await asyncio.sleep(0.2)

    async def watch(self, purchase_id: str, last_id: int | None = None) -> AsyncGenerator[Event, None]:
        """Every event once, in order, to the end; after a broken connection goes on where it was."""
        path = f"/purchases/{purchase_id}/events"
        while True:
            resume = {"Last-Event-ID": str(last_id)} if last_id else {}
            try:
                async with self._stream(path, resume) as response:
                    if response.status == 204:
                        return
                    async for event in read_events(response):
                        last_id = event.id
                        yield event
                        if event.type in {"completed", "settled"}:
                            return
            except AWAY:
                await asyncio.sleep(0.2)

    @asynccontextmanager
    async def _stream(self, path: str, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        patience = aiohttp.ClientTimeout(total=None, sock_read=40)
        url, sent = self.shop.url(path), self.headers | headers
        async with self.shop.session.get(url, headers=sent, timeout=patience) as response:
            if response.status in {502, 503, 504} or (
                response.status == 404 and response.content_type == "text/plain"
            ):
                raise Unavailable("the stream is not to be had now")
            if response.status not in {200, 204}:
                raise Unexpected(f"the stream answered {response.status}: {await response.text()}")
            yield response

    @asynccontextmanager
    async def watch_all(self, last_id: int = 0) -> AsyncIterator[AsyncIterator[Event]]:
        """Everything that happened to one's purchases after an event, and happens, over one connection."""
        async with self._stream("/purchases/events", {"Last-Event-ID": str(last_id)}) as response:
            yield read_events(response)

    async def outcome(self, purchase_id: str) -> Event:
        """Waits for the decision."""
        async for event in self.watch(purchase_id):
            if event.is_decision:
                return event
        raise Unexpected(f"the stream of {purchase_id} ended without a decision")
