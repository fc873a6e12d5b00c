"""A shop with one person of every kind in it, and things that belong to one of them."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import msgspec

from account.admin import promote
from account.settings import AccountSettings
from deploy.client import Customer, until
from tests.e2e.whole import Whole, whole
from tests.integration.media.samples import form, png
from tests.security.outbound import Address
from tests.security.served import Json, Route, documents, routes
from tests.servers import Servers, fresh_stream

ANONYMOUS, ENDED, INACTIVE = "anonymous", "ended session", "inactive"
ROLES = (ANONYMOUS, "unverified", "customer", "owner", "stranger", "admin", ENDED, INACTIVE)
"""The stranger is a customer with things of their own; the owner's are what everybody asks for."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def seen(self) -> tuple[int, dict[str, str], Json]:
        """All of it but what differs from one request to the next."""
        body = {name: value for name, value in self.json.items() if name != "trace_id"}
        kept = {name.lower(): value for name, value in self.headers.items()}
        return self.status, {name: kept[name] for name in kept if name not in {"date", "traceparent"}}, body


@dataclass
class Cast:
    shop: Whole
    routes: list[Route]
    people: dict[str, Customer]
    category: str
    product: str
    purchase: str
    """The owner's, settled: also the id of its order and its payment."""
    reached: set[Address] = field(default_factory=set)
    """Whom services and tests tried to connect to, from the first moment on."""

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Of a stream, only the head."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None else {}
        session, url = self.shop.shop.session, self.shop.shop.url(path)
        async with session.request(method, url, data=data, headers=sent | dict(headers or {})) as response:
            streams = response.content_type == "text/event-stream"
            text = "" if streams else await response.text()
            return Answer(response.status, dict(response.headers), text)

    async def headers(self, role: str) -> dict[str, str]:
        """A session of its own for every call, so that one may end it; for the dead, the one they had."""
        if role == ANONYMOUS:
            return {}
        if role in {ENDED, INACTIVE}:
            return self.people[role].headers
        return (await self.signed_in(role)).headers

    async def signed_in(self, role: str) -> Customer:
        person = self.people[role].person
        login = {"email": person["email"], "password": person["password"]}
        tokens = await self.shop.shop.call("POST", "/account/login", body=login)
        return Customer(self.shop.shop, person, tokens)

    async def upload(self, owner: Customer) -> Json:
        """A picture of the owner's product."""
        raw, kind = form([("product_id", self.product.encode()), ("data", png())])
        headers = owner.headers | {"Content-Type": kind}
        answer = await self.ask("POST", "/media/upload", headers=headers, raw=raw)
        [item] = answer.json["items"]
        return dict(item)

    async def owned(self, name: str, *, by: str = "owner") -> str:
        """The id for a parameter: something fresh where a route may take it away. KeyError: nothing known."""
        owner = await self.signed_in(by)
        if name == "category_id":
            made = await owner.call("POST", "/categories", expect=201, body={"name": "Shelf"})
            return str(made["id"])
        if name == "media_id":
            return str((await self.upload(owner))["id"])
        if name == "upload_id":
            asked = {"product_id": self.product, "size": 1}
            return str((await owner.call("POST", "/media/uploads", expect=201, body=asked))["id"])
        if name == "product_id":
            made = await owner.create_product(self.category, "Vase", price=1000, inventory=5)
            return str(made["id"])
        known = {
            "account_id": owner.tokens["account"]["id"],
            "session_id": claims(owner)["sid"],
            "order_id": self.purchase,
            "payment_id": self.purchase,
            "purchase_id": self.purchase,
        }
        return str(known[name])


def claims(customer: Customer) -> Json:
    said: Json = jwt.decode(customer.tokens["access_token"], options={"verify_signature": False})
    return said


@asynccontextmanager
async def cast(servers: Servers, home: Path) -> AsyncIterator[Cast]:
    await fresh_stream(servers.nats_url)
    async with whole(servers, home, account={"tries_per_account": 100_000}) as shop:
        people = {role: await shop.shop.register() for role in ROLES if role != ANONYMOUS}
        for role, person in people.items():
            if role != "unverified":
                await person.verify()
        await crown(shop, people["admin"])
        owner = people["owner"]
        shelf = await owner.call("POST", "/categories", expect=201, body={"name": "Glass"})
        vase = await owner.create_product(shelf["id"], "Vase", price=1000, inventory=10**6)
        bought = {}
        for role in ("owner", "stranger"):
            bought[role] = await people[role].buy({vase["id"]: 1})
            await people[role].outcome(bought[role]["id"])
        await shop.settled()
        await bury(people)
        found = routes(await documents(shop))
        yield Cast(shop, found, people, shelf["id"], vase["id"], bought["owner"]["id"])


async def crown(shop: Whole, person: Customer) -> None:
    settings = {
        "service": "account",
        "port": 1,
        "nats_url": "nats://127.0.0.1",
        "redis_url": "redis://127.0.0.1",
        "database_url": shop.databases["account"],
        "signing_key_file": "-",
    }
    await promote(msgspec.convert(settings, AccountSettings), person.person["email"])


async def bury(people: Mapping[str, Customer]) -> None:
    """One session is ended, one account is switched off; waits until the other services have heard of it."""
    admin = people["admin"]
    login = {"email": admin.person["email"], "password": admin.person["password"]}
    admin.tokens = await admin.shop.call("POST", "/account/login", body=login)
    gone = people[INACTIVE].tokens["account"]["id"]
    await admin.call("PATCH", f"/account/accounts/{gone}", body={"active": False})
    await people[ENDED].call("POST", "/account/logout", expect=204)
    for path in ("/orders", "/purchases", f"/payments/{gone}"):
        for role in (ENDED, INACTIVE):
            await until(partial(refused, people[role], path), seconds=60)
    await until(partial(no_product, people), seconds=60)


async def refused(person: Customer, path: str) -> bool | None:
    url = person.shop.url(path)
    async with person.shop.session.get(url, headers=person.headers) as response:
        return response.status == 401 or None


async def no_product(people: Mapping[str, Customer]) -> bool | None:
    """The one service of which nothing is asked with a token: an empty body is refused later than a token."""
    statuses = set()
    for role in (ENDED, INACTIVE):
        dead = people[role]
        async with dead.shop.session.post(
            dead.shop.url("/categories"), json={}, headers=dead.headers
        ) as response:
            statuses.add(response.status)
    return statuses == {401} or None
