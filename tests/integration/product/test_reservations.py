"""The consumer on the real broker: commands in, replies out, stock exact."""

import asyncio
import random
from collections import Counter
from uuid import UUID

import nats
import pytest

from common.contracts.product import ReserveStock
from common.ids import new_id
from common.main import Role
from product.model.reservation import StockCommand
from tests.integration.product.commands import replies, statuses, stock, tell
from tests.integration.product.conftest import Shop
from tests.support import eventually
from tests.unit.product.words import release, reserve


async def test_a_reservation_is_priced_taken_and_given_back(shop: Shop) -> None:
    client = await shop.start()
    tea = await client.product(name="Oolong", brand_name="Leaf", price=250, inventory=5)
    command = reserve({UUID(tea["id"]): 2})
    await tell(shop, [command])
    reply = (await replies(shop, 1))[command.id]

    assert reply["type"] == "evt.product.stock_reserved"
    assert reply["purchase"]["total"] == 500
    assert reply["purchase"]["items"] == [
        {"product_id": tea["id"], "quantity": 2, "name": "Oolong", "brand_name": "Leaf", "unit_price": 250}
    ]
    assert (await client("GET", f"/products/{tea['id']}")).body["inventory"] == 3

    await tell(shop, [release(command)])
    await replies(shop, 2)
    assert await stock(shop, tea["id"]) == 5
    changes = await shop.said("evt.product.stock_changed")
    assert [(each["version"], each["available"]) for each in changes] == [(1, 5), (2, 3), (3, 5)]


async def test_the_next_purchase_sees_the_new_price_and_a_repeated_one_the_old(shop: Shop) -> None:
    client = await shop.start()
    tea = await client.product(price=100)
    first = reserve({UUID(tea["id"]): 1})
    await tell(shop, [first])
    await replies(shop, 1)
    await client("PUT", f"/products/{tea['id']}", {"price": 999})
    again = reserve({UUID(tea["id"]): 1}, purchase_id=first.purchase.id, attempt=1)
    second = reserve({UUID(tea["id"]): 1})
    await tell(shop, [again, second])
    said = await replies(shop, 3)

    assert said[again.id]["purchase"]["total"] == 100
    assert said[second.id]["purchase"]["total"] == 999
    assert await stock(shop, tea["id"]) == 3


async def test_what_cannot_be_bought_is_refused_for_its_reason(shop: Shop) -> None:
    client = await shop.start()
    tea, gone = await client.product(inventory=1), await client.product()
    await client("DELETE", f"/products/{gone['id']}")
    cases = {
        "insufficient_stock": reserve({UUID(tea["id"]): 2}),
        "unknown_product": reserve({UUID(tea["id"]): 1, new_id(): 1}),
        "currency_mismatch": reserve({UUID(tea["id"]): 1}, currency="USD"),
    }
    deleted, cancelled = reserve({UUID(gone["id"]): 1}), reserve({UUID(tea["id"]): 1})
    await tell(shop, [*cases.values(), deleted, release(cancelled), cancelled])
    said = await replies(shop, 6)

    assert {reason: said[command.id]["reason"] for reason, command in cases.items()} == {
        each: each for each in cases
    }
    assert said[deleted.id]["reason"] == "unknown_product"
    assert said[cancelled.id]["reason"] == "cancelled"
    assert await stock(shop, tea["id"]) == 1


async def test_units_of_a_deleted_product_come_back(shop: Shop) -> None:
    client = await shop.start()
    tea = await client.product(inventory=5)
    command = reserve({UUID(tea["id"]): 5})
    await tell(shop, [command])
    await replies(shop, 1)
    await client("DELETE", f"/products/{tea['id']}")
    await tell(shop, [release(command)])
    await replies(shop, 2)
    assert await stock(shop, tea["id"]) == 5


async def test_a_hundred_buyers_of_ten_units_before_two_replicas_get_exactly_ten(shop: Shop) -> None:
    client = await shop.start(concurrency=2, batch_size=8)
    await shop.start(Role.WORKER, concurrency=2, batch_size=8)
    tea, cup = await client.product(inventory=10), await client.product(inventory=1_000)
    lines = [{UUID(tea["id"]): 1, UUID(cup["id"]): 1}, {UUID(cup["id"]): 1, UUID(tea["id"]): 1}]
    buyers = [reserve(lines[number % 2]) for number in range(100)]
    await tell(shop, buyers, again=1)
    said = await replies(shop, 100)

    assert await statuses(shop) == {"DONE": 10, "REFUSED": 90}
    assert Counter(reply["type"] for reply in said.values()) == {
        "evt.product.stock_reserved": 10,
        "evt.product.stock_refused": 90,
    }
    assert await stock(shop, tea["id"]) == 0
    assert await stock(shop, cup["id"]) == 990
    assert await shop.look("SELECT error FROM dead_letter") == []


async def test_whatever_is_repeated_and_shuffled_over_two_replicas_nothing_leaks(shop: Shop) -> None:
    client = await shop.start(concurrency=2, batch_size=16)
    await shop.start(Role.WORKER, concurrency=2, batch_size=16)
    products = [UUID((await client.product(inventory=30))["id"]) for _ in range(6)]
    chance = random.Random(20261)
    forward: list[StockCommand] = []
    undone: list[ReserveStock] = []
    for _ in range(60):
        first = reserve({each: chance.randint(1, 3) for each in chance.sample(products, 3)})
        lines = [(item.product_id, item.quantity) for item in first.purchase.items]
        forward += [first, reserve(lines, purchase_id=first.purchase.id, attempt=1)]
        if chance.random() < 0.5:
            undone.append(first)
    commands = [*forward, *(release(each, attempt=attempt) for each in undone for attempt in (0, 1))]
    chance.shuffle(commands)
    await tell(shop, commands, again=1)
    await replies(shop, len(commands))

    for product_id in products:
        assert 0 <= await stock(shop, str(product_id)) <= 30
    rows = await shop.look("SELECT purchase_id, status FROM reservations")
    assert len(rows) == 60
    ended = {row["purchase_id"]: row["status"] for row in rows}
    assert {ended[each.purchase.id] for each in undone} <= {"UNDONE", "TOMBSTONE", "REFUSED"}
    assert "NEW" not in ended.values()
    assert await shop.look("SELECT error FROM dead_letter") == []


async def test_sellers_and_buyers_at_once_keep_the_stock_exact(shop: Shop) -> None:
    client = await shop.start(concurrency=2, batch_size=8)
    tea = await client.product(inventory=20)
    path = f"/products/{tea['id']}/stock"
    buyers = [reserve({UUID(tea["id"]): 1}) for _ in range(40)]
    changes = (5, -3, 4, -2) * 5
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tell(shop, buyers))
        orders = [tasks.create_task(client("POST", path, {"change": change})) for change in changes]
    await replies(shop, 40)

    accepted = [order.result().status == 200 for order in orders]
    moved = sum(change for change, took in zip(changes, accepted, strict=True) if took)
    done = (await statuses(shop))["DONE"]
    assert await stock(shop, tea["id"]) == 20 + moved - done


async def test_a_change_of_stock_is_told_once_per_batch_with_its_last_value(shop: Shop) -> None:
    client = await shop.start(Role.API)
    tea = await client.product(inventory=50)
    await tell(shop, [reserve({UUID(tea["id"]): 1}) for _ in range(40)])
    await shop.start(Role.WORKER, batch_size=256)
    await replies(shop, 40)

    changes = await shop.said("evt.product.stock_changed")
    assert changes[-1]["available"] == 10
    assert [each["version"] for each in changes] == list(range(1, len(changes) + 1))
    assert len(changes) < 10


async def test_replies_reach_the_stream(shop: Shop) -> None:
    client = await shop.start()
    tea = await client.product()
    command = reserve({UUID(tea["id"]): 1})
    await tell(shop, [command])
    listener = await nats.connect(shop.nats_url)
    subscription = await listener.jetstream(timeout=30).subscribe(
        "evt.product.stock_reserved", ordered_consumer=True
    )
    message = await subscription.next_msg(timeout=30)
    assert message.headers is not None
    assert message.headers["Nats-Msg-Id"] == f"{command.id}:r"
    assert message.headers["Causation-Id"] == command.id
    await subscription.unsubscribe()
    await listener.close()


@pytest.mark.parametrize("quantity", [0, -5])
async def test_a_command_that_makes_no_sense_harms_nobody_else(shop: Shop, quantity: int) -> None:
    client = await shop.start()
    tea = await client.product(inventory=5)
    good = reserve({UUID(tea["id"]): 1})
    await tell(shop, [reserve({UUID(tea["id"]): quantity}), good])

    async def reserved() -> bool:
        return (await statuses(shop))["DONE"] == 1

    await eventually(reserved)
    assert await stock(shop, tea["id"]) == 4
