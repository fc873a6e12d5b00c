"""Somebody else's id is as unknown as a made-up one (API1): each reference of the documents, and a stream."""

import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple
from uuid import UUID

import pytest

from common.ids import new_id
from tests.security.cast import Answer, Cast
from tests.security.served import Json, Route

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRIES = 30


class Reference(NamedTuple):
    """`where`: path, query or body. `name` of a body's field is its path."""

    route: Route
    where: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.route.name} {self.name}"


HIDDEN, FORBIDDEN, ALIKE, SEEN, OPEN = "hidden", "forbidden", "alike", "seen", "open"
CASES: Mapping[str, str] = {
    # Nobody learns that it exists: 404, and not one byte differs.
    "DELETE /account/sessions/{session_id} session_id": HIDDEN,
    "GET /orders/{order_id} order_id": HIDDEN,
    "GET /payments/{payment_id} payment_id": HIDDEN,
    "GET /purchases/{purchase_id} purchase_id": HIDDEN,
    "GET /purchases/{purchase_id}/events purchase_id": HIDDEN,
    "POST /purchases/{purchase_id}/cancel purchase_id": HIDDEN,
    "POST /media/uploads product_id": HIDDEN,
    "POST /media/uploads/{upload_id} upload_id": HIDDEN,
    # 403, and not one byte differs.
    "GET /account/accounts/{account_id} account_id": FORBIDDEN,
    "PATCH /account/accounts/{account_id} account_id": FORBIDDEN,
    "GET /account/accounts cursor": FORBIDDEN,
    "GET /payments cursor": FORBIDDEN,
    "GET /orders account_id": FORBIDDEN,
    "POST /products id_account": FORBIDDEN,
    # A cursor is a place in one's own list: whose id it is changes nothing.
    "GET /account/sessions cursor": ALIKE,
    "GET /orders cursor": ALIKE,
    "GET /purchases cursor": ALIKE,
    # Everybody sees it, so a stranger is told that it is not theirs; and it stays as it is.
    "PUT /categories/{category_id} category_id": SEEN,
    "DELETE /categories/{category_id} category_id": SEEN,
    "PUT /products/{product_id} product_id": SEEN,
    "DELETE /products/{product_id} product_id": SEEN,
    "POST /products/{product_id}/stock product_id": SEEN,
    "GET /products/{product_id}/stock/movements product_id": SEEN,
    "DELETE /media/{media_id} media_id": SEEN,
    # Made to be seen and used by everybody.
    "GET /categories cursor": OPEN,
    "GET /categories/{category_id} category_id": OPEN,
    "GET /products category_id": OPEN,
    "GET /products seller_id": OPEN,
    "GET /products/{product_id} product_id": OPEN,
    "POST /products category_id": OPEN,
    "PUT /products/{product_id} category_id": OPEN,
    "POST /products/check [].product_id": OPEN,
    "POST /purchases order_items[].product_id": OPEN,
    "GET /media product_id": OPEN,
    "GET /media cursor": OPEN,
    "GET /media/{media_id} media_id": OPEN,
    "GET /media/{media_id}/link media_id": OPEN,
}


def references(routes: list[Route]) -> Iterator[Reference]:
    for route in routes:
        for parameter in route.parameters:
            if parameter["schema"].get("format") == "uuid":
                yield Reference(route, parameter["in"], parameter["name"])
        for name, schema in route.fields():
            if schema.get("format") == "uuid":
                yield Reference(route, "body", name)


def judged(shop: Cast, *kinds: str) -> list[Reference]:
    return [each for each in references(shop.routes) if CASES[each.key] in kinds]


async def ask(shop: Cast, reference: Reference, value: str) -> Answer:
    """As the stranger, who is signed in and has things of their own."""
    route = reference.route
    path, body = route.path, {"nobody_knows": 0} if route.body is not None else None
    if reference.where == "path":
        path = path.replace(f"{{{reference.name}}}", value)
    elif reference.where == "query":
        path += f"?{reference.name}={value}"
    else:
        body = bodies(shop)[route.name] | {reference.name: value}
    return await shop.ask(
        route.method, path, headers=shop.people["stranger"].headers | {"Last-Event-ID": "2"}, body=body
    )


def bodies(shop: Cast) -> dict[str, Json]:
    lamp = {"name": "Lamp", "brand_name": "Acme", "price": 1, "inventory": 1, "category_id": shop.category}
    return {"POST /products": lamp, "POST /media/uploads": {"size": 1}}


def of_owner(shop: Cast, reference: Reference) -> str:
    """What the parameter is named after; a cursor is the id of a row."""
    own = {"GET /account/sessions cursor": "session_id", "GET /account/accounts cursor": "account_id"}
    by_name = {"cursor": own.get(reference.key, "purchase_id"), "id_account": "account_id"}
    return by_name.get(reference.name, reference.name)


def beside(value: str) -> str:
    """Nobody's, of the same age."""
    return str(UUID(int=UUID(value).int ^ 1))


async def test_every_reference_of_the_documents_is_judged(
    shop: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [each.key for each in references(shop.routes)]
    assert sorted(found) == sorted(CASES)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(found)} references to ids\n")


async def test_what_is_not_ones_own_is_as_unknown_as_what_is_not(shop: Cast) -> None:
    expected = {HIDDEN: 404, FORBIDDEN: 403, ALIKE: 200}
    for reference in judged(shop, *expected):
        theirs = await shop.owned(of_owner(shop, reference))
        foreign = await ask(shop, reference, theirs)
        unknown = await ask(shop, reference, beside(theirs))
        assert foreign.status == expected[CASES[reference.key]], (reference.key, foreign)
        assert foreign.seen == unknown.seen, reference.key
        assert theirs not in foreign.text


async def test_what_everybody_sees_a_stranger_does_not_change(shop: Cast) -> None:
    for reference in judged(shop, SEEN):
        theirs = await shop.owned(reference.name)
        read = partial(shop.ask, "GET", f"/{reference.route.path.split('/')[1]}/{theirs}")
        before = (await read()).text
        assert (await ask(shop, reference, theirs)).status == 403, reference.key
        assert (await ask(shop, reference, str(new_id()))).status == 404, reference.key
        assert (await read()).text == before


async def test_a_list_has_ones_own_things_only(shop: Cast) -> None:
    """Also from a cursor that is somebody else's, and newer than all of one's own."""
    stranger = shop.people["stranger"]
    newest = f"ffffffff-ffff-7fff-8fff-{new_id().hex[20:]}"
    for path in ("/orders", "/purchases"):
        whole = (await shop.ask("GET", path, headers=stranger.headers)).json["items"]
        assert len(whole) == 1
        after = await shop.ask("GET", f"{path}?cursor={newest}", headers=stranger.headers)
        assert [each["id"] for each in after.json["items"]] == [each["id"] for each in whole]


async def test_a_stream_is_ones_own_whatever_the_last_event_id(shop: Cast) -> None:
    owner, stranger = await shop.signed_in("owner"), await shop.signed_in("stranger")
    bought = [(await each.buy({shop.product: 1}))["id"] for each in (owner, stranger)]
    await owner.outcome(bought[0])
    seen = set()
    async with stranger.watch_all(last_id=0) as events:
        async for event in events:
            seen.add(event.data["purchase_id"])
            if event.is_decision and event.data["purchase_id"] == bought[1]:
                break
    listed = await stranger.call("GET", "/purchases")
    assert seen == {each["id"] for each in listed["items"]}
    assert bought[0] not in seen


async def test_both_take_the_same_time(shop: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    """Reported; the bound is wide, for a busy machine."""
    for reference in judged(shop, HIDDEN):
        theirs = await shop.owned(of_owner(shop, reference))
        took: dict[str, list[float]] = {theirs: [], beside(theirs): []}
        for number in range(TRIES):
            for value, times in sorted(took.items(), reverse=bool(number % 2)):
                began = time.perf_counter()
                await ask(shop, reference, value)
                times.append((time.perf_counter() - began) * 1000)
        foreign, unknown = (statistics.median(times) for times in took.values())
        with capsys.disabled():
            sys.stdout.write(f"\n{reference.key}: {foreign:.1f} ms foreign, {unknown:.1f} ms unknown")
        assert abs(foreign - unknown) < 10 + min(foreign, unknown), reference.key
