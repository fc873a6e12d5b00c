from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from order.__main__ import program
from order.settings import OrderSettings
from tests.integration.order.wire import Wire, wire
from tests.servers import Servers
from tests.support import Issuer, free_port, running


@pytest.fixture
def order_settings(
    database: Callable[[str], str], nats_url: str, issuer: Issuer, servers: Servers
) -> OrderSettings:
    return OrderSettings(
        port=free_port(),
        nats_url=nats_url,
        database_url=database("order"),
        jwks_url=issuer.jwks_url,
        redis_url=servers.redis_url_of("order"),
        redis_cluster="," in servers.redis_url,
        pool_size=4,
        message_retry_seconds=0.1,
    )


@pytest.fixture
async def world(nats_url: str) -> AsyncIterator[Wire]:
    async with wire(nats_url) as end:
        yield end


@pytest.fixture
async def api(order_settings: OrderSettings) -> AsyncIterator[aiohttp.ClientSession]:
    """The running service, seen through HTTP."""
    async with running(order_settings, program) as url, aiohttp.ClientSession(url) as session:
        yield session
