"""A request to every route that gets as far as what the route needs: rows, objects, questions to others."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import aiohttp

from common.ids import new_id
from deploy.client import Customer
from tests.e2e.whole import Whole
from tests.integration.media.samples import form, png

AT_ONCE = 8
PATIENCE = aiohttp.ClientTimeout(total=30)
NO_CODE = "00000000"

Json = dict[str, Any]


class Question(NamedTuple):
    path: str
    headers: Mapping[str, str] = {}
    body: object = None
    raw: bytes | None = None


class Answer(NamedTuple):
    """Of a stream, only the head."""

    status: int
    headers: Mapping[str, str]
    text: str
    seconds: float

    @property
    def is_refusal(self) -> bool:
        """As an outage is to be told."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return False
        return self.status == json.loads(self.text)["status"] == 503 and int(self.headers["Retry-After"]) > 0


@dataclass
class People:
    """Who asks, and what is theirs, of all rounds."""

    shop: Whole
    owner: Customer
    admin: Customer
    product: str
    media: str
    purchases: list[str]
    """Settled ones: one for each round, in which it is read, and one that nobody has read."""


async def questions(people: People) -> dict[str, Question]:
    """One to each route; what a route may take away is made anew. What is cached is asked for once before."""
    shop, owner, admin = people.shop, people.owner, people.admin
    leaving, forgetful, new, vanishing = await asyncio.gather(*(shop.shop.register() for _ in range(4)))
    shelf, spare = await asyncio.gather(
        *(owner.call("POST", "/categories", expect=201, body={"name": str(new_id())}) for _ in range(2))
    )
    vase, gone = await asyncio.gather(
        *(owner.create_product(shelf["id"], "Vase", price=1000, inventory=5) for _ in range(2))
    )
    picture, upload = await asyncio.gather(
        owner.show_picture(people.product, png(), alt=""),
        owner.call("POST", "/media/uploads", expect=201, body={"product_id": people.product, "size": 1}),
    )
    account, session = owner.tokens["account"]["id"], await _another_session(shop, owner)
    person = {**new.person, "email": f"x{new_id()}@example.com", "phone_number": f"+{new_id().int % 10**14}"}
    raw, kind = form([("product_id", people.product.encode()), ("data", png())])
    read = people.purchases[0]
    own, ruling = owner.headers, admin.headers
    basket = {
        "order_items": [{"product_id": people.product, "quantity": 1}],
        "payment": {"currency_code": "VND"},
    }
    selling = {
        "category_id": shelf["id"],
        "name": "Jug",
        "description": "-",
        "brand_name": "Acme",
        "price": 1000,
        "inventory": 1,
    }
    login = {"email": owner.person["email"], "password": owner.person["password"]}
    changed = {"current_password": forgetful.person["password"], "new_password": "correct-horse-battery"}
    reset = {"email": new.person["email"], "code": NO_CODE, "password": "correct-horse-battery"}
    return {
        "GET /account/accounts": Question("/account/accounts", ruling),
        "GET /account/accounts/{account_id}": Question(f"/account/accounts/{account}", ruling),
        "PATCH /account/accounts/{account_id}": Question(
            f"/account/accounts/{account}", ruling, {"active": True}
        ),
        "GET /account/customer/delivery": Question("/account/customer/delivery", own),
        "PUT /account/customer/delivery": Question("/account/customer/delivery", own, {"address": "1 Road"}),
        "GET /account/customer/personal": Question("/account/customer/personal", own),
        "PUT /account/customer/personal": Question(
            "/account/customer/personal", own, {"first_name": str(new_id())}
        ),
        "GET /account/jwks": Question("/account/jwks"),
        "POST /account/login": Question("/account/login", {}, login),
        "POST /account/logout": Question("/account/logout", leaving.headers),
        "POST /account/password": Question("/account/password", forgetful.headers, changed),
        "POST /account/password/forgot": Question(
            "/account/password/forgot", {}, {"email": new.person["email"]}
        ),
        "POST /account/password/reset": Question("/account/password/reset", {}, reset),
        "POST /account/refresh": Question(
            "/account/refresh", {}, {"refresh_token": vanishing.tokens["refresh_token"]}
        ),
        "POST /account/register": Question("/account/register", {}, person),
        "GET /account/sessions": Question("/account/sessions", own),
        "DELETE /account/sessions": Question("/account/sessions", vanishing.headers),
        "DELETE /account/sessions/{session_id}": Question(f"/account/sessions/{session}", own),
        "POST /account/verify": Question("/account/verify", new.headers, {"code": NO_CODE}),
        "POST /account/verify/resend": Question("/account/verify/resend", new.headers),
        "GET /categories": Question("/categories"),
        "POST /categories": Question("/categories", own, {"name": str(new_id())}),
        "GET /categories/{category_id}": Question(f"/categories/{shelf['id']}"),
        "PUT /categories/{category_id}": Question(f"/categories/{shelf['id']}", own, {"description": "."}),
        "DELETE /categories/{category_id}": Question(f"/categories/{spare['id']}", own),
        "GET /products": Question("/products"),
        "POST /products": Question("/products", own, selling),
        "POST /products/check": Question(
            "/products/check", {}, [{"product_id": people.product, "quantity": 1}]
        ),
        "GET /products/{product_id}": Question(f"/products/{people.product}"),
        "PUT /products/{product_id}": Question(f"/products/{vase['id']}", own, {"description": "."}),
        "DELETE /products/{product_id}": Question(f"/products/{gone['id']}", own),
        "POST /products/{product_id}/stock": Question(f"/products/{vase['id']}/stock", own, {"change": 1}),
        "GET /products/{product_id}/stock/movements": Question(
            f"/products/{vase['id']}/stock/movements", own
        ),
        "GET /orders": Question("/orders", own),
        "GET /orders/{order_id}": Question(f"/orders/{read}", own),
        "GET /payments": Question("/payments", ruling),
        "GET /payments/methods": Question("/payments/methods"),
        "GET /payments/{payment_id}": Question(f"/payments/{read}", own),
        "GET /purchases": Question("/purchases", own),
        "POST /purchases": Question("/purchases", own, basket),
        "GET /purchases/events": Question("/purchases/events", own),
        "DELETE /purchases/stream-session": Question("/purchases/stream-session"),
        "POST /purchases/stream-session": Question("/purchases/stream-session", own),
        "GET /purchases/{purchase_id}": Question(f"/purchases/{read}", own),
        "POST /purchases/{purchase_id}/cancel": Question(f"/purchases/{read}/cancel", own),
        "GET /purchases/{purchase_id}/events": Question(f"/purchases/{read}/events", own),
        "GET /media": Question(f"/media?product_id={people.product}"),
        "GET /media/{media_id}": Question(f"/media/{people.media}"),
        "GET /media/{media_id}/link": Question(f"/media/{people.media}/link", own),
        "DELETE /media/{media_id}": Question(f"/media/{picture['id']}", own),
        "POST /media/upload": Question("/media/upload", own | {"Content-Type": kind}, raw=raw),
        "POST /media/uploads": Question("/media/uploads", own, {"product_id": people.product, "size": 1}),
        "POST /media/uploads/{upload_id}": Question(f"/media/uploads/{upload['id']}", own),
    }


def unread(people: People, route: str) -> Question | None:
    """The same of something that nobody has asked for yet, where answers are kept."""
    never = people.purchases[-1]
    return {
        "GET /categories": Question("/categories?limit=7"),
        "GET /categories/{category_id}": Question(f"/categories/{new_id()}"),
        "GET /products": Question("/products?limit=7"),
        "GET /products/{product_id}": Question(f"/products/{new_id()}"),
        "GET /orders/{order_id}": Question(f"/orders/{never}", people.owner.headers),
        "GET /payments/{payment_id}": Question(f"/payments/{never}", people.owner.headers),
    }.get(route)


async def _another_session(shop: Whole, owner: Customer) -> str:
    """One that may be ended."""
    login = {"email": owner.person["email"], "password": owner.person["password"]}
    await shop.shop.call("POST", "/account/login", body=login)
    listed = await owner.call("GET", "/account/sessions")
    return str(next(each["id"] for each in listed["items"] if not each["current"]))


async def answers(shop: Whole, asked: Mapping[str, Question]) -> dict[str, Answer]:
    """Of all, some at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(route: str) -> Answer:
        async with gate:
            return await ask(shop, route.partition(" ")[0], asked[route])

    return dict(zip(asked, await asyncio.gather(*map(one, asked)), strict=True))


async def ask(shop: Whole, method: str, question: Question) -> Answer:
    began = time.monotonic()
    path, headers, body, raw = question
    async with shop.shop.session.request(
        method, shop.shop.url(path), headers=headers, json=body, data=raw, timeout=PATIENCE
    ) as response:
        streams = response.content_type == "text/event-stream"
        text = "" if streams else await response.text()
        return Answer(response.status, dict(response.headers), text, time.monotonic() - began)


async def warm(shop: Whole, asked: Mapping[str, Question], routes: Iterable[str]) -> None:
    await answers(shop, {route: asked[route] for route in routes})
