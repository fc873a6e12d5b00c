"""Stream, consumer and inbox over the real servers, with handlers of the test's own."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec
import pytest

from common.contracts import order
from common.contracts.message import Message, subject
from common.messaging.broker import broker
from common.messaging.codec import Codec, encode, words
from common.messaging.consumer import NotYet
from common.messaging.outbox import Outbox
from common.messaging.publisher import Publisher
from common.messaging.pull import Delivery, Puller, Received
from common.messaging.streams import STREAM
from common.messaging.transactional import parking, transactional
from common.postgres.database import UNAVAILABLE, Transaction
from tests.integration.common.bench import Bench, command, consuming, redeliver_after
from tests.servers import Servers
from tests.support import eventually


async def test_a_hundred_copies_of_a_message_have_one_effect_and_one_reply(bench: Bench) -> None:
    message = command()
    async with (
        consuming(bench.consumer(Outbox(lambda _: None))),
        consuming(bench.consumer(Outbox(lambda _: None))),
    ):
        await bench.publish(*[encode(message)] * 100)
        await eventually(lambda: bench.effects)
        marker = command()
        await bench.publish(encode(marker))
        await eventually(lambda: marker.id in bench.effects)
    assert bench.effects == {message.id: 1, marker.id: 1}
    assert await bench.rows("SELECT count(*) FROM outbox") == 2


async def test_a_bad_message_is_parked_as_it_came_and_harms_nobody_else(bench: Bench) -> None:
    good = [command() for _ in range(20)]
    bad = b'{"type":"cmd.order.create_order","v":1'
    async with consuming(bench.consumer(Outbox(lambda _: None))):
        await bench.publish(*map(encode, good[:10]), bad, b"\x00\xff", *map(encode, good[10:]))
        await eventually(lambda: len(bench.effects) == 20)

        async def parked() -> bool:
            return await bench.rows("SELECT count(*) FROM dead_letter") == 2

        await eventually(parked)
    async with bench.db.read() as tx:
        [payload] = await tx.fetch(
            "SELECT payload, deliveries, error FROM dead_letter WHERE payload = $1", bad
        )
    assert payload["deliveries"] == 5
    assert "DecodeError" in payload["error"]
    assert set(bench.effects.values()) == {1}


async def not_yet(_: Transaction) -> None:
    raise NotYet("the account is not known here")


async def too_slow(tx: Transaction) -> None:
    """Postgres itself cancels it."""
    await tx.execute("SET LOCAL statement_timeout = 1")
    await tx.execute("SELECT pg_sleep(1)")


@pytest.mark.parametrize("fails", [not_yet, too_slow])
async def test_what_cannot_be_handled_yet_waits_and_is_never_parked(
    bench: Bench, fails: Callable[[Transaction], Awaitable[None]]
) -> None:
    """What it needs has not been heard, or the database has too much to do: neither is its fault."""
    tries, handled = Counter[str](), set[str]()
    messages = [command() for _ in range(8)]

    async def handle(tx: Transaction, batch: Sequence[Message]) -> list[Message]:
        for each in batch:
            tries[each.id] += 1
            if tries[each.id] < 8:
                await fails(tx)
        tx.after_commit(lambda: handled.update(each.id for each in batch))
        return []

    consumer = bench.consumer(Outbox(lambda _: None))
    consumer.work = transactional(bench.db, Outbox(lambda _: None), Codec(words(order)), handle)
    async with consuming(consumer):
        await bench.publish(*map(encode, messages))
        await eventually(lambda: len(handled) == len(messages), seconds=60)
    assert await bench.rows("SELECT count(*) FROM dead_letter") == 0


async def test_an_outage_of_the_database_loses_and_parks_nothing(bench: Bench, servers: Servers) -> None:
    messages = [command() for _ in range(50)]

    async def all_are_done() -> bool:
        """As the database has it: of a commit that met the stop nobody has heard, and it is not repeated."""
        with suppress(*UNAVAILABLE):
            return await bench.rows("SELECT count(DISTINCT causation_id) FROM outbox") == 50
        return False

    async with consuming(bench.consumer(Outbox(lambda _: None))):
        await bench.publish(*map(encode, messages[:25]))
        await asyncio.to_thread(servers.stop_process, "postgres")
        try:
            await bench.publish(*map(encode, messages[25:]))
        finally:
            await asyncio.to_thread(servers.start_process, "postgres")
        await eventually(all_are_done, seconds=60)
    assert set(bench.effects.values()) == {1}
    assert await bench.rows("SELECT count(*) FROM outbox") == 50
    assert await bench.rows("SELECT count(*) FROM dead_letter") == 0


async def test_a_consumer_that_stops_gives_back_what_it_did_not_begin(bench: Bench, nats_url: str) -> None:
    """Another replica has it at once, not after the redelivery time."""
    await redeliver_after(nats_url, 120.0)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Transaction, batch: Sequence[Message]) -> list[Message]:
        begun.set()
        await go_on.wait()
        return await bench.handle(tx, batch)

    outbox = Outbox(lambda _: None)
    first = bench.consumer(outbox)
    first.work = transactional(bench.db, outbox, Codec(words(order)), slow)
    running = asyncio.ensure_future(first.run())
    await bench.publish(encode(command()))
    await begun.wait()
    later = [command() for _ in range(30)]
    await bench.publish(*map(encode, later))
    await eventually(lambda: len(first.puller.waiting) == 30)
    await first.stop()
    go_on.set()
    async with asyncio.timeout(30):
        await running
    async with consuming(bench.consumer(outbox)):
        await eventually(lambda: len(bench.effects) == 31)


async def test_what_is_meant_for_one_replica_does_not_reach_another(bench: Bench, nats_url: str) -> None:
    """Neither messages, which would be handled twice, nor the stream's word that it has stored something."""
    js = (await bench.broker.ready()).jetstream()

    async def both_wait() -> bool:
        """At the stream: one that has got something asks again, behind the other."""
        return ((await js.consumer_info(STREAM, "order")).num_waiting or 0) >= 2

    async with broker(nats_url, "tests") as elsewhere:
        pullers = [Puller(each, "order", batch_size=64) for each in (bench.broker, elsewhere)]
        pulling = [asyncio.ensure_future(puller.batch()) for puller in pullers]
        await eventually(both_wait)
        await bench.publish(encode(command()))
        await asyncio.wait(pulling, return_when=asyncio.FIRST_COMPLETED)
        await bench.publish(encode(command()))
        taken = [delivery.sequence for each in await asyncio.gather(*pulling) for delivery in each]
        assert len(taken) == len(set(taken)) == 2
        assert not any(puller.waiting for puller in pullers)
        acks = [Publisher(each) for each in (bench.broker, elsewhere)]
        assert len({publisher._prefix for publisher in acks}) == 2
        for puller in pullers:
            await puller.stop()


async def test_a_batch_with_one_bad_message_is_halved_until_that_is_alone(bench: Bench) -> None:
    """One at a time would be 64 transactions."""
    tries: list[int] = []
    poison = command()
    bad = order.CreateOrder(purchase=msgspec.structs.replace(poison.purchase, method="poison"))
    consumer = bench.consumer(Outbox(lambda _: None))
    work = consumer.work

    async def counted(deliveries: Sequence[Received]) -> None:
        tries.append(len(deliveries))
        await work(deliveries)

    consumer.work = counted
    together = [
        Delivery(subject(type(each)), f"$JS.ACK.S.C.1.{n}.1.0.0", b"", encode(each))
        for n, each in enumerate([*(command() for _ in range(40)), bad, *(command() for _ in range(23))])
    ]
    await consumer._attempt(together)
    assert len(bench.effects) == 63
    assert sorted(tries, reverse=True)[:3] == [64, 32, 32]
    assert len(tries) == 1 + 2 * 6


async def test_messages_that_others_crashes_delivered_often_are_tried_before_they_are_parked(
    bench: Bench,
) -> None:
    """A process that dies again and again has its whole queue delivered again and again, untried."""
    messages = [command() for _ in range(10)]
    await bench.publish(*map(encode, messages))
    dying = Puller(bench.broker, "order", batch_size=64)
    client = await bench.broker.ready()
    for _ in range(7):
        taken: list[Delivery] = []
        while len(taken) < len(messages):
            taken += await dying.batch()
        for delivery in taken:
            await client.publish(delivery.reply, b"-NAK")
    await dying.stop()
    await client.flush()
    async with consuming(bench.consumer(Outbox(lambda _: None))):
        await eventually(lambda: len(bench.effects) == 10)
    assert await bench.rows("SELECT count(*) FROM dead_letter") == 0


async def test_a_message_that_kills_its_process_is_parked_after_four_lone_attempts(bench: Bench) -> None:
    """The count of attempts is on disk before each attempt, so a crash does not forget it."""
    message = command()
    await bench.publish(encode(message))
    park = parking(bench.db, "order")
    puller = Puller(bench.broker, "order", batch_size=1)
    [delivery] = await puller.batch()
    assert [await park.attempt(delivery) for _ in range(4)] == [1, 2, 3, 4]  # lives of a process
    client = await bench.broker.ready()
    for _ in range(2):
        await client.publish(delivery.reply, b"-NAK")
        [delivery] = await puller.batch()
    assert delivery.deliveries == 3
    await client.publish(delivery.reply, b"-NAK")
    await puller.stop()
    async with consuming(bench.consumer(Outbox(lambda _: None))):

        async def parked() -> bool:
            return await bench.rows("SELECT count(*) FROM dead_letter") == 1

        await eventually(parked)
    assert not bench.effects
