from collections.abc import Callable

from common.postgres.migrate import on_database
from tests.servers import Servers


async def test_the_tables_are_what_the_migrations_make(
    servers: Servers, database: Callable[[str], str]
) -> None:
    await on_database(servers.owner_url(database("purchase")), "purchase", "check")
