"""`python -m payment`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.cache.caching import caching
from common.main import Program, Role, main
from common.runtime import runtime
from common.standing.known import Known
from payment import app, gateway, worker
from payment.settings import PaymentSettings


@asynccontextmanager
async def program(settings: PaymentSettings, role: Role) -> AsyncIterator[Program]:
    provider = gateway.connect(
        settings.psp_url, timeout=settings.provider_timeout, limit=settings.provider_concurrency
    )
    async with runtime(settings) as held, provider as psp, caching(settings) as caches:
        calls = worker.calls(settings, held, psp)
        known = Known(held.db, token_seconds=settings.access_seconds)
        yield Program(
            app=app.create(settings, held, calls, psp, known, caches, serves=role.serves),
            runtime=held,
            consumers=[worker.consumer(settings, held, calls)] if role.works else [],
            loops=[known.run] if role.serves else [],
            finishing=[calls.run] if role.works else [],
            on_stop=calls.stop,
        )


if __name__ == "__main__":
    main(PaymentSettings, program)
