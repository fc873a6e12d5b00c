"""Fixtures: the real servers, once per run; a fresh database and a fresh stream for each test."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded.nodes import Nodes
from tests.servers import Embedded, Servers, fresh_stream
from tests.support import Issuer


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Postgres, NATS, Redis and the SMTP catcher."""
    started = Embedded(Path(tmp_path_factory.mktemp("servers")))
    yield started
    started.close()


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """The same with three NATS and six Redis servers; whoever kills one brings it back."""
    started = Embedded(Path(tmp_path_factory.mktemp("clusters")), Nodes(nats=3, redis=6))
    yield started
    started.close()


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def database(servers: Servers) -> Callable[[str], str]:
    """service -> URL of a fresh, migrated database under the runtime role."""
    return servers.new_database


@pytest.fixture
def nats_url(servers: Servers) -> str:
    """The broker, with an empty stream and all consumers provisioned."""
    asyncio.run(fresh_stream(servers.nats_url))
    return servers.nats_url
