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
        bought = [await client.buy() for _ in range(3)]
        connection = await asyncpg.connect(servers.owner_url(configured.database_url))
        await connection.execute(AGED)
        await connection.close()

        async def closed() -> bool:
            answer = await client.post(body())
            return answer.status == 503 and answer.headers["Retry-After"] == "10"

        await eventually(closed)
        cancel = f"{client.url}/api/v1/purchases/{bought[0]}/cancel"
        async with client.session.post(cancel, headers=client.headers) as response:
            assert response.status == 200

        async def open_again() -> bool:
            return (await client.post(body())).status == 202

        await eventually(open_again)
