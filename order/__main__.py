"""`python -m order`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.cache.caching import caching
from common.main import Program, Role, main
from common.runtime import runtime
from common.standing.known import Known
from order import app, worker
from order.settings import OrderSettings


@asynccontextmanager
async def program(settings: OrderSettings, role: Role) -> AsyncIterator[Program]:
    async with runtime(settings) as held, caching(settings) as caches:
        known = Known(held.db, token_seconds=settings.access_seconds)
        yield Program(
            app=app.create(settings, held, known, caches, serves=role.serves),
            runtime=held,
            consumers=[worker.consumer(settings, held)] if role.works else [],
            loops=[known.run] if role.serves else [],
        )


if __name__ == "__main__":
    main(OrderSettings, program)
