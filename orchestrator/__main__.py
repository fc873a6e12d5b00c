"""`python -m orchestrator`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.http.app import create
from common.main import Program, Role, main
from common.messaging.broker import broker
from orchestrator import worker
from orchestrator.settings import OrchestratorSettings


@asynccontextmanager
async def program(settings: OrchestratorSettings, role: Role) -> AsyncIterator[Program]:
    async with broker(settings.nats_url, settings.service) as connection:
        health = create(settings.service, [], state={}, needed={"nats": connection.answers}, reported={})
        yield Program(
            app=health,
            broker=connection,
            consumers=[worker.consumer(settings, connection)] if role.works else [],
        )


if __name__ == "__main__":
    main(OrchestratorSettings, program)
