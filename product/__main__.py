"""`python -m product`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.main import Program, Role, main
from common.runtime import runtime
from common.standing.known import Known
from product import answers, app, worker
from product.settings import ProductSettings


@asynccontextmanager
async def program(settings: ProductSettings, role: Role) -> AsyncIterator[Program]:
    async with runtime(settings) as held:
        known = Known(held.db, token_seconds=settings.access_seconds)
        yield Program(
            app=app.create(settings, held, known, serves=role.serves),
            runtime=held,
            consumers=[worker.consumer(settings, held)] if role.works else [],
            answers=answers.endpoints(held) if role.serves else [],
            loops=[known.run] if role.serves else [],
        )


if __name__ == "__main__":
    main(ProductSettings, program)
