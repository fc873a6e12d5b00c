"""The bench on which messages are sent, heard and said; and patience with servers on a busy machine."""

from collections.abc import AsyncIterator, Callable

import pytest

from common import redis
from common.messaging import publisher
from common.messaging.broker import broker
from common.messaging.publisher import Publisher
from common.postgres.database import Database
from tests.integration.common.bench import Bench


@pytest.fixture
async def bench(
    database: Callable[[str], str], nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    monkeypatch.setattr(publisher, "ACK_DEADLINE", 60.0)  # what is confirmed late is stored all the same
    url = database("order")
    async with broker(nats_url, "tests") as connection, Database.connect(url, size=8, name="tests") as db:
        yield Bench(db, connection, Publisher(connection))


@pytest.fixture
def patient(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence may last as long."""
    monkeypatch.setattr(redis, "SILENCE", 30.0)
