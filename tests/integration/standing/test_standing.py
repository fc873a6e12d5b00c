"""What account takes back counts within a second on two replicas, although only one of them hears of it."""

import asyncio

import pytest

from common.contracts.message import Message
from common.messaging.outbox import as_outgoing
from tests.integration.standing.conftest import Open
from tests.integration.standing.world import GUARDED, SERVICES, Route, Session, World
from tests.support import Issuer

SECOND = 1.0


async def takes_effect(
    world: World, said: Message, status: int, route: Route, headers: dict[str, str]
) -> None:
    before = await world.statuses(route, headers)
    assert status not in before
    at = await world.say(said)
    took = await world.both_answer(status, route, headers) - at
    assert took < SECOND


@pytest.mark.parametrize("service", SERVICES)
async def test_a_token_that_account_took_back_is_401_on_every_replica_within_a_second(
    a_world: Open, issuer: Issuer, service: str
) -> None:
    left, reset, closed, other = (Session(issuer) for _ in range(4))
    route, let_in = GUARDED[service]
    async with a_world(service) as world:
        assert await world.statuses(route, other.headers()) == [let_in] * 2
        await asyncio.gather(
            takes_effect(world, left.ended(), 401, route, left.headers()),
            takes_effect(world, reset.changed(least_version=2), 401, route, reset.headers()),
            takes_effect(world, closed.changed(active=False), 401, route, closed.headers()),
        )
        assert await world.statuses(route, other.headers()) == [let_in] * 2
        assert await world.statuses(route, reset.headers(version=2)) == [let_in] * 2


async def test_an_administrator_who_is_one_no_more_is_403(a_world: Open, issuer: Issuer) -> None:
    boss = Session(issuer)
    async with a_world("payment") as world:
        headers = boss.headers(role="admin")
        await takes_effect(world, boss.changed(role="customer"), 403, ("GET", "/payments"), headers)
        assert await world.statuses(("GET", "/payments"), boss.headers(3, role="admin")) == [200, 200]


async def test_a_former_administrator_changes_nothing_of_others(a_world: Open, issuer: Issuer) -> None:
    seller, boss = Session(issuer), Session(issuer)
    new = {"name": "Lamps", "description": "Light"}
    async with a_world("product") as world:
        url = f"{world.bases[0]}/api/v1/categories"
        async with world.http.post(url, json=new, headers=seller.headers()) as response:
            category = (await response.json())["id"]
        headers = boss.headers(role="admin")
        route = ("PUT", f"/categories/{category}")
        await takes_effect(world, boss.changed(role="customer"), 403, route, headers)


@pytest.mark.parametrize(("service", "path"), [("purchase", "/purchases"), ("product", "/products")])
async def test_an_address_that_is_not_confirmed_any_more_neither_buys_nor_sells(
    a_world: Open, issuer: Issuer, service: str, path: str
) -> None:
    """The body would not be accepted either, but is not looked at."""
    mover = Session(issuer)
    async with a_world(service) as world:
        await takes_effect(world, mover.changed(verified=False), 403, ("POST", path), mover.headers())
        assert await world.statuses(("POST", path), mover.headers(version=3)) == [400, 400]


async def test_words_in_any_order_leave_the_newest(a_world: Open, issuer: Issuer) -> None:
    one, all_at_once, marker = (Session(issuer) for _ in range(3))
    route = ("POST", "/purchases")
    async with a_world("purchase") as world:
        await takes_effect(world, one.changed(4, verified=False), 403, route, one.headers())
        await world.say(one.changed(2), one.changed(3))
        versions = (all_at_once.changed(each, verified=each != 5) for each in (3, 5, 2, 4))
        await world.say(*versions)
        await takes_effect(world, marker.ended(), 401, route, marker.headers())
        for each in (one, all_at_once):
            assert await world.statuses(route, each.headers()) == [403, 403]
            assert await world.statuses(route, each.headers(version=5)) == [400, 400]


async def test_a_word_that_is_repeated_changes_nothing(a_world: Open, issuer: Issuer) -> None:
    """As after the broker lost its disk; also when the inbox has forgotten it."""
    session, marker = Session(issuer), Session(issuer)
    route, _ = GUARDED["order"]
    async with a_world("order") as world:
        await takes_effect(world, session.ended(), 401, route, session.headers())
        again = [as_outgoing(each) for each in (session.ended(), session.changed(2), session.changed(2))]
        copies = [each._replace(message_id=f"{each.message_id}#{n}") for n, each in enumerate(again)]
        assert all(await world.publisher.publish(copies))
        await takes_effect(world, marker.ended(), 401, route, marker.headers())
        assert await world.statuses(route, session.headers()) == [401, 401]


async def test_a_restarted_replica_knows_before_it_answers(a_world: Open, issuer: Issuer) -> None:
    session = Session(issuer)
    route, _ = GUARDED["order"]
    async with a_world("order") as world:
        await takes_effect(world, session.ended(), 401, route, session.headers())
    async with a_world("order") as world:
        assert await world.statuses(route, session.headers()) == [401, 401]
