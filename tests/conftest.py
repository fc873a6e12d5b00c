"""Fixtures: the real servers, once per run; a fresh database and a fresh stream for each test."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from deploy.embedded.nodes import Nodes
from tests.servers import Embedded, Servers, fresh_stream
from tests.support import Issuer

if TYPE_CHECKING:
    from tests.containers import Containers


settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # a busy machine is no fault of what is tested


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "take Postgres, NATS, Redis, MailHog and MinIO from containers instead of the embedded stack"
    parser.addoption("--containers", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Without an engine nothing is collected: one line, and the exit code of a wrong usage."""
    if config.getoption("--containers"):
        from tests.containers import require_engine  # noqa: PLC0415 - slow to import, and seldom wanted

        try:
            require_engine()
        except LookupError as error:
            raise pytest.UsageError(f"--containers: {error}") from None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process goes through one of them when the others have ended."""
    items.sort(key=lambda item: "tests/security/" not in item.nodeid)


def pytest_report_header(config: pytest.Config) -> str:
    return f"servers: {'in containers' if config.getoption('--containers') else 'embedded'}"


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Postgres, NATS, Redis, the object store and the SMTP catcher."""
    if request.config.getoption("--containers"):
        yield request.getfixturevalue("containers")
        return
    started = Embedded(Path(tmp_path_factory.mktemp("servers")))
    yield started
    started.close()


@pytest.fixture(scope="session")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Containers"]:
    """The same in containers."""
    from tests.containers import Containers  # noqa: PLC0415 - slow to import, and seldom wanted

    started = Containers(Path(tmp_path_factory.mktemp("containers")))
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
def database(servers: Servers) -> Iterator[Callable[[str], str]]:
    """service -> URL of a fresh, migrated database under the runtime role."""
    with servers.databases() as new:
        yield new


@pytest.fixture
def nats_url(servers: Servers) -> str:
    """The broker, with an empty stream and all consumers provisioned."""
    asyncio.run(fresh_stream(servers.nats_url))
    return servers.nats_url
