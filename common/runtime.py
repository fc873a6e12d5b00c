"""What a running service holds: its database, its connection to the broker, its outbox and relay."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.http.health import Probe
from common.messaging.broker import Broker, broker
from common.messaging.outbox import Outbox
from common.messaging.relay import Relay
from common.messaging.workbench import OpenLetters
from common.postgres.database import Database
from common.postgres.room import require_room
from common.settings import DatabaseSettings


@dataclass(frozen=True)
class Runtime:
    """Opened once per process, shared by its API and its worker."""

    db: Database
    broker: Broker
    relay: Relay
    outbox: Outbox
    letters: OpenLetters
    keep_letters_days: float

    def needed(self) -> dict[str, Probe]:
        """Without its database a service can do nothing."""
        return {"postgres": self.db.answers}

    def reported(self) -> dict[str, Probe]:
        """Without the broker it accepts, and says it later."""
        return {
            "nats": self.broker.answers,
            "oldest_unsent_seconds": self.relay.oldest_unsent,
            "dead_letters": self.letters.count,
        }


@asynccontextmanager
async def runtime(settings: DatabaseSettings) -> AsyncIterator[Runtime]:
    async with (
        broker(settings.nats_url, settings.service) as connection,
        Database.connect(settings.database_url, size=settings.pool_size, name=settings.service) as db,
    ):
        await require_room(db, settings.pool_size)
        relay = Relay(db, connection)
        yield Runtime(
            db,
            connection,
            relay,
            Outbox(relay.offer),
            OpenLetters(db),
            settings.keep_letters_days,
        )
