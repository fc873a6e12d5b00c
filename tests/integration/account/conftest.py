import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from account.__main__ import program
from account.settings import AccountSettings
from tests.integration.account.api import Api
from tests.servers import Servers, fresh_stream
from tests.support import free_port, running

EMPTY = """
DELETE FROM refresh_tokens; DELETE FROM sessions; DELETE FROM codes; DELETE FROM reset_requests;
DELETE FROM accounts; DELETE FROM outbox
"""


def key_file(path: Path) -> str:
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(path)


@asynccontextmanager
async def serving(settings: AccountSettings, db_url: str = "") -> AsyncIterator[Api]:
    """`db_url`: as whom the test looks into the database; the runtime role if nobody is named."""
    async with (
        running(settings, program) as url,
        aiohttp.ClientSession(url) as client,
        asyncpg.create_pool(db_url or settings.database_url, min_size=0, max_size=2) as db,
    ):
        yield Api(client, db, settings)


@pytest.fixture(scope="module")
def account_settings(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccountSettings]:
    """Cheap hashes: their strength is not what these tests are about."""
    asyncio.run(fresh_stream(servers.nats_url))
    with servers.databases() as database:
        yield AccountSettings(
            port=free_port(),
            nats_url=servers.nats_url,
            database_url=database("account"),
            redis_url=servers.redis_url,
            tries_per_account=100_000,
            tries_per_address=100_000,
            signing_key_file=key_file(tmp_path_factory.mktemp("account") / "key.pem"),
            password_memory_kib=16,
            password_passes=1,
            pool_size=4,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(account_settings: AccountSettings, servers: Servers) -> AsyncIterator[Api]:
    """Its database as the owner: a test makes things older than the service could."""
    async with serving(account_settings, servers.owner_url(account_settings.database_url)) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def api(served: Api) -> Api:
    """One service for all tests of a file, as if it had just begun."""
    await served.db.execute(EMPTY)
    return served
