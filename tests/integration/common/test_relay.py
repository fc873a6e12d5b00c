"""Outbox, relay and partitions over the real servers."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import asyncpg
import pytest

from common.contracts import order
from common.messaging.codec import encode
from common.messaging.outbox import Outbox, OutboxRow
from common.messaging.publisher import IN_FLIGHT, Outgoing
from common.messaging.relay import Relay
from common.messaging.streams import STREAM
from common.postgres.database import Database
from tests.integration.common.bench import Bench, command, consuming
from tests.servers import Servers, fresh_stream
from tests.support import eventually

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
WRITTEN = "INSERT INTO outbox (message_id, subject, payload, correlation_id) VALUES ('x', 'y', '', 'z')"


async def say(bench: Bench, count: int, offer: Callable[[list[OutboxRow]], None] = lambda _: None) -> None:
    """In one transaction; nobody holds it in memory who is not offered it."""
    async with bench.db.begin() as tx:
        words = [order.OrderCreated(cause_id=str(n), purchase=command().purchase) for n in range(count)]
        await Outbox(offer).put(tx, words)


async def test_a_committed_message_is_published_from_memory_and_marked(bench: Bench) -> None:
    relay = Relay(bench.db, bench.broker)
    running = asyncio.ensure_future(relay.run())
    await say(bench, 500, relay.offer)
    await eventually(lambda: unpublished(bench))
    running.cancel()


async def test_a_stop_leaves_no_mark_to_the_next_start(bench: Bench) -> None:
    relay = Relay(bench.db, bench.broker)
    running = asyncio.ensure_future(relay.run())
    await say(bench, 500, relay.offer)
    await relay.finished()
    assert await unpublished(bench)
    running.cancel()


async def age(owner: str, *, seconds: int = 20, most: int = 1_000_000) -> None:
    """A message is what it was, but for the owner."""
    statement = "UPDATE outbox SET created_at = now() - $1 * interval '1 second' WHERE position <= $2"
    async with Database.connect(owner, size=1, name="owner") as db, db.begin() as tx:
        await tx.execute(statement, seconds, most)


async def test_what_a_crash_left_in_the_outbox_is_found_by_whoever_runs_next(
    bench: Bench, servers: Servers
) -> None:
    """Ten thousand rows that no memory holds: the recovery does not stop after one page."""
    await say(bench, 2000)
    await age(servers.owner_url(bench.db.url))
    relay = Relay(bench.db, bench.broker)
    assert await relay.oldest_unsent() >= 20
    running = asyncio.ensure_future(relay.run())
    await eventually(lambda: unpublished(bench))
    assert await relay.oldest_unsent() == 0
    running.cancel()


async def test_history_is_said_again_after_what_is_new_and_without_haste(
    bench: Bench, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of it would keep everybody from what is sold now."""
    await say(bench, 900)
    owner = servers.owner_url(bench.db.url)
    await age(owner)
    await age(owner, seconds=3600, most=600)
    relay = Relay(bench.db, bench.broker)
    publish = relay.publisher.publish
    last: dict[bool, float] = {}
    """When some history was said, and when something else: a mark may come late."""

    async def noted(messages: Sequence[Outgoing]) -> list[bool]:
        last.update({int(each.causation_id or 0) < 600: time.monotonic() for each in messages})
        return await publish(messages)

    monkeypatch.setattr(relay.publisher, "publish", noted)
    running = asyncio.ensure_future(relay.run())
    await eventually(lambda: unpublished(bench))
    running.cancel()
    assert last[True] - last[False] >= 1


async def unpublished(bench: Bench) -> bool:
    return await bench.rows("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0


async def test_a_rolled_back_transaction_says_nothing(bench: Bench) -> None:
    offered: list[object] = []

    async def say_and_fail() -> None:
        async with bench.db.begin() as tx:
            reply = order.OrderCreated(cause_id="x", purchase=command().purchase)
            await Outbox(offered.extend).put(tx, [reply])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await say_and_fail()
    assert offered == []
    assert await bench.rows("SELECT count(*) FROM outbox") == 0


async def test_messages_go_on_after_the_broker_was_away(bench: Bench, servers: Servers) -> None:
    async with consuming(bench.consumer(Outbox(lambda _: None))):
        await bench.publish(encode(command()))
        await eventually(lambda: len(bench.effects) == 1)
        await asyncio.to_thread(servers.stop_process, "nats")
        await asyncio.to_thread(servers.start_process, "nats")
        await bench.broker.ready()
        await eventually(lambda: bench.broker.up)
        await bench.publish(encode(command()))
        await eventually(lambda: len(bench.effects) == 2)


async def test_partitions_are_made_ahead_and_dropped_when_nobody_needs_them(
    bench: Bench, servers: Servers
) -> None:
    owner = servers.owner_url(bench.db.url)
    async with Database.connect(owner, size=1, name="owner") as db, db.begin() as tx:
        for parent in ("inbox", "outbox"):
            for day in (20200101, 20200102):
                bounds = f"FOR VALUES FROM ('{day}') TO ('{day + 1}')"
                await tx.execute(f"CREATE TABLE {parent}_{day} PARTITION OF {parent} {bounds}")
        unsent = "'2020-01-02', 'x', 'evt.order.x', '', 'y'"
        await tx.execute(
            f"INSERT INTO outbox (created_on, message_id, subject, payload, correlation_id) VALUES ({unsent})"
        )
    async with bench.db.begin() as tx:
        await tx.execute("SELECT maintain_partitions()")
        rows = await tx.fetch(
            "SELECT relname FROM pg_class WHERE relname ~ '^(in|out)box_2020' AND relkind = 'r'"
        )
        ahead = await tx.value(
            "SELECT count(*) FROM pg_class WHERE relname ~ '^(in|out)box_[0-9]{8}$' "
            "AND to_date(right(relname, 8), 'YYYYMMDD') > (now() AT TIME ZONE 'utc')::date"
        )
    assert [row["relname"] for row in rows] == ["outbox_20200102"]  # it still holds an unsent message
    assert ahead == 4


async def longest_wait(keeper: Connection, writer: Connection) -> float:
    """Of all statements of the writer, whatever the keeper has in hand."""
    waits = []
    kept = asyncio.ensure_future(keeper.execute("SELECT maintain_partitions()"))
    while not kept.done():
        began = time.monotonic()
        async with asyncio.timeout(30):
            await writer.execute(WRITTEN)
        waits.append(time.monotonic() - began)
    await kept
    return max(waits)


async def test_old_partitions_wait_for_their_readers_and_nobody_waits_for_them(
    bench: Bench, servers: Servers
) -> None:
    """Whoever reads a whole outbox, as the audit does, holds up neither tomorrow's partition nor a sale."""
    today = datetime.now(UTC).date()
    tomorrow = f"outbox_{today + timedelta(days=1):%Y%m%d}"
    connections = [await asyncpg.connect(servers.owner_url(bench.db.url)) for _ in range(3)]
    reader, keeper, writer = connections
    await keeper.execute(
        "CREATE TABLE outbox_20200101 PARTITION OF outbox FOR VALUES FROM ('20200101') TO ('20200102')"
    )
    await keeper.execute(f"DROP TABLE {tomorrow}")
    known = "SELECT to_regclass('outbox_20200101') IS NOT NULL, to_regclass($1) IS NOT NULL"
    async with reader.transaction():
        await reader.fetch("SELECT FROM outbox")
        waits = [await longest_wait(keeper, writer)]
        while min(waits) > 1 and len(waits) < 3:  # for the machine, perhaps, which is not so each time
            waits.append(await longest_wait(keeper, writer))
        assert min(waits) < 1
        assert list(await writer.fetchrow(known, tomorrow) or ()) == [True, True]
    await keeper.execute("SELECT maintain_partitions()")
    assert list(await writer.fetchrow(known, tomorrow) or ()) == [False, True]
    for connection in connections:
        await connection.close()


async def test_while_nobody_stores_the_relay_asks_again_without_haste_and_then_says_everything(
    bench: Bench, servers: Servers
) -> None:
    """As in an election: every message comes back at once with "no responders"."""
    client = await bench.broker.ready()
    await client.jetstream().delete_stream(STREAM)
    await say(bench, 1000)
    await age(servers.owner_url(bench.db.url))
    relay = Relay(bench.db, bench.broker)
    running = asyncio.ensure_future(relay.run())
    asked, begun = client.stats["out_msgs"], time.monotonic()
    await eventually(lambda: client.stats["out_msgs"] - asked > 2 * IN_FLIGHT)
    assert time.monotonic() - begun > 2
    await fresh_stream(servers.nats_url)
    await eventually(lambda: unpublished(bench))
    assert await bench.rows("SELECT count(*) FROM dead_letter") == 0
    running.cancel()
