"""Two processes on one Redis, with the rights of product."""

from collections.abc import AsyncIterator

import pytest

from common.cache import store
from common.cache.store import ANSWER_SECONDS
from tests.integration.cache.processes import Process, new_space
from tests.servers import Servers


@pytest.fixture(autouse=True)
def always(patient: None) -> None: ...


@pytest.fixture
def impatient(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage takes as long to be noticed as in a service."""
    monkeypatch.setattr(store, "ANSWER_SECONDS", ANSWER_SECONDS)


@pytest.fixture
async def pair(servers: Servers) -> AsyncIterator[tuple[Process, Process]]:
    space = new_space()
    made = Process(servers.redis_url_of("product"), space), Process(servers.redis_url_of("product"), space)
    yield made
    for each in made:
        await each.aclose()
