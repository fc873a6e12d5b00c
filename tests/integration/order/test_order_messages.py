"""The consumer on real servers: duplicates, disorder, waiting, replicas, and the schema it stands on."""

import random

import asyncpg
import msgspec
import pytest

from common.contracts.message import Message, Purchase, Refusal
from common.contracts.order import (
    ApproveOrder,
    CancelOrder,
    CreateOrder,
    OrderApproved,
    OrderCancelled,
    OrderCreated,
    OrderRefused,
)
from common.ids import new_id
from common.messaging.consumer import NotYet
from common.postgres.database import Database
from common.postgres.migrate import on_database
from order.__main__ import program
from order.handlers import handle
from order.model import ACCOUNT_INACTIVE
from order.settings import OrderSettings
from tests.integration.order.wire import Wire, changed, purchase, registered
from tests.servers import Servers
from tests.support import eventually, free_port, running


def attempted(bought: Purchase, attempt: int) -> Purchase:
    return msgspec.structs.replace(bought, attempt=attempt)


async def rows(settings: OrderSettings, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_a_repeated_message_and_a_new_attempt_make_one_order(
    world: Wire, order_settings: OrderSettings
) -> None:
    me = new_id()
    async with running(order_settings, program):
        bought = purchase(me)
        create = CreateOrder(purchase=bought)
        again = CreateOrder(purchase=attempted(bought, 1))
        await world.say(registered(me), create)
        assert isinstance(await world.answer(create), OrderCreated)
        await world.say(create, as_id="a second copy")
        await world.say(again)
        assert isinstance(await world.answer(again), OrderCreated)
    assert await rows(order_settings, "SELECT count(*) FROM outbox") == [(2,)]
    assert await rows(order_settings, "SELECT id, status FROM orders") == [(bought.id, "PROCESSING")]
    assert await rows(order_settings, "SELECT line FROM order_lines ORDER BY line") == [(1,), (2,)]


async def test_an_order_waits_for_its_address_and_is_not_refused(
    world: Wire, order_settings: OrderSettings
) -> None:
    me = new_id()
    async with running(order_settings, program):
        create = CreateOrder(purchase=purchase(me))
        await world.say(create)
        assert world.heard == {}
        await world.say(registered(me))
        assert isinstance(await world.answer(create), OrderCreated)
    assert await rows(order_settings, "SELECT count(*) FROM dead_letter") == [(0,)]


async def test_what_is_not_known_yet_is_waited_for_and_not_counted_as_a_failure(
    order_settings: OrderSettings,
) -> None:
    async with Database.connect(order_settings.database_url, size=1, name="test") as db:
        with pytest.raises(NotYet):
            async with db.begin() as tx:
                await handle(tx, [CreateOrder(purchase=purchase(new_id()))])


async def test_who_waits_for_an_address_delays_nobody_else(
    world: Wire, order_settings: OrderSettings
) -> None:
    known, unknown = new_id(), new_id()
    creates = [CreateOrder(purchase=purchase(each)) for each in (known, unknown, known)]
    await world.say(registered(known), *creates)
    async with running(order_settings, program):
        await world.answer(creates[0])
        await world.answer(creates[2])
    assert f"{creates[1].id}:r" not in world.heard


async def test_a_closed_account_gets_a_refusal_that_stays(world: Wire, order_settings: OrderSettings) -> None:
    me = new_id()
    async with running(order_settings, program):
        bought = purchase(me)
        first, second = CreateOrder(purchase=bought), CreateOrder(purchase=attempted(bought, 1))
        await world.say(registered(me), changed(me, 2, address="1 Quay", active=False), first)
        await world.answer(first)
        await world.say(changed(me, 3, address="1 Quay", active=True), second)
        reply = await world.answer(second)
    assert isinstance(reply, Refusal)
    assert reply.reason == ACCOUNT_INACTIVE


async def test_an_approval_of_a_cancelled_order_is_parked_and_not_confirmed(
    world: Wire, order_settings: OrderSettings
) -> None:
    me = new_id()
    bought = purchase(me)
    async with running(order_settings, program):
        cancel, approve = CancelOrder(purchase=bought), ApproveOrder(purchase=bought)
        await world.say(registered(me), cancel)
        await world.answer(cancel)
        await world.say(approve)
        other = CancelOrder(purchase=purchase(me))
        await world.say(other)
        await world.answer(other)
    assert f"{approve.id}:r" not in world.heard
    assert await rows(order_settings, f"SELECT status FROM orders WHERE id = '{bought.id}'") == [
        ("TOMBSTONE",)
    ]


async def test_two_replicas_and_messages_twice_in_any_order_agree(
    world: Wire, order_settings: OrderSettings
) -> None:
    """Half of the purchases complete, half are undone; everything comes twice, shuffled."""
    dice = random.Random(1)
    accounts = [new_id() for _ in range(5)]
    kept = [purchase(dice.choice(accounts)) for _ in range(100)]
    undone = [purchase(dice.choice(accounts)) for _ in range(100)]
    creates: list[Message] = [CreateOrder(purchase=each) for each in kept]
    first: list[Message] = [
        *(registered(each) for each in accounts),
        *creates,
        *(
            kind(purchase=attempted(each, n))
            for each in undone
            for kind in (CreateOrder, CancelOrder)
            for n in (0, 1)
        ),
    ]
    dice.shuffle(first)
    closing: list[Message] = [ApproveOrder(purchase=attempted(each, n)) for each in kept for n in (0, 1)]
    late: list[Message] = [CreateOrder(purchase=attempted(each, 7)) for each in (*kept, *undone)]
    last = closing + late
    dice.shuffle(last)
    second = msgspec.structs.replace(order_settings, port=free_port(), batch_size=16)
    async with running(order_settings, program), running(second, program):
        await world.pour(first)
        await eventually(lambda: len(world.heard) == 500, seconds=120)
        await world.pour(last)
        await eventually(lambda: len(world.heard) == 900, seconds=120)
    answers = {(reply.correlation_id, type(reply)) for reply in world.heard.values()}
    assert {id_ for id_, kind in answers if kind is OrderApproved} == {str(each.id) for each in kept}
    assert {id_ for id_, kind in answers if kind is OrderCancelled} == {str(each.id) for each in undone}
    assert {id_ for id_, kind in answers if kind is OrderRefused} == {str(each.id) for each in undone}
    statuses = await rows(order_settings, "SELECT id, status FROM orders")
    assert {id_ for id_, status in statuses if status == "APPROVED"} == {each.id for each in kept}
    assert {status for id_, status in statuses if id_ not in {each.id for each in kept}} <= {
        "CANCELED",
        "TOMBSTONE",
    }
    assert await rows(
        order_settings,
        "SELECT count(*) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.created_at IS NULL",
    ) == [(0,)]


async def test_the_tables_are_what_the_migrations_make(
    order_settings: OrderSettings, servers: Servers
) -> None:
    await on_database(servers.owner_url(order_settings.database_url), "order", "check")


async def test_the_running_service_cannot_change_its_schema(order_settings: OrderSettings) -> None:
    for statement in ("CREATE TABLE x (id int)", "DROP TABLE orders", "TRUNCATE orders"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await rows(order_settings, statement)
