"""A service whose pool can never be had says so in one line and does not start."""

import os
import subprocess
import sys
from collections.abc import Callable

import asyncpg
import pytest

from common.postgres.database import Database
from common.postgres.room import require_room
from tests.servers import Servers
from tests.support import free_port


@pytest.fixture
async def limited(database: Callable[[str], str], servers: Servers) -> str:
    """A database that admits six connections."""
    url = database("order")
    owner = await asyncpg.connect(servers.owner_url(url))
    await owner.execute(f'ALTER DATABASE "{url.rsplit("/", 1)[1]}" CONNECTION LIMIT 6')
    await owner.close()
    return url


async def test_the_server_is_asked_what_it_admits(database: Callable[[str], str]) -> None:
    async with Database.connect(database("order"), size=1, name="tests") as db:
        await require_room(db, 99)
        with pytest.raises(SystemExit, match="CONNECTION LIMIT of the role is 100; lower POOL_SIZE to 99"):
            await require_room(db, 100)


async def test_a_limit_of_the_database_counts(limited: str) -> None:
    async with Database.connect(limited, size=1, name="tests") as db:
        await require_room(db, 5)
        with pytest.raises(SystemExit, match="CONNECTION LIMIT of the database is 6; lower POOL_SIZE to 5"):
            await require_room(db, 6)


async def test_a_database_that_is_away_stops_nobody() -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    async with Database.connect(nowhere, size=1, name="tests") as db:
        await require_room(db, 500)


def test_the_process_ends_with_one_line_and_an_exit_code(limited: str, nats_url: str) -> None:
    settings = {
        "SERVICE": "order",
        "PORT": str(free_port()),
        "DATABASE_URL": limited,
        "NATS_URL": nats_url,
        "REDIS_URL": "redis://127.0.0.1:9",
        "JWKS_URL": "http://127.0.0.1:9/jwks",
    }
    done = subprocess.run(
        [sys.executable, "-m", "order"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 1
    assert "POOL_SIZE=8" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
