"""What a handler is given, it is given in its own task."""

import asyncio
from typing import Any

from litestar import Litestar, get
from litestar.di import NamedDependency, Provide
from litestar.testing import AsyncTestClient

from common.http.dependencies import one_by_one, provided


async def tasks_that_provide(app: Litestar) -> Any:
    async with AsyncTestClient(app) as client:
        return (await client.get("/")).json()


def an_app() -> Litestar:
    async def first() -> int:
        return id(asyncio.current_task())

    async def second() -> int:
        return id(asyncio.current_task())

    @get("/")
    async def show(
        one: NamedDependency[int], two: NamedDependency[int], held: NamedDependency[str]
    ) -> list[object]:
        return [held, len({one, two, id(asyncio.current_task())})]

    others = {"one": Provide(first), "two": Provide(second)}
    return Litestar([show], dependencies=provided({"held": "kept"}) | others, openapi_config=None)


async def test_no_task_is_started_for_what_is_at_hand() -> None:
    app = an_app()
    assert await tasks_that_provide(app) == ["kept", 3]
    one_by_one(app)
    assert await tasks_that_provide(app) == ["kept", 1]
