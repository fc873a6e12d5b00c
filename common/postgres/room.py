"""Whether the connections that a process may open fit where it opens them: asked once, at its start."""

import logging
import sys
from typing import NamedTuple

import asyncpg

from common.postgres.database import UNAVAILABLE, Database

log = logging.getLogger(__name__)

BESIDE_THE_POOL = 1
"""The one that looks whether an outage is over."""

# What is in use now says nothing: whoever starts at the same moment has opened nothing yet. Limits last.
ROOM = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - coalesce(current_setting('reserved_connections', true)::int, 0) AS server,
       (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user) AS role,
       (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()) AS database
"""


class Room(NamedTuple):
    """Connections that the server, the role and the database admit; None where nobody set a limit."""

    server: int
    role: int | None
    database: int | None

    def misfit(self, pool_size: int) -> str | None:
        """The line that says what does not fit, and what to lower; None when it fits."""
        limits = [
            (self.server, "max_connections of the server, without the reserved ones,"),
            (self.role, "the CONNECTION LIMIT of the role"),
            (self.database, "the CONNECTION LIMIT of the database"),
        ]
        least, whose = min((limit, whose) for limit, whose in limits if limit is not None)
        if connections(pool_size) <= least:
            return None
        most = least - BESIDE_THE_POOL
        helps = f"lower POOL_SIZE to {most}" if most > 0 else "raise that limit"
        return (
            f"POOL_SIZE={pool_size}, and {BESIDE_THE_POOL} beside it, do not fit: {whose} is {least}; {helps}"
        )


def connections(pool_size: int) -> int:
    """What one process opens at most."""
    return pool_size + BESIDE_THE_POOL


async def require_room(db: Database, pool_size: int) -> None:
    """Ends the program with one line when its own pool can never be had.

    A database that is away or refuses is no reason: the service starts, and its readiness tells.
    """
    try:
        async with db.read() as tx:
            row = await tx.row(ROOM)
    except (*UNAVAILABLE, asyncpg.PostgresError) as error:
        log.warning("whether POOL_SIZE=%d fits is not known: %r", pool_size, error)
        return
    assert row is not None
    if misfit := Room(*row).misfit(pool_size):
        sys.exit(f"settings: {misfit}")
