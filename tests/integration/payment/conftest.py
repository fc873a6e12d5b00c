"""The provider as a process, the wire to payment, and what to start payment with."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from common.postgres.database import Database
from payment.settings import PaymentSettings
from tests.integration.payment.wire import Wire, wired
from tests.integration.psp.provider import PspProcess
from tests.servers import Servers
from tests.support import Issuer, free_port


@pytest.fixture(scope="session")
def psp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PspProcess]:
    """Shared: every purchase has an id of its own."""
    ledger = tmp_path_factory.mktemp("psp") / "ledger.jsonl"
    process = PspProcess(ledger, slow_seconds=0.5, payment_limit=1_000_000).start()
    yield process
    process.stop()


@pytest.fixture
async def wire(nats_url: str) -> AsyncIterator[Wire]:
    async with wired(nats_url) as connected:
        yield connected


@pytest.fixture
def settings(
    database: Callable[[str], str], nats_url: str, psp: PspProcess, issuer: Issuer, servers: Servers
) -> PaymentSettings:
    """Impatient, for the tests' sake."""
    return PaymentSettings(
        port=free_port(),
        nats_url=nats_url,
        database_url=database("payment"),
        jwks_url=issuer.jwks_url,
        redis_url=servers.redis_url_of("payment"),
        psp_url=psp.url,
        provider_timeout=0.7,
        retry_seconds=0.2,
        retry_most_seconds=0.5,
    )


@pytest.fixture
async def db(settings: PaymentSettings) -> AsyncIterator[Database]:
    async with Database.connect(settings.database_url, size=2, name="test") as connected:
        yield connected
