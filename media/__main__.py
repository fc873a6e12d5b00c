"""`python -m media`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.main import Program, Role, main
from common.runtime import runtime
from common.standing.known import Known
from media import app, store, worker
from media.intake import Intake
from media.settings import MediaSettings


@asynccontextmanager
async def program(settings: MediaSettings, role: Role) -> AsyncIterator[Program]:
    async with runtime(settings) as held, store.connect(settings) as objects:
        intake = Intake(held.db, objects, pending_seconds=settings.media_pending_seconds)
        sweeps = worker.sweeps(settings, held, intake)
        staging = worker.staging(settings, held, intake)
        known = Known(held.db, token_seconds=settings.access_seconds)
        yield Program(
            app=app.create(settings, held, staging, known, serves=role.serves),
            runtime=held,
            consumers=[worker.consumer(settings, held, sweeps)] if role.works else [],
            loops=[
                *([known.run] if role.serves else []),
                *([sweeps.finish, sweeps.compare, staging.run] if role.works else []),
            ],
        )


if __name__ == "__main__":
    main(MediaSettings, program)
