"""`python -m product`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from common.cache.caching import caching
from common.http.ready import Ready
from common.main import Program, Role, main
from common.runtime import runtime
from product import answers, app, worker
from product.parts import assemble
from product.retention import Retention
from product.settings import ProductSettings


@asynccontextmanager
async def program(settings: ProductSettings, role: Role) -> AsyncIterator[Program]:
    async with runtime(settings) as held, caching(settings) as caches:
        parts = assemble(settings, held, caches)
        retention = Retention(held.db, keep_months=settings.keep_movements_months)
        yield Program(
            app=app.create(settings, parts, serves=role.serves),
            runtime=held,
            consumers=worker.consumers(settings, parts) if role.works else [],
            answers=answers.endpoints(held) if role.serves else [],
            loops=[
                *([parts.known.run, parts.changes.listen, parts.refresh.run] if role.serves else []),
                *([retention.run, *([parts.keeper.run] if parts.keeper else [])] if role.works else []),
            ],
            front=partial(Ready, find=parts.catalogue.ready),
        )


if __name__ == "__main__":
    main(ProductSettings, program)
