"""Two processes on one Redis, with the rights of product."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.cache.processes import Process, new_space
from tests.servers import Servers


@pytest.fixture
async def pair(servers: Servers) -> AsyncIterator[tuple[Process, Process]]:
    space = new_space()
    made = Process(servers.redis_url_of("product"), space), Process(servers.redis_url_of("product"), space)
    yield made
    for each in made:
        await each.aclose()
