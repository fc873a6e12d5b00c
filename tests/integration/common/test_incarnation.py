"""What a stream that is new is told of the past (P16)."""

import asyncio

from common.contracts import account, order
from common.ids import new_id
from common.messaging.incarnation import watch_incarnation
from common.messaging.outbox import Outbox
from common.postgres.database import Database
from tests.integration.common.bench import Bench, command
from tests.servers import Servers
from tests.support import eventually

TAKEN_BACK = "SELECT message_id FROM outbox WHERE published_at IS NULL"


async def test_a_new_stream_is_told_what_nobody_drives_again_and_the_last_minute_of_the_rest(
    bench: Bench, servers: Servers
) -> None:
    purchase = command().purchase
    sold, selling = [order.OrderCreated(cause_id=each, purchase=purchase) for each in ("old", "new")]
    code, forgotten = [
        account.PasswordChanged(
            entity_id=new_id(), version=1, issued_on=sold.dated, email="ann@example.com", first_name="Ann"
        )
        for _ in range(2)
    ]
    async with bench.db.begin() as tx:
        await Outbox(lambda _: None).put(tx, [sold, selling, code, forgotten])
    owner = servers.owner_url(bench.db.url)
    async with Database.connect(owner, size=1, name="owner") as db, db.begin() as tx:
        await tx.execute("UPDATE relay_state SET stream_created_at = now() - interval '1 day'")
        await tx.execute("UPDATE outbox SET published_at = now()")
        for ids, age in (([sold.id, code.id], "2 minutes"), ([forgotten.id], "25 hours")):
            old = f"UPDATE outbox SET created_at = now() - interval '{age}' WHERE message_id = ANY($1)"
            await tx.execute(old, ids)
    watching = asyncio.ensure_future(watch_incarnation(bench.db, bench.broker))

    async def taken_back() -> set[str]:
        async with bench.db.read() as tx:
            return {row["message_id"] for row in await tx.fetch(TAKEN_BACK)}

    await eventually(taken_back)
    assert await taken_back() == {selling.id, code.id}
    watching.cancel()
