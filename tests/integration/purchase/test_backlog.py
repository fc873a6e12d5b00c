"""A shop that cannot keep up closes its door instead of letting everybody time out (protocol P17)."""

import asyncpg

from tests.integration.purchase.conftest import Make
from tests.integration.purchase.wire import body, shop
from tests.servers import Servers
from tests.support import Issuer, eventually

AGED = "UPDATE purchases SET created_at = now() - interval '20 seconds'"


async def test_too_many_old_pending_purchases_close_the_shop_until_they_are_decided(
    settings: Make, issuer: Issuer, servers: Servers
) -> None:
    configured = settings(backlog_limit=2, deadline=600)
    async with shop(configured, issuer) as client:
        wanted = body()

        async def status() -> int:
            """Of the same purchase again: others would grow old while the machine stands still."""
            answer = await client.post(wanted, **{"Idempotency-Key": "k"})
            assert answer.status == 202 or answer.headers["Retry-After"] == "10"
            return answer.status

        assert await status() == 202
        bought = [await client.buy() for _ in range(2)]
        connection = await asyncpg.connect(servers.owner_url(configured.database_url))
        await connection.execute(AGED)
        await connection.close()

        async def closed() -> bool:
            return await status() == 503

        await eventually(closed)
        cancel = f"{client.url}/api/v1/purchases/{bought[0]}/cancel"
        async with client.session.post(cancel, headers=client.headers) as response:
            assert response.status == 200

        async def open_again() -> bool:
            return await status() == 202

        await eventually(open_again)
