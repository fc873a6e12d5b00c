"""The bench on which messages are sent, heard and said."""

from collections.abc import AsyncIterator, Callable

import pytest

from common.messaging.broker import broker
from common.messaging.publisher import Publisher
from common.postgres.database import Database
from tests.integration.common.bench import Bench


@pytest.fixture
async def bench(database: Callable[[str], str], nats_url: str) -> AsyncIterator[Bench]:
    url = database("order")
    async with broker(nats_url, "tests") as connection, Database.connect(url, size=8, name="tests") as db:
        yield Bench(db, connection, Publisher(connection))
