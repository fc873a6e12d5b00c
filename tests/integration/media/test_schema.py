"""The database itself: what it forbids, and to whom."""

import asyncpg
import pytest

from common.postgres.migrate import on_database
from tests.integration.media.conftest import Shop

PUT_IN = "INSERT INTO media (id, product_id, account_id, format, alt, size, status) "
ID = "gen_random_uuid()"


async def test_the_migrations_make_what_the_tables_say(shop: Shop) -> None:
    await on_database(shop.servers.owner_url(shop.settings.database_url), "media", "check")


async def test_the_database_itself_forbids_what_must_never_be(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.settings.database_url)
    for impossible in (
        f"{PUT_IN} VALUES ({ID}, {ID}, {ID}, 'image/gif', '', 1, 'STORED')",
        f"{PUT_IN} VALUES ({ID}, {ID}, {ID}, 'image/png', '', 0, 'STORED')",
        f"{PUT_IN} VALUES ({ID}, {ID}, {ID}, 'image/png', '', 1, 'LOST')",
        f"INSERT INTO products VALUES ({ID}, NULL, 1, false)",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(impossible)
    for forbidden in ("UPDATE media SET account_id = id", "UPDATE media SET format = 'image/png'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()
