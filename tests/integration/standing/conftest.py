from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from tests.integration.standing.world import World, world
from tests.servers import Servers
from tests.support import Issuer

Open = Callable[[str], AbstractAsyncContextManager[World]]


@pytest.fixture
def a_world(servers: Servers, database: Callable[[str], str], nats_url: str, issuer: Issuer) -> Open:
    """By the service's name; worlds that one test opens of one service share its database."""
    databases: dict[str, str] = {}

    def opened(service: str) -> AbstractAsyncContextManager[World]:
        if service not in databases:
            databases[service] = database(service)
        return world(service, servers, nats_url, issuer, databases[service])

    return opened
